"""What is in a store, its links, its cache or a prefix, or behind a link there, stays if it is not pyman's.

Foreign files, folders, pipes and links to a victim are put into every place of these, under the names that
pyman itself gives; then commands are run, some of them while another process swaps folders of the store for
links to the victim. Where this runs as root, some stores belong to another user.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from tests.reliability.bench import Bench, Row
from tests.reliability.picture import Picture, picture
from tests.reliability.world import World

_OTHER_USER = 4711
_COMMANDS = 4  # of a case
_WORKED_IN = {".staging", ".locks", ".environments", ".metadata", "archives"}
_WORKED_IN |= {".pyman", "bin", "lib", "python3.13", "__pycache__", "package0"}  # of a prefix
_DIGEST = 64  # characters
_MOST = 8  # foreign things of a case
# Swaps one of the paths for a link to the victim and back, until it is told to stop.
_SWAPPER = """\
import os, random, sys, time
victim, *paths = sys.argv[1:]
print("ready", flush=True)
while os.getppid() != 1 and not os.path.exists(victim + ".stop"):
    path = random.choice(paths)
    aside = path + ".aside"
    try:
        os.rename(path, aside)
    except OSError:
        continue
    try:
        os.symlink(victim, path)
        time.sleep(random.random() / 200)
        os.unlink(path)
    except OSError:
        pass
    finally:
        while True:
            try:
                os.rename(aside, path)
                break
            except OSError:  # pyman has made a new one meanwhile: the one that was there goes back later
                try:
                    os.rename(path, aside + str(time.monotonic_ns()))
                except OSError:
                    pass
    time.sleep(random.random() / 100)
