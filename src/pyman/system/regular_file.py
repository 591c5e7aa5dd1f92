"""Reads a file that others may have put there: only if it is a regular one, without waiting, up to a bound.

To open a named pipe waits for its writer, and lets one that waits go on; to open a device may do anything;
`/dev/zero` has no end. Whatever has the name that is looked for may be one of those.
"""

import os
import stat
from errno import EFBIG, EINVAL
from pathlib import Path

_Path = str | os.PathLike[str]

# To open the file itself: through no link, nor waiting for the other end of a pipe.
ITSELF = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
)
_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"):  # what of them the system has
    _FLAGS |= getattr(os, _name, 0)


def opened(path: _Path, flags: int = _FLAGS) -> int:  # noqa: ARG001 - so that it serves as the `opener` of open()
    """Return a descriptor for reading the regular file at `path`, which the caller closes.

    Raises OSError, EINVAL for what is no regular file, and ValueError for a path that can be none.
    """
    _check(os.stat(path), path)  # noqa: PTH116 - of thousands
    file = os.open(path, _FLAGS)
    try:
        _check(os.fstat(file), path)  # it may have been exchanged meanwhile: so it is opened without waiting
    except OSError:
        os.close(file)
        raise
    return file


def is_readable(path: Path) -> bool:
    """Whether there is a file that this user may read: access() says no where is_file() would raise."""
    return os.access(path, os.R_OK) and path.is_file()


def head(path: _Path, most: int) -> bytes:
    """Return the first `most` bytes of the regular file at `path`, all if it has less; raises as `opened`."""
    file = opened(path)
    try:
        return _read(file, most)
    finally:
        os.close(file)


def whole(path: _Path, most: int) -> bytes:
    """Return the content of the regular file at `path`; raises as `opened`, and EFBIG if it has more."""
    data = head(path, most + 1)
    if len(data) > most:
        raise OSError(EFBIG, f"it has more than {most} bytes", str(path))
    return data


def _check(found: os.stat_result, path: _Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(EINVAL, "it is not a regular file", str(path))


def _read(file: int, most: int) -> bytes:
    data = os.read(file, most)
    if len(data) in (0, most):
        return data
    parts = [data]
    while data := os.read(file, most - sum(map(len, parts))):
        parts.append(data)
    return b"".join(parts)
