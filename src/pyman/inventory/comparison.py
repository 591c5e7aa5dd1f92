"""Compares what is in a folder with what should be there by its manifest. Only reads."""

import os
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from pyman.inventory import manifest
from pyman.inventory.access import Access
from pyman.inventory.manifest import File, Manifest
from pyman.store.record import RECORD

# Files of this many bytes are hashed in threads. With smaller ones these would only wait for each other.
_LARGE = 1 << 20
_MOST_THREADS = 4


def compare(
    root: Path, listed: Manifest, access: Access | None, made: AbstractSet[str], own: Collection[str] = ("",)
) -> "Comparison":
    """Return what is not as it should be below `root`, which has been looked at when this returns.

    `made` are the folders whose mode and owner count, `.` for `root` itself. What is not listed counts only
    in the folders `own`; of the rest no more is looked at than what is listed, and the way there. Without
    `access`, mode and owner do not count.
    """
    comparison = Comparison(dict(listed), access, made, tuple(f"{name}/" if name else "" for name in own))
    if "." in made:
        comparison.look_at_root(root)
    ways = folders_of(listed)
    for name, entry in manifest.entries(
        root, comparison.unreadable, lambda folder: folder in ways or comparison.is_own(folder)
    ):
        comparison.look(name, entry)
    comparison.read()
    return comparison


def folders_of(listed: Manifest) -> set[str]:
    """Return the folders in which something is listed."""
    found: set[str] = set()
    for name in listed:
        while (name := name.rpartition("/")[0]) and name not in found:
            found.add(name)
    return found


class _Job(NamedTuple):
    """A file that is to be read, what it should be, and what is wrong with who may change it."""

    name: str
    path: str
    file: File
    rights: str


@dataclass(slots=True)
class Comparison:
    """What was found so far; `rest` is what is listed and was not come upon."""

    rest: Manifest
    access: Access | None
    made: AbstractSet[str]
    own: tuple[str, ...]
    jobs: list[_Job] = field(default_factory=list)
    modified: dict[str, str] = field(default_factory=dict)
    added: dict[str, bool] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    def look_at_root(self, path: Path) -> None:
        """Compare who may change the folder itself."""
        with suppress(OSError):  # it is gone, which is seen later
            self._note(".", self.access.faults(path.stat()) if self.access else "")  # of what a link leads to

    def is_own(self, name: str) -> bool:
        """Whether something is where nothing should be that is not listed."""
        return name.startswith(self.own)

    def look(self, name: str, entry: "os.DirEntry[str]") -> None:
        """Compare what needs no reading, and remember what does."""
        listed = self.rest.pop(name, None)
        if listed is None and name not in self.made and not self.is_own(name):
            return
        is_file = entry.is_file(follow_symlinks=False)
        rights = self._rights(name, entry, is_listed=listed is not None)
        if is_file and isinstance(listed, File):
            self.jobs.append(_Job(name, entry.path, listed, rights))
            return
        self._note(name, _joined("" if listed is None else _other_kind(entry, listed), rights))
        if listed is None and name != RECORD and not entry.is_dir(follow_symlinks=False):
            self.added[name] = is_file

    def _rights(self, name: str, entry: "os.DirEntry[str]", *, is_listed: bool) -> str:
        """What is wrong with who may change something; of what was added, only whether others may."""
        if not self.access:
            return ""
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return ""
        was_installed = is_listed or name == RECORD or name in self.made
        return self.access.faults(status) if was_installed else self.access.openness(status)

    def unreadable(self, name: str, error: OSError) -> None:
        """Take a directory for changed, and nothing in it for missing."""
        self._note(name or ".", f"cannot be read: {error.strerror}")
        self.closed.append(f"{name}/" if name else "")

    def read(self) -> None:
        """Compare what is in the files: large ones in threads, small ones in this thread meanwhile."""
        small = [job for job in self.jobs if job.file.size < _LARGE]
        large = sorted((job for job in self.jobs if job.file.size >= _LARGE), key=lambda job: job.file.size)
        verdicts: dict[str, str] = {}
        number = min(len(large), _MOST_THREADS, max(1, (os.cpu_count() or 1) - 1))
        # Daemons, for ^C: the interpreter must not wait for them.
        threads = [Thread(target=_read, args=(large, verdicts), daemon=True) for _ in range(number)]
        for thread in threads:
            thread.start()
        _read(small, verdicts)
        _read(large, verdicts)
        for thread in threads:
            thread.join()
        for job in self.jobs:
            # What a thread did not get to the end of is not taken for right.
            self._note(job.name, _joined(verdicts.get(job.name, "could not be read"), job.rights))

    def missing(self) -> list[str]:
        """What is listed and not there."""
        closed = tuple(self.closed)
        return sorted(name for name in self.rest if not name.startswith(closed))

    def _note(self, name: str, why: str) -> None:
        if why:
            self.modified[name] = why


def _joined(content: str, rights: str) -> str:
    return content if content.startswith("cannot be read") else ", ".join(filter(None, (content, rights)))


def _other_kind(entry: "os.DirEntry[str]", listed: File | str) -> str:
    """Return what is there in place of what is listed, nothing for a link that points where it should."""
    if not entry.is_symlink():
        kind = "directory" if entry.is_dir() else "file" if entry.is_file() else "special file"
        return f"is a {kind}, not a {'symbolic link' if isinstance(listed, str) else 'file'}"
    try:
        target = manifest.target(entry)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return "" if target == listed else f"is a symbolic link to {target}"


def _read(jobs: list[_Job], verdicts: dict[str, str]) -> None:
    """Take files from the end of the list, which threads may share, until there are no more."""
    while jobs:
        try:
            job = jobs.pop()
        except IndexError:  # another thread was faster
            return
        verdicts[job.name] = _other_content(job)


def _other_content(job: _Job) -> str:
    """Return in what a file is not as it is listed, nothing if it is."""
    try:
        found = manifest.examine(job.path, job.file.size)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if found == job.file:
        return ""
    if found.size != job.file.size:
        return f"has {found.size:,} bytes, not {job.file.size:,}"
    if found.sha256 != job.file.sha256:
        return "has another content"
    return "is executable" if found.executable else "is not executable any more"
