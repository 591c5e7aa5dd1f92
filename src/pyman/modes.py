"""Who may read what is in the store, and that only its owner may change it.

Whoever may read the directory of the store may read all that is published in it, whatever the umask; nobody
but the owner may write to it, and the group where that shares the store (see `groups`). A store that root
makes outside of its home directory is for everybody.

None of this is for Windows, where a directory hands its permissions down.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pyman import groups
from pyman.errors import StoreError
from pyman.userdirs import home_dir

_SHARED = 0o755
_PRIVATE = 0o700
_READING = 0o055  # and going through, for others than the owner
_WITHOUT_EXECUTION = 0o666


def make_home(home: Path) -> None:
    """Make the directory of the store, and those above it. Raises OSError."""
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(_SHARED, exist_ok=True)
        if _is_for_everybody(home):
            folder.chmod(_SHARED)


def make_private(folder: Path) -> None:
    """Make a folder of the store in which no other user can be at work; StoreError if one can, or OSError."""
    if groups.is_shared(folder.parent.stat()) and not _is_open(folder.parent):
        groups.make_working_folder(folder)
        return
    folder.mkdir(_PRIVATE, exist_ok=True)
    if _is_open(folder):
        with suppress(OSError):
            folder.chmod(_PRIVATE)
    # Where it stays open though it is ours, modes mean nothing to the file system.
    if (_is_open(folder) or _is_open(folder.parent)) and not _is_ours(folder):
        raise StoreError(
            f"{folder} belongs to another user, and all users may write there: it cannot be trusted",
            "Remove it, or choose another store with PYMAN_HOME.",
        )


def exposure(home: Path) -> str:
    """Return what is to be said of a store to which every user may write; nothing where that is not so."""
    if not home.exists() or not _is_open(home):
        return ""
    return (
        f"every user of this machine may write to {home}, and so change what others run: `chmod o-w {home}`"
    )


def check_place(home: Path) -> None:
    """StoreError for a folder in which nobody could replace or remove what another user has installed."""
    if os.name != "posix" or not home.exists():
        return
    status = home.stat()
    several = bool(status.st_mode & stat.S_IWOTH) or groups.is_shared(status)
    if status.st_mode & stat.S_ISVTX and several:
        raise StoreError(
            f"{home} is sticky: what a user makes in it only that user may replace or remove, so it is no "
            "place for a store of several users",
            f"Choose a folder of your own in it, such as PYMAN_HOME={home}/pyman; or make one for a group: "
            "`chgrp GROUP DIR`, `chmod 2775 DIR`.",
        )


def settle(tree: Path, home: Path) -> None:
    """Give all in `tree` the mode it is to have when it is published in the store `home`. Raises OSError.

    The mode of `tree`, which nobody has changed since mkdir, tells the umask: mostly there is nothing to do.
    """
    if os.name != "posix":
        return
    allowed = readable(home)
    if groups.is_shared(home.stat()):
        _make_room_for_bytecode(tree)
    elif tree.stat().st_mode & 0o777 == allowed:
        return
    for path in _walk(tree):
        status = os.lstat(path)
        if not stat.S_ISLNK(status.st_mode):
            wanted = _wanted(status.st_mode, allowed)
            if stat.S_IMODE(status.st_mode) != wanted:
                os.chmod(path, wanted)  # noqa: PTH101 - thousands of them


def readable(home: Path) -> int:
    """Return the mode of a program in the store: what the store's own directory allows, but no writing.

    The members of a group that shares the store may write.
    """
    status = home.stat()
    return (groups.mode_for(status) or _PRIVATE | status.st_mode & _READING) & 0o777


def _wanted(mode: int, allowed: int) -> int:
    if stat.S_ISDIR(mode):
        return allowed | mode & stat.S_ISGID  # it hands the group down
    return allowed if mode & stat.S_IXUSR else allowed & _WITHOUT_EXECUTION


def _walk(tree: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(tree):
        yield folder
        yield from (os.path.join(folder, name) for name in (*folders, *files))  # noqa: PTH118 - the same


def _make_room_for_bytecode(tree: Path) -> None:
    """Make the folders which Python makes for bytecode: those it made could be emptied by one member only."""
    for folder, _, files in os.walk(tree):
        if any(name.endswith(".py") for name in files):
            Path(folder, "__pycache__").mkdir(exist_ok=True)


def _is_for_everybody(home: Path) -> bool:
    if os.name != "posix" or os.geteuid() != 0:
        return False
    try:
        return not home.is_relative_to(home_dir())
    except StoreError:
        return True


def _is_open(folder: Path) -> bool:
    return os.name == "posix" and bool(folder.stat().st_mode & stat.S_IWOTH)


def _is_ours(folder: Path) -> bool:
    return os.name != "posix" or (folder.lstat().st_uid == os.getuid() and not folder.is_symlink())
