"""Bundled metadata with what was learned since: one set of builds of several files.

The first file that names a build has the say; the others only add.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from typing import TypeVar

from pyman.builds.key import Key, Minor
from pyman.builds.target import Target
from pyman.catalogue.build import Build, best_first, order
from pyman.catalogue.own_form import SectionedMetadata
from pyman.errors import MetadataError
from pyman.requests.request import Request

_Item = TypeVar("_Item")
_Question = Callable[[SectionedMetadata], Iterable[_Item]]


class Together:
    """Metadata of a file and of `more` that add to it.

    MetadataError is raised where the first is damaged. One of the others adds nothing any more then, and
    `damaged` is called with the error.
    """

    def __init__(
        self,
        first: SectionedMetadata,
        more: Sequence[SectionedMetadata],
        damaged: Callable[[MetadataError], None],
    ) -> None:
        self._first = first
        self._parts = [first, *more]
        self._damaged = damaged

    def targets(self) -> list[Target]:
        """Return the targets of all files, by name."""
        return sorted({target for each in self._ask(lambda part: part.targets()) for target in each}, key=str)

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        """Return the builds of all files for `target`, the best of each minor version and variant first."""
        first, *more = self._ask(lambda part: part.builds(target, request))
        builds = list(first)
        known = {build.key for build in builds} if more else set()
        added = list(_unknown((build for each in more for build in each), known))
        return best_first([*builds, *added]) if added else builds

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        """Yield the same by minor version and variant; what is not taken is not read."""
        minors = {minor for each in self._ask(lambda part: part.places(target, request)) for minor in each}
        for minor in sorted(minors, key=order):
            yield self._group(target, minor)

    def _group(self, target: Target, minor: Minor) -> Iterator[Build]:
        groups = self._ask(lambda part: part.group(target, minor))
        # Of equals merge() hands out that of the first file first.
        return _unknown(merge(*groups, key=lambda build: build.key.preference, reverse=True), set())

    def _ask(self, question: _Question[_Item]) -> list[Iterator[_Item]]:
        """Ask each file, and give what is read of it; one that turns out to be damaged is left out then."""
        return [self._read(part, question) for part in self._parts]

    def _read(self, part: SectionedMetadata, question: _Question[_Item]) -> Iterator[_Item]:
        try:
            yield from question(part)
        except MetadataError as error:
            if part is self._first:
                raise
            if part in self._parts:
                self._parts.remove(part)
                self._damaged(error)


def _unknown(builds: Iterable[Build], known: set[Key]) -> Iterator[Build]:
    for build in builds:
        if build.key not in known:
            known.add(build.key)
            yield build
