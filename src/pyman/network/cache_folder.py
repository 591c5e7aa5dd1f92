"""The folder of archives in the cache, held open: nothing in it is reached through a link put in its place.

pyman made an archive, or an unfinished one, if it has the name of one in full, is a regular file, and is the
user's own, or the group's that shares the folder. All else in the folder is somebody's, and stays.
"""

import errno
import hashlib
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Self

from pyman.system import groups
from pyman.system.folder import Folder

if sys.platform != "win32":
    import fcntl

DIGEST = re.compile("[0-9a-f]{64}")
_UNFINISHED = re.compile("[0-9a-f]{64}\\.[0-9a-f]{16}\\.part")
_DAY = 24 * 60 * 60.0


class Archives:
    """An existing folder of archives; to be closed. Every method raises OSError, and takes names in it."""

    def __init__(self, path: Path) -> None:
        if path.is_symlink():
            raise OSError(errno.ENOTDIR, "it is a link, which is not followed (PYMAN_CACHE_DIR may be one)")
        self.path = path
        self._folder = Folder.open(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of it."""
        self._folder.close()

    def names(self) -> list[str]:
        """Return what is in it, in order."""
        return self._folder.names()

    def status(self, name: str) -> os.stat_result:
        """Return what `name` itself is, a link or not."""
        found = self._folder.status(name)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(self.path / name))
        return found

    def is_own(self, name: str) -> bool:
        """Whether it is a regular file of this user's or group's; what it is called is left open."""
        found = self._folder.status(name)
        return found is not None and stat.S_ISREG(found.st_mode) and self._is_ours(found)

    def is_file(self, name: str) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.status(name).st_mode)

    def create(self, name: str) -> BinaryIO:
        """Make a file for its owner to write, or a group that shares the folder; locked while it is open."""
        while True:
            file = os.fdopen(self._folder.create(name), "wb")
            if sys.platform == "win32":
                return file
            with suppress(OSError):  # a network file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            # Who sweeps may have been at it before it was locked.
            if self._folder.status(name):
                return file
            file.close()

    def finish(self, unfinished: str, name: str) -> None:
        """Give a file its final name; what pyman did not make keeps that. FileExistsError says so."""
        if self._folder.status(name) and not self.is_own(name):
            raise FileExistsError(errno.EEXIST, f"{name} is there, which pyman did not make")
        try:
            self._folder.replace(unfinished, name)
        except FileNotFoundError:
            pass  # somebody has removed it: nothing is kept this time
        except PermissionError:
            # On Windows: another process has stored the same archive meanwhile, and it is being read.
            if not self.is_own(name):
                raise

    def touch(self, name: str) -> None:
        """Note that an archive is used now: what is not goes first, where the cache is to be smaller."""
        if self.is_own(name):
            self._folder.touch(name)

    def remove(self, name: str) -> bool:
        """Remove a file that pyman made, and return whether it was there and was one."""
        is_named = DIGEST.fullmatch(name) or _UNFINISHED.fullmatch(name)
        if not is_named or not self.is_own(name):
            return False
        self._folder.unlink(name)
        return True

    @contextmanager
    def opened(self, name: str) -> Iterator[BufferedReader]:
        """Open a regular file to read it."""
        with self._folder.opened(name) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            yield file

    def is_sound(self, name: str) -> bool:
        """Whether an archive has the digest that it is called by."""
        with self.opened(name) as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == name

    def abandoned(self) -> list[str]:
        """Return the unfinished archives that nobody is writing any more."""
        found = []
        for name in self._unfinished():
            with self._locked(name) as is_abandoned:
                found += [name] if is_abandoned else []
        return found

    def sweep(self) -> None:
        """Remove those."""
        for name in self._unfinished():
            with self._locked(name) as is_abandoned, suppress(OSError):
                if is_abandoned:
                    self.remove(name)

    def _unfinished(self) -> list[str]:
        return list(filter(_UNFINISHED.fullmatch, self.names()))

    @contextmanager
    def _locked(self, name: str) -> Iterator[bool]:
        """Hold the lock of an unfinished archive, if nobody writes it any more; gives whether that is so."""
        if sys.platform == "win32":
            yield True  # a file that somebody has open cannot be removed there
            return
        try:
            # For writing, which NFS wants of an exclusive lock.
            flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
            file = os.open(name, flags, dir_fd=self._folder.descriptor) if self.is_own(name) else None
        except OSError:
            file = None
        if file is None:
            yield False
            return
        try:
            yield _is_abandoned(file)
        finally:
            os.close(file)

    def _is_ours(self, found: os.stat_result) -> bool:
        if sys.platform == "win32" or found.st_uid == os.geteuid():
            return True
        folder = self._folder.own_status()
        return groups.is_shared(folder) and found.st_gid == folder.st_gid


def _is_abandoned(file: int) -> bool:
    """Whether nobody else has an open file locked; it is locked then, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        return time.time() - os.fstat(file).st_mtime > _DAY
    return True
