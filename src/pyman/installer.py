"""The sequence of an install: lock, look again, stream and unpack, check the digest, publish, link.

    look → lock → look again → download ─┬→ hash
                                         └→ inflate → unpack into staging → digest compared → rename → link

Nothing of an archive is published, let alone run, before its digest was compared.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, Protocol

from pyman import __version__, archive, changes, fetch, links
from pyman.errors import ArchiveError, CancelledError, FetchError, PymanError
from pyman.fetch import Download
from pyman.key import Key
from pyman.metadata import Build
from pyman.store import Installation, Store

_AT_ONCE = 4


class Reporter(Protocol):
    """Who is told how an install goes; called from several threads."""

    def waiting(self, key: Key) -> None:
        """Another process is installing the same build."""

    def downloading(self, key: Key, size: int | None) -> None:
        """Bytes are coming, `size` of them if the source said so; again when the next source is tried."""

    def received(self, key: Key, count: int) -> None:
        """So many bytes more have come."""

    def failed(self, key: Key, error: PymanError, *, final: bool) -> None:
        """A source failed; another one is tried unless that was the last."""

    def installed(self, installation: Installation, seconds: float) -> None:
        """It is published."""

    def already(self, installation: Installation) -> None:
        """It was there before."""


@dataclass(frozen=True, slots=True)
class Installer:
    """What an install works with: the store, a mirror ("" for none), and who is told."""

    store: Store
    mirror: str
    reporter: Reporter
    reinstall: bool = False
    cancelled: Event = Event()  # noqa: RUF009 - one for the process unless a caller brings its own

    def install_all(self, builds: Sequence[Build]) -> list[Installation | PymanError]:
        """Install several builds, some at a time; the result of each in order, an error where it failed."""
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            try:
                return list(pool.map(self._try_install, builds))
            except BaseException:
                self.cancelled.set()
                raise

    def _try_install(self, build: Build) -> Installation | PymanError:
        try:
            return self.install(build)
        except PymanError as error:
            return error

    def install(self, build: Build) -> Installation:
        """Install `build` and point its minor link; returns the installation, also if it was there already.

        Raises FetchError, ArchiveError, StoreError or CancelledError; the store is then as it was.
        """
        began = monotonic()
        with changes.locked(self.store, build.key, lambda: self.reporter.waiting(build.key)):
            present = self.store.get(build.key)
            if present and not self.reinstall:
                self.reporter.already(present)
                return present
            installation = self._from_first_source(build)
        with changes.links_locked(self.store):
            links.refresh_minor(self.store, build.key)
        self.reporter.installed(installation, monotonic() - began)
        return installation

    def _from_first_source(self, build: Build) -> Installation:
        """Try the sources in order; only what a source did wrong leads to the next one."""
        failures: list[FetchError] = []
        sources = fetch.sources(build, self.mirror)
        for url in sources:
            try:
                return self._from_source(build, url)
            except FetchError as error:
                failures.append(error)
                self.reporter.failed(build.key, error, final=len(failures) == len(sources))
        raise _all_failed(build, failures)

    def _from_source(self, build: Build, url: str) -> Installation:
        with changes.staging(self.store, build.key) as tree, fetch.download(url, self.cancelled) as download:
            self.reporter.downloading(build.key, download.size)
            unpacked = self._unpack(download, build, tree)
            if self.cancelled.is_set():
                raise CancelledError("Stopped.")
            return changes.publish(self.store, build.key, tree, _record(build, download, unpacked))

    def _unpack(self, download: Download, build: Build, tree: Path) -> archive.Unpacked:
        try:
            unpacked = archive.unpack(self._told(download, build.key), tree)
        except ArchiveError:
            # Damage on the way is the source's fault, not the archive's: the digest tells.
            if build.sha256:
                download.check(build.sha256)
            raise
        if build.sha256:
            download.check(build.sha256)
        return unpacked

    def _told(self, download: Download, key: Key) -> Iterable[bytes]:
        for chunk in download:
            self.reporter.received(key, len(chunk))
            yield chunk


def _record(build: Build, download: Download, unpacked: archive.Unpacked) -> dict[str, Any]:
    return {
        "key": str(build.key),
        "url": fetch.public(download.url),
        "sha256": download.sha256,
        "verified": build.sha256 is not None,
        "archive_size": download.received,
        "files": unpacked.files,
        "size": unpacked.size,
        "installed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "pyman": __version__,
    }


def _all_failed(build: Build, failures: Sequence[FetchError]) -> FetchError:
    if len(failures) == 1:
        return failures[0]
    each = "".join(f"\n  {failure.message}" for failure in failures)
    return FetchError(
        f"no source has {build.file_name}:{each}",
        "Check the network, or name a mirror with --mirror or PYMAN_MIRROR.",
    )
