"""What a lock says here: the nearest one counts where nothing was typed, unless a version file disagrees.

A version file asks for versions, a lock answers which builds those are. Where the lock has no answer to it,
or none for this machine, that is said, and the version file counts alone.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pyman.builds.target import Target
from pyman.errors import NoDownloadFoundError
from pyman.lockfile import lock_place
from pyman.lockfile.lock import Lock, Locked
from pyman.project import pins
from pyman.project.version_file import SYSTEM, VersionFile
from pyman.requests.request import Request
from pyman.requests.spelling import spelled


class Standing(NamedTuple):
    """The builds that a lock says are used here on a target, what is preferred first, and what was odd.

    There are none where no lock counts.
    """

    lock: Lock | None = None
    locked: tuple[Locked, ...] = ()
    warnings: tuple[str, ...] = ()


def standing(start: Path, target: Target) -> Standing:
    """Return what counts in `start`. Raises MetadataError for a broken lock, and as `pins.nearest` does."""
    path = lock_place.nearest(start)
    if not path:
        return Standing()
    from pyman.lockfile import lock_reader  # noqa: PLC0415 - most projects have no lock

    lock = lock_reader.read(path)
    here = lock.on(target)
    if not here:
        return Standing(warnings=(f"{lock.path} has no build for {target}: it is passed over",))
    file = pins.nearest(start)
    if not file:
        return Standing(lock, tuple(here))
    fitting = [_best(here, request) for request in file.requests]
    if file.system or file.python or None in fitting:
        return Standing(warnings=(_disagreement(lock, here, file),))
    return Standing(lock, tuple(dict.fromkeys(each for each in fitting if each)), file.skipped)


def among(lock: Lock, target: Target, requests: Sequence[Request]) -> list[Locked]:
    """Return what is locked on `target`; with requests the best for each of them.

    NoDownloadFoundError where nothing is.
    """
    if not requests:
        if not lock.on(target):
            hint = (
                f"`pyman lock --target {target}` locks for it; it has {', '.join(map(str, lock.targets()))}."
            )
            raise NoDownloadFoundError(f"{lock.path} has no build for {target}", hint)
        return lock.on(target)
    found = []
    for request in requests:
        here = lock.on(request.target_on(target))
        best = _best(here, request)
        if not best:
            has = ", ".join(str(each.key) for each in here) or "nothing"
            where = request.target_on(target)
            raise NoDownloadFoundError(
                f"{lock.path} locks nothing for the request: {spelled(request)}", f"For {where} it has {has}."
            )
        found.append(best)
    return list(dict.fromkeys(found))


def narrowed(lock: Lock, requests: Sequence[Request], targets: Sequence[Target]) -> Lock:
    """Return what the lock has for the requests and targets, none of which means all; raises as `among`."""
    if not requests and not targets:
        return lock
    to = targets or lock.to
    wanted = [each for target in to for each in among(lock, target, requests)]
    return Lock.of(requests or lock.requests, to, dict.fromkeys(wanted))._replace(path=lock.path)


def _best(here: Sequence[Locked], request: Request) -> Locked | None:
    fitting = [each for each in here if request.matches(each.key)]
    return max(fitting, key=lambda each: request.preference(each.key), default=None)


def _disagreement(lock: Lock, here: Sequence[Locked], file: VersionFile) -> str:
    asked = SYSTEM if file.system else ", ".join(map(spelled, file.requests))
    locked = ", ".join(str(each.key) for each in here)
    return f"{lock.path} has {locked}, and {file.path} asks for {asked}: the version file counts"
