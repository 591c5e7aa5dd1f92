"""A prefix which has files of others, in its folders too: an install, a replacement and a removal there are
done, or as if they had not been begun, whatever comes between."""

import hashlib
import json
import os
import shutil
import signal
import stat
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.reliability.bench import Bench, Row
from tests.reliability.injection import KILL, Fault
from tests.reliability.runs import Ended, stopped, whole
from tests.reliability.world import World

Look = dict[str, str]

_ERRORS = ("EIO", "ENOSPC", "EACCES")
_LASTING = ("ENOSPC", "EROFS")
_NEVER = 1 << 40
# What others have there before, and what somebody has added to the Python or changed since.
_FOREIGN = (
    "bin/tool",
    "lib/notes",
    "lib/python3.13/site-packages/theirs.py",
    "share/man/man1/tool.1",
    "README",
)
_ADDED = ("lib/python3.13/site-packages/added.py", "bin/added", "lib/python3.13/package1/notes")


@dataclass(frozen=True, slots=True)
class _Deed:
    """A command, and how the prefix looks before it and after it."""

    name: str
    arguments: tuple[str, ...]
    before: Look
    after: Look


@dataclass(frozen=True, slots=True)
class _Case:
    """A command, and the fault it meets, or the moment of a kill as a part of its time."""

    name: str
    fault: Fault | float

    def __str__(self) -> str:
        return f"{self.name}: {self.fault}"


def run(bench: Bench) -> list[Row]:
    """Try faults at steps of each command, and kills at random moments; bounded, some of them."""
    with bench.worlds(files=3, padding=5_000) as worlds:
        deeds = {id(world): {deed.name: deed for deed in _deeds(world)} for world in worlds}
        cases = [case for deed in deeds[id(worlds[0])].values() for case in _cases(worlds[0], deed)]
        if not bench.wanted.full:
            cases = sorted(bench.random("prefixes", -1).sample(cases, 30), key=cases.index)
        chance = bench.random("prefixes", -2)
        names = list(deeds[id(worlds[0])]) * bench.wanted.amount(1, 60)
        cases += [_Case(name, chance.random()) for name in names]
        lengths = {name: _length(worlds[0], deed) for name, deed in deeds[id(worlds[0])].items()}

        def attempt(world: World, case: _Case, random: Random) -> list[str]:
            del random
            return _attempt(world, deeds[id(world)][case.name], case, lengths[case.name])

        return bench.each("prefixes", cases, worlds, attempt, _named)


def _prefix(world: World) -> Path:
    return world.pyman.root / "prefix"


def _templates(world: World) -> Path:
    return world.pyman.root / "prefixes"


def _deeds(world: World) -> list[_Deed]:
    """Do each command undisturbed, and remember what that gives."""
    prefix, builds = str(_prefix(world)), world.builds
    install = ("install", builds.new.key, "--prefix", prefix)
    for name in _FOREIGN:
        _write(_prefix(world) / name, f"theirs: {name}")
    made = [_done(world, "install", install)]
    made.append(_done(world, "remove", ("uninstall", "--prefix", prefix)))
    _check(world, ("install", builds.old.key, "--prefix", prefix))
    for name in _ADDED:
        _write(_prefix(world) / name, f"added: {name}")
    made.append(_done(world, "replace", (*install, "--force")))
    shutil.rmtree(prefix)
    return [*made, _done(world, "install where nothing is", install)]


def _done(world: World, name: str, arguments: tuple[str, ...]) -> _Deed:
    prefix = _prefix(world)
    before = look(prefix)
    if prefix.exists():
        shutil.copytree(prefix, _templates(world) / name, symlinks=True)
    _check(world, arguments)
    return _Deed(name, arguments, before, look(prefix))


