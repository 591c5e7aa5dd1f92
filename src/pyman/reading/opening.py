"""Opens a source and keeps what comes of it, for both ways of reading."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

from pyman.network.address import path_of
from pyman.network.cache import Cache
from pyman.network.download import Download, downloading
from pyman.network.part import reading_part
from pyman.reading.source import Source


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
