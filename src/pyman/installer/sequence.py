"""The sequence of an install: lock, look again, stream and unpack, check the digest, finish, publish, link.

    look → lock → look again → download ─┬→ hash, copy to the cache
                                         └→ inflate → unpack into staging → digest compared
                                              → prepare for its final path → smoke test → rename → link

Nothing of an archive is published, let alone run, before its digest was compared; and what is made for this
machine is published only if it runs on it.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any, NamedTuple

from pyman import __version__
from pyman.archive import unpack
from pyman.archive.pipeline import awaited
from pyman.builds.key import Key
from pyman.catalogue import advisories
from pyman.catalogue.build import Build
from pyman.catalogue.sources import all_failed, sources_of
from pyman.errors import (
    ArchiveError,
    CancelledError,
    DoesNotRunError,
    FetchError,
    HostNotAllowedError,
    OfflineError,
    PymanError,
    TooLargeError,
)
from pyman.installer import smoke
from pyman.installer.reporter import Reporter
from pyman.network.address import public
from pyman.network.cache import Cache
from pyman.network.client import hang_up
from pyman.network.download import Download, downloading
from pyman.network.policy import Network
from pyman.prepare import steps
from pyman.store import access, changes, links, manifest
from pyman.store.installations import Installation, Store
from pyman.store.record import FORM
from pyman.system.filesystem import flushing
from pyman.system.stopping import held_back, stoppable

Outcome = Installation | PymanError
_AT_ONCE = 4

_KEPT_OUT = (
    "{key} cannot load {modules} here: this version of Python loads no extension modules from a path that is "
    "not UTF-8, as that of the store is"
)


class Finish(NamedTuple):
    """How a tree is finished: marked as externally managed (PEP 668), tested, its modules compiled."""

    is_external: bool = True
    smoke_test: bool = True
    compile_bytecode: bool = False


@dataclass(frozen=True, slots=True)
class Installer:
    """What an install works with: the store, a mirror ("" for none), who is told, and how to finish."""

    store: Store
    mirror: str
    reporter: Reporter
    reinstall: bool = False
    cancelled: Event = field(default_factory=Event)
    finish: Finish = field(default_factory=Finish)
    network: Network = field(default_factory=Network)
    writers: int = unpack.WRITERS

    def install_all(self, choices: Sequence[Sequence[Build]]) -> list[Outcome]:
        """Install the best of each choice, some at a time; the results in order, an error where it failed."""
        # Several keep the processors busy as they are: more threads would only wait for each other.
        each = self if len(choices) == 1 else replace(self, writers=1)
        with stoppable(self._stop), ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            try:
                with held_back():
                    results = [pool.submit(each._try_install, choice) for choice in choices]  # noqa: SLF001 - self
                return [awaited(result) for result in results]
            except BaseException:
                with held_back():
                    self._stop()
                raise

    def _stop(self) -> None:
        """Make the threads that install end soon, also one that waits for bytes."""
        self.cancelled.set()
        hang_up()

    def _try_install(self, candidates: Sequence[Build]) -> Outcome:
        try:
            return self.install_best(candidates)
        except PymanError as error:
            return error

    def install_best(self, candidates: Sequence[Build]) -> Installation:
        """Install the first of one or more builds that runs on this machine; raises as `install` does.

        What a source or the store did wrong does not lead to another build.
        """
        for build, following in pairwise(candidates):
            try:
                return self.install(build)
            except DoesNotRunError as error:
                if self.cancelled.is_set():  # ^C ends what is being tested as well
                    raise CancelledError("Stopped.") from None
                self.reporter.does_not_run(error, following.key)
        return self.install(candidates[-1])

    def install(self, build: Build) -> Installation:
        """Install `build` and point its minor link; returns the installation, also if it was there already.

        Raises FetchError, ArchiveError, DoesNotRunError, StoreError or CancelledError; the store is then as
        it was.
        """
        began = monotonic()
        with changes.locked(
            self.store, build.key, lambda owner: self.reporter.waiting(build.key, owner), self.cancelled
        ):
            present = self.store.get(build.key)
            if present and not self.reinstall:
                self.reporter.already(present)
                return present
            if bystander := self.store.bystander(build.key):
                raise changes.taken(bystander)
            for warning in advisories.warnings(build.key):
                self.reporter.warned(warning)
            elsewhere = present.elsewhere if present else None
            installation = self._from_cache(build) or self._from_first_source(build)
        if elsewhere:
            self.reporter.warned(f"{build.key} was a link, which was replaced: {elsewhere} stays")
        with changes.links_locked(self.store):
            if not links.refresh_minor(self.store, build.key):
                self.reporter.warned(links.foreign_minor(self.store, build.key))
        self.reporter.installed(installation, monotonic() - began)
        return installation

    def _from_cache(self, build: Build) -> Installation | None:
        """Install what was downloaded before; None if there is nothing, or it is damaged."""
        cache = Cache(self.network.cache_dir)
        path = cache.find(build.sha256)
        if not path:
            return None
        try:
            with cache.opened(path, self.cancelled) as download:
                self.reporter.reading_cache(build.key, download.size)
                return self._from(download, build)
        except FetchError as error:
            gone = "was dropped" if cache.drop(path) else "cannot be dropped"
            damage = FetchError(f"the cached archive is damaged and {gone}: {error.message}")
            self.reporter.failed(build.key, damage, final=False)
            return None

    def _from_first_source(self, build: Build) -> Installation:
        """Try the sources in order; only what a source did wrong leads to the next one."""
        failures: list[FetchError] = []
        sources = sources_of(build, self.mirror)
        for url in sources:
            try:
                return self._from_source(build, url)
            except FetchError as error:
                failures.append(error)
                if not isinstance(error, OfflineError | HostNotAllowedError):
                    self.reporter.failed(build.key, error, final=len(failures) == len(sources))
        raise all_failed(build, failures)

    def _from_source(self, build: Build, url: str) -> Installation:
        with downloading(url, self.cancelled, self.network) as download:
            self.reporter.downloading(build.key, download.size)
            with Cache(self.network.cache_dir).keeping(download, build.sha256, self.reporter.warned):
                return self._from(download, build)

    def _from(self, download: Download, build: Build) -> Installation:
        with changes.staging(self.store, build.key) as tree:
            unpacked = self._unpack(download, build, tree)
            with flushing(tree):  # publishing would have to wait for the disk
                self._finish(Installation(build.key, tree))
                files = manifest.take(tree, unpacked.written)
            if self.cancelled.is_set():
                raise CancelledError("Stopped.")
            rights = access.noted(tree, self.store.home)
            record = _record(build, download, unpacked) | rights | {"files": files}
            return changes.publish(self.store, build.key, tree, record)

    def _unpack(self, download: Download, build: Build, tree: Path) -> unpack.Unpacked:
        try:
            unpacked = unpack.unpack(self._told(download, build.key), tree, writers=self.writers)
        except TooLargeError as error:
            if build.sha256 and download.sha256 == build.sha256.lower():
                raise
            raise FetchError(f"{public(download.url)}: {error.message}", error.hint) from None
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

    def _finish(self, staged: Installation) -> None:
        """Make of an unpacked tree an interpreter that works at its final path, and see that it does."""
        final = self.store.path_of(staged.key)
        steps.prepare(staged, final, is_external=self.finish.is_external)
        if not smoke.concerns(staged.key):
            return
        if self.finish.smoke_test:
            self._try(staged)
        if self.finish.compile_bytecode:
            from pyman.installer import bytecode  # noqa: PLC0415 - few want it

            bytecode.compile_all(staged, final)

    def _try(self, staged: Installation) -> None:
        """See that it runs, and tell what it cannot load."""
        kept_out = smoke.check(staged, lambda: self.reporter.testing(staged.key, smoke.SECONDS))
        if kept_out:
            self.reporter.warned(_KEPT_OUT.format(key=staged.key, modules=", ".join(kept_out)))


def _record(build: Build, download: Download, unpacked: unpack.Unpacked) -> dict[str, Any]:
    return {
        "key": str(build.key),  # first: whoever lists the store reads no further
        "form": FORM,
        "url": public(download.url),
        "sha256": download.sha256,
        "verified": build.sha256 is not None,
        "archive_size": download.received,
        "size": unpacked.size,
        "installed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "pyman": __version__,
    }
