"""Reads in the threads of this process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Event

from pyman.archive import unpack
from pyman.archive.unpack import Unpacked
from pyman.network.client import hang_up
from pyman.network.download import Download
from pyman.reading.opening import kept, opened
from pyman.reading.source import Source, Told


class Threads:
    """The reader for the API, where there are threads already, and for systems that cannot fork."""

    is_clean = True

    def lend(self) -> int:
        """Return 0: connections belong to one process."""
        return 0

    def announced(self, source: Source) -> AbstractContextManager[None]:
        """Do nothing: this process has other things to do."""
        del source
        return nullcontext()

    @contextmanager
    def reading(self, source: Source, cancelled: Event, warn: Callable[[str], None]) -> Iterator["_Stream"]:
        """Open a source; see `Reader`."""
        with opened(source, cancelled) as download, kept(source, download, warn):
            yield _Stream(download, source.sha256)

    def shared(self, slot: int | None) -> "Threads":
        """Return a reader that has nothing yet."""
        del slot
        return Threads()

    def stop(self) -> None:
        """End all connections."""
        hang_up()

    def close(self) -> None:
        """Do nothing: connections are used again."""


class _Stream:
    """A download, and what it must be."""

    def __init__(self, download: Download, expected: str | None) -> None:
        self._download = download
        self._expected = expected
        self.url = download.url
        self.size = download.size

    @property
    def received(self) -> int:
        return self._download.received

    @property
    def sha256(self) -> str:
        return self._download.sha256

    def unpack(self, tree: Path, told: Told, writers: int) -> Unpacked:
        return unpack.unpack(watched(self._download, told), tree, writers=writers)

    def check(self) -> None:
        self._download.check(self._expected)


def watched(download: Download, told: Told) -> Iterator[bytes]:
    """Yield what comes, and tell how much it was."""
    for chunk in download:
        told(len(chunk))
        yield chunk
