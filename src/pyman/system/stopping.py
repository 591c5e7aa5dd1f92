"""^C, SIGTERM and SIGHUP: what is under way is told to stop, also where no exception gets to it.

Python raises KeyboardInterrupt in the main thread alone, where it can be lost (in a finaliser, say); a thread
that waits for bytes does not see it at all.
"""

import signal
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
_stoppers: list[Callable[[], None]] = []


class _Listener:
    """The thread that gets signals, and whether it wants them later; then the one that has come."""

    thread = 0
    is_busy = False
    late = 0


_listener = _Listener()


@contextmanager
def stoppable(stop: Callable[[], None]) -> Iterator[None]:
    """Have `stop` called when the user stops pyman inside the block; it must be quick and may come twice."""
    _stoppers.append(stop)
    try:
        yield
    finally:
        _stoppers.remove(stop)


@contextmanager
def held_back() -> Iterator[None]:
    """Let signals wait until the block has ended, which must be short: what it makes is then known to `stop`.

    In threads which get no signals nothing has to wait.
    """
    if _listener.thread != get_ident() or _listener.is_busy:
        yield
        return
    _listener.is_busy = True
    try:
        yield
    finally:
        _listener.is_busy = False
        signum, _listener.late = _listener.late, 0
        if signum:
            _leave(signum)


def listen() -> None:
    """Take over the signals by which a user stops a program. For the command line, in its main thread."""
    _listener.thread = get_ident()
    signal.signal(signal.SIGINT, _received)
    signal.signal(signal.SIGTERM, _received)
    # What is started with nohup goes on when its terminal is closed.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _received)


def ignore() -> None:
    """Let signals change nothing any more: all is done, and an exception now would only be printed."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _stop() -> None:
    for stop in tuple(_stoppers):
        stop()


def _received(signum: int, frame: FrameType | None) -> None:
    del frame
    if _listener.is_busy:
        _listener.late = signum
    else:
        _leave(signum)


def _leave(signum: int) -> NoReturn:
    """Leave through the same clean-up as any other failure."""
    _stop()
    if signum == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + signum)
