"""Brings a mirror up to date: what is missing is fetched, what is there stays, and the metadata come last.

So it may be served meanwhile: whatever they name is there. They are written while it grows, too, so that one
that is stopped has what had come. What nobody asks for any more goes only where that is wished, and only if
pyman has put it there and nobody has changed it since.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pyman.builds.key import Key
from pyman.catalogue import vulnerabilities
from pyman.catalogue.build import Build
from pyman.catalogue.sources import OF_MIRROR
from pyman.errors import ContradictionError, PymanError, StoreError
from pyman.mirror.fetching import Fetcher
from pyman.mirror.mirror_folder import Contents, MirrorFolder, part_of, path_of
from pyman.network.address import public
from pyman.release_index import document

_EVERY = 30.0  # seconds from one writing of the metadata to the next while it grows


class Need(NamedTuple):
    """What a mirror lacks of what is wanted, what it has already, and what of the rest pyman could remove."""

    missing: list[Build]
    present: list[Build]
    superfluous: list[str]


class Outcome(NamedTuple):
    """What came of it: what was fetched and its bytes, what failed, what was removed and what was left."""

    fetched: list[Build]
    size: int
    present: list[Build]
    failures: dict[Key, PymanError]
    removed: list[str]
    left: list[str]


def need(folder: MirrorFolder, here: Contents, wanted: Iterable[Build]) -> Need:
    """Return what a sync would do; nothing is opened but the mirror."""
    missing: list[Build] = []
    present: list[Build] = []
    for build in wanted:
        known = here.builds.get(build.key)
        is_there = known and known.sha256 == build.sha256 and path_of(known) == path_of(build)
        there = is_there and folder.size(path_of(build)) == here.sizes[build.key]
        (present if there else missing).append(build)
    paths = {path_of(each) for each in (*missing, *present)}
    rows = {path_of(each) for each in here.builds.values()} | set(here.leaving)
    return Need(missing, present, sorted(rows - paths - here.found - here.added))


@dataclass(slots=True)
class Sync:
    """A sync of an open and locked mirror."""

    folder: MirrorFolder
    fetcher: Fetcher
    here: Contents
    written: float = 0.0

    def run(self, wanted: Sequence[Build], warnings: bytes | None, *, prune: bool) -> Outcome:
        """Fetch what is missing, then remove what is superfluous if that is wished and all has come.

        `warnings` is the list of vulnerabilities for the mirror.
        """
        known = need(self.folder, self.here, wanted)
        adopted, failures = self._looked_at(known.missing)
        missing = [each for each in known.missing if each.key not in failures and each not in adopted]
        fetched: list[Build] = []
        sizes: list[int] = []

        def done(build: Build, size: int) -> None:
            fetched.append(build)
            sizes.append(size)
            self._know(build, size)
            if time.monotonic() - self.written > _EVERY:
                self._write()

        try:
            failures |= self.fetcher.fetch_all(missing, done)
        finally:
            self._write()
        if warnings:
            self.folder.publish(vulnerabilities.NAME, warnings)
        removed, left = self._prune(known.superfluous) if prune and not failures else ([], [])
        self.folder.sweep({part_of(each.key) for each in missing if each.key in failures})
        return Outcome(fetched, sum(sizes), [*known.present, *adopted], failures, removed, left)

    def _looked_at(self, missing: Iterable[Build]) -> tuple[list[Build], dict[Key, PymanError]]:
        """Know what is there already without being in the metadata; what is in the way is a failure."""
        adopted: list[Build] = []
        failures: dict[Key, PymanError] = {}
        for build in missing:
            path = path_of(build)
            known = self.here.builds.get(build.key)
            if known and path_of(known) == path and known.sha256 != build.sha256:
                failures[build.key] = _changed(build, known)
                continue
            size = self.folder.size(path)
            if size is None:
                continue
            if size >= 0 and self._sha256(path) == build.sha256:
                adopted.append(build)
                is_ours = path in self.here.leaving or (known and path not in self.here.found)
                self._know(build, size, found=not is_ours)
            elif size < 0 or not known or path in self.here.found:
                failures[build.key] = _in_the_way(self.folder.path / path)
        return adopted, failures

    def _know(self, build: Build, size: int, *, found: bool = False) -> None:
        """Have a build in the metadata; an address with something secret in it is nobody else's to see."""
        here, path = self.here, path_of(build)
        if public(build.url) != build.url or build.url.startswith("file:"):
            build = build._replace(url=OF_MIRROR + path)
        before = here.builds.get(build.key)
        leaving = {name: digest for name, digest in here.leaving.items() if name != path}
        if before and path_of(before) != path:
            leaving[path_of(before)] = before.sha256 or ""
        self.here = here._replace(
            builds={**here.builds, build.key: build},
            sizes={**here.sizes, build.key: size},
            found=here.found | {path} if found else here.found - {path},
            leaving=leaving,
        )

    def _write(self) -> None:
        self.folder.publish(document.NAME, self.here.document())
        self.written = time.monotonic()

    def _prune(self, superfluous: Sequence[str]) -> tuple[list[str], list[str]]:
        """Take files out of the metadata, then away: whoever reads those finds all that they name."""
        going = {path_of(each): each for each in self.here.builds.values() if path_of(each) in superfluous}
        keys = {each.key for each in going.values()}
        digests = self.here.leaving | {path: each.sha256 or "" for path, each in going.items()}
        self.here = self.here._replace(
            builds={key: build for key, build in self.here.builds.items() if key not in keys},
            sizes={key: size for key, size in self.here.sizes.items() if key not in keys},
            leaving=digests,
        )
        if not superfluous:
            return [], []
        self._write()
        removed: list[str] = []
        left: list[str] = []
        for path in superfluous:
            (removed if self._remove(path, digests[path]) else left).append(path)
        self.here = self.here._replace(leaving={})
        self._write()
        return removed, left

    def _remove(self, path: str, digest: str) -> bool:
        """Remove a file that is as pyman put it there; a bystander in its place stays."""
        size = self.folder.size(path)
        if size is None:
            return True
        if size < 0 or self._sha256(path) != digest:
            return False
        try:
            self.folder.remove(path)
        except OSError:
            return False
        return True

    def _sha256(self, path: str) -> str:
        try:
            return self.folder.sha256(path)
        except OSError:
            return ""


def _changed(build: Build, known: Build) -> ContradictionError:
    return ContradictionError(
        f"the sha256 of {build.key} changed: the mirror has {known.sha256}, the source names {build.sha256}",
        "Published archives never change: find out which digest is right before you trust it.",
    )


def _in_the_way(path: Path) -> StoreError:
    return StoreError(
        f"{path} is there, which pyman did not put there", "It was left alone: move it away, or delete it."
    )
