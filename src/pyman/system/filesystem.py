"""What file systems can do and Python does not offer: two paths change places; all that was written is kept.

Reached through ctypes, which takes 10 ms to load and is missing in some Pythons: it is loaded when it is
needed, and where it is not there, there is a lesser way.
"""

import errno
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import ctypes

StrPath = str | os.PathLike[str]

_EXCHANGE = 2  # RENAME_EXCHANGE of Linux (linux/fs.h) and RENAME_SWAP of macOS (sys/stdio.h) alike
_FROM_HERE = -2 if sys.platform == "darwin" else -100  # AT_FDCWD (sys/fcntl.h of macOS, linux/fcntl.h)
# The system call's number, for a libc without a function for it such as musl's (the kernel's syscall tables).
_RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "riscv64": 276, "ppc64le": 357, "s390x": 347}


def reachable(root: Path) -> str:
    """Return a directory's path with a separator at its end, for names of any length to be put behind it."""
    # Behind this prefix Windows takes paths longer than 260 characters.
    return f"\\\\?\\{root.absolute()}\\" if os.name == "nt" else f"{root.absolute()}/"


def exchange(one: StrPath, other: StrPath, folder: int = _FROM_HERE, other_folder: int = _FROM_HERE) -> bool:
    """Let two paths on one file system change places in one step, and return True.

    Each may be a name in a directory, of which the descriptor is given. Return False where that cannot be
    done, for whatever reason; both are then as they were.
    """
    libc = _libc()
    if libc is None:
        return False
    paths = folder, os.fsencode(one), other_folder, os.fsencode(other)
    if sys.platform == "darwin":
        return hasattr(libc, "renameatx_np") and libc.renameatx_np(*paths, _EXCHANGE) == 0
    if hasattr(libc, "renameat2"):
        return bool(libc.renameat2(*paths, _EXCHANGE) == 0)
    # The kernel may have 64 bits where this process has 32.
    number = _RENAMEAT2.get(os.uname().machine) if sys.maxsize > 2**32 else None
    if number is None or not hasattr(libc, "syscall"):
        return False
    return bool(libc.syscall(number, *paths, _EXCHANGE) == 0)


def flush(folder: Path) -> None:
    """Have all that was written to the file system of `folder` be on the disk. Raises OSError.

    One call for all of it: to ask for each of some thousand files takes ten times as long. On macOS it is
    only on its way when this returns, and Windows has no such call. With PYMAN_FSYNC=0 nothing is done.
    """
    if not _is_wanted():
        return
    libc = _libc() if sys.platform == "linux" else None
    if libc and hasattr(libc, "syncfs"):
        with _opened(folder) as descriptor:
            if libc.syncfs(descriptor) != 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO), os.fspath(folder))
    elif hasattr(os, "sync"):
        os.sync()


@contextmanager
def flushing(folder: Path) -> Iterator[None]:
    """Do as `flush` does with what is there already, while the block goes on."""
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(flush, folder)
        yield
    done.result()


def flush_names(folder: Path) -> None:
    """Have the names in `folder` be on the disk, so that what was renamed stays so."""
    # Windows opens no directory, and not every file system flushes one.
    if _is_wanted() and os.name == "posix":
        with suppress(OSError), _opened(folder) as descriptor:
            os.fsync(descriptor)


def flush_file(file: BinaryIO) -> None:
    """Have what was written to `file` be on the disk, before it gets its name. Raises OSError."""
    file.flush()
    if _is_wanted():
        os.fsync(file.fileno())


def _is_wanted() -> bool:
    return os.environ.get("PYMAN_FSYNC") != "0"


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _libc() -> "ctypes.CDLL | None":
    """The C library of this process; None where there is none to be had."""
    if os.name != "posix":
        return None
    try:
        import ctypes  # noqa: PLC0415 - only what replaces or flushes needs it, and a static Python has none

        return ctypes.CDLL(None)
    except (ImportError, OSError):
        return None
