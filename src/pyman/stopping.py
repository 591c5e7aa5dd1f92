"""^C, SIGTERM and SIGHUP: what is under way is told to stop, also where no exception gets to it.

Python raises KeyboardInterrupt in the main thread alone, where it can be lost (in a finaliser, say); a thread
that waits for bytes does not see it at all.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
_stoppers: list[Callable[[], None]] = []


@contextmanager
def stoppable(stop: Callable[[], None]) -> Iterator[None]:
    """Have `stop` called when the user stops pyman inside the block; it must be quick and may come twice."""
    _stoppers.append(stop)
    try:
        yield
    finally:
        _stoppers.remove(stop)


def listen() -> None:
    """Take over the signals by which a user stops a program. For the command line, in its main thread."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)
    # What is started with nohup goes on when its terminal is closed.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _terminate)


def ignore() -> None:
    """Let signals change nothing any more: all is done, and an exception now would only be printed."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _stop() -> None:
    for stop in tuple(_stoppers):
        stop()


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    _stop()
    raise KeyboardInterrupt


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    """Leave through the same clean-up as any other failure."""
    del frame
    _stop()
    raise SystemExit(128 + signum)
