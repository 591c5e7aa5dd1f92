"""Whether an environment that was come upon by looking upwards may be used without being asked for.

Whoever may write to it, or to the folder that it is in, decides what its `python` does. So it counts only if
both are this user's or root's, and nobody else may write there. A group that has only this user in it, as
each user has one on many systems, is nobody else.
"""

import os
import stat
from pathlib import Path

_OTHERS = stat.S_IWOTH


def doubt(environment: Path) -> str:
    """Return why an environment is not to be trusted, as a sentence with what mends it; "" if it is."""
    if os.name != "posix":
        return ""
    for path in (environment.parent, environment, environment / "bin"):
        try:
            why = _doubt(path)
        except OSError as error:
            why = f"{path} cannot be looked at: {error.strerror}"
        if why:
            return f"{environment} is passed over: {why}"
    return ""


def _doubt(path: Path) -> str:
    for status in (path.lstat(), path.stat()):
        if status.st_uid not in (0, os.geteuid()):
            return f"{path} belongs to another user"
        if not stat.S_ISLNK(status.st_mode) and _is_open(status):
            return f"others may write to {path} (`chmod go-w` mends it)"
    return ""


def _is_open(status: os.stat_result) -> bool:
    return bool(status.st_mode & _OTHERS or (status.st_mode & stat.S_IWGRP and not _is_own(status.st_gid)))


def _is_own(group: int) -> bool:
    """Whether a group is that of this user alone: it has the user's name, and nobody else in it."""
    import grp  # noqa: PLC0415 - neither is there on Windows
    import pwd  # noqa: PLC0415

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return (user.pw_gid, user.pw_name) == (group, found.gr_name) and set(found.gr_mem) <= {user.pw_name}
