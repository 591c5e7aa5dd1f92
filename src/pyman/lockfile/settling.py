"""Settles which builds a lock has: for each request and target the one an install would take."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pyman.builds.target import Target
from pyman.catalogue.build import Build, Metadata
from pyman.catalogue.sources import sources_of
from pyman.choice.select import candidates
from pyman.errors import FetchError, OfflineError, UnreachableError
from pyman.lockfile.lock import Lock, Locked
from pyman.machine.detection import Machine
from pyman.network.policy import Network
from pyman.requests.request import Request

if TYPE_CHECKING:
    from pyman.builds.key import Key


class Change(NamedTuple):
    """What became of a build that is locked: None before is new, None after is no longer locked."""

    before: Locked | None
    after: Locked | None


def settle(
    requests: Sequence[Request],
    machines: Sequence[Machine],
    metadata: Metadata,
    before: Lock | None = None,
    moving: Callable[[Request], bool] = lambda _: False,
) -> Lock:
    """Return the lock for the requests on each of the machines.

    What is locked `before` for a request and a target stays, unless the request is `moving`.
    NoDownloadFoundError for a request that cannot be met.
    """
    found: dict[Key, Locked] = {}
    for request in requests:
        for machine in machines:
            kept = None if moving(request) else _kept(before, request, machine.target)
            locked = kept or Locked(candidates(request, metadata, machine)[0], ())
            known = found.get(locked.key, locked._replace(requests=()))
            together = dict.fromkeys((*known.requests, request))
            found[locked.key] = known._replace(requests=tuple(together))
    return Lock.of(requests, (machine.target for machine in machines), found.values())


def _kept(before: Lock | None, request: Request, machine: Target) -> Locked | None:
    target = request.target_on(machine)
    locked = before.locked if before else ()
    return next((each for each in locked if each.key.target == target and request in each.requests), None)


def changes(before: Lock | None, after: Lock) -> list[Change]:
    """Return what differs: in the order of the builds afterwards, then what is gone."""
    old = {each.key: each for each in before.locked} if before else {}
    new = {each.key for each in after.locked}
    gone = {key: each for key, each in old.items() if key not in new}
    found = []
    for each in after.locked:
        if each.key not in old:
            former = next((other for other in gone.values() if _are_akin(other, each)), None)
            if former:
                del gone[former.key]
            found.append(Change(former, each))
    return found + [Change(each, None) for each in gone.values()]


def _are_akin(one: Locked, other: Locked) -> bool:
    return one.key.target == other.key.target and bool(set(one.requests) & set(other.requests))


def measured(
    lock: Lock, before: Lock | None, mirror: str, network: Network
) -> tuple[Lock, FetchError | None]:
    """Return the lock with the sizes of all archives that can be told, and why one could not, if so.

    No metadata have them: a source is asked, unless it stands in the lock `before`.
    """
    known = {each.build.sha256: each.size for each in before.locked if each.size} if before else {}
    locked, problem = list[Locked](), None
    for each in lock.locked:
        size = each.size or known.get(each.build.sha256)
        if size is None and not isinstance(problem, UnreachableError | OfflineError):
            try:
                size = _asked(each.build, mirror, network)
            except FetchError as error:
                problem = error
        locked.append(each._replace(size=size))
    return lock._replace(locked=tuple(locked)), problem


def _asked(build: Build, mirror: str, network: Network) -> int | None:
    """The size that the first source tells which has the archive."""
    from pyman.network.download import size_of  # noqa: PLC0415 - mostly all of them are known

    *first, last = sources_of(build, mirror)
    for url in first:
        try:
            return size_of(url, network)
        except FetchError:
            continue
    return size_of(last, network)
