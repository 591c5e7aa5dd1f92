"""What an install is asked for: what was typed, else a lock, else a version file, else the newest."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pyman.errors import NoDownloadFoundError, UsageError
from pyman.report import ui
from pyman.requests.request import Request
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.catalogue.build import Metadata
    from pyman.choice.plan import Plan
    from pyman.exact.locked import Exactly
    from pyman.lockfile.lock import Lock
    from pyman.machine.detection import Machine


class Asked(NamedTuple):
    """The requests, and the lock for whose builds they are, if it is one."""

    requests: list[Request]
    exactly: "Exactly | None" = None

    @property
    def lock(self) -> "Lock | None":
        """The lock that was named by an option: its own addresses and digests count."""
        return self.exactly.lock if self.exactly and self.exactly.is_given else None

    def planned(self, plan: "Callable[[], Plan]", known: "Callable[[], Metadata]") -> "Plan":
        """Return the plan, which is for what is locked where a lock counts; PymanError if it is not."""
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
        return found


def asked(texts: Sequence[str], lock: "Lock | None", machine: "Machine") -> Asked:
    """Return what is asked for by `texts`, of the `lock` that was named, and by what stands here.

    UsageError for what is no request, NoDownloadFoundError for what the lock does not have.
    """
    from pyman.exact.locked import exactly

    requests = [Request.parse(text) for text in texts]
    wanted = exactly(lock, requests, machine.target)
    if wanted:
        return Asked(wanted.requests, wanted)
    return Asked(requests or of_version_file() or [Request.parse("latest")])


def of_version_file() -> list[Request]:
    """Return what the version file that counts here asks for; nothing where there is none."""
    from pyman.project import pins

    file = pins.find(current_dir("what to install"))
    if not file:
        return []
    for warning in file.skipped:
        ui.warning(warning)
    if not file.requests:
        raise UsageError(
            f"{file.path} names no version that can be installed", "Name one: `pyman install 3.13`."
        )
    return list(file.requests)
