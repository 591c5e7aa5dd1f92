"""^C, SIGTERM and SIGHUP: what is under way is told to stop, also where no exception gets to it.

Python raises KeyboardInterrupt in the main thread alone; a thread that waits for bytes does not see it at
all. In the main thread it can be lost (in a finaliser), or become another error (before Python 3.12 whatever
ends a `__set_name__` becomes a RuntimeError, and classes are made whenever a module is loaded).
"""

import signal
import sys
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
_SOON = 0.01  # seconds
_stoppers: list[Callable[[], None]] = []


class _Listener:
    """The thread that gets signals, whether it wants them later, and then the one that has come."""

    thread = 0
    is_busy = False
    late = 0
    left_by = 0  # the signal for which an exception was raised
    is_child = False  # a second one would only disturb how it cleans up


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
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, _again)
        sys.unraisablehook = _lost


def begin_anew() -> None:
    """Be a forked process: its parent tells it when to end, by SIGTERM, which counts once.

    What a terminal sends to all, the parent has got too. Nothing of the parent's is stopped here.
    """
    _stoppers.clear()
    _listener.thread, _listener.is_busy, _listener.late, _listener.left_by = get_ident(), False, 0, 0
    _listener.is_child = True
    for name in ("SIGINT", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)


def is_listening() -> bool:
    """Whether this process is pyman's own, and no other program that uses its API."""
    return bool(_listener.thread)


def exit_code() -> int:
    """Return the exit code of a program that a signal has ended, or 0 if none has come.

    Whatever error gets to the end of the program after a signal is that signal's.
    """
    return 128 + _listener.left_by if _listener.left_by else 0


def ignore() -> None:
    """Let signals change nothing any more: all is done, and an exception now would only be printed."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _stop() -> None:
    for stop in tuple(_stoppers):
        stop()


def _received(signum: int, frame: FrameType | None) -> None:
    del frame
    if not (_listener.is_child and _listener.left_by):
        _take(signum)


def _take(signum: int) -> None:
    if _listener.is_busy:
        _listener.late = signum
    else:
        _leave(signum)


def _lost(lost: "sys.UnraisableHookArgs") -> None:
    """Raise a signal's exception once more that came where Python only prints it: in a finaliser."""
    if _listener.left_by and issubclass(lost.exc_type, (KeyboardInterrupt, SystemExit)):
        # Not here, where it would be lost as well.
        signal.setitimer(signal.ITIMER_REAL, _SOON)
    else:
        sys.__unraisablehook__(lost)


def _again(signum: int, frame: FrameType | None) -> None:
    del signum, frame
    if _listener.left_by:
        _take(_listener.left_by)


def _leave(signum: int) -> NoReturn:
    """Leave through the same clean-up as any other failure."""
    _listener.left_by = signum
    _stop()
    if signum == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + signum)
