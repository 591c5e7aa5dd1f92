"""Virtual environments: what each one uses of the store, and the index of those that pyman has met.

An environment is a folder with a `pyvenv.cfg` (PEP 405). The index is a folder of the store with one small
file for each, which holds its path; nobody locks it. What is in it is only ever a hint where to look: an
environment is read anew each time, for it may be gone, moved or made again with another Python.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pyman import groups, pyvenv
from pyman.key import Implementation
from pyman.pyvenv import CONFIG
from pyman.store import Store

_MOST = 1000
_DEEPEST = 8
_MOST_LINKS = 40
# Folders in which nobody keeps environments, and which have many folders in them.
_SKIPPED = {"node_modules", "__pycache__", "site-packages", ".git", ".hg", ".svn", ".staging", "proc", "sys"}


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, and the names in the store by which it gets at its Python.

    A name is that of a minor link, whose moves the environment follows, or that of an installation.
    """

    path: Path
    entries: frozenset[str]


def note(store_home: Path, environment: Path) -> None:
    """Put an environment into the index of the store if it uses it; silent when that cannot be done.

    The index keeps to 1000 environments: those which are gone make room, then those noted longest ago.
    """
    with suppress(OSError, ValueError):
        path = Path(os.path.realpath(environment))
        file = _index(store_home) / _name(path)
        if file.exists():
            os.utime(file)
        elif read(store_home, path):
            if not _index(store_home).exists():
                _index(store_home).mkdir(0o755)
                groups.hand_down(_index(store_home))
            _make_room(store_home)
            waiting = file.with_name(f".{file.name}.{os.getpid()}")
            waiting.touch(0o644)
            groups.hand_down(waiting)
            waiting.write_bytes(os.fsencode(path))
            waiting.replace(file)


def known(store: Store) -> list[Environment]:
    """Return the environments of the index that are still there and use the store, ordered by path."""
    found = [read(store.home, path) for file in _files(store.home) if (path := _noted(file))]
    return sorted((each for each in found if each), key=lambda each: each.path)


def near(store: Store, environ: Mapping[str, str], folder: Path) -> list[Environment]:
    """Return the active environment and each `.venv` in `folder` and above, of those that use the store."""
    places = [above / ".venv" for above in (folder, *folder.parents)]
    if environ.get("VIRTUAL_ENV"):
        places.append(Path(environ["VIRTUAL_ENV"]))
    paths = {Path(os.path.realpath(place)) for place in places}
    return [each for path in sorted(paths) if (each := read(store.home, path))]


def scan(directory: Path, depth: int = _DEEPEST) -> Iterator[Path]:
    """Yield the environments in `directory` and, no deeper than `depth` folders, below it.

    Links are not followed; what cannot be read is passed over.
    """
    try:
        with os.scandir(directory) as entries:
            inside = sorted(entries, key=lambda entry: entry.name)
            if any(entry.name == CONFIG for entry in inside):
                yield directory
                return
            folders = [each.name for each in inside if each.is_dir(follow_symlinks=False)]
    except OSError:
        return
    if depth:
        for name in folders:
            if name not in _SKIPPED:
                yield from scan(directory / name, depth - 1)


def read(store_home: Path, folder: Path) -> Environment | None:
    """Return the environment in `folder`; None if there is none, or it uses nothing of the store."""
    settings = pyvenv.settings(folder)
    try:
        identity = store_home.stat()
    except (OSError, ValueError):
        return None
    if settings is None:
        return None
    entries = {entry for path in _ways(folder, settings) if (entry := _entry(identity, path))}
    return Environment(folder, frozenset(entries)) if entries else None


def _ways(folder: Path, settings: Mapping[str, str]) -> Iterator[Path]:
    """The paths by which an environment gets at its Python: its own link, and what its settings say.

    `executable` counts only for its name: venv writes down what a link pointed at when the environment was
    made, and the link may have moved since.
    """
    yield folder / "bin" / "python"
    yield folder / "bin" / "python3"
    if settings.get("base-executable"):
        yield folder / settings["base-executable"]
    if settings.get("home"):
        home = folder / settings["home"]
        yield home
        # Where home is a folder of links, such as ~/.local/bin, it is the name in it that leads to the store.
        names = (home / name for name in _interpreters(settings))
        yield from islice(filter(os.path.lexists, names), 1)


def _interpreters(settings: Mapping[str, str]) -> Iterator[str]:
    """How the interpreter in `home` may be called, the likeliest first."""
    for key in ("executable", "base-executable"):
        if settings.get(key):
            yield settings[key].replace("\\", "/").rpartition("/")[2]
    version = settings.get("version_info") or settings.get("version") or ""
    numbers = version.split(".")[:2]
    if len(numbers) == 2:  # noqa: PLR2004 - major and minor
        yield "python" + ".".join(numbers)
    yield "python3"


def _entry(store: os.stat_result, path: Path) -> str:
    """The name by which `path` enters the store, however it is spelled; empty if it does not lead there.

    Links are followed one at a time, as the system does: the minor link would be lost by resolving at once.
    The store is told by its identity, so that links and letter case on the way to it do not matter.
    """
    current, links = Path(path.anchor), 0
    pending = list(reversed(path.parts))
    while pending:
        part = pending.pop()
        if part == "..":
            current = current.parent
            continue
        if _is_entry(part) and _is_same(current, store):
            return part.lower() if sys.platform in ("win32", "darwin") else part
        current, target = current / part, _link_target(current / part)
        if target:
            links += 1
            if links > _MOST_LINKS:
                return ""
            current = current.parent
            pending.extend(reversed(Path(target).parts))  # an absolute one brings its root with it
    return ""


def _is_entry(name: str) -> bool:
    return name.lower().partition("-")[0] in set(Implementation)


def _is_same(folder: Path, identity: os.stat_result) -> bool:
    try:
        return os.path.samestat(folder.stat(), identity)
    except (OSError, ValueError):
        return False


def _link_target(path: Path) -> str:
    # Not is_symlink(): before Python 3.12 nothing tells a junction but that it can be read.
    try:
        return str(path.readlink())
    except (OSError, ValueError):
        return ""


def _index(store_home: Path) -> Path:
    return store_home / ".environments"


def _name(path: Path) -> str:
    """A file name for a path: FNV-1a, 64 bits. hashlib would cost `pyman find` 5 ms, and nobody is fooled."""
    value = 0xCBF29CE484222325
    for byte in os.fsencode(path):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"


def _files(store_home: Path) -> list[Path]:
    try:
        return [file for file in _index(store_home).iterdir() if not file.name.startswith(".")]
    except OSError:
        return []


def _noted(file: Path) -> Path | None:
    try:
        path = Path(os.fsdecode(file.read_bytes()))
    except (OSError, ValueError):
        return None
    return path if path.is_absolute() else None


def _make_room(store_home: Path) -> None:
    files = _files(store_home)
    if len(files) < _MOST:
        return
    there = []
    for file in files:
        path = _noted(file)
        if path and (path / CONFIG).exists():
            there.append(file)
        else:
            file.unlink(missing_ok=True)
    for file in sorted(there, key=lambda each: each.stat().st_mtime_ns)[: len(there) - _MOST + 1]:
        file.unlink(missing_ok=True)
