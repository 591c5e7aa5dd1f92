"""Reads in the process that was forked for it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from json import loads
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any

from pyman.archive import unpack
from pyman.archive.allowance import Allowance
from pyman.archive.unpack import Unpacked
from pyman.errors import ArchiveError, CancelledError, PymanError
from pyman.reading import frames
from pyman.reading.lanes import Lane, Process, widen
from pyman.reading.source import Reader, Source, Told

_ENDED = "Run the command again. PYMAN_ONE_PROCESS=1 does without that process."


class Lanes:
    """The reader that has a process of its own, whose lanes it hands out and takes back."""

    def __init__(self, process: Process, first: int = 0, *, is_mine: bool = True) -> None:
        self._process = process
        self._is_mine = is_mine
        self._free = SimpleQueue[_Lane]()
        self._announced: dict[Source, _Lane] = {}
        self._lanes = [_Lane(lane, process, first) for lane in process.lanes]
        for lane in self._lanes:
            self._free.put(lane)

    def lend(self) -> int:
        """Return the number of lanes."""
        self._process.used = True  # by others
        return len(self._process.lanes)

    @property
    def is_clean(self) -> bool:
        """Whether every job has come to its end."""
        return all(lane.is_clean for lane in self._lanes)

    def shared(self, slot: int | None) -> Reader:
        """Return the reader which has the lane of that number; the others are let go of."""
        lanes = self._process.lanes
        mine = [] if slot is None else [lanes[slot]]
        for lane in lanes:
            if lane not in mine:
                lane.close()
        if not mine:
            from pyman.reading.in_threads import Threads  # noqa: PLC0415 - hardly ever needed

            return Threads()
        # The numbers of its jobs are others than those that came through the lane before.
        return Lanes(Process(self._process.child.pid, mine), os.getpid() << 8, is_mine=False)

    @contextmanager
    def announced(self, source: Source) -> Iterator[None]:
        """Begin with a source, if a lane is free."""
        with suppress(Empty):
            lane = self._free.get_nowait()
            lane.open(source)
            self._announced[source] = lane
        try:
            yield
        finally:
            if unused := self._announced.pop(source, None):
                self._take_back(unused)

    @contextmanager
    def reading(self, source: Source, cancelled: Event, warn: Callable[[str], None]) -> Iterator["_Stream"]:
        """Open a source; see `Reader`."""
        lane = self._announced.pop(source, None)
        if not lane:
            lane = self._another()
            lane.open(source)
        try:
            yield _Stream(lane, source.url, cancelled, warn)
        finally:
            self._take_back(lane)

    def stop(self) -> None:
        """Let the other process end all connections; everybody that waits is then told."""
        for lane in self._process.lanes:
            with suppress(OSError):
                frames.say(lane.commands, frames.STOP)

    def close(self) -> None:
        """Let the process end, if it is ours; `lanes.end` waits for it."""
        if self._is_mine:
            self._process.close()

    def _another(self) -> "_Lane":
        """Return a lane that is free, or will be, or one with what was announced and is not wanted now."""
        with suppress(Empty):
            return self._free.get_nowait()
        with suppress(KeyError):
            return self._announced.popitem()[1]
        return self._free.get()

    def _take_back(self, lane: "_Lane") -> None:
        lane.close()
        self._free.put(lane)


class _Lane:
    """A lane as its user sees it: one job after the other."""

    def __init__(self, lane: Lane, process: Process, job: int) -> None:
        self._lane = lane
        self._process = process
        self._job = job
        self._frames = frames.read(lane.results)
        self.is_clean = True
        widen(lane.results)

    def open(self, source: Source) -> None:
        """Begin a job."""
        self._process.used = True
        self._job += 1
        self.is_clean = False
        self.say(frames.OPEN, frames.told(source))

    def say(self, word: str, about: object = None) -> None:
        """Say what is to be done with the job."""
        if not self._process.lanes:  # they are closed, and their numbers may be those of other files
            raise self._broken()
        try:
            frames.say(self._lane.commands, word, self._job, about)
        except BrokenPipeError:
            raise self._broken() from None

    def next(self) -> frames.Frame:
        """Return what comes next of the job; what is left of earlier ones is passed over."""
        try:
            for frame in self._frames:
                if frame.job == self._job:
                    self.is_clean = frame.kind == frames.ENDED
                    return frame
        except frames.Broken:
            pass
        raise self._broken()

    def close(self) -> None:
        """End the job, whether or not it has come to its end."""
        with suppress(PymanError):
            self.say(frames.CLOSE)

    def _broken(self) -> PymanError:
        return PymanError(f"the process that reads archives {self._process.child.fate()}", _ENDED)


class _Stream:
    """An archive as it comes through a lane."""

    def __init__(self, lane: _Lane, url: str, cancelled: Event, warn: Callable[[str], None]) -> None:
        self.url = url
        self.received = 0
        self._lane = lane
        self._cancelled = cancelled
        self._warn = warn
        self._kind = b""
        self._end: dict[str, Any] | None = None
        self.size: int | None = self._opened()

    @property
    def sha256(self) -> str:
        return str(self._ended()["sha256"])

    def unpack(self, tree: Path, told: Told, writers: int) -> Unpacked:
        self._lane.say(frames.GO, os.fspath(tree))
        allowance = Allowance()
        pieces = self._pieces(allowance, told)
        pieces = chain([next(pieces, b"")], pieces)
        if self._kind == frames.CHUNK:
            return unpack.unpack_zip(pieces, tree, writers=writers)
        return unpack.unpack_inflated(pieces, allowance, tree, writers=writers)

    def check(self) -> None:
        ended = self._ended()
        error = frames.heard(ended["error"])
        if error and not isinstance(error, ArchiveError):
            raise error
        if verdict := frames.heard(ended["verdict"]):
            raise verdict

    def _opened(self) -> int | None:
        """Wait for the source's answer, and return the size that it tells."""
        _, kind, _, data = self._lane.next()
        if kind == frames.OPENED:
            size = loads(data)["size"]
            return None if size is None else int(size)
        self._take_end(data)
        return None

    def _pieces(self, allowance: Allowance, told: Told) -> Iterator[bytes]:
        """Yield what comes until the end, at which the error is raised, if there was one."""
        while not self._end:
            _, self._kind, received, data = self._lane.next()
            if self._cancelled.is_set():
                raise CancelledError("Stopped.")
            told(received - self.received)
            allowance.received = self.received = received
            if self._kind == frames.ENDED:
                self._take_end(data)
            elif self._kind == frames.WARNING:
                self._warn(str(loads(data)["text"]))
            else:
                yield data

    def _take_end(self, data: bytes) -> None:
        self._end = loads(data)
        if error := frames.heard(self._end["error"]):
            raise error

    def _ended(self) -> dict[str, Any]:
        """Wait for the end, for which nothing more needs to be inflated."""
        if not self._end:
            self._lane.say(frames.SKIP)
        while not self._end:
            _, kind, self.received, data = self._lane.next()
            if kind == frames.ENDED:
                self._end = loads(data)
            elif kind == frames.WARNING:
                self._warn(str(loads(data)["text"]))
        return self._end
