"""The sequence of an install: lock, look again, stream and unpack, check the digest, finish, publish, settle.

    look → lock → look again → download ─┬→ hash, copy to the cache
                                         └→ inflate → unpack into staging → digest compared
                                              → prepare for its final path → smoke test → publish → settle

Nothing of an archive is published, let alone run, before its digest was compared; and what is made for this
machine is published only if it runs on it. Where all that goes is told by a `Destination`.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from pyman.archive import unpack
from pyman.archive.pipeline import awaited
from pyman.builds.key import Key
from pyman.catalogue import advisories
from pyman.catalogue.build import Build
from pyman.catalogue.sources import first_of, sources_of
from pyman.errors import (
    CancelledError,
    DoesNotRunError,
    FetchError,
    HostNotAllowedError,
    OfflineError,
    PymanError,
)
from pyman.installer import filling, finishing
from pyman.installer.destination import Destination
from pyman.installer.filling import Filling
from pyman.installer.finishing import Finish
from pyman.installer.reporter import Reporter
from pyman.inventory import manifest
from pyman.network.cache import Cache
from pyman.network.policy import Network
from pyman.reading.chosen import reader
from pyman.reading.source import Reader, Source, Stream
from pyman.store.installations import Installation
from pyman.system.filesystem import flushing
from pyman.system.stopping import held_back, stoppable

Outcome = Installation | PymanError
_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Installer:
    """What an install works with: where builds go, a mirror ("" for none), who is told, and how to finish.

    `follows` are installations, by their minor links' names, of which what is installed is the successor.
    """

    destination: Callable[[Key], Destination]
    mirror: str
    reporter: Reporter
    reinstall: bool = False
    cancelled: Event = field(default_factory=Event)
    finish: Finish = field(default_factory=Finish)
    network: Network = field(default_factory=Network)
    follows: Mapping[str, Installation] = field(default_factory=dict)
    writers: int = unpack.WRITERS
    reader: Reader = field(default_factory=reader)

    def install_all(self, choices: Sequence[Sequence[Build]]) -> list[Outcome]:
        """Install the best of each choice, some at a time; the results in order, an error where it failed."""
        try:
            return self._in_processes(choices) if len(choices) > 1 else self._in_threads(choices)
        finally:
            self.reader.close()

    def _in_processes(self, choices: Sequence[Sequence[Build]]) -> list[Outcome]:
        from pyman.installer import several  # noqa: PLC0415 - mostly there is one

        work = partial(self._in_process, choices)
        outcomes = several.install(len(choices), work, self.reporter, self.reader.lend())
        return self._in_threads(choices) if outcomes is None else outcomes

    def _in_process(
        self, choices: Sequence[Sequence[Build]], number: int, slot: int | None, reporter: Reporter
    ) -> tuple[Outcome, bool]:
        """Install one of them in a process of its own; says also whether the next may have the slot."""
        each = replace(self, reader=self.reader.shared(slot), reporter=reporter, writers=1)
        (outcome,) = each._in_threads([choices[number]])  # noqa: SLF001 - self
        return outcome, each.reader.is_clean

    def _in_threads(self, choices: Sequence[Sequence[Build]]) -> list[Outcome]:
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

    def _announced(self, build: Build) -> AbstractContextManager[None]:
        """Have the first source asked while the build's place is being prepared."""
        if build.local or Cache(self.network.cache_dir).find(build.sha256):
            return nullcontext()
        try:
            first = sources_of(build, self.mirror)[0]
        except FetchError:  # it is raised when its turn comes
            return nullcontext()
        return self.reader.announced(Source(first, self.network, build.sha256))

    def _stop(self) -> None:
        """Make the threads that install end soon, also one that waits for bytes."""
        self.cancelled.set()
        self.reader.stop()

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
        """Install `build` at its destination; returns the installation, also if it was there already.

        Raises FetchError, ArchiveError, DoesNotRunError, StoreError or CancelledError; the destination is
        then as it was.
        """
        began = monotonic()
        place = self.destination(build.key)
        with place.locked(lambda owner: self.reporter.waiting(build.key, owner), self.cancelled):
            present = place.present()
            if present and not self.reinstall:
                self.reporter.already(present)
                return present
            with self._announced(build):
                place.check()
                for warning in advisories.warnings(build.key):
                    self.reporter.warned(warning)
                each = replace(self, finish=self.finish.after(self._before(build, place)))
                installation = each._from_anywhere(build, place)  # noqa: SLF001 - self
        for remark in place.settled():
            self.reporter.warned(remark)
        self.reporter.installed(installation, monotonic() - began)
        return installation

    def _before(self, build: Build, place: Destination) -> Mapping[str, Any]:
        """Return the record of what it comes after: in its place, or as a successor."""
        followed = self.follows.get(build.key.link_name)
        return place.replaced() or (followed.record() if followed else {})

    def _from_anywhere(self, build: Build, place: Destination) -> Installation:
        if build.local:
            return self._from_here(build, build.local, place)
        return self._from_cache(build, place) or self._from_first_source(build, place)

    def _from_here(self, build: Build, path: Path, place: Destination) -> Installation:
        """Install the archive or the folder that the user named: there is no other source."""
        if path.is_dir():
            self.reporter.reading(build.key, None, f"the folder {path.name}")
            return self._made(
                build,
                place,
                lambda tree: filling.of_folder(build, path, tree, self._copied(build), self.writers),
            )
        source = Source(path.as_uri(), sha256=build.sha256, part=build.part)
        with self.reader.reading(source, self.cancelled, self.reporter.warned) as stream:
            self.reporter.reading(build.key, stream.size, path.name)
            return self._from(stream, build, place)

    def _from_cache(self, build: Build, place: Destination) -> Installation | None:
        """Install what was downloaded before; None if there is nothing, or it is damaged."""
        cache = Cache(self.network.cache_dir)
        path = cache.find(build.sha256)
        if not path:
            return None
        cache.touch(path)
        source = Source(path.as_uri(), sha256=build.sha256)
        try:
            with self.reader.reading(source, self.cancelled, self.reporter.warned) as stream:
                self.reporter.reading(build.key, stream.size, "the cache")
                return self._from(stream, build, place)
        except FetchError as error:
            self.reporter.failed(build.key, cache.damaged(path, error), final=False)
            return None

    def _from_first_source(self, build: Build, place: Destination) -> Installation:
        """Try the sources in order; only what a source did wrong leads to the next one."""

        def failed(error: FetchError, is_last: bool) -> None:  # noqa: FBT001 - as `first_of` tells it
            if not isinstance(error, OfflineError | HostNotAllowedError):
                self.reporter.failed(build.key, error, final=is_last)

        return first_of(build, self.mirror, partial(self._from_source, build, place), failed)

    def _from_source(self, build: Build, place: Destination, url: str) -> Installation:
        source = Source(url, self.network, build.sha256)
        with self.reader.reading(source, self.cancelled, self.reporter.warned) as stream:
            self.reporter.downloading(build.key, stream.size)
            return self._from(stream, build, place)

    def _from(self, stream: Stream, build: Build, place: Destination) -> Installation:
        return self._made(
            build, place, lambda tree: filling.of_archive(build, stream, tree, self.reporter, self.writers)
        )

    def _made(self, build: Build, place: Destination, fill: Callable[[Path], Filling]) -> Installation:
        """Publish what `fill` puts into an empty folder."""
        with place.staging() as tree:
            filled, staged = fill(tree), Installation(build.key, tree)
            take = partial(manifest.take, tree, filled.unpacked.written)
            with flushing(tree):  # publishing would have to wait for the disk
                facts = finishing.finish(staged, place.final, self.finish, self.reporter, take)
            if self.cancelled.is_set():
                raise CancelledError("Stopped.")
            latest = self.finish.latest(filled.unpacked.written)
            record = filling.record(build, filled, self.finish) | facts
            return place.publish(tree, record, latest)

    def _copied(self, build: Build) -> Callable[[int], None]:
        """Return what is told the size of each file before it is copied."""

        def told(count: int) -> None:
            if self.cancelled.is_set():
                raise CancelledError("Stopped.")
            self.reporter.received(build.key, count)

        return told
