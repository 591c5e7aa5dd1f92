"""Locks between processes: one process at a time holds the lock of a name. The only user of filelock.

The system lets go of a lock when the process that holds it ends, however it ends. Where the file system has
no locks, `claims` do instead. Who holds a lock is written down beside it, for those who wait: nothing rests
on it.
"""

import errno
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from filelock import FileLock, Timeout

from pyman import groups
from pyman.claims import Claim
from pyman.errors import CancelledError, StoreError
from pyman.owner import Owner, name_in

_PAUSE = 0.05  # seconds
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextmanager
def held(folder: Path, name: str, on_wait: Callable[[str], None], cancelled: Event) -> Iterator[None]:
    """Hold the lock of `name`, which is a file in `folder`.

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
        lock.release()


@contextmanager
def held_if_free(folder: Path, name: str) -> Iterator[bool]:
    """Hold the lock of `name` if nobody has it, and tell whether it is held. OSError if it cannot be had."""
    lock = _Lock(folder, name)
    held = lock.acquire()
    try:
        yield held
    finally:
        if held:
            lock.release()


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
        self._file = folder / f"{name}.lock"
        self._native = FileLock(self._file, mode=groups.file_mode(folder, 0o644), fallback_to_soft=False)
        self._claim: Claim | None = None
        self._folder = folder
        self._name = name

    def acquire(self) -> bool:
        """Try to get the lock, and tell whether it is held. Raises OSError."""
        if self._claim:
            return self._claim.acquire()
        groups.make_file(self._file)
        try:
            self._native.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            self._claim = Claim(self._folder, self._name)
            return self._claim.acquire()
        # Not in the locked file itself: on Windows nobody else can read that.
        with suppress(OSError):
            Owner.here().write(self._note)
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._claim:
            self._claim.release()
            return
        with suppress(OSError):
            self._note.unlink()
        self._native.release()

    def owner(self) -> str:
        """Return what the process that has the lock is called in a message."""
        return self._claim.owner() if self._claim else name_in(self._note)

    @property
    def _note(self) -> Path:
        return self._folder / f"{self._name}.owner"
