"""Which names the members of an archive may have: those that mean the same place inside on every system."""

import os
import re
from typing import NamedTuple

_NOT_A_PLACE = {"", ".", ".."}
_BAD_ON_WINDOWS = re.compile(r'[<>:"|?*]|[. ](/|$)')
_DEVICE = re.compile(r"(^|/)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *([./]|$)", re.IGNORECASE)
_SHOWN = 200
_MAX_PART = 255  # bytes; no file system takes more


class NameLimits(NamedTuple):
    """How long a name or a link's target may be."""

    bytes: int = 1024
    """macOS takes no longer path, so no build has one."""
    depth: int = 64
    """Parts of a name. To remove a tree shutil.rmtree calls itself for each, and that has an end."""


def shown(name: str) -> str:
    """Return a name as a message may show it: quoted, on one line, and not too long."""
    return repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}...")


def fault(name: str, limits: NameLimits, *, windows: bool = os.name == "nt") -> str:
    """Return why no member may have this name, nothing if it may."""
    parts = name.split("/")
    if not name.isprintable():  # on a terminal it could look like another name
        return "holds a character that cannot be shown"
    if "\\" in name:
        return "holds a backslash, which is a separator on Windows"
    if name.startswith("/") or name[1:2] == ":":
        return "is absolute"
    if not _NOT_A_PLACE.isdisjoint(parts):
        return "has a part that is empty, `.` or `..`"
    if len(parts) > limits.depth or _is_long(name, limits):
        return "is too long"
    return _windows_fault(name) if windows else ""


def _is_long(name: str, limits: NameLimits) -> bool:
    raw = name.encode()
    return len(raw) > limits.bytes or max(map(len, raw.split(b"/"))) > _MAX_PART


def _windows_fault(name: str) -> str:
    if _BAD_ON_WINDOWS.search(name):
        return "holds what Windows does not allow in names"
    return "is a device on Windows" if _DEVICE.search(name) else ""


def target_fault(name: str, target: str, limits: NameLimits, *, windows: bool = os.name == "nt") -> str:
    """Return why the symbolic link `name` may not have this target, nothing if it may.

    Looks at the words only: that no other link on the way leads out is for the file system to tell.
    """
    if target.startswith("/"):
        return "is absolute"
    depth = name.count("/")
    downward = []
    for part in target.split("/"):
        if part == "..":
            depth -= 1
        elif part not in ("", "."):
            depth += 1
            downward.append(part)
        if depth < 0:
            return "leads out of the archive"
    if target.count("/") >= limits.depth or len(target.encode()) > limits.bytes:
        return "is too long"
    return fault("/".join(downward), limits, windows=windows) if downward else ("" if target else "is empty")
