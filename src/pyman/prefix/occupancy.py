"""Compares what is in a prefix with its record, and takes it out again.

In a prefix nearly everything may be somebody else's: what is not listed counts only in the folder of the
standard library, as it does in a store.
"""

import re
from collections.abc import Callable
from pathlib import Path

from pyman.errors import StoreError
from pyman.inventory import access, comparison, verification
from pyman.inventory.manifest import Manifest, NewerRecordError
from pyman.inventory.verification import Report
from pyman.prefix import recovery
from pyman.prefix.prefix import OWN, RECORD_END, Occupant, Prefix, failed
from pyman.prefix.workplace import entered
from pyman.system.folder import Folder

_LIBRARY = re.compile(r"((?:lib/)?[^/]+)/os\.py")
_TRIES = 10


def check(occupant: Occupant) -> Report | None:
    """Compare a Python in a prefix, and who may change it, with its record; None if it is not there any more.

    If it is replaced meanwhile, its successor is compared. Only reads.
    """
    for _ in range(_TRIES):
        before = _identity(occupant.record_path)
        if before is None:
            return None
        report = _compared(occupant, with_access=True)
        if _identity(occupant.record_path) == before:
            return report
    return Report(occupant.installation, "it was replaced again and again while it was read")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns)


def _compared(occupant: Occupant, *, with_access: bool) -> Report:
    try:
        record = occupant.record()
    except StoreError as error:
        return Report(occupant.installation, error.message, isinstance(error, NewerRecordError))
    try:
        rights = access.recorded(record.facts, occupant.path, 0o755) if with_access else None
    except (LookupError, TypeError, ValueError, OSError):
        return Report(occupant.installation, "its record is damaged")
    made = set(recovery.folders_in(record))
    found = comparison.compare(occupant.path, record.files, rights, made, _libraries(record.files))
    return verification.told(occupant.installation, record.files, found)


def _libraries(files: Manifest) -> list[str]:
    """Return the folder of the standard library, if there is one."""
    return [found[1] for name in files if (found := _LIBRARY.fullmatch(name))]


def remove(prefix: Prefix, occupant: Occupant, on_wait: Callable[[str], None]) -> Report:
    """Take out of a prefix what a record lists and is as it was; returns what is not, and stays.

    Bytecode of what is removed goes with it, and so do folders that were made for it, if nothing is left in
    them. StoreError if it cannot be done: the record then stays with what is left.
    """
    with entered(prefix, on_wait) as place:
        report = what_stays(occupant)
        is_made = "." in recovery.folders_in(occupant.record())
        try:
            recovery.remove(place.top, place.own, occupant.key)
        except OSError as error:
            raise failed("remove from", prefix.path, error) from None
        place.is_forsaken = is_made
    return report


def what_stays(occupant: Occupant) -> Report:
    """Return what would stay if it was removed. StoreError if its record cannot be read."""
    report = _compared(occupant, with_access=False)
    if report.fault:
        raise StoreError(
            f"{occupant.key} in {occupant.path} cannot be removed: {report.fault}",
            "Without its record what is pyman's cannot be told from what is somebody else's.",
        )
    return report


def repair(prefix: Prefix, on_wait: Callable[[str], None] | None = None) -> None:
    """Settle what a process left that died.

    Without `on_wait` nothing is done while another one is at work there. StoreError if something was half
    moved or removed, and that cannot be settled.
    """
    is_begun, is_littered = _state(prefix)
    if is_begun or is_littered:
        try:
            with entered(prefix, on_wait or _give_up):
                return
        except StoreError:
            if _state(prefix)[0]:
                raise


def _give_up(owner: str) -> None:
    raise StoreError(f"{owner} is changing it", "Try again when that is done.")


def _state(prefix: Prefix) -> tuple[bool, bool]:
    """Whether something in the prefix is half done, and whether there is more, or less, than records."""
    try:
        with Folder.open(prefix.path, follow=True) as top, top.inner(OWN) as own:
            names = own.names()
            is_bare = bool(names) and all(name.endswith(RECORD_END) for name in names)
            return recovery.is_begun(own), not is_bare
    except OSError:
        return False, False