"""


def run(bench: Bench) -> list[Row]:
    """Try stores with foreign things in them, and some with a second process that swaps folders."""
    cases = ["foreign things in a store"] * bench.wanted.amount(24, 600)
    cases += ["a folder swapped for a link meanwhile"] * bench.wanted.amount(8, 200)
    if os.geteuid() == 0:
        cases += ["root in a store of another user"] * bench.wanted.amount(8, 200)
    with bench.worlds(files=5, padding=20_000) as worlds:
        return bench.each("bystanders", cases, worlds, _attempt, str)


def _attempt(world: World, case: str, chance: Random) -> list[str]:
    _clear(world)
    world.reset(frozenset(list(world.trees)[: chance.choice([1, 2, 3])]))
    cache, victim = world.pyman.root / "cache", world.pyman.root / "victim"
    _make_victim(victim, world, chance)
    foreign = _put(world, cache, victim, chance)
    if case.startswith("root"):
        _give_away(world.pyman.store)
    before = {path: picture(path) for path in (victim, *foreign)}
    meanwhile = _swapping(world, victim) if case.startswith("a folder") else _nothing()
    wrong: list[str] = []
    with meanwhile:
        for _ in range(_COMMANDS):
            arguments = chance.choice(_commands(world))
            done = world.forks.run(world.pyman, *arguments, env={"PYMAN_CACHE_DIR": str(cache)})
            wrong += [f"{' '.join(arguments)}: {fault}" for fault in done.faults()]
            if done.code not in (0, 1, 2):
                wrong.append(f"{' '.join(arguments)} ends with {done.code}: {done.stderr[-300:]}")
    # What is below a folder that was swapped is only looked for when it is in its place again.
    kept = {victim: before[victim]} if case.startswith("a folder") else before
    return wrong + [line for path, how in kept.items() for line in _differences(path, how)]


def _clear(world: World) -> None:
    for name in ("cache", "victim", "prefix"):
        shutil.rmtree(world.pyman.root / name, ignore_errors=True)
    with suppress(FileNotFoundError):
        (world.pyman.root / "victim.stop").unlink()


def _make_victim(victim: Path, world: World, chance: Random) -> None:
    """Make a tree with names that pyman gives, so that one that follows a link finds something to do."""
    keys = list(world.trees)
    names = ["file", "etc/passwd", "archives/file", "bin/python3.13", "0123456789abcdef", f"{'a' * 64}"]
    for key in keys:
        names += [
            f"{key}/file",
            f"{key}/old/file",
            f"{key}/new-0123abcd/file",
            f"{key}~1-2/file",
            f"{key}.lock",
        ]
    for name in names:
        path = victim / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(20))
        path.chmod(chance.choice([0o600, 0o644, 0o755]))


def _put(world: World, cache: Path, victim: Path, chance: Random) -> list[Path]:
    """Put foreign things where nothing is yet; returns where they are."""
    put = []
    places = [*chance.sample(_places(world, cache, chance), _MOST)]
    places += chance.sample(_places_in_prefix(world, chance), chance.randrange(_MOST))
    for place in places:
        if any(above in put for above in place.parents):
            continue
        with suppress(OSError):  # another one is in the way
            place.parent.mkdir(parents=True, exist_ok=True)
            if not os.path.lexists(place):
                _make(place, victim, chance)
                put.append(place)
    return put


def _make(place: Path, victim: Path, chance: Random) -> None:
    # An archive and a copy of one are told by their place, their names in full and that they are files.
    if place.parent.name == "archives" and len(place.name) >= _DIGEST:
        place.symlink_to(victim / "etc" / "passwd")
        return
    kind = chance.choice(["file", "folder", "link", "link", "link to a file", "link to nothing", "pipe"])
    if kind == "file":
        place.write_bytes(chance.randbytes(30))
    elif kind == "folder":
        (place / "folder").mkdir(parents=True)
        (place / "folder" / "file").write_bytes(b"precious")
        (place / "link").symlink_to(victim)
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        ends = {"link": "", "link to a file": "etc/passwd", "link to nothing": "new"}
        place.symlink_to(victim / ends[kind])


def _places(world: World, cache: Path, chance: Random) -> list[Path]:
    """Return places in a store, its folder of links and its cache, most with names as pyman gives."""
    store, bin_dir = world.pyman.store, world.pyman.bin
    key = chance.choice(list(world.trees))
    minor = world.builds.minor
    digest = str(world.builds.new.sha256)
    stage = [
        key,
        "notes",
        f"{key}~12-34",
        f"{key}/old",
        f"{key}/new-0123abcd",
        f"{key}/notes",
        f"{key}~1-2/old",
    ]
    lock = [f"{key}.{end}" for end in ("lock", "owner", "0123456789abcdef.claim")]
    top = [
        ".staging",
        ".locks",
        ".environments",
        ".metadata",
        "README",
        ".README.0123abcd",
        key,
        "mine",
        "cpython-3.11",
    ]
    links = [f"python{minor}", "python3", f".python{minor}.123", f".python{minor}.{'0' * 16}", "mine"]
    minors = [f"cpython-{minor}-{key.partition('-')[2].partition('-')[2]}", ".mine.123"]
    copies = [digest, f"{digest}.0123456789abcdef.part", "notes.part", "notes"]
    return [
        *(store / name for name in (*top, *minors)),
        *(store / ".staging" / name for name in stage),
        *(store / ".locks" / name for name in lock),
        *(store / ".environments" / name for name in ("0" * 16, "notes")),
        *(store / ".metadata" / name for name in ("learned.json", "refresh.json", "notes")),
        *(bin_dir / name for name in links),
        *(cache / "archives" / name for name in copies),
        cache / "archives",
        cache / "notes",
    ]


def _places_in_prefix(world: World, chance: Random) -> list[Path]:
    """Return places in a prefix: what a Python has there, and what pyman works with."""
    key = chance.choice(list(world.trees))
    own = ["", "journal", "made", "prefix.lock", "prefix.owner", "python3.13.json", "python3.13.removing"]
    own += [".staging", f".staging/{key}", f".staging/{key}/new-0123abcd", f".staging/{key}~1-2", "notes"]
    library = [
        "",
        "os.py",
        "mine.py",
        "__pycache__",
        "__pycache__/os.cpython-313.pyc",
        "package0",
        "package0/x",
    ]
    names = ["bin", "bin/python3.13", "bin/python", "bin/mine", "lib", "notes"]
    names += [f".pyman/{name}".rstrip("/") for name in own]
    names += [f"lib/python3.13/{name}".rstrip("/") for name in library]
    return [world.pyman.root / "prefix" / name for name in names]


def _commands(world: World) -> list[tuple[str, ...]]:
    builds = world.builds
    prefix = ("--prefix", str(world.pyman.root / "prefix"))
    return [
        *(("install", build.key, *prefix) for build in (builds.old, builds.new)),
        *(("install", build.key, *prefix, "--force") for build in (builds.old, builds.new)),
        ("uninstall", *prefix),
        ("verify", *prefix),
        *(("install", build.key) for build in (builds.old, builds.new, builds.other)),
        ("install", "--reinstall", builds.new.key),
        ("install", "--default", builds.new.key),
        ("upgrade",),
        ("prune", "--yes"),
        ("uninstall", builds.new.key),
        ("uninstall", "--all", "--force"),
        ("list", "--only-installed"),
        ("verify",),
        ("find", builds.minor, "--managed-only"),
    ]


def _give_away(store: Path) -> None:
    for folder, folders, files in os.walk(store):
        for name in (".", *folders, *files):
            os.lchown(Path(folder) / name, _OTHER_USER, _OTHER_USER)


@contextmanager
def _swapping(world: World, victim: Path) -> Iterator[None]:
    """Let another process swap folders of the store for links to the victim."""
    store = world.pyman.store
    keys = list(world.trees)
    places = [store / ".staging", store / ".locks", *(store / ".staging" / key for key in keys)]
    places += [store / key for key in keys]
    prefix = world.pyman.root / "prefix"
    names = (".pyman", ".pyman/.staging", "bin", "lib", "lib/python3.13", "lib/python3.13/package0")
    places += [prefix / name for name in names]
    process = subprocess.Popen(
        [sys.executable, "-c", _SWAPPER, victim, *places], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    with process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield
        finally:
            Path(f"{victim}.stop").touch()
            process.wait(30)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _differences(path: Path, before: Picture) -> list[str]:
    """Return what is not as it was, a few of the names."""
    if not os.path.lexists(path):
        return [f"{path} is gone"]
    after = picture(path)
    # What was in it stays, and pyman may work beside that.
    if path.name in _WORKED_IN and path.is_dir() and not path.is_symlink() and len(before) > 1:
        after = {name: how for name, how in after.items() if name in before and name != "."} | {
            ".": before["."]
        }
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [
        f"{path}/{name} was {before.get(name, 'not there')}, is {after.get(name, 'gone')}"
        for name in names[:5]
    ]
