"""Reads in the threads of this process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Event

from pyman.archive import unpack
from pyman.archive.unpack import Unpacked
from pyman.network.address import path_of
from pyman.network.cache import Cache
from pyman.network.client import hang_up
from pyman.network.download import Download, downloading
from pyman.network.part import reading_part
from pyman.reading.source import Source, Told


class Threads:
    """The reader for the API, where there are threads already, and for systems that cannot fork."""

    def announced(self, source: Source) -> AbstractContextManager[None]:
        """Do nothing: this process has other things to do."""
        del source
        return nullcontext()

    @contextmanager
    def reading(self, source: Source, cancelled: Event, warn: Callable[[str], None]) -> Iterator["_Stream"]:
        """Open a source; see `Reader`."""
        with opened(source, cancelled) as download, kept(source, download, warn):
            yield _Stream(download, source.sha256)

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


@contextmanager
def opened(source: Source, cancelled: Event) -> Iterator[Download]:
    """Open a source, a part of a file or all that is at an address."""
    if source.part:
        with reading_part(Path(path_of(source.url)), *source.part, cancelled) as download:
            yield download
    else:
        with downloading(source.url, cancelled, source.network) as download:
            yield download


@contextmanager
def kept(source: Source, download: Download, warn: Callable[[str], None]) -> Iterator[None]:
    """Keep in the cache what passes, if it turns out to be what the source should give."""
    with Cache(source.network.cache_dir).keeping(download, source.sha256, warn):
        yield


def watched(download: Download, told: Told) -> Iterator[bytes]:
    """Yield what comes, and tell how much it was."""
    for chunk in download:
        told(len(chunk))
        yield chunk
