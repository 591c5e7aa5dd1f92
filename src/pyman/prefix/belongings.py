"""What of a prefix is pyman's: told by content, and taken out. What was changed is never touched."""

import errno
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress

from pyman.inventory import manifest
from pyman.inventory.manifest import File, Manifest
from pyman.system.descent import Descent
from pyman.system.folder import Folder

_CACHE = "__pycache__"
# What Python makes of module.py when it is imported: module.cpython-313.pyc, module.cpython-313.opt-1.pyc
_BYTECODE = re.compile(r"(?P<stem>.+)\.(?:cpython|pypy|graalpy)[\w-]*(?:\.opt-[0-9])?\.pyc", re.ASCII)
# There is something in it, or mounted there; or it is none, or not there any more.
_NOT_EMPTY = {errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY, errno.ENOTDIR, errno.ENOENT, errno.ELOOP}
_MAGIC = slice(2, 4)
_MAGIC_END = b"\r\n"  # of the first four bytes (CPython, importlib/_bootstrap_external.py)


def is_same(place: Folder, name: str, listed: File | str) -> bool:
    """Whether something is the file, or the link, that is listed."""
    if isinstance(listed, str):
        return place.link_target(name).replace("\\", "/") == listed.replace("\\", "/")
    try:
        with place.opened(name) as file:
            return manifest.examined(file, listed.size) == listed
    except OSError:
        return False


def is_bytecode(place: Folder, name: str) -> bool:
    """Whether a file begins as bytecode does."""
    found = place.status(name)
    if not found or not stat.S_ISREG(found.st_mode):
        return False
    try:
        return place.read(name, 4)[_MAGIC] == _MAGIC_END
    except OSError:
        return False


def bytecode_of(below: Descent, names: Iterable[str]) -> Iterator[str]:
    """Yield the bytecode that Python has made of the modules among `names`.

    It is worth nothing without them, and wrong beside others of the same size and time.
    """
    stems: dict[str, set[str]] = {}
    for name in names:
        folder, _, last = name.rpartition("/")
        if last.endswith(".py"):
            stems.setdefault(folder, set()).add(last.removesuffix(".py"))
    for folder in sorted(stems):
        cache = f"{folder}/{_CACHE}".lstrip("/")
        with suppress(FileNotFoundError, NotADirectoryError):
            place = below.folder(cache)
            for last in place.names():
                found = _BYTECODE.fullmatch(last)
                if found and found["stem"] in stems[folder] and is_bytecode(place, last):
                    yield f"{cache}/{last}"


def take_out(top: Folder, files: Manifest, folders: Iterable[str]) -> None:
    """Remove those of the files that are as they are listed, with their bytecode; then empty folders.

    Raises OSError. Doing it again, after some of it was done, does the rest.
    """
    caches = set[str]()
    with Descent(top) as below:
        gone = [name for name in sorted(files) if _is_taken(below, name, files[name])]
        for name in list(bytecode_of(below, gone)):
            place, last = below.at(name)
            place.unlink(last)
            caches.add(name.rpartition("/")[0])
    remove_empty(top, {*folders, *caches})


def _is_taken(below: Descent, name: str, listed: File | str) -> bool:
    """Remove a file if it is what is listed; returns whether it is not there any more."""
    try:
        place, last = below.at(name)
    except (FileNotFoundError, NotADirectoryError):
        return True
    if place.status(last) is None:
        return True
    if not is_same(place, last, listed):
        return False
    place.unlink(last)
    return True


def remove_empty(top: Folder, folders: Iterable[str]) -> None:
    """Remove those of the folders in which nothing is, the innermost first. Raises OSError."""
    with Descent(top) as below:
        for name in sorted(set(folders) - {"."}, reverse=True):
            try:
                place, last = below.at(name)
                place.remove_empty(last)
            except OSError as error:
                if error.errno not in _NOT_EMPTY:
                    raise
