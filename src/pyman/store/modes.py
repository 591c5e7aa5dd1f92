"""Who may read what is in the store, and that only its owner may change it.

Whoever may read the directory of the store may read all that is published in it, whatever the umask; nobody
but the owner may write to it, and the group where that shares the store (see `groups`). A store that root
makes outside of its home directory is for everybody.

None of this is for Windows, where a directory hands its permissions down.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from pyman.errors import StoreError
from pyman.system import groups
from pyman.system.folder import Folder
from pyman.system.userdirs import home_dir

_SHARED = 0o755
PRIVATE = 0o700
_READING = 0o055  # and going through, for others than the owner


def make_home(home: Path) -> None:
    """Make the directory of the store, and those above it. Raises OSError."""
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(_SHARED, exist_ok=True)
        if _is_for_everybody(home):
            folder.chmod(_SHARED)


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


def is_of_a_group(store: os.stat_result) -> bool:
    """Whether a store is shared by its group, and not open to everybody besides."""
    return groups.is_shared(store) and not _is_open(store)


def make_private(folder: Folder, store: Folder) -> None:
    """Close a folder of the store to other users; StoreError if one could still work there, or OSError."""
    if _is_open(folder.own_status()):
        with suppress(OSError):
            folder.set_mode(PRIVATE)
    status = folder.own_status()
    # Where it stays open though it is ours, modes mean nothing to the file system.
    if (_is_open(status) or _is_open(store.own_status())) and not _is_ours(status):
        raise StoreError(
            f"{folder.path} belongs to another user, and all users may write there: it cannot be trusted",
            "Remove it, or choose another store with PYMAN_HOME.",
        )


def is_trusted(status: os.stat_result, store: os.stat_result) -> bool:
    """Whether what is in a store may be pyman's own by its owner.

    That is this user, root, the owner of the store, or anybody in what is the store's group's.
    """
    is_members = groups.is_shared(store) and status.st_gid == store.st_gid
    return os.name != "posix" or is_members or status.st_uid in (0, os.geteuid(), store.st_uid)


def exposure(home: Path) -> str:
    """Return what is to be said of a store to which every user may write; nothing where that is not so."""
    if not home.exists() or not _is_open(home.stat()):
        return ""
    return (
        f"every user of this machine may write to {home}, and so change what others run: `chmod o-w {home}`"
    )


def settle(tree: Folder, home: Path, *, is_same: bool = False) -> None:
    """Give all in `tree` the mode it is to have when it is published in the store `home`. Raises OSError.

    The mode of `tree`, which nobody has changed since mkdir, tells the umask: mostly there is nothing to do.
    With `is_same` it is that of a store for everybody whatever this one is, but for one that a group shares:
    who may not go into the store comes no further.
    """
    allowed = _SHARED if is_same and not groups.is_shared(home.stat()) else readable(home)
    if groups.is_shared(home.stat()):
        make_room_for_bytecode(tree)
    elif tree.own_status().st_mode & 0o777 == allowed:
        return
    give(tree, allowed)


def give(tree: Folder, allowed: int) -> None:
    """Give `tree`, folders and programs in it the mode `allowed`, other files the same without execution.

    Where that means nothing to the system nothing is done. Raises OSError.
    """
    if os.name != "posix":
        return
    for name, status, folder in tree.walk():
        if not stat.S_ISLNK(status.st_mode):
            wanted = wanted_mode(status.st_mode, allowed)
            if stat.S_IMODE(status.st_mode) != wanted:
                os.chmod(name, wanted, dir_fd=folder)
    tree.set_mode(wanted_mode(tree.own_status().st_mode, allowed))


def readable(home: Path) -> int:
    """Return the mode of a program in the store: what the store's own directory allows, but no writing.

    The members of a group that shares the store may write.
    """
    status = home.stat()
    return (groups.mode_for(status) or PRIVATE | status.st_mode & _READING) & 0o777


def readable_file(home: Path) -> int:
    """Return the mode of a file in the store that is no program."""
    return readable(home) & groups.WITHOUT_EXECUTION


def wanted_mode(mode: int, allowed: int) -> int:
    """Return the mode that something of the mode `mode` is to have, where programs have `allowed`."""
    if stat.S_ISDIR(mode):
        return allowed | mode & stat.S_ISGID  # it hands the group down
    return allowed if mode & stat.S_IXUSR else allowed & groups.WITHOUT_EXECUTION


def make_room_for_bytecode(tree: Folder) -> None:
    """Make the folders which Python makes for bytecode: those it made could be emptied by one member only."""
    for _, _, files, folder in os.fwalk(".", dir_fd=tree.descriptor):
        if any(name.endswith(".py") for name in files):
            with suppress(FileExistsError):
                os.mkdir("__pycache__", dir_fd=folder)


def _is_for_everybody(home: Path) -> bool:
    if os.name != "posix" or os.geteuid() != 0:
        return False
    try:
        return not home.is_relative_to(home_dir())
    except StoreError:
        return True


def _is_open(status: os.stat_result) -> bool:
    return os.name == "posix" and bool(status.st_mode & stat.S_IWOTH)


def _is_ours(status: os.stat_result) -> bool:
    return os.name != "posix" or status.st_uid == os.getuid()
