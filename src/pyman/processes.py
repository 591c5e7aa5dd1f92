"""Programs that are started and asked something: each in a group of its own, which ends with pyman.

What such a program starts belongs to its group, and nothing of that stays when it has ended, was given up or
pyman is stopped: not in the moment of its start either, and whether or not it keeps its output open.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from pyman.stopping import held_back, stoppable

_GLANCE = 0.1  # seconds after which it is looked whether a program that is waited for has ended
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.05


@contextmanager
def started(  # noqa: PLR0913 - as Popen has them
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: str | Path | None = None,
    stdin: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    umask: int = -1,
) -> Iterator["Program"]:
    """Start a program, whose output is kept; at the end of the block it is ended with all that it started.

    Standard input is empty, the umask is pyman's unless another is given. Raises OSError if it cannot be
    started.
    """
    process: _Leader | None = None
    stopped = Event()

    def stop() -> None:
        stopped.set()
        if process is not None:
            process.end_group()

    with stoppable(stop):
        try:
            with held_back():
                process = _Leader(command, cwd, env, stdin, stderr, umask)
            if stopped.is_set():  # meanwhile, in another thread
                process.end_group()
            yield Program(process, stopped)
        finally:
            if process is not None:
                process.end_group()
                with process:
                    pass


class Program:
    """A program that was started."""

    def __init__(self, process: "_Leader", stopped: Event) -> None:
        self._process = process
        self._stopped = stopped

    @property
    def is_stopped(self) -> bool:
        """Whether it was ended because the user stops pyman."""
        return self._stopped.is_set()

    @property
    def code(self) -> int:
        """Its exit code, once it has ended."""
        return self._process.returncode

    def output(
        self, seconds: float, late: float = 0.0, announce: Callable[[], None] | None = None
    ) -> tuple[bytes, bytes]:
        """Return what it has printed on stdout and stderr when it ends.

        `announce` is called if that takes more than `late` seconds. Raises TimeoutExpired after `seconds`.
        """
        end = time.monotonic() + seconds
        announced_at = end - seconds + late
        while True:
            is_over = self._process.is_over()
            if is_over:
                self._process.end_group()  # others may keep its output open
            elif announce and time.monotonic() >= announced_at:
                announce()
                announce = None
            try:
                left = _GLANCE if is_over else min(_GLANCE, max(0.0, end - time.monotonic()))
                out, err = self._process.communicate(timeout=left)
            except subprocess.TimeoutExpired as error:
                if is_over:  # what has left the group keeps it open
                    self._process.wait()
                    return error.output or b"", error.stderr or b""
                if time.monotonic() >= end and not self._process.is_over():
                    raise
            else:
                return out, err or b""


class _Leader(subprocess.Popen[bytes]):
    """The first process of a group. Before its number is free for another, the rest of the group is ended."""

    def __init__(  # noqa: PLR0913, PLR0917 - as `started` has them
        self,
        command: Sequence[str | Path],
        cwd: str | Path | None,
        env: Mapping[str, str],
        stdin: int,
        stderr: int,
        umask: int,
    ) -> None:
        super().__init__(
            command,
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            umask=umask,
            start_new_session=True,
        )

    def end_group(self) -> None:
        """Kill it and what it has started; nothing once it was waited for."""
        if self.returncode is not None:
            return
        if sys.platform == "win32":
            self.kill()
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def is_over(self) -> bool:
        """Whether it has ended; that stays to be waited for."""
        if self.returncode is not None:
            return True
        if sys.platform == "win32" or not hasattr(os, "waitid"):  # macOS before Python 3.13
            return False
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return True

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and end the rest; `communicate` comes here as well."""
        if sys.platform != "win32" and hasattr(os, "waitid"):
            end = None if timeout is None else time.monotonic() + timeout
            pause = _FIRST_PAUSE
            while not self.is_over():
                if end is not None and time.monotonic() >= end:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            self.end_group()
        return super().wait(timeout)