def _check(world: World, arguments: tuple[str, ...]) -> None:
    done = world.forks.run(world.pyman, *arguments)
    if done.code or done.faults():
        raise RuntimeError(f"undisturbed, `pyman {' '.join(arguments)}` fails: {done.stderr}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _reset(world: World, deed: _Deed) -> None:
    prefix = _prefix(world)
    shutil.rmtree(prefix, ignore_errors=True)
    if deed.before:
        shutil.copytree(_templates(world) / deed.name, prefix, symlinks=True)


def _cases(world: World, deed: _Deed) -> list[_Case]:
    _reset(world, deed)
    done = world.forks.run(world.pyman, *deed.arguments, fault=Fault(_NEVER, KILL))
    if done.code or not done.steps:
        raise RuntimeError(f"undisturbed, `pyman {' '.join(deed.arguments)}` fails: {done.stderr}")
    count = done.steps
    faults = [Fault(step, what) for step in range(1, count + 3) for what in (KILL, KILL, *_ERRORS)]
    faults += [Fault(step, what, lasting=True) for step in range(1, count + 3) for what in _LASTING]
    return [_Case(deed.name, fault) for fault in faults]


def _length(world: World, deed: _Deed) -> float:
    _reset(world, deed)
    return whole(world.pyman, *deed.arguments).seconds


def _named(case: _Case) -> str:
    if isinstance(case.fault, float):
        return "a prefix: kill -9 in the middle of a command"
    if case.fault.what == KILL:
        return "a prefix: killed before one change of a file"
    return "a prefix: one change of a file fails, or all from one on"


def _attempt(world: World, deed: _Deed, case: _Case, length: float) -> list[str]:
    _reset(world, deed)
    if isinstance(case.fault, float):
        ended = stopped(world.pyman, deed.arguments, case.fault * length, signal.SIGKILL)
    else:
        ended = world.forks.run(world.pyman, *deed.arguments, fault=case.fault)
    wrong = _orderly(ended, case)
    wrong += _theirs(deed, look(_prefix(world)))
    repaired = world.forks.run(world.pyman, "verify", "--prefix", str(_prefix(world)))
    wrong += repaired.faults()
    found = look(_prefix(world))
    if found not in (deed.before, deed.after):
        wrong.append(f"it is neither as before nor done, {_difference(found, deed.before, deed.after)}")
    again = world.forks.run(world.pyman, *deed.arguments)
    is_gone = deed.name == "remove" and found == deed.after
    if again.faults() or (again.code and not is_gone):
        wrong.append(f"run again it ends with {again.code}: {again.stderr[-800:]}")
    found = look(_prefix(world))
    if found != deed.after:
        wrong.append(f"run again it is not done, {_difference(found, deed.after)}")
    return wrong


def _orderly(ended: Ended, case: _Case) -> list[str]:
    if isinstance(case.fault, float) or case.fault.what == KILL:
        return [] if ended.code in (0, -9) else [f"exit code {ended.code}: {ended.stderr}"]
    return ended.faults() + (ended.unclear() if ended.code else [])


def _theirs(deed: _Deed, found: Look) -> list[str]:
    """Return what of others is not as it was: at no moment."""
    names = [name for name in (*_FOREIGN, *_ADDED) if name in deed.before]
    return [f"{name} is {found.get(name, 'gone')}" for name in names if found.get(name) != deed.before[name]]


def _difference(found: Look, *wanted: Look) -> str:
    best = min(wanted, key=lambda one: len(one.items() ^ found.items()))
    names = sorted(name for name in best.keys() | found.keys() if best.get(name) != found.get(name))
    return "; ".join(f"{n} is {found.get(n, 'gone')}, not {best.get(n, 'there')}" for n in names[:4])


def look(prefix: Path) -> Look:
    """Return what is in a prefix, with modes and contents; of a record what it lists.

    An empty prefix is as none: who is killed before anything is in it has made no more than that.
    """
    return {
        os.path.relpath(os.path.join(folder, name), prefix): _seen(Path(folder, name))  # noqa: PTH118
        for folder, folders, files in os.walk(prefix)
        for name in (*folders, *files)
    }


def _seen(path: Path) -> str:
    status = path.lstat()
    mode = f"{status.st_mode:o}"
    if stat.S_ISLNK(status.st_mode):
        return f"link to {path.readlink()}"
    if not stat.S_ISREG(status.st_mode):
        return mode
    data = path.read_bytes()
    if path.parent.name == ".pyman" and path.suffix == ".json":
        record = json.loads(data)
        folders = sorted({*record["folders"]} - {"."})
        data = json.dumps([record["key"], folders, record["files"]]).encode()
    return f"{mode} {hashlib.sha256(data).hexdigest()[:16]}"
