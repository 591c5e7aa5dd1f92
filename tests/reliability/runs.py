"""Runs of pyman: forked ones, which are quick, and whole processes, which can be stopped at any moment."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tests.conftest import CHECKOUT, Pyman
from tests.reliability.injection import Fault

LONGEST = 60.0  # seconds that any run may take
_TO_END = 10.0  # ... and its processes to end after it
Whom = Literal["all", "it", "children"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended; `steps` are the changes of files it made, `seconds` how long it took.

    `left` counts the processes that it left behind.
    """

    code: int
    stdout: str
    stderr: str
    in_time: bool = True
    steps: int = 0
    seconds: float = 0.0
    left: int = 0

    def faults(self) -> list[str]:
        """Return what no run may ever do."""
        wrong = [] if self.in_time else [f"it did not end within {LONGEST:.0f} s"]
        wrong += [f"{self.left} processes are left"] if self.left else []
        told = [word for word in ("Traceback", "Exception ignored", "internal error") if word in self.stderr]
        return wrong + [f"it printed {word!r}: {self.stderr[-1500:]}" for word in told]

    def unclear(self) -> list[str]:
        """Return what is wrong with how a failure was told: it has a message and says what to do."""
        lines = self.stderr.splitlines()
        missing = [word for word in ("error: ", "hint: ") if not any(line.startswith(word) for line in lines)]
        wrong = [] if self.code == 1 else [f"exit code {self.code}: {self.stderr[-500:]}"]
        return wrong + [f"no {word!r} on stderr: {self.stderr[-500:]}" for word in missing]


@dataclass(frozen=True, slots=True)
class Forks:
    """A fork server, by its port on 127.0.0.1."""

    port: int

    def run(
        self,
        pyman: Pyman,
        *args: str,
        fault: Fault | None = None,
        largest_file: int | None = None,
        env: dict[str, str] | None = None,
        seconds: float = LONGEST,
    ) -> Ended:
        """Run pyman in a fork and return how it ended."""
        job = {
            "arguments": args,
            "environment": pyman.variables(env),
            "cwd": str(pyman.work),
            "root": str(pyman.root),
            "fault": asdict(fault) if fault else None,
            "largest_file": largest_file,
            "seconds": seconds,
        }
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(json.dumps(job).encode() + b"\n")
            with connection.makefile("rb") as answers:
                answer = json.loads(answers.readline())
        return Ended(**answer, seconds=time.monotonic() - began)


@contextmanager
def forking() -> Iterator[Forks]:
    """Run a fork server while the block runs."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-m", "tests.reliability.forkserver"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield Forks(int(process.stdout.readline()))
        finally:
            process.kill()


def whole(pyman: Pyman, *args: str) -> Ended:
    """Run pyman as users do, a process from its start to its end."""
    return stopped(pyman, args, LONGEST, signal.SIGKILL)


def stopped(
    pyman: Pyman, args: tuple[str, ...], moment: float, how: signal.Signals, whom: Whom = "all"
) -> Ended:
    """Start pyman and send a signal after `moment` seconds: to all its processes, or to one of them alone.

    `seconds` of the result are counted from the signal, or from the start if it had ended before. No process
    of it is left a while after it has ended.
    """
    # Not in development mode: a signal in the middle of an import leaves a file open, and that is no fault.
    process = subprocess.Popen(
        [*pyman.prefix, sys.executable, "-m", "pyman", *args],
        env=pyman.variables(),
        cwd=pyman.work,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    began = time.monotonic()
    in_time = True
    try:
        out, err = process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        in_time = moment < LONGEST
        began = time.monotonic()
        _send(process.pid, how, whom)
        out, err, in_time = _rest(process, in_time=in_time)
    seconds = time.monotonic() - began
    return Ended(process.returncode, out, err, in_time, 0, seconds, _left(process.pid))


def _send(pid: int, how: signal.Signals, whom: Whom) -> None:
    if whom == "all":
        os.killpg(pid, how)
    elif whom == "it":
        os.kill(pid, how)
    else:
        for child in members(pid) - {pid}:
            with suppress(ProcessLookupError):
                os.kill(child, how)


def _left(session: int) -> int:
    """Return how many processes of a session go on though they have had the time to end."""
    end = time.monotonic() + _TO_END
    while (count := len(members(session))) and time.monotonic() < end:
        time.sleep(0.01)
    return count


def members(session: int) -> set[int]:
    """Return the processes of a session that have not ended; none where there is no /proc."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, its_session = place.read_text("utf-8", "replace").rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found.add(int(place.parent.name))
    return found


def _rest(process: subprocess.Popen[str], *, in_time: bool) -> tuple[str, str, bool]:
    """Return what else it printed until its end; if that does not come it is killed."""
    try:
        return (*process.communicate(timeout=LONGEST), in_time)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return (*process.communicate(), False)
