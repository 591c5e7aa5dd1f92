"""What `pyman list` shows: which of the builds, and in which order."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from itertools import takewhile
from typing import Any

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.catalogue.advisories import affecting
from pyman.catalogue.build import Build, Metadata
from pyman.choice.select import objection, rank
from pyman.machine.detection import Machine
from pyman.requests.request import Request


class Depth(StrEnum):
    """How much of what is available is shown."""

    NEWEST_PATCH = "newest patch of each minor version"
    VERSIONS = "every version"
    BUILDS = "every build"


def available(
    metadata: Metadata, targets: Iterable[Target], request: Request, machine: Machine, depth: Depth
) -> list[Build]:
    """Return the builds to show for the request, newest version first.

    Builds that are not installed unless they are named are shown only with every build.
    """
    covered = [build for target in targets for build in _covered(metadata, target, request, machine, depth)]
    if depth is not Depth.BUILDS:
        covered = _best_of_each(covered, depth, request)
    return sorted(covered, key=lambda build: order(build.key), reverse=True)


def _covered(
    metadata: Metadata, target: Target, request: Request, machine: Machine, depth: Depth
) -> Iterator[Build]:
    if depth is Depth.NEWEST_PATCH:
        for builds in metadata.minors(target, request):
            yield from _newest(_shown(builds, request, machine))
    elif depth is Depth.VERSIONS:
        yield from _shown(metadata.builds(target, request), request, machine)
    else:
        yield from (build for build in metadata.builds(target, request) if request.covers(build.key))


def _shown(builds: Iterable[Build], request: Request, machine: Machine) -> Iterator[Build]:
    return (each for each in builds if request.covers(each.key) and not objection(each, request, machine))


def _newest(builds: Iterator[Build]) -> Iterator[Build]:
    """Yield the first, and others of its version only if it may not be the best of them: no more is read."""
    first = next(builds, None)
    if first:
        yield first
        if affecting(first.key):
            yield from takewhile(lambda each: each.key.version == first.key.version, builds)


def _best_of_each(builds: Iterable[Build], depth: Depth, request: Request) -> list[Build]:
    best: dict[tuple[object, ...], Build] = {}
    for build in builds:
        group = _group(build.key, depth)
        # Debug builds are for those who ask: they would double the list.
        if depth is Depth.NEWEST_PATCH and build.key.variant.debug and not request.variant.debug:
            continue
        if group not in best or rank(build.key) > rank(best[group].key):
            best[group] = build
    return list(best.values())


def _group(key: Key, depth: Depth) -> tuple[object, ...]:
    if depth is Depth.VERSIONS:
        return (key.target, key.version, key.variant)
    return (key.implementation, key.target, key.version.series, key.variant.freethreaded, key.variant.debug)


def order(key: Key) -> tuple[Any, ...]:
    """Return what a list is ordered by, the first greatest."""
    return (*_order(*key[:-1]), str(key.target))


@cache
def _order(
    implementation: Implementation, version: Version, variant: Variant, release: str
) -> tuple[Any, ...]:
    # The default variant stands first among those of a version.
    return (
        -implementation.place,
        version,
        not str(variant),
        not variant.debug,
        tuple(int(part) for part in release.split(".")),
        str(variant),
    )
