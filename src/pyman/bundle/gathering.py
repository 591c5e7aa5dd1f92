"""Gathers archives in a folder of work: from the cache, else the first source that has them, verified."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Protocol

from pyman.archive.pipeline import awaited
from pyman.builds.key import Key
from pyman.catalogue.build import Build
from pyman.catalogue.sources import first_of
from pyman.errors import FetchError, PymanError, StoreError
from pyman.network.cache import Cache
from pyman.network.client import hang_up
from pyman.network.download import Download, downloading
from pyman.network.policy import Network
from pyman.system.stopping import held_back, stoppable

_AT_ONCE = 4


class Watcher(Protocol):
    """Who is told how it goes; called from several threads."""

    def downloading(self, key: Key, size: int | None) -> None:
        """Bytes are coming, `size` in all if the source said so."""

    def reading(self, key: Key, size: int | None, what: str) -> None:
        """Its bytes come from `what`, which is here."""

    def received(self, key: Key, count: int) -> None:
        """So many bytes more have come."""

    def failed(self, key: Key, error: PymanError, *, final: bool) -> None:
        """A source failed; another one is tried unless that was the last."""

    def warned(self, text: str) -> None:
        """Something is odd, though it works."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """Gathers into `folder`; `mirror` is asked first, "" for none."""

    folder: Path
    mirror: str
    network: Network
    watcher: Watcher
    cancelled: Event = field(default_factory=Event)

    def gather(self, builds: Sequence[Build]) -> dict[Key, Path]:
        """Return where the archive of each build is; FetchError for the first that no source gave."""
        with stoppable(self._stop), ThreadPoolExecutor(_AT_ONCE) as pool:
            try:
                with held_back():
                    coming = [(build.key, pool.submit(self._archive, build)) for build in builds]
                return {key: awaited(result) for key, result in coming}
            except BaseException:
                with held_back():
                    self._stop()
                    pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _stop(self) -> None:
        """Make the threads end soon, also one that waits for bytes."""
        self.cancelled.set()
        hang_up()

    def _archive(self, build: Build) -> Path:
        return self._from_cache(build) or self._from_first_source(build)

    def _from_cache(self, build: Build) -> Path | None:
        cache = Cache(self.network.cache_dir)
        path = cache.find(build.sha256)
        if not path:
            return None
        try:
            with cache.opened(path, self.cancelled) as download:
                self.watcher.reading(build.key, download.size, "the cache")
                return self._kept(build, download)
        except FetchError as error:
            self.watcher.warned(cache.damaged(path, error).message)
            return None

    def _from_first_source(self, build: Build) -> Path:
        def failed(error: FetchError, is_last: bool) -> None:  # noqa: FBT001 - as `first_of` tells it
            self.watcher.failed(build.key, error, final=is_last)

        return first_of(build, self.mirror, partial(self._from_source, build), failed)

    def _from_source(self, build: Build, url: str) -> Path:
        with downloading(url, self.cancelled, self.network) as download:
            self.watcher.downloading(build.key, download.size)
            with Cache(self.network.cache_dir).keeping(download, build.sha256, self.watcher.warned):
                return self._kept(build, download)

    def _kept(self, build: Build, download: Download) -> Path:
        """Write it into the folder; FetchError unless it has the digest of the build."""
        path = self.folder / f"{build.key}"
        try:
            with path.open("wb") as file:
                for chunk in download:
                    file.write(chunk)
                    self.watcher.received(build.key, len(chunk))
        except OSError as error:
            raise StoreError(
                f"cannot write {path}: {error.strerror}", "Check the free space there."
            ) from None
        download.check(build.sha256 or "")
        return path
