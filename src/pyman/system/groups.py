"""Folders of a group: with setgid and group write, a folder is its group's, and so is what pyman makes in it.

The system hands the group down (inode(7), S_ISGID), the mode it does not: that is left to whoever makes
something, and to their umask. What is made in such a folder gets the folder's mode here, without what it
allows everybody to write. Only an owner can do that, so it is done at once: what a process that dies leaves
behind has to be in a state in which the other members can take it away.

There are no such folders on Windows, where a directory hands its permissions down.
"""

import os
import stat
from pathlib import Path

WITHOUT_EXECUTION = 0o666


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


def hand_down(*made: Path) -> None:
    """Give what this process has just made what the folder it is in hands down. Raises OSError."""
    for path in made:
        mode = mode_in(path.parent)
        if mode is not None:
            path.chmod(mode if path.is_dir() else mode & WITHOUT_EXECUTION)
