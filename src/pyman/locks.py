"""Locks between processes: one process at a time holds the lock of a name. The only user of filelock."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from filelock import FileLock, Timeout

from pyman.errors import CancelledError, StoreError

_SLICE = 0.2  # seconds


@contextmanager
def held(folder: Path, name: str, on_wait: Callable[[], None], cancelled: Event) -> Iterator[None]:
    """Hold the lock of `name`, which is a file in `folder`; calls `on_wait` once if another process has it.

    StoreError if it cannot be had, CancelledError soon after `cancelled` is set.
    """
    lock = FileLock(folder / f"{name}.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait()
            _wait_for(lock, cancelled)
    except OSError as error:
        raise StoreError.of("lock", folder, error) from None
    except NotImplementedError as error:  # a network file system without locks
        raise StoreError.of("lock", folder, OSError(str(error))) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def held_if_free(folder: Path, name: str) -> Iterator[bool]:
    """Hold the lock of `name` if nobody has it, and tell whether it is held. OSError if it cannot be had."""
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _wait_for(lock: FileLock, cancelled: Event) -> None:
    """Take the lock when it is free; in slices, for ^C does not reach a thread that waits."""
    while not cancelled.is_set():
        with suppress(Timeout):
            lock.acquire(timeout=_SLICE)
            return
    raise CancelledError("Stopped.")
