"""Which of the two ways it is: the one place in which that is chosen."""

from pyman.reading import lanes
from pyman.reading.source import Reader


def reader() -> Reader:
    """Return the process that was forked to read, if one was, else what reads in this one."""
    if process := lanes.taken():
        from pyman.reading.in_process import Lanes  # noqa: PLC0415 - one of both is loaded

        return Lanes(process)
    from pyman.reading.in_threads import Threads  # noqa: PLC0415 - it loads what speaks to the network

    return Threads()
