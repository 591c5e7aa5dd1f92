"""What requests come to on this machine: what is there already, and what is to be installed, the best first.

Every request is settled before anything is downloaded.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from pyman.builds.key import Key
from pyman.catalogue.build import Build, Metadata
from pyman.choice.installed import best_installed
from pyman.choice.select import candidates
from pyman.machine.detection import Machine
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store

_MOST_TRIES = 3


class Choice(NamedTuple):
    """A request that is to be installed for, and the builds which fit it: the best first, at least one."""

    request: Request
    candidates: Sequence[Build]

    @property
    def best(self) -> Build:
        """The build to install."""
        return self.candidates[0]

    @property
    def tries(self) -> Sequence[Build]:
        """What is tried in turn where a build does not run: few, as each is a download, and a static one."""
        static = [build for build in self.candidates if build.key.variant.static]
        first = list(self.candidates[:_MOST_TRIES])
        return first + [build for build in static[:1] if build not in first]

    @property
    def is_last_resort(self) -> bool:
        """Whether only a static build is left, which cannot load extension modules, though none was meant."""
        return self.best.key.variant.static and not self.request.variant.static


class Plan(NamedTuple):
    """Installations that are there already, and choices of what to install; each build once."""

    present: Sequence[Installation]
    choices: Sequence[Choice]


class Planner(NamedTuple):
    """What a plan is made of. `load` is called when a request needs to know what can be downloaded.

    `reinstall` plans also what is there, `unverified` allows builds without a published checksum.
    """

    store: Store
    machine: Machine
    load: Callable[[], Metadata]
    reinstall: bool = False
    unverified: bool = False

    def plan(self, requests: Iterable[Request]) -> Plan:
        """Return the plan for the requests, in their order.

        Raises NoDownloadFoundError for a request that cannot be met, and what `load` raises.
        """
        present = dict[Key, Installation]()
        choices = dict[Key, Choice]()
        metadata: Metadata | None = None
        for request in requests:
            found = best_installed(request, self.store, self.machine)
            if found and not self.reinstall and settles(found, request):
                present[found.key] = found
                continue
            metadata = metadata or self.load()
            self._add(self._choice(request, metadata, found), present, choices)
        return Plan(list(present.values()), list(choices.values()))

    def with_builds(self, plan: Plan, builds: Iterable[Build]) -> Plan:
        """Return `plan`, before which the `builds` are installed that the user has named themselves."""
        present = dict[Key, Installation]()
        choices = dict[Key, Choice]()
        for build in builds:
            self._add(Choice(Request.parse(str(build.key)), [build]), present, choices)
        present |= {each.key: each for each in plan.present}
        rest = [each for each in plan.choices if each.best.key not in choices]
        return Plan(list(present.values()), [*choices.values(), *rest])

    def _add(self, choice: Choice, present: dict[Key, Installation], choices: dict[Key, Choice]) -> None:
        """Put a choice where it belongs: what is there already needs no install."""
        installed = self.store.find(choice.best.key)
        if installed and not self.reinstall:
            present[installed.key] = installed
        else:
            choices.setdefault(choice.best.key, choice)

    def _choice(self, request: Request, metadata: Metadata, found: Installation | None) -> Choice:
        """What is installed again is, where it can still be had, the very same build."""
        builds = candidates(request, metadata, self.machine, unverified=self.unverified)
        if self.reinstall and found and not _may_move_on(request):
            builds.sort(key=lambda build: build.key != found.key)
        return Choice(request, builds)


def settles(found: Installation, request: Request) -> bool:
    """Whether an installation settles the request without a look at what can be downloaded.

    A static build is a last resort: a dynamic one may have come.
    """
    return not _may_move_on(request) and found.key.variant.static == request.variant.static


def _may_move_on(request: Request) -> bool:
    """Whether the newest that can be had is meant: there may be a newer one than what is there."""
    return request.latest or request.dev
