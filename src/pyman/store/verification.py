"""Compares an installation, and who may change it, with its record. Only reads, and takes no lock.

What this cannot tell: whoever can change the files can change the record as well.
"""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from pyman.errors import StoreError
from pyman.store import access, additions, manifest
from pyman.store.access import Access
from pyman.store.additions import Additions
from pyman.store.installations import Installation
from pyman.store.manifest import File, Manifest, NewerRecordError
from pyman.store.record import RECORD

# Files of this many bytes are hashed in threads. With smaller ones these would only wait for each other.
_LARGE = 1 << 20
_MOST_THREADS = 4
# A reinstall swaps the directory; a process that is put to sleep between its two renames leaves none.
_TRIES = 10
_PAUSE = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """What is not as it was, and in what: a file or link that is listed, or whatever others may write to.

    The installation's own folder goes by the name `.`.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """What came of comparing an installation with its record.

    `fault` says why it could not be compared, perhaps as its record is a newer pyman's; then nothing else is
    told. `files` and `size` (bytes) are what its record lists. Names are relative to the installation, with
    slashes.
    """

    installation: Installation
    fault: str = ""
    is_newer: bool = False
    files: int = 0
    size: int = 0
    modified: list[Finding] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: Additions = field(default_factory=Additions)

    @property
    def is_intact(self) -> bool:
        """Whether it is what was installed, but for packages and bytecode that came to it."""
        return not (self.fault or self.modified or self.missing or self.added.other)


def check(installation: Installation) -> Report | None:
    """Compare an installation with its record; None if it is not there any more.

    If it is replaced meanwhile, its successor is compared.
    """
    report = None
    for _ in range(_TRIES):
        before = _identity(installation.path)
        if not before:
            report = None
            time.sleep(_PAUSE)
            continue
        report = _compare(installation)
        if _identity(installation.path) == before:
            return report
    return report and Report(installation, "it was replaced again and again while it was read")


def _identity(path: Path) -> tuple[int, ...] | None:
    """Return what another directory in the same place would not have, None if there is none."""
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    # A number can be given anew, but not with the time at which the record was put in.
    return (status.st_dev, status.st_ino, status.st_mtime_ns)


def _compare(installation: Installation) -> Report:
    try:
        listed = manifest.load(installation)
        rights = _rights(installation)
    except StoreError as error:
        return Report(installation, error.message, isinstance(error, NewerRecordError))
    comparison = _Comparison(dict(listed), rights, _folders(listed))
    comparison.look_at_root(installation.path)
    for name, entry in manifest.entries(installation.path, comparison.unreadable):
        comparison.look(name, entry)
    comparison.read()
    return Report(
        installation,
        files=len(listed),
        size=sum(each.size for each in listed.values() if isinstance(each, File)),
        modified=[Finding(name, why) for name, why in sorted(comparison.modified.items())],
        missing=comparison.missing(),
        added=additions.sort(installation.path, comparison.added),
    )


def _rights(installation: Installation) -> Access:
    try:
        return access.recorded(installation.record(), installation.path, installation.path.parent)
    except OSError as error:
        raise StoreError(f"its folder cannot be read: {error.strerror}") from None
    except (LookupError, TypeError, ValueError):
        raise StoreError("its record is damaged") from None


def _folders(listed: Manifest) -> set[str]:
    """Return the folders that were installed: those in which something is listed."""
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
class _Comparison:
    """What was found so far; `rest` is what is listed and was not come upon."""

    rest: Manifest
    access: Access
    folders: set[str]
    jobs: list[_Job] = field(default_factory=list)
    modified: dict[str, str] = field(default_factory=dict)
    added: dict[str, bool] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    def look_at_root(self, path: Path) -> None:
        """Compare who may change the folder itself."""
        with suppress(OSError):  # it is gone, which is seen later
            self._note(".", self.access.faults(path.stat()))  # of what a link leads to

    def look(self, name: str, entry: "os.DirEntry[str]") -> None:
        """Compare what needs no reading, and remember what does."""
        listed = self.rest.pop(name, None)
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
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return ""
        was_installed = is_listed or name == RECORD or name in self.folders
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
