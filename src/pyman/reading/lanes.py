"""The process that reads, and the pipes to it: several lanes, each for one archive at a time.

It is forked before anything is loaded, from a process with one thread: loading what speaks to the network
then goes on beside the rest. Only Linux has it. macOS could fork as well, but its certificates and proxies
come from frameworks that a forked process may not use.

It ends with its parent, however that ends: nobody then holds the other end of the pipes.
"""

import os
import signal
import sys
from typing import NamedTuple, NoReturn

from pyman.system.forked_child import Child

LANES = 4
_LOADING = {"install"}  # these hardly ever find that there is nothing to read
# What installs now and then begins it when that is known, as `run` does, whose start it would take 6 ms of.
_WAITING = {"upgrade"}
_ROOM = 1 << 20  # bytes in a pipe, as much as Linux gives everybody
_F_SETPIPE_SZ = 1031
_FIRST_FREE = 3  # below it are stdin, stdout and stderr
_PATIENCE = 5.0  # seconds; removing an unfinished file takes less


class Lane(NamedTuple):
    """One side's ends of a lane: of the pipe for what is to be done, and of that for what came of it."""

    commands: int
    results: int

    def close(self) -> None:
        """Let go of both."""
        os.close(self.commands)
        os.close(self.results)


class Process:
    """A process that reads, with its lanes. It was `used` once a lane has been given work."""

    def __init__(self, pid: int, lanes: list[Lane]) -> None:
        self.child = Child(pid)
        self.lanes = lanes
        self.used = False

    def close(self) -> None:
        """Let it end, which it does as soon as it has cleaned up; `end` waits for it."""
        for lane in self.lanes:
            lane.close()
        self.lanes = []
        if self not in _processes:
            _processes.append(self)

    def wait(self) -> None:
        """Wait for its end; by force where it takes too long, or has done nothing."""
        self.child.wait(_PATIENCE if self.used else 0)


_processes: list[Process] = []  # those that nobody has taken, and those that are about to end


def begin(arguments: list[str]) -> None:
    """Fork the process that reads if the command is one that may install."""
    command = arguments[0] if arguments else ""
    if command in _LOADING | _WAITING and _is_possible():
        _fork(loading=command in _LOADING)


def taken() -> Process | None:
    """Return the process that was forked, if one was, to whom it belongs from now on."""
    return _processes.pop() if _processes and _processes[-1].lanes else None


def end() -> None:
    """End the process, and wait for that."""
    for process in _processes:
        process.close()
        process.wait()
    _processes.clear()


def _is_possible() -> bool:
    """Whether forking is allowed, and of use: on one processor both would only wait for each other."""
    if sys.platform != "linux" or os.environ.get("PYMAN_ONE_PROCESS") or os.environ.get("_PYMAN_COMPLETE"):
        return False
    threading = sys.modules.get("threading")
    return len(os.sched_getaffinity(0)) > 1 and (not threading or threading.active_count() == 1)


def _fork(*, loading: bool) -> None:
    """Fork; where the system refuses, there is no such process."""
    opened: list[int] = []
    try:
        while len(opened) < 4 * LANES:
            opened += os.pipe()
        # Where stdin, say, is closed, a pipe has got its number, which would be taken from it again.
        pid = os.fork() if min(opened) >= _FIRST_FREE else None
    except OSError:
        pid = None
    if pid is None:
        for each in opened:
            os.close(each)
        return
    # Each lane has two pipes, of which a pair is (read, write).
    pipes = [opened[start : start + 4] for start in range(0, len(opened), 4)]
    outside, inside = [Lane(pipe[1], pipe[2]) for pipe in pipes], [Lane(pipe[0], pipe[3]) for pipe in pipes]
    if pid == 0:
        _read(inside, outside, loading)
    for lane in inside:
        lane.close()
    _processes.append(Process(pid, outside))


def _read(lanes: list[Lane], others: list[Lane], loading: bool) -> NoReturn:  # noqa: FBT001
    """Be the process that reads, until the parent has closed every lane."""
    code = 1
    try:
        # Its parent gets them too, and tells it what to do.
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        for lane in others:
            lane.close()
        _be_silent()
        code = _serve(lanes, loading)
    except BaseException:  # noqa: BLE001, S110 - that it ended is all that its parent can be told
        pass
    finally:
        os._exit(code)


def _serve(lanes: list[Lane], loading: bool) -> int:  # noqa: FBT001
    if not loading:
        import select  # noqa: PLC0415

        poll = select.poll()
        for lane in lanes:
            poll.register(lane.commands, select.POLLIN)
        poll.poll()
    from pyman.reading import server  # noqa: PLC0415 - this is what the fork is for

    return server.serve(lanes)


def _be_silent() -> None:
    """Hold nobody's terminal or pipe: who waits for the end of pyman's output waits for pyman alone."""
    try:
        null = os.open(os.devnull, os.O_RDWR)
    except OSError:  # a root without /dev
        return
    for each in range(3):
        os.dup2(null, each)
    os.close(null)


def widen(pipe: int) -> None:
    """Let a pipe hold a block, if the system allows it; with less in it, its two ends wait more often."""
    try:
        import fcntl  # noqa: PLC0415

        fcntl.fcntl(pipe, _F_SETPIPE_SZ, _ROOM)
    except (ImportError, OSError):
        pass
