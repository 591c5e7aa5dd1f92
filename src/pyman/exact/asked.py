"""What an install is asked for: what was typed, else a lock or bundle, else a version file or the newest."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pyman.cli import here as files
from pyman.errors import NoDownloadFoundError, PymanError
from pyman.requests.request import Request
from pyman.requests.spelling import spelled

if TYPE_CHECKING:
    from pyman.catalogue.build import Build, Metadata
    from pyman.choice.plan import Plan
    from pyman.exact.carried import Carried
    from pyman.exact.locked import Exactly
    from pyman.lockfile.lock import Lock
    from pyman.machine.detection import Machine


class Asked(NamedTuple):
    """The requests, the builds `here` in files and folders, the lock that counts, what was brought along."""

    requests: "list[Request]"
    here: "Collection[Build]" = ()
    exactly: "Exactly | None" = None
    carried: "Carried | None" = None

    @property
    def meant(self) -> list[Request]:
        """All of it as requests."""
        return [*self.requests, *(Request.parse(str(build.key)) for build in self.here)]

    def source(self, load: "Callable[[], Metadata]") -> "Callable[[], Metadata]":
        """Return where builds are: in what was brought along, else a lock that was named, else `load`."""
        given: Metadata | None = self.exactly.lock if self.exactly and self.exactly.is_given else None
        if self.carried:
            given = self.carried.metadata
        return load if given is None else lambda: given

    def planned(self, plan: "Callable[[], Plan]", known: "Callable[[], Metadata]") -> "Plan":
        """Return the plan, which is for what is locked where a lock counts; PymanError if it is not.

        What comes from a lock or was brought along must not contradict what pyman has `known`.
        """
        try:
            found = plan()
        except NoDownloadFoundError as error:
            if not self.exactly or self.exactly.is_given:
                raise
            raise NoDownloadFoundError(
                f"{error.message} ({self.exactly.lock.path} asks for it)",
                f"{error.hint} `pyman install --locked` takes it from where the lock says.",
            ) from None
        if self.exactly:
            self.exactly.check(found, known)
        if self.carried:
            self.carried.check(found, known)
        return found


def asked(
    texts: Sequence[str],
    here: "Collection[Build]",
    carried: "Carried | None",
    lock: "Lock | None",
    machine: "Machine",
    *,
    project: bool,
) -> Asked:
    """Return what is asked for by `texts`, of the `lock` that was named, and by what stands here.

    UsageError for what is no request, NoDownloadFoundError for what the lock does not have.
    """
    from pyman.exact.locked import exactly

    requests = [Request.parse(text) for text in texts]
    if here:
        _check_named(requests, here, carried)
        _check_locked(here, lock)
        if carried or not requests:
            return Asked([], here)
    if carried and not requests and not lock:
        lock = carried.lock
    wanted = exactly(lock, requests, machine.target, project=project)
    if wanted:
        return Asked(wanted.requests, here, wanted, carried)
    return Asked(files.asked(texts, project=project), here, None, carried)


def _check_named(requests: Sequence[Request], here: "Collection[Build]", carried: "Carried | None") -> None:
    """Raise PymanError for a request that the one archive which was brought along is not meant by."""
    for request in requests if carried else ():
        if not any(request.matches(build.key) for build in here):
            keys = ", ".join(str(build.key) for build in here)
            raise PymanError(f"{spelled(request)} is not in what was brought along, which is {keys}")


def _check_locked(here: "Collection[Build]", lock: "Lock | None") -> None:
    """Raise PymanError for an archive that is not what the lock has, where one was named."""
    if not lock:
        return
    for build in here:
        locked = lock.of_key(build.key)
        if not locked or locked.build.sha256 != build.sha256:
            has = f"sha256 {locked.build.sha256}" if locked else "nothing"
            raise PymanError(
                f"{build.local} is not what {lock.path} has: for {build.key} that has {has}",
                "Leave --locked out to install it all the same.",
            )
