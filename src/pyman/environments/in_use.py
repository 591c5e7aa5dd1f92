"""Looks for the virtual environments that use a store: in its index, here and above, where tools keep theirs.

What is looked at is bounded in depth and number, and where it was not looked is told.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pyman.environments import environment_index
from pyman.environments.entrances import Entrances, Environment
from pyman.environments.pyvenv import CONFIG
from pyman.environments.tool_places import NOTHING, places
from pyman.errors import StoreError
from pyman.system.userdirs import home_dir

_MOST = 10_000  # folders which may be environments
_MOST_SCANNED = 1_000_000
_DEEPEST_SCAN = 8
# Folders in which nobody keeps environments, and which have many folders in them.
_SKIPPED = {"node_modules", "__pycache__", "site-packages", ".git", ".hg", ".svn", ".staging", "proc", "sys"}


class Unseen(NamedTuple):
    """A place that could not be looked at, and why."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Looked:
    """The environments that use the store, ordered by path, and where it was not looked for more."""

    environments: list[Environment]
    unseen: list[Unseen]


def look(
    store_home: Path,
    environ: Mapping[str, str],
    start: Path | None,
    scanned: Iterable[Path] = (),
    most: int = _MOST,
) -> Looked:
    """Return the environments that use the store: the remembered, the `scanned`, those at the known places.

    What is remembered and cannot be read counts as one of them, and is told as unseen as well.
    `start` is the current folder, None if it is gone; `most` is how many folders are looked at.
    """
    looking = _Looking(Entrances(store_home), most)
    met = environment_index.paths(store_home)
    looking.at_all((*met, *map(str, scanned)), 0, store_home)
    looking.keep_closed(met)
    if fault := environment_index.fault(store_home):
        looking.unseen[str(fault[0])] = fault[1]
    broken: dict[Path, str] = {}
    for place in places(environ, _home(), start, broken=broken):
        looking.at(str(place.path), place.depth)
    looking.unseen |= {str(file): why for file, why in broken.items()}
    found = sorted(looking.found.values(), key=lambda each: each.path)
    return Looked(found, [Unseen(Path(path), why) for path, why in looking.unseen.items()])


def scan(
    directory: Path, unseen: list[Unseen], depth: int = _DEEPEST_SCAN, most: int = _MOST_SCANNED
) -> Iterator[Path]:
    """Yield the environments in `directory` and, no deeper than `depth` folders, below it.

    Links are not followed. What could not be read, or lies beyond the bounds, is put into `unseen`.
    """
    deeper = 0
    pending = [(str(directory), depth)]
    for _ in range(most):
        if not pending:
            break
        folder, left = pending.pop()
        try:
            is_environment, inside = _contents(folder)
        except OSError as error:
            if error.errno not in NOTHING:
                unseen.append(Unseen(Path(folder), _why(error)))
            continue
        if is_environment:
            yield Path(folder)
        elif left:
            pending += [(path, left - 1) for path in inside]
        else:
            deeper += len(inside)
    if deeper:
        lie = "folder lies" if deeper == 1 else "folders lie"
        unseen.append(Unseen(directory, f"{deeper} {lie} more than {depth} levels deep"))
    if pending:
        unseen.append(Unseen(directory, f"there are more than {most} folders"))


def _contents(folder: str) -> tuple[bool, list[str]]:
    """Whether a folder is an environment, and the folders in it, the last one first. Raises OSError."""
    with os.scandir(folder) as entries:
        inside = sorted(entries, key=lambda entry: entry.name, reverse=True)
    is_environment = any(entry.name == CONFIG and entry.is_file() for entry in inside)
    return is_environment, [
        each.path for each in inside if each.name not in _SKIPPED and each.is_dir(follow_symlinks=False)
    ]


@dataclass(slots=True)
class _Looking:
    """What has been found on the way, by the real path of each folder."""

    entrances: Entrances
    left: int
    found: dict[str, Environment] = field(default_factory=dict)
    unseen: dict[str, str] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _closed: set[str] = field(default_factory=set)

    def at_all(self, folders: Iterable[str], depth: int, where: str | Path) -> None:
        """Look at folders that are named in `where`, as far as the number of folders allows."""
        for folder in folders:
            if not self.left:
                self.unseen[str(where)] = "there are too many folders"
                return
            self.left -= 1
            self.at(folder, depth)

    def keep_closed(self, met: Iterable[str]) -> None:
        """Take those that were met, and could not be looked at, for environments still."""
        for folder in self._closed.intersection(met):
            self.found[folder] = Environment(Path(folder), None)

    def at(self, folder: str, depth: int) -> None:
        """Look at a folder and, if it is no environment, at those in it, `depth` levels down."""
        try:
            if self._is_environment(folder) or not depth:
                return
            with os.scandir(folder) as entries:
                inside = [entry.path for entry in entries if _may_be_folder(entry)]
        except OSError as error:
            if error.errno not in NOTHING:
                self._closed.add(folder)
                above = os.path.dirname(folder)  # noqa: PTH120 - a str, as thousands are
                self.unseen[folder if os.access(above, os.X_OK) else above] = _why(error)
        except ValueError:  # it is no path
            return
        else:
            self.at_all(inside, depth - 1, folder)

    def _is_environment(self, folder: str) -> bool:
        """Whether there is one, of this store or not; OSError where that cannot be told."""
        if folder in self._known:
            return True
        try:
            entries = self.entrances.of_environment(folder)
        except OSError as error:
            if error.errno in NOTHING:
                return False
            raise
        self._known.add(folder)
        if entries:
            real = self.entrances.real(folder)
            self.found[real] = Environment(Path(real), entries)
        return True


def _may_be_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # why is found out when it is looked at
        return True


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _home() -> Path | None:
    try:
        return home_dir()
    except StoreError:
        return None
