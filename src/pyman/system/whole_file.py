"""Writes a file whole or not at all: nobody ever sees half of it.

What has the name of the file may be anything: to put a file in the place of a device would destroy it.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from pyman.errors import PymanError

_KINDS = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def place(path: Path) -> Path:
    """Return where what is written to `path` goes, which for a symbolic link is its target.

    PymanError if there is something that is no regular file.
    """
    try:
        found = path.stat()  # before the path is resolved: that of /dev/stdout leads to no file
    except FileNotFoundError:
        return Path(os.path.realpath(path))
    except OSError as error:
        raise cannot_write(path, error) from None
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "special file")
        raise cannot_write(path, f"it is a {kind}, no regular file")
    return Path(os.path.realpath(path))


def cannot_write(path: Path, why: OSError | str) -> PymanError:
    """Return the error for a file that was named and cannot be written."""
    told = why.strerror or why if isinstance(why, OSError) else why
    return PymanError(f"cannot write {path}: {told}", "Name another file.")


def put(path: Path, data: bytes) -> None:
    """Make `data` the content of the file at `path`, whose folder is made if it is missing.

    What was there before stays where that fails. A symbolic link stays one, and a file keeps its mode.
    Raises OSError, and PymanError as `place` does.
    """
    real = place(path)
    waiting = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        waiting.write_bytes(data)
        if real.exists():
            waiting.chmod(real.stat().st_mode)
        waiting.replace(real)
    except OSError:
        with suppress(OSError):
            waiting.unlink()
        raise
