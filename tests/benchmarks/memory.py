"""The memory of a command and of all that it starts, together.

Looked at every few milliseconds: Pss of /proc/PID/smaps_rollup, where a page that several processes share is
divided among them. What lasts for less than that is not seen.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measuring import Command, Sample, run

_INTERVAL = 0.01  # seconds; a look at two processes takes about a tenth of it
_KIB = 1024


def together(command: Command) -> Sample:
    """Run a command; the peak is that of all its processes together, and the time is that of a slowed one."""
    return run(command, _peak)


def _peak(process: int) -> int:
    """Look at it until it has ended, which is left for others to hear of; returns bytes."""
    peak = 0
    while not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        peak = max(peak, sum(map(_share, _family(process))))
        time.sleep(_INTERVAL)
    return peak


def _family(process: int) -> Iterator[int]:
    """Yield the process and those that it, or one of those, has started."""
    yield process
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(thread).split():
            yield from _family(int(child))


def _share(process: int) -> int:
    """Return the bytes that are its own, and its share of others; 0 if it has ended."""
    for line in _read(Path(f"/proc/{process}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIB
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:  # it has ended meanwhile
        return ""
