"""A forked process as its parent sees it: whether it has ended, and how. What may fork loads it at once."""

import os
import signal
import time
from contextlib import suppress

_MOMENT = 0.001  # seconds
_LOOKS = 100  # for the end of one that is about to end


class Child:
    """A process with that `pid`, which is waited for here and nowhere else."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._status: int | None = None  # as waitpid gives it, once it has ended
        self._is_gone = False

    def has_ended(self) -> bool:
        """Whether it has."""
        if self._status is None and not self._is_gone:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:  # who started us lets the system reap children, or it is not our child
                self._is_gone = True
            else:
                self._status = status if pid else None
        return self._is_gone or self._status is not None

    def wait(self, seconds: float) -> None:
        """Wait for its end; after so many seconds it is ended by force."""
        end = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > end:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
            time.sleep(_MOMENT)

    def fate(self) -> str:
        """Say how it ended, which it did or is about to."""
        for _ in range(_LOOKS):
            if self.has_ended():
                break
            time.sleep(_MOMENT)
        if self._status is None:
            return "has ended"
        code = os.waitstatus_to_exitcode(self._status)
        return f"was ended by {signal_name(-code)}" if code < 0 else f"ended with exit code {code}"


def signal_name(number: int) -> str:
    """Return what a signal is called; those of real time have numbers only."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
