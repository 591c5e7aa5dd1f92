"""Which of the known vulnerabilities a build of CPython has, and the nearest version that mends them.

The list says of version ranges what was recorded up to its date. What has a recorded fix is affected or it is
not, by a plain reading. What has none affects all versions that came by that date; of later ones nothing is
said. PyPy and GraalPy are other programs, which share part of the standard library: nothing is said of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from pyman.builds.key import Implementation, Key
from pyman.builds.version import Version
from pyman.catalogue.build import Build, Metadata
from pyman.catalogue.lifecycle import had_ended
from pyman.catalogue.own_form import bundled
from pyman.catalogue.vulnerabilities import Vulnerability, VulnerabilityList
from pyman.choice.select import objection, rank
from pyman.requests.request import Request
from pyman.upkeep.conditions import Successors, kind


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a build has, each list the worst first, and where it is mended.

    A later patch of the minor version fixes what is in `by_patch`, only a later minor version what is in
    `by_minor`. Of what is `unfixed` no fix was recorded by the list's date; of what is `undecided` neither,
    and this version came later, so that nothing is known of it.

    `patch` is the nearest build of the same minor version that leaves fewest of those with a recorded fix;
    `nearest` is the nearest of all, later minor versions included, that has none of them. Each is None where
    the metadata know no such build.
    """

    key: Key
    by_patch: Sequence[Vulnerability]
    by_minor: Sequence[Vulnerability]
    unfixed: Sequence[Vulnerability]
    undecided: Sequence[Vulnerability]
    patch: Build | None
    nearest: Build | None

    @property
    def fixable(self) -> list[Vulnerability]:
        """What a fix is recorded of, the worst first."""
        return sorted([*self.by_patch, *self.by_minor], key=lambda each: each.order)

    @property
    def certain(self) -> list[Vulnerability]:
        """All that the build has for certain, the worst first."""
        return sorted([*self.fixable, *self.unfixed], key=lambda each: each.order)


@dataclass(frozen=True)
class Exposures:
    """Finds out what builds have; reads the metadata of a target once."""

    listed: VulnerabilityList
    found: Successors
    _fixable: dict[Version, int] = field(default_factory=dict, init=False, repr=False)

    def of(self, key: Key) -> Exposure | None:
        """Return what a build has, installed or not; None for another implementation than CPython.

        Raises MetadataError when the metadata is damaged.
        """
        if key.implementation is not Implementation.CPYTHON:
            return None
        has = self.listed.of(key.version)
        fixable = [each for each in has if each.has_fix(key.version)]
        open_ended = [each for each in has if not each.has_fix(key.version)]
        by_patch = [each for each in fixable if is_fixed_in_series(each, key.version)]
        came_later = bool(open_ended) and not self._came_by_then(key)
        patch, nearest = self._mending(key) if fixable else (None, None)
        return Exposure(
            key,
            by_patch,
            [each for each in fixable if each not in by_patch],
            [] if came_later else open_ended,
            open_ended if came_later else [],
            patch,
            nearest,
        )

    def _mending(self, key: Key) -> tuple[Build | None, Build | None]:
        """The nearest builds that leave fewest of one's own minor version, and none at all."""
        later = self._later(key)
        own = [version for version in later if version.series == key.version.series]
        fewest = min(own, key=lambda version: (self._left(version), version), default=key.version)
        patch = later[fewest] if self._left(fewest) < self._left(key.version) else None
        if patch and not self._left(fewest):
            return patch, patch
        whole = (each for each in later if each.series > key.version.series and not self._left(each))
        nearest = min(whole, default=None)
        return patch, later[nearest] if nearest else None

    def _left(self, version: Version) -> int:
        """How many a version has of which a fix is recorded."""
        if version not in self._fixable:
            has = self.listed.of(version)
            self._fixable[version] = sum(each.has_fix(version) for each in has)
        return self._fixable[version]

    def _later(self, key: Key) -> dict[Version, Build]:
        """The later versions that can be installed in its place, each with its best build."""
        best: dict[Version, Build] = {}
        for build in self.found.at(key.target):
            if self._may_replace(build, key):
                rival = best.get(build.key.version, build)
                best[build.key.version] = max(build, rival, key=lambda each: rank(each.key))
        return best

    def _may_replace(self, build: Build, key: Key) -> bool:
        new = build.key
        early = new.version.is_prerelease
        return (
            (new.implementation, new.variant) == (key.implementation, key.variant)
            and new.version > key.version
            # Who has a final version wants no pre-release, and who has one wants none of another minor.
            and not (early and not (key.version.is_prerelease and new.version.series == key.version.series))
            and not objection(build, kind(key), self.found.machine)
        )

    def _came_by_then(self, key: Key) -> bool:
        """Whether the version came by the list's date; false where that cannot be told.

        A build of it, or of a later one of its minor version, tells: the version is no younger than that. So
        does the end of its minor version, after which nothing comes.
        """
        if had_ended(key.version.series, date.fromisoformat(self.listed.date)):
            return True
        # What the user gave may know few builds; the bundled metadata tell when others came.
        return any(self._dated(metadata, key) for metadata in (self.found.metadata, bundled()))

    def _dated(self, metadata: Metadata, key: Key) -> bool:
        request = Request(numbers=key.version.series)
        own = _releases(metadata.builds(key.target, request), key.version)
        if own:
            return min(own) <= self._day
        others = (_releases(metadata.builds(each, request), key.version) for each in metadata.targets())
        return any(min(found) <= self._day for found in others if found)

    @cached_property
    def _day(self) -> int:
        return int(self.listed.date.replace("-", ""))


def is_fixed_in_series(vulnerability: Vulnerability, version: Version) -> bool:
    """Whether the fix that is recorded for `version` is in a later patch of its own minor version."""
    found = vulnerability.range_of(version)
    return bool(found and found.end and found.end.series == version.series)


def _releases(builds: Iterable[Build], version: Version) -> list[int]:
    """The releases of the builds of a version and of those after it in its minor version."""
    return [
        int(build.key.release)
        for build in builds
        if build.key.implementation is Implementation.CPYTHON
        and build.key.version.series == version.series
        and build.key.version >= version
    ]
