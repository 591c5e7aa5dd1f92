"""Locks between processes: one process at a time holds the lock of a name. The only user of filelock.

The system lets go of a lock when the process that holds it ends, however it ends. Where the file system has
no locks, `claims` do instead. Who holds a lock is written down beside it, for those who wait: nothing rests
on it.

On POSIX the lock is flock on a file in a folder that is held open: filelock takes a path, and would follow a
link that took the folder's place. What has a lock's name and is no file is not locked, nor changed. A file
that was removed while it was waited for is no lock any more.
"""

import errno
import os
import random
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from pyman.errors import CancelledError, StoreError
from pyman.locking.claims import Claim
from pyman.locking.owner import Owner, name_in
from pyman.system import groups
from pyman.system.folder import Folder

if sys.platform == "win32":
    from filelock import FileLock, Timeout
else:
    import fcntl

_PAUSE = 0.05  # seconds
_IS_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextmanager
def held(
    folder: Path, name: str, on_wait: Callable[[str], None], cancelled: Event, *, fleeting: bool = False
) -> Iterator[None]:
    """Hold the lock of `name`, which is a file in `folder`, and stays there unless it is to be `fleeting`.

    Calls `on_wait` once if it has to wait, with what the process that has the lock is called. StoreError if
    it cannot be had, CancelledError soon after `cancelled` is set.
    """
    try:
        lock = _Lock(folder, name)
        if not lock.acquire():
            _wait_for(lock, on_wait, cancelled)
    except OSError as error:
        raise StoreError.of("lock", folder, error) from None
    try:
        yield
    finally:
        lock.release(fleeting=fleeting)


@contextmanager
def held_if_free(folder: Path, name: str, *, fleeting: bool = False) -> Iterator[bool]:
    """Hold the lock of `name` if nobody has it, and tell whether it is held. OSError if it cannot be had."""
    lock = _Lock(folder, name)
    held = lock.acquire()
    try:
        yield held
    finally:
        if held:
            lock.release(fleeting=fleeting)


def _wait_for(lock: "_Lock", on_wait: Callable[[str], None], cancelled: Event) -> None:
    """Take the lock when it is free."""
    waited = False
    # Of random length: two that get in each other's way must not do so for ever.
    while not cancelled.wait(_PAUSE * random.uniform(1, 2)):  # noqa: S311 - nobody gains by guessing it
        if lock.acquire():
            return
        if not waited:
            on_wait(lock.owner())
            waited = True
    raise CancelledError("Stopped.")


class _Lock:
    """The system's lock on a file; the claim to it where the file system has no locks."""

    def __init__(self, folder: Path, name: str) -> None:
        self._native = _Native(folder, f"{name}.lock")
        self._claim: Claim | None = None
        self._folder = folder
        self._name = name
        self._noted = False

    def acquire(self) -> bool:
        """Try to get the lock, and tell whether it is held. Raises OSError."""
        if self._claim:
            return self._claim.acquire()
        try:
            if not self._native.acquire():
                return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self._claim = Claim(self._folder, self._name)
            return self._claim.acquire()
        # Not in the locked file itself: on Windows nobody else can read that.
        with suppress(OSError), Folder.open(self._folder) as folder:
            self._noted = Owner.here().replace(folder, self._note)
        return True

    def release(self, *, fleeting: bool) -> None:
        """Give the lock back, and take its file away if it is `fleeting`."""
        with suppress(OSError), Folder.open(self._folder) as folder:
            if self._noted:
                folder.unlink(self._note)
            if fleeting:
                self._take_away(folder)
        (self._claim or self._native).release()

    def _take_away(self, folder: Folder) -> None:
        """Remove the file while it is held: whoever has it open sees that it is gone.

        What has something in it is not of our making. On Windows what is open stays.
        """
        found = folder.status(f"{self._name}.lock")
        if found and not found.st_size:
            folder.unlink(f"{self._name}.lock")

    def owner(self) -> str:
        """Return what the process that has the lock is called in a message."""
        return self._claim.owner() if self._claim else name_in(self._folder / self._note)

    @property
    def _note(self) -> str:
        return f"{self._name}.owner"


if sys.platform == "win32":

    class _Native:
        """filelock's lock."""

        def __init__(self, folder: Path, name: str) -> None:
            self._lock = FileLock(folder / name, mode=0o644, fallback_to_soft=False)

        def acquire(self) -> bool:
            """Try to get the lock, and tell whether it is held. Raises OSError."""
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                return False
            return True

        def release(self) -> None:
            """Give the lock back."""
            self._lock.release()

else:

    def _file_to_lock(folder: Folder, name: str) -> int:
        """Return the descriptor of a regular file, which is made if it is not there, and never changed."""
        # For writing, which NFS wants of an exclusive lock.
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        path = os.fspath(folder.path / name)
        if folder.link_target(name):
            raise OSError(errno.ELOOP, "it is a link, and no file of pyman's: remove it", path)
        if groups.is_shared(folder.own_status()) and not folder.status(name):
            _make_for_group(folder, name)
        file = os.open(name, flags, 0o644, dir_fd=folder.descriptor)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(errno.EINVAL, "it is no file", path)
        return file

    def _make_for_group(folder: Folder, name: str) -> None:
        """Make a file so that at no time there is one by that name which a member may not write."""
        waiting = f"{name}.{os.urandom(8).hex()}"
        folder.make_file(waiting, b"")
        where = folder.descriptor
        try:
            with suppress(FileExistsError):  # another process was as fast
                os.link(waiting, name, src_dir_fd=where, dst_dir_fd=where)
        except OSError:  # a file system without links
            with suppress(FileExistsError):
                folder.make_file(name, b"")
        finally:
            folder.unlink(waiting)

    def _is_there(folder: Folder, name: str, file: int) -> bool:
        """Whether the file that is open is the one by that name: another process may have removed it."""
        found, own = folder.status(name), os.fstat(file)
        return found is not None and (found.st_dev, found.st_ino) == (own.st_dev, own.st_ino)

    class _Native:
        """flock on a file; one that stays when the lock is given back is open in all who wait."""

        def __init__(self, folder: Path, name: str) -> None:
            self._folder = folder
            self._name = name
            self._file: int | None = None

        def acquire(self) -> bool:
            """Try to get the lock, and tell whether it is held. Raises OSError."""
            held = False
            with Folder.open(self._folder) as folder:
                file = _file_to_lock(folder, self._name)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    held = _is_there(folder, self._name, file)
                except OSError as error:
                    if error.errno not in _IS_TAKEN:
                        raise
                finally:
                    if not held:
                        os.close(file)
            self._file = file if held else None
            return held

        def release(self) -> None:
            """Give the lock back."""
            if self._file is not None:
                os.close(self._file)
                self._file = None
