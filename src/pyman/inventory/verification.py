"""Compares an installation, and who may change it, with its record. Only reads, and takes no lock.

What this cannot tell: whoever can change the files can change the record as well.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyman.errors import StoreError
from pyman.inventory import access, additions, manifest
from pyman.inventory.access import Access
from pyman.inventory.additions import Additions, Differences
from pyman.inventory.comparison import Comparison, compare, folders_of
from pyman.inventory.manifest import File, Manifest, NewerRecordError
from pyman.store import modes
from pyman.store.installations import Installation

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
        facts, listed = manifest.whole(installation)
        rights = _rights(installation, facts)
    except StoreError as error:
        return Report(installation, error.message, isinstance(error, NewerRecordError))
    found = compare(installation.path, listed, rights, {".", *folders_of(listed)})
    return told(installation, listed, found)


def told(installation: Installation, listed: Manifest, found: Comparison) -> Report:
    """Return the report on an installation that was compared."""
    different = Differences(found.added, found.modified, found.missing())
    added, left = additions.sort(installation.path, different, found.access)
    return Report(
        installation,
        files=len(listed),
        size=sum(each.size for each in listed.values() if isinstance(each, File)),
        modified=[Finding(name, why) for name, why in sorted(left.modified.items())],
        missing=left.missing,
        added=added,
    )


def _rights(installation: Installation, facts: Mapping[str, Any]) -> Access:
    try:
        allowed = modes.readable(installation.path.parent)
        return access.recorded(facts, installation.path, allowed)
    except OSError as error:
        raise StoreError(f"its folder cannot be read: {error.strerror}") from None
    except (LookupError, TypeError, ValueError):
        raise StoreError("its record is damaged") from None
