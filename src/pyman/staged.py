"""Starts an interpreter that is not published yet, in surroundings that neither help nor mislead it."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from threading import Event

from pyman import groups
from pyman.errors import CancelledError
from pyman.stopping import stoppable
from pyman.store import Installation

# What changes how a Python starts, which libraries it loads, or makes it measure itself.
_MISLEADING = ("PYTHON", "LD_", "DYLD_", "__PYVENV_LAUNCHER__", "COVERAGE_")


def run(staged: Installation, *args: str, seconds: float) -> "subprocess.CompletedProcess[bytes]":
    """Run the interpreter of `staged` and return what it printed, whatever its exit code.

    It is isolated (-I) and writes no bytecode (-B). Raises OSError if it cannot be started, TimeoutExpired
    after so many `seconds`, CancelledError if the user stops pyman; it is ended then, with what it started.
    """
    stopped = Event()
    process = subprocess.Popen(  # noqa: S603 - the digest of what is run was compared
        [str(staged.executable), "-I", "-B", *args],
        cwd=staged.path,
        env=scrubbed(),
        stdin=subprocess.PIPE,  # not /dev/null: a chroot may have none
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        umask=groups.umask_in(staged.path),
        start_new_session=True,  # a process group, so that all of it can be ended
    )
    with process, stoppable(lambda: _end(process, stopped)):
        try:
            out, err = process.communicate(b"", seconds)
        except BaseException:
            _end(process, stopped)
            raise
    if stopped.is_set():
        raise CancelledError("Stopped.")
    return subprocess.CompletedProcess(args, process.returncode, out, err)


def _end(process: "subprocess.Popen[bytes]", ended: Event) -> None:
    if process.poll() is not None:
        return
    ended.set()
    if sys.platform == "win32":
        process.kill()
        return
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def scrubbed() -> dict[str, str]:
    """Return this process' environment without what misleads an interpreter."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_MISLEADING)}
