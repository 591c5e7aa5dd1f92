"""Who may change what is installed: its mode and its owner, as they were when it was published.

An installation has one mode, that of its programs (see `modes.settle`), one owner and one group, so its
record has one of each: `"access": {"mode": "0755", "owner": 0, "group": 0}`. It is null where modes mean
nothing to the file system. An older record has none of it: the installation's own folder is then the measure.
"""

import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pyman.store import modes

_WRITING = stat.S_IWGRP | stat.S_IWOTH


class Access(NamedTuple):
    """The mode of folders and programs, None if it is not known, and the numbers of owner and group."""

    mode: int | None
    owner: int
    group: int

    def faults(self, found: os.stat_result) -> str:
        """Return in what something that is listed is not as it was published, nothing if it is."""
        wrong = [] if self.mode is None else [self._mode_fault(found)]
        wrong.append(_other("", _user, found.st_uid, self.owner))
        wrong.append(_other("the group ", _group, found.st_gid, self.group))
        return ", ".join(filter(None, wrong))

    def _mode_fault(self, found: os.stat_result) -> str:
        if stat.S_ISLNK(found.st_mode):
            return ""
        mode, wanted = stat.S_IMODE(found.st_mode), modes.wanted_mode(found.st_mode, self.mode or 0)
        if mode == wanted:
            return ""
        extra = mode & ~wanted & _WRITING
        who = "every user" if extra & stat.S_IWOTH else "its group"
        opened = f": {who} may write to it" if extra else ""
        return f"has mode {mode:04o}, not {wanted:04o}{opened}"

    def openness(self, found: os.stat_result) -> str:
        """Return who else may write to something that was added, nothing if that is nobody.

        What it was made with is another's umask, often one that lets a group of one user write.
        """
        if self.mode is None or stat.S_ISLNK(found.st_mode):
            return ""
        extra = found.st_mode & ~self.mode
        if extra & stat.S_IWOTH:
            return "every user may write to it"
        shared = extra & stat.S_IWGRP and not _is_private(found.st_uid, found.st_gid)
        return f"the group {_group(found.st_gid)} may write to it" if shared else ""


def noted(tree: Path, allowed: int) -> dict[str, Any]:
    """Return what a record says of a tree whose programs will have the mode `allowed`. Raises OSError."""
    if os.name != "posix":
        return {}
    found = tree.stat()
    mode = f"{allowed:04o}" if _means_something(tree) else None
    return {"access": {"mode": mode, "owner": found.st_uid, "group": found.st_gid}}


def _means_something(folder: Path) -> bool:
    """Whether a file has the mode that it is given: some file systems have one for all."""
    probe = folder / f".probe-{os.urandom(4).hex()}"
    probe.touch(exist_ok=False)
    try:
        for mode in (0o600, 0o755):
            with suppress(OSError):
                probe.chmod(mode)
            if stat.S_IMODE(probe.stat().st_mode) != mode:
                return False
        return True
    finally:
        probe.unlink()


def recorded(record: Mapping[str, Any], root: Path, allowed: int) -> Access:
    """Return what the record of the installation in `root` says; `allowed` is where it says nothing.

    Raises OSError, and what wrong types in a record raise: LookupError, TypeError or ValueError.
    """
    if os.name != "posix":
        return Access(None, 0, 0)
    if "access" in record:
        mode, owner, group = (record["access"][name] for name in ("mode", "owner", "group"))
        if not (isinstance(owner, int) and isinstance(group, int)):
            raise TypeError(owner)
        return Access(None if mode is None else int(mode, 8) & 0o777, owner, group)
    found = root.stat()
    return Access(found.st_mode & 0o777 & ~(_WRITING & ~allowed), found.st_uid, found.st_gid)


def _other(what: str, name: Callable[[int], str], found: int, wanted: int) -> str:
    return "" if found == wanted else f"belongs to {what}{name(found)}, not {name(wanted)}"


@cache
def _user(number: int) -> str:
    import pwd  # noqa: PLC0415 - Windows has none

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


@cache
def _group(number: int) -> str:
    import grp  # noqa: PLC0415 - the same

    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


@cache
def _is_private(user: int, group: int) -> bool:
    """Whether a group is that of one user, as many systems make one for each."""
    import grp  # noqa: PLC0415 - the same
    import pwd  # noqa: PLC0415 - the same

    try:
        person, found = pwd.getpwuid(user), grp.getgrgid(group)
    except KeyError:
        return user == group
    return (
        person.pw_gid == group and person.pw_name == found.gr_name and set(found.gr_mem) <= {person.pw_name}
    )
