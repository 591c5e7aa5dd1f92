"""Brings archives into a mirror: several at once, each from the first source that has it, gone on with.

What is coming lies in the mirror's `.pyman` under the name of its build: whoever fetches it next begins where
it ends, after a crash as well. It gets its place when all of it has the digest that was named.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import BinaryIO, Protocol

from pyman.archive.pipeline import as_they_come
from pyman.builds.key import Key
from pyman.catalogue.build import Build
from pyman.catalogue.sources import first_of
from pyman.errors import CancelledError, DigestMismatchError, FetchError, PymanError, WebPageError
from pyman.mirror.mirror_folder import MirrorFolder, part_of, path_of, told
from pyman.network.client import hang_up
from pyman.network.download import downloading
from pyman.network.policy import Network
from pyman.system.filesystem import flush_file
from pyman.system.stopping import held_back, stoppable

AT_ONCE = 6
_CHUNK = 1024 * 1024


class Watcher(Protocol):
    """Who is told how it goes; called from several threads."""

    def downloading(self, key: Key, size: int | None) -> None:
        """Bytes are coming, `size` in all if the source said so."""

    def received(self, key: Key, count: int) -> None:
        """So many more have come."""

    def failed(self, key: Key, error: PymanError, *, final: bool) -> None:
        """A source failed; another one is tried unless that was the last."""

    def fetched(self, key: Key) -> None:
        """It is there."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches into `folder`; `source` is a mirror that is asked first, "" for none."""

    folder: MirrorFolder
    source: str
    network: Network
    watcher: Watcher
    cancelled: Event = field(default_factory=Event)

    def fetch_all(self, builds: Sequence[Build], done: Callable[[Build, int], None]) -> dict[Key, PymanError]:
        """Fetch the builds, tell `done` of each that is there with its size, return why others are not.

        StoreError where the mirror cannot be written to: then no more is fetched.
        """
        failures: dict[Key, PymanError] = {}
        with stoppable(self.stop), ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                with held_back():
                    coming = {pool.submit(self._tried, build): build for build in builds}
                for result in as_they_come(coming):
                    build, outcome = coming[result], result.result()
                    if isinstance(outcome, PymanError):
                        failures[build.key] = outcome
                    else:
                        done(build, outcome)
            except BaseException:
                with held_back():
                    self.stop()
                    pool.shutdown(wait=False, cancel_futures=True)
                raise
        return failures

    def stop(self) -> None:
        """Make the threads end soon, also one that waits for bytes."""
        self.cancelled.set()
        hang_up()

    def _tried(self, build: Build) -> int | PymanError:
        try:
            return self.fetch(build)
        except FetchError as error:
            return error

    def fetch(self, build: Build) -> int:
        """Fetch one build and return its size; FetchError where no source gave it."""

        def failed(error: FetchError, is_last: bool) -> None:  # noqa: FBT001 - as `first_of` tells it
            self.watcher.failed(build.key, error, final=is_last)

        return first_of(build, self.source, partial(self._from, build), failed)

    def _from(self, build: Build, url: str) -> int:
        if self.cancelled.is_set():
            raise CancelledError("Stopped.")
        name = part_of(build.key)
        with told("write into the mirror", self.folder.path):
            with self.folder.begin(name) as file:
                begun = os.fstat(file.fileno()).st_size
                try:
                    size = self._download(file, url, build)
                except (DigestMismatchError, WebPageError):
                    if not begun:
                        raise
                    size = self._download(file, url, build)  # it may have been wrong before
                flush_file(file)
            self.folder.place(name, path_of(build))
        self.watcher.fetched(build.key)
        return size

    def _download(self, file: BinaryIO, url: str, build: Build) -> int:
        """Add to the file what it lacks; empty it where that does not come to the digest."""
        file.seek(0)
        had = iter(partial(file.read, _CHUNK), b"")
        try:
            with downloading(url, self.cancelled, self.network, had) as download:
                file.seek(0, os.SEEK_END)
                self.watcher.downloading(build.key, download.size)
                self.watcher.received(build.key, download.received)
                for chunk in download:
                    file.write(chunk)
                    self.watcher.received(build.key, len(chunk))
                download.check(build.sha256 or "")
                return download.received
        except (DigestMismatchError, WebPageError):
            file.seek(0)
            file.truncate()
            raise
