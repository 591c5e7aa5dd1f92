"""The folder of shims in the store: one script, and a link to it for each name.

    <store>/shims/.shim         the script
                  python …      links to it: python, python3, pip, pip3, and python3.13 for what is installed

Names of what is not installed would be taken for Pythons by all that look for one, so there are none: they
come and go with installations. Only what is exactly so is pyman's; all else in the folder is somebody's, and
stays.
"""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pyman.builds.key import Implementation
from pyman.builds.target import Target
from pyman.errors import StoreError
from pyman.shims import shim_text
from pyman.store import modes, premises
from pyman.store.installations import Store, executable_name
from pyman.system.folder import Folder

SCRIPT = ".shim"
USUAL = ("python", "python3", "pip", "pip3")
_NAME = re.compile(r"(?:python|pip)3?|python3\.[0-9]+t?d?", re.ASCII)
_WAITING = re.compile(r"\.\.shim\.[0-9a-f]{8}", re.ASCII)
_LARGEST = 64 * 1024


class State(NamedTuple):
    """What is in the folder: the names of shims, what is not pyman's, the script; None if that is missing."""

    names: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    script: bytes | None = None

    @property
    def is_on(self) -> bool:
        """Whether there are shims."""
        return self.script is not None


def place(store: Store) -> Path:
    """Return where the shims are, or would be."""
    return store.home / premises.SHIMS


def is_among(place: Path, folders: Iterable[str]) -> bool:
    """Whether the folder of shims is one of these, by whatever path."""
    real = os.path.realpath(place)
    return any(os.path.realpath(folder) == real for folder in folders if folder)


def state(store: Store) -> State:
    """Return what is in the folder of shims; nothing where there is none. StoreError if it cannot be read."""
    try:
        with Folder.open(place(store)) as folder:
            return _state(folder)
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise StoreError.of("read", place(store), error) from None


def turn_on(store: Store, own: Target, environ: Mapping[str, str]) -> State:
    """Make the shims, or make them anew; returns what is there then. StoreError if that fails."""
    try:
        with premises.entered(store) as home, premises.made(home, premises.SHIMS) as folder:
            found = _state(folder)
            if SCRIPT in found.foreign:
                raise _taken(store)
            premises.put(folder, SCRIPT, shim_text.text(environ), modes.readable(store.home))
            _settle(folder, wanted(store, own))
            return _state(folder)
    except OSError as error:
        raise StoreError.of("write to", place(store), error) from None


def turn_off(store: Store) -> State:
    """Take the shims away, and the folder if nothing is left in it; returns what was there."""
    if not os.path.lexists(place(store)):
        return State()
    try:
        with premises.entered(store) as home:
            with premises.working(home, premises.SHIMS) as folder:
                found = _state(folder)
                for name in (*found.names, *_own_files(folder)):
                    folder.unlink(name)
            if not found.foreign:
                home.remove_empty(premises.SHIMS)
            return found
    except OSError as error:
        raise StoreError.of("remove shims from", place(store), error) from None


def follow(store: Store, own: Target) -> None:
    """Let each minor version that is installed have a name, if there are shims; silent if that fails."""
    with suppress(OSError, StoreError), Folder.open(place(store)) as folder:
        if _state(folder).is_on:
            _settle(folder, wanted(store, own))


def wanted(store: Store, own: Target) -> list[str]:
    """Return the names there are to be: the usual ones, and that of each CPython which runs here."""
    keys = (each.key for each in store.visible() if each.key.target.baseline == own.baseline)
    names = (executable_name(key) for key in keys if key.implementation is Implementation.CPYTHON)
    return [*USUAL, *dict.fromkeys(name for name in names if _NAME.fullmatch(name))]


def _settle(folder: Folder, names: Iterable[str]) -> None:
    """Make the links that are wanted, and remove those of pyman's that are not."""
    names = set(names)
    for name in _state(folder).names:
        if name not in names:
            folder.unlink(name)
    for name in names:
        with suppress(FileExistsError):
            os.symlink(SCRIPT, name, dir_fd=folder.descriptor)


def _state(folder: Folder) -> State:
    names = folder.names()
    own = [name for name in names if _NAME.fullmatch(name) and folder.link_target(name) == SCRIPT]
    files = _own_files(folder)
    foreign = (name for name in names if name not in own and name not in files)
    script = folder.read(SCRIPT, _LARGEST) if SCRIPT in files else None
    return State(tuple(own), tuple(foreign), script)


def _own_files(folder: Folder) -> list[str]:
    """The script, and what it is called until it is whole."""
    named = (name for name in folder.names() if name == SCRIPT or _WAITING.fullmatch(name))
    return [name for name in named if _is_script(folder, name)]


def _is_script(folder: Folder, name: str) -> bool:
    with suppress(OSError):
        head = folder.read(name, len(shim_text.HEAD))
        return head == shim_text.HEAD or (name != SCRIPT and shim_text.HEAD.startswith(head))
    return False


def _taken(store: Store) -> StoreError:
    path = place(store) / SCRIPT
    return StoreError(f"the place is taken: {path} is not pyman's", "Move it or delete it, then try again.")
