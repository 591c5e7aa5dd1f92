"""The process that reads: what it does in each of its lanes until its parent has closed them all."""

import json
import os
import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any

from pyman.errors import ArchiveError, CancelledError, FetchError, StoreError
from pyman.network.client import hang_up
from pyman.network.download import Download
from pyman.reading import frames
from pyman.reading.lanes import Lane, widen
from pyman.reading.opening import kept, opened

_COMMANDS = 1 << 16  # bytes read at once
_PATIENCE = 1.0  # seconds for what is under way to be cleaned up


def serve(lanes: list[Lane]) -> int:
    """Do what the parent asks for; returns once nobody can ask any more."""
    served = {lane.commands: _Served(lane.results) for lane in lanes}
    serving = dict(served)
    poll = select.poll()
    for pipe in serving:
        poll.register(pipe, select.POLLIN)
    while serving:
        for pipe, _ in poll.poll():
            if not serving[pipe].hear(pipe):
                poll.unregister(pipe)
                serving.pop(pipe).leave()
    hang_up()
    for each in served.values():
        each.join()
    return 0


class _Job:
    """One archive that is wanted: `tree` is where it will be unpacked, known once it is `going`."""

    def __init__(self, number: int, words: list[Any]) -> None:
        self.number = number
        self.source = frames.understood(words)
        self.tree: str | None = None
        self.going = Event()
        self.unwanted = Event()  # only its digest is
        self.cancelled = Event()

    def cancel(self) -> None:
        self.cancelled.set()
        self.going.set()


class _Served:
    """What is asked for in a lane, and the thread that answers, which begins with the first job."""

    def __init__(self, results: int) -> None:
        self._results = results
        self._heard = b""
        self._job: _Job | None = None
        self._jobs = SimpleQueue[_Job | None]()
        self._thread: Thread | None = None
        self._is_stopped = False

    def hear(self, pipe: int) -> bool:
        """Take in what the parent says; False if it says nothing any more."""
        data = os.read(pipe, _COMMANDS)
        whole, _, self._heard = (self._heard + data).rpartition(b"\n")
        for line in whole.splitlines():
            self._do(*json.loads(line))
        return bool(data)

    def leave(self) -> None:
        """Give up what is under way, and take nothing more."""
        if self._job:
            self._job.cancel()
        self._jobs.put(None)

    def _do(self, word: str, job: int, about: Any) -> None:  # noqa: ANN401 - as JSON has it
        if word == frames.OPEN:
            if self._job:
                self._job.cancel()  # who wanted it may have been killed
            widen(self._results)
            self._job = _Job(job, about)
            if self._is_stopped:
                self._job.cancel()
            self._jobs.put(self._job)
            self._begin()
            from pyman.archive import unpack  # noqa: F401, PLC0415 - while the source is being asked
        elif self._job and self._job.number == job:
            if word == frames.GO:
                self._job.tree = about
                self._job.going.set()
            elif word == frames.SKIP:
                self._job.unwanted.set()
                self._job.going.set()
            else:
                self._job.cancel()
        if word == frames.STOP:
            self._is_stopped = True
            if self._job:
                self._job.cancel()  # first: what broke off would be asked for again
            hang_up()

    def _begin(self) -> None:
        if not self._thread:
            # A daemon: a source that answers nothing keeps nobody from ending the process.
            self._thread = Thread(target=self._work, daemon=True)
            self._thread.start()

    def join(self) -> None:
        """Wait until what was given up is cleaned up."""
        if self._thread:
            self._thread.join(_PATIENCE)

    def _work(self) -> None:
        while job := self._jobs.get():
            with suppress(BrokenPipeError):  # nobody wants it any more
                _Answer(job, self._results).give()


class _Answer:
    """What goes back about a job."""

    def __init__(self, job: _Job, results: int) -> None:
        self._job = job
        self._results = results
        self._received = 0
        self._turn = Lock()  # warnings come from another thread than blocks

    def give(self) -> None:
        """Send all that is to be sent, the end included."""
        ended: dict[str, Any] = {"sha256": "", "error": None, "verdict": None}
        try:
            self._read(ended)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the parent raises it
            ended["error"] = frames.spoken(error)
        self._document(frames.ENDED, ended)

    def _read(self, ended: dict[str, Any]) -> None:
        job = self._job
        with opened(job.source, job.cancelled) as download:
            self._document(frames.OPENED, {"size": download.size})
            job.going.wait()
            if job.cancelled.is_set():
                raise CancelledError("Stopped.")
            with kept(job.source, download, self._warn):
                try:
                    self._send(download)
                except (ArchiveError, StoreError) as error:
                    ended["error"] = frames.spoken(error)
                try:
                    download.check(job.source.sha256)
                except FetchError as error:
                    ended["verdict"] = frames.spoken(error)
                self._received = download.received
                ended["sha256"] = download.sha256

    def _send(self, download: Download) -> None:
        """Send what it inflates to, or a zip as it is, as long as that is wanted."""
        if self._job.tree is not None:
            from pyman.archive.unpack import read_ahead  # noqa: PLC0415 - the source is asked first

            read_ahead(download, self._inflate)

    def _inflate(self, chunks: Iterator[bytes]) -> None:
        from pyman.archive import inflate  # noqa: PLC0415 - the same
        from pyman.archive.unpack import inflated  # noqa: PLC0415 - the same

        start, chunks = inflate.peek(chunks)
        if start.startswith(inflate.ZIP):
            for chunk in chunks:
                self._received += len(chunk)
                self._frame(frames.CHUNK, self._received, chunk)
                if self._job.unwanted.is_set():
                    return
            return
        with inflated(chunks, Path(self._job.tree or "")) as (supply, blocks):
            for block in blocks:
                self._frame(frames.BLOCK, supply.received, block)
                if self._job.unwanted.is_set():
                    return

    def _warn(self, text: str) -> None:
        self._document(frames.WARNING, {"text": text})

    def _document(self, kind: bytes, document: dict[str, Any]) -> None:
        self._frame(kind, self._received, json.dumps(document).encode())

    def _frame(self, kind: bytes, received: int, data: bytes) -> None:
        with self._turn:
            frames.write(self._results, self._job.number, kind, received, data)
