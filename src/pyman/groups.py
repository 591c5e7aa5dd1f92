"""Folders of a group: with setgid and group write, a folder is its group's, and so is what pyman makes in it.

The system hands the group down (inode(7), S_ISGID), the mode it does not: that is left to whoever makes
something, and to their umask. What is made in such a folder gets the folder's mode here, without what it
allows everybody to write. Only an owner can do that, so it is done at once: what a process that dies leaves
behind has to be in a state in which the other members can take it away.

There are no such folders on Windows, where a directory hands its permissions down.
"""

import errno
import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from pyman.errors import StoreError

_WITHOUT_EXECUTION = 0o666
_FOR_NOBODY_ELSE = 0o2770
_ALL = os.R_OK | os.W_OK | os.X_OK
_TRIES = 20
_PAUSE = 0.02  # seconds


def is_shared(folder: os.stat_result) -> bool:
    """Whether a folder, by its status, is shared by its group."""
    wanted = stat.S_ISGID | stat.S_IWGRP
    return os.name == "posix" and stat.S_ISDIR(folder.st_mode) and folder.st_mode & wanted == wanted


def mode_in(folder: Path | str) -> int | None:
    """Return the mode of folders that are made in `folder`; None where the umask is to decide.

    Files have the same without setgid, and without execution if they are not executable. Raises OSError.
    """
    return mode_for(os.stat(folder))  # noqa: PTH116 - either


def mode_for(folder: os.stat_result) -> int | None:
    """Return what `mode_in` does, for a folder whose status is known."""
    return stat.S_IRWXU | stat.S_ISGID | folder.st_mode & 0o075 if is_shared(folder) else None


def umask_in(folder: Path) -> int:
    """Return the umask for a program that makes something in `folder`; -1 for that of this process."""
    mode = mode_in(folder)
    return -1 if mode is None else 0o777 & ~mode


def file_mode(folder: Path, usual: int) -> int:
    """Return the mode of a file of data that is made in `folder`: the `usual` one if no group shares it."""
    mode = mode_in(folder)
    return usual if mode is None else mode & _WITHOUT_EXECUTION


def hand_down(*made: Path) -> None:
    """Give what this process has just made what the folder it is in hands down. Raises OSError."""
    for path in made:
        mode = mode_in(path.parent)
        if mode is not None:
            path.chmod(mode if path.is_dir() else mode & _WITHOUT_EXECUTION)


def make_file(path: Path) -> None:
    """See to it that there is a file `path`, if a group shares its folder, that all members may write.

    At no time is there one by that name which they may not. Raises OSError.
    """
    mode = mode_in(path.parent)
    if mode is None or path.exists():
        return
    waiting = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    try:
        waiting.touch(exist_ok=False)
        waiting.chmod(mode & _WITHOUT_EXECUTION)
        with suppress(FileExistsError):  # another process was as fast
            path.hardlink_to(waiting)
    except OSError:
        path.touch()  # a file system without links
        with suppress(PermissionError):
            path.chmod(mode & _WITHOUT_EXECUTION)
    finally:
        waiting.unlink(missing_ok=True)


def make_working_folder(folder: Path) -> None:
    """Make `folder`, which is in one that a group shares, for all of the group and for nobody else.

    StoreError if there is one already that is not the group's; raises OSError.
    """
    for attempt in range(_TRIES):
        with suppress(FileExistsError):
            folder.mkdir(_FOR_NOBODY_ELSE)
        found, home = folder.lstat(), folder.parent.stat()
        _check_trust(folder, found, home)
        if _lacks_something(found, home) and os.geteuid() in (0, found.st_uid):
            os.chown(folder, -1, home.st_gid)
            folder.chmod(_FOR_NOBODY_ELSE)
        if os.access(folder, _ALL):
            return
        if not os.access(folder.parent, _ALL):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        # Another member is just making it, or died while doing so. If there is something in it, it stays.
        with suppress(OSError):
            time.sleep(_PAUSE * bool(attempt))
            folder.rmdir()
    raise StoreError.not_for_the_group(folder.parent, folder.lstat())


def _check_trust(folder: Path, found: os.stat_result, home: os.stat_result) -> None:
    """StoreError for what neither the group, nor the owner of the folder it is in, nor this user has made."""
    is_known = found.st_gid == home.st_gid or found.st_uid in (0, home.st_uid, os.geteuid())
    if not (stat.S_ISDIR(found.st_mode) and is_known):
        raise StoreError(
            f"{folder} belongs to another user, or leads elsewhere: it cannot be trusted",
            "Remove it, or choose another store with PYMAN_HOME.",
        )


def _lacks_something(found: os.stat_result, home: os.stat_result) -> bool:
    return stat.S_IMODE(found.st_mode) != _FOR_NOBODY_ELSE or found.st_gid != home.st_gid
