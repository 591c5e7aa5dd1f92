"""Opens a source and keeps what comes of it, for both ways of reading."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

from pyman.network.address import path_of
from pyman.network.cache import Cache
from pyman.network.download import Download, downloading
from pyman.network.part import reading_part
from pyman.reading.source import Source


def opened(source: Source, cancelled: Event) -> AbstractContextManager[Download]:
    """Open a source, a part of a file or all that is at an address."""
    if source.part:
        return reading_part(Path(path_of(source.url)), *source.part, cancelled)
    return downloading(source.url, cancelled, source.network)


def kept(source: Source, download: Download, warn: Callable[[str], None]) -> AbstractContextManager[None]:
    """Keep in the cache what passes, if it turns out to be what the source should give."""
    return Cache(source.network.cache_dir).keeping(download, source.sha256, warn)
