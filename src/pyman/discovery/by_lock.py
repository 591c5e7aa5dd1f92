"""The Python that a lock says is used here."""

from pyman.discovery.finder import Here, Outcome, installed
from pyman.lockfile.lock import exact
from pyman.lockfile.standing import standing
from pyman.requests.request import Request


def find_locked(here: Here) -> Outcome:
    """Return what is locked here, a build of pyman's own; without a digest, and with why, if no lock counts.

    MetadataError for a lock that is broken.
    """
    said = standing(here.start, here.machine.target) if here.machine else None
    if not said or not said.lock:
        return Outcome(Request.parse("any"), None, warnings=said.warnings if said else ())
    build = said.locked[0].build
    request = exact(build.key)
    found = installed(request, here, foreign=False)
    return Outcome(request, found, said.lock.path, warnings=said.warnings, digest=build.sha256)
