"""The folders in which pyman works: whether a directory is a store, and what in it is pyman's own.

A store is a directory that pyman made or found empty; in another, nothing is written. `.staging` and `.locks`
are directories themselves, no links, and belong to somebody who may change the store: all else is refused.
"""

import errno
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyman.builds.key import Key
from pyman.errors import StoreError
from pyman.store import known_links, modes, record
from pyman.store.installations import Store
from pyman.system.folder import Folder

README = "README"
STAGES = ".staging"
LOCKS = ".locks"
SHIMS = "shims"
_TEXT = """\
This directory belongs to pyman, the Python version manager.

Each folder is one Python installation; do not change what is in it. Remove one with `pyman uninstall`.
"""
_BEGINNING = _TEXT.partition("\n")[0].encode()
_ITS_OWN = {STAGES, LOCKS, ".environments", ".metadata"}
# What stands in a directory that is empty for its user: of a file system of its own, of macOS, of NFS.
_NOTHING = {"lost+found", ".DS_Store", ".snapshot"}
_WAITING = re.compile(r"\.README\.[0-9a-f]{8}", re.ASCII)
_SHOWN = 3
_FOR_NOBODY_ELSE = 0o2770
_ALL = os.R_OK | os.W_OK | os.X_OK
_TRIES = 20
_PAUSE = 0.02  # seconds


@contextmanager
def entered(store: Store) -> Iterator[Folder]:
    """Make what pyman works with in a store, and give the store's directory, open.

    StoreError when the store cannot be written, when others could interfere, when it is no store, or when a
    working folder is not pyman's.
    """
    try:
        modes.check_place(store.home)
        modes.make_home(store.home)
        home = Folder.open(store.home, follow=True)
    except OSError as error:
        raise StoreError.of("write to", store.home, error) from None
    with home:
        try:
            _check(home)
            _write_readme(home)
            for name in (STAGES, LOCKS):
                _make_working(home, name)
        except OSError as error:
            raise StoreError.of("write to", store.home, error) from None
        yield home


@contextmanager
def working(home: Folder, name: str) -> Iterator[Folder]:
    """Give a working folder, open. StoreError if it is a link or another user's, OSError if there is none."""
    try:
        folder = home.inner(name)
    except NotADirectoryError:
        raise _refused(home, name) from None
    with folder:
        if not modes.is_trusted(folder.own_status(), home.own_status()):
            raise _foreign(folder.path)
        yield folder


def _check(home: Folder) -> None:
    """StoreError if that is no store, and has things in it."""
    names = set(home.names())
    others = [name for name in sorted(names - _NOTHING - _ITS_OWN) if not _is_made(home, name)]
    if not others or _is_store(home, names):
        return
    shown = ", ".join(others[:_SHOWN]) + (f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else "")
    raise StoreError(
        f"{home.path} is no store of pyman's and not empty: it has {shown}",
        "Name an empty or a new folder with PYMAN_HOME, such as a folder in this one, or unset it.",
    )


def _is_store(home: Folder, names: set[str]) -> bool:
    """Whether there is something that pyman puts into its stores: earlier versions made no README."""
    return (
        _is_readme(home, README)
        or all(home.has_folder(name) for name in (STAGES, LOCKS))
        or any(Key.find(name) and not record.fault(f"{home.path}/{name}", name) for name in names)
    )


def _is_made(home: Folder, name: str) -> bool:
    """Whether a name is one that pyman gives, of what it makes before and beside the installations."""
    return (
        _WAITING.fullmatch(name) is not None
        or (name == README and _is_readme(home, name))
        or known_links.is_minor(home.path / name)
    )


def _is_readme(home: Folder, name: str) -> bool:
    with suppress(OSError):
        return home.read(name, len(_BEGINNING)) == _BEGINNING
    return False


def _write_readme(home: Folder) -> None:
    """Write it whole or not at all, and not over anything."""
    if not home.status(README):
        put(home, README, _TEXT.encode(), modes.readable_file(home.path))


def put(folder: Folder, name: str, data: bytes, mode: int) -> None:
    """Write a file whole or not at all, in the place of an earlier one. Raises OSError."""
    found = folder.status(name)
    if found and not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EEXIST, "something else has its place", os.fspath(folder.path / name))
    waiting = f".{name}.{os.urandom(4).hex()}"
    folder.make_file(waiting, data)
    try:
        folder.set_mode_of(waiting, mode)
        folder.replace(waiting, name)
    finally:
        with suppress(FileNotFoundError):
            folder.unlink(waiting)


@contextmanager
def made(home: Folder, name: str) -> Iterator[Folder]:
    """Give a folder of the store that whoever may read the store may read, and make it if it is not there.

    Raises as `working` does.
    """
    if home.status(name) is None:
        mode = modes.readable(home.path)
        home.make_folder(name, mode)
        with home.inner(name) as folder:
            folder.set_mode(mode | stat.S_IMODE(folder.own_status().st_mode) & stat.S_ISGID)
    with working(home, name) as folder:
        yield folder


def _make_working(home: Folder, name: str) -> None:
    if modes.is_of_a_group(home.own_status()):
        _make_for_group(home, name)
        return
    with suppress(FileExistsError):
        home.make_folder(name, modes.PRIVATE)
    with working(home, name) as folder:
        modes.make_private(folder, home)


def _make_for_group(home: Folder, name: str) -> None:
    """Make a folder for all of the group and for nobody else; StoreError if one is there that is not its."""
    for attempt in range(_TRIES):
        with suppress(FileExistsError):
            home.make_folder(name, _FOR_NOBODY_ELSE)
        with suppress(PermissionError), working(home, name) as folder:
            _mend(folder, home.own_status())
            if os.access(folder.path, _ALL):
                return
        if not os.access(home.path, _ALL):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(home.path / name))
        # Another member is just making it, or died while doing so. If there is something in it, it stays.
        with suppress(OSError):
            time.sleep(_PAUSE * bool(attempt))
            home.remove_empty(name)
    found = home.status(name)
    raise StoreError.not_for_the_group(home.path, found or home.own_status())


def _mend(folder: Folder, home: os.stat_result) -> None:
    """Give a folder, if this user may, to the group alone."""
    found = folder.own_status()
    is_right = stat.S_IMODE(found.st_mode) == _FOR_NOBODY_ELSE and found.st_gid == home.st_gid
    if not is_right and os.geteuid() in (0, found.st_uid):
        folder.set_group(home.st_gid)
        folder.set_mode(_FOR_NOBODY_ELSE)


def _refused(home: Folder, name: str) -> StoreError:
    path = home.path / name
    target = home.link_target(name)
    what = f"is a link to {target}" if target else "is no folder"
    return StoreError(
        f"{path} {what}: pyman works only in folders of its own, and has touched nothing there",
        f"Remove {'the link' if target else 'it'}, and pyman makes a folder; "
        "to have all of it on another disk, move the store and name it with PYMAN_HOME.",
    )


def _foreign(path: Path) -> StoreError:
    return StoreError(
        f"{path} belongs to another user: it cannot be trusted",
        "Remove it, or choose another store with PYMAN_HOME.",
    )
