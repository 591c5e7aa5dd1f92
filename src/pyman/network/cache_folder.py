"""The folder of archives in the cache, held open: nothing in it is reached through a link put in its place.

pyman made an archive, or an unfinished one, if it has the name of one in full, is a regular file, and is the
user's own, or the group's that shares the folder. All else in the folder is somebody's, and stays.
"""

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pyman.system import groups

if sys.platform != "win32":
    import fcntl

DIGEST = re.compile("[0-9a-f]{64}")
_UNFINISHED = re.compile("[0-9a-f]{64}\\.[0-9a-f]{16}\\.part")
_DAY = 24 * 60 * 60.0
# A link is not followed, and a pipe not waited for.
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLLOWS = os.utime not in os.supports_follow_symlinks  # where it cannot do else


class Folder:
    """An existing folder; to be closed. Every method raises OSError, and takes names of what is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None
        if path.is_symlink():
            raise OSError(errno.ENOTDIR, "it is a link, which is not followed (PYMAN_CACHE_DIR may be one)")
        if sys.platform != "win32":
            self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def names(self) -> list[str]:
        """Return what is in it, in order."""
        return sorted(os.listdir(self.path if self._descriptor is None else self._descriptor))  # noqa: PTH208 - of the open folder

    def status(self, name: str) -> os.stat_result:
        """Return what `name` itself is, a link or not."""
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    def is_file(self, name: str) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.status(name).st_mode)

    def is_own(self, name: str) -> bool:
        """Whether it is a regular file of this user's or group's; what it is called is left open."""
        found = self.status(name)
        return stat.S_ISREG(found.st_mode) and self._is_ours(found)

    def create(self, name: str) -> BinaryIO:
        """Make a file for its owner to write, or a group that shares the folder; locked while it is open."""
        file = open(name, "xb", opener=partial(self._open, mode=0o644))  # noqa: SIM115 - as said
        if sys.platform != "win32" and self._descriptor is not None:
            mode = groups.mode_for(os.fstat(self._descriptor))
            if mode is not None:
                os.fchmod(file.fileno(), mode & 0o666)
            with suppress(OSError):  # a network file system without locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return file

    def finish(self, unfinished: str, name: str) -> None:
        """Give a file its final name; what pyman did not make keeps that. FileExistsError says so."""
        if self._is_there(name) and not self.is_own(name):
            raise FileExistsError(errno.EEXIST, f"{name} is there, which pyman did not make")
        try:
            os.replace(self._at(unfinished), self._at(name), **self._both())  # noqa: PTH105 - in the open folder
        except FileNotFoundError:
            pass  # swept between two steps of ours: nothing is kept this time
        except PermissionError:
            # On Windows: another process has stored the same archive meanwhile, and it is being read.
            if not self.is_own(name):
                raise

    def touch(self, name: str) -> None:
        """Note that an archive is used now: what is not goes first, where the cache is to be smaller."""
        if self.is_own(name):
            os.utime(self._at(name), dir_fd=self._descriptor, follow_symlinks=_FOLLOWS)

    def remove(self, name: str) -> bool:
        """Remove a file that pyman made, and return whether it was there and was one."""
        if not (DIGEST.fullmatch(name) or _UNFINISHED.fullmatch(name)):
            return False
        if not self._is_there(name) or not self.is_own(name):
            return False
        os.unlink(self._at(name), dir_fd=self._descriptor)
        return True

    @contextmanager
    def opened(self, name: str) -> Iterator[BufferedReader]:
        """Open a regular file to read it."""
        with open(name, "rb", opener=lambda name, _: self._open(name, _READ)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            yield file

    def abandoned(self) -> list[str]:
        """Return the unfinished archives that nobody is writing any more."""
        return [name for name in self.names() if _UNFINISHED.fullmatch(name) and self._is_abandoned(name)]

    def sweep(self) -> None:
        """Remove those."""
        for name in self.abandoned():
            with suppress(OSError):
                self.remove(name)

    def _is_abandoned(self, name: str) -> bool:
        if sys.platform == "win32":
            return True  # a file that somebody has open cannot be removed there
        try:
            if not self.is_own(name):
                return False
            # For writing, which NFS wants of an exclusive lock.
            file = self._open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # no locks here
            return time.time() - os.fstat(file).st_mtime > _DAY
        finally:
            os.close(file)
        return True

    def _is_ours(self, found: os.stat_result) -> bool:
        if sys.platform == "win32" or self._descriptor is None or found.st_uid == os.geteuid():
            return True
        folder = os.fstat(self._descriptor)
        return groups.is_shared(folder) and found.st_gid == folder.st_gid

    def _is_there(self, name: str) -> bool:
        try:
            self.status(name)
        except FileNotFoundError:
            return False
        return True

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else os.path.join(self.path, name)  # noqa: PTH118

    def _open(self, name: str, flags: int, mode: int = 0o777) -> int:
        return os.open(self._at(name), flags, mode, dir_fd=self._descriptor)

    def _both(self) -> dict[str, int | None]:
        return {"src_dir_fd": self._descriptor, "dst_dir_fd": self._descriptor}
