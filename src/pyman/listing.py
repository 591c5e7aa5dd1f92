"""What `pyman list` shows: which of the builds, and in which order."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pyman.detect import Machine
from pyman.key import Key
from pyman.metadata import Build
from pyman.request import Request
from pyman.select import objection, rank


class Depth(StrEnum):
    """How much of what is available is shown."""

    NEWEST_PATCH = "newest patch of each minor version"
    VERSIONS = "every version"
    BUILDS = "every build"


def available(builds: Iterable[Build], request: Request, machine: Machine, depth: Depth) -> list[Build]:
    """Return the builds to show for the request, newest version first.

    Builds that are not installed unless they are named are shown only with every build.
    """
    covered = [build for build in builds if request.covers(build.key)]
    if depth is not Depth.BUILDS:
        covered = _best_of_each(covered, request, machine, depth)
    return sorted(covered, key=lambda build: order(build.key), reverse=True)


def _best_of_each(builds: Iterable[Build], request: Request, machine: Machine, depth: Depth) -> list[Build]:
    best: dict[tuple[object, ...], Build] = {}
    for build in builds:
        group = _group(build.key, depth)
        # Debug builds are for those who ask: they would double the list.
        if depth is Depth.NEWEST_PATCH and build.key.variant.debug and not request.variant.debug:
            continue
        is_better = group not in best or rank(build.key) > rank(best[group].key)
        if is_better and not objection(build, request, machine):
            best[group] = build
    return list(best.values())


def _group(key: Key, depth: Depth) -> tuple[object, ...]:
    if depth is Depth.VERSIONS:
        return (key.target, key.version, key.variant)
    return (key.implementation, key.target, key.version.series, key.variant.freethreaded, key.variant.debug)


def order(key: Key) -> tuple[Any, ...]:
    """Return what a list is ordered by, the first greatest."""
    # The default variant stands first among those of a version.
    variant = key.variant
    return (
        -key.implementation.place,
        key.version,
        not str(variant),
        not variant.debug,
        key.release_order,
        str(variant),
        str(key.target),
    )
