"""What is newest, what is superseded, what has a successor, and what uses what. Changes nothing.

Installations are of one kind when they have the same minor link: implementation, minor version, variant and
target are the same. A newer one of its kind takes over the link, and with it whatever goes by the link.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pyman.builds.key import Implementation, Key
from pyman.builds.target import Target
from pyman.catalogue.build import Build, Metadata
from pyman.catalogue.lifecycle import Support, support
from pyman.choice.select import verdicts
from pyman.environments.entrances import Environment
from pyman.machine.detection import Machine
from pyman.requests.request import Request
from pyman.store.installations import Installation

_BLOCK = 512  # st_blocks counts these, whatever the file system's own are (POSIX.1-2008, sys/stat.h)


def newest(installations: Iterable[Installation]) -> list[Installation]:
    """Return the newest installation of each kind, in the order given."""
    best: dict[str, Installation] = {}
    for each in installations:
        rival = best.get(each.key.link_name)
        if rival is None or _age(each.key) > _age(rival.key):
            best[each.key.link_name] = each
    return list(best.values())


def superseded(installations: Sequence[Installation]) -> list[Installation]:
    """Return the installations of which there is a newer one of their kind, in the order given."""
    kept = {each.key for each in newest(installations)}
    return [each for each in installations if each.key not in kept]


def stranded(
    environments: Iterable[Environment], leaving: Iterable[Installation], here: Iterable[Installation]
) -> dict[Key, list[Path]]:
    """Return, for what is `leaving` of what is `here`, the environments that would be left without a Python.

    One that goes by a minor link uses what the link points at, the newest of the kind, and is left without
    only when no other installation of that kind stays. One that could not be read may use any of them.
    """
    here, gone = list(here), [each.key for each in leaving]
    links = {each.key.link_name for each in here if each.key not in gone}
    last = {each.key for each in newest(here) if each.key.link_name not in links}
    names = {key: {str(key), key.link_name} if key in last else {str(key)} for key in gone}
    return {
        key: paths
        for key in gone
        if (paths := [each.path for each in environments if _uses(each, names[key])])
    }


def _uses(environment: Environment, names: set[str]) -> bool:
    return environment.entries is None or bool(environment.entries & names)


@dataclass(frozen=True)
class Successors:
    """Finds newer builds; reads the metadata of a target once."""

    metadata: Metadata
    machine: Machine
    _builds: dict[Target, list[Build]] = field(default_factory=dict, init=False, repr=False)

    def of(self, installation: Installation) -> list[Build]:
        """Return the builds of the same kind that are newer than the installation, the best first.

        They are chosen as an install chooses; MetadataError when the metadata is damaged.
        """
        key = installation.key
        judged = verdicts(kind(key), self.at(key.target), self.machine)
        kept = [each.build for each in judged if not each.objection]
        # A request for the default variant means static builds too: those are of another kind.
        same_kind = [each for each in kept if each.key.link_name == key.link_name]
        return [each for each in same_kind if each.key.preference > key.preference]

    def dynamic_of(self, installation: Installation) -> Build | None:
        """Return the build that an install would put in the place of a static installation; else None."""
        key = installation.key
        request = kind(key)._replace(variant=key.variant._replace(static=False))
        judged = verdicts(request, self.at(key.target), self.machine)
        best = next((each.build for each in judged if not each.objection), None)
        return best if key.variant.static and best and not best.key.variant.static else None

    def at(self, target: Target) -> list[Build]:
        """Return the builds for `target`; MetadataError when the metadata is damaged."""
        if target not in self._builds:
            self._builds[target] = self.metadata.builds(target)
        return self._builds[target]


def kind(key: Key) -> Request:
    """Return the request for the minor version, the variant and the target of `key`."""
    return Request(key.implementation, key.version.series, variant=key.variant).on(key.target)


@dataclass(frozen=True, slots=True)
class Condition:
    """How an installation stands: the builds that are newer, best first, and how long it is maintained."""

    installation: Installation
    newer: list[Build]
    support: Support

    @property
    def successor(self) -> Build | None:
        """What an upgrade installs; None where nothing is newer."""
        return self.newer[0] if self.newer else None

    @property
    def is_outdated(self) -> bool:
        """Whether something is to be done about it."""
        return bool(self.newer) or self.support is not Support.MAINTAINED


def conditions(installations: Iterable[Installation], found: Successors, today: date) -> list[Condition]:
    """Return how the newest installation of each kind stands; what is superseded is not asked about."""
    return [of(each, found.of(each), today) for each in newest(installations)]


def of(installation: Installation, newer: list[Build], today: date) -> Condition:
    """Return how an installation stands for which there is something `newer`, the best first."""
    return Condition(installation, newer, _support(installation.key, today))


def _support(key: Key, today: date) -> Support:
    # The other implementations maintain their versions of Python for as long as they please.
    python = key.implementation is Implementation.CPYTHON
    return support(key.version.series, today) if python else Support.MAINTAINED


def bytes_on_disk(folder: Path) -> int:
    """Return how many bytes the files below `folder` take; those that cannot be looked at count nothing.

    Nor does anything behind a link, be it `folder` itself: it is not freed with the link.
    """
    if folder.is_symlink():
        return 0
    seen = {(each.st_dev, each.st_ino): each for each in _stats(folder)}  # a file with two names counts once
    return sum(_allocated(each) for each in seen.values())


def _stats(folder: Path) -> Iterator[os.stat_result]:
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            try:
                yield os.lstat(os.path.join(place, name))  # noqa: PTH118 - thousands of them
            except OSError:
                continue


def _allocated(found: os.stat_result) -> int:
    blocks: int | None = getattr(found, "st_blocks", None)  # Windows has none
    return found.st_size if blocks is None else blocks * _BLOCK


def _age(key: Key) -> tuple[Any, ...]:
    """What `links.refresh_minor` orders by: the version, then the release."""
    return (key.version, key.release_order)
