"""What `install`, `run` and `pin` say of a version named in full that a newer patch has mended."""

from collections.abc import Iterable

from pyman.builds.key import Implementation
from pyman.builds.version import Version
from pyman.catalogue.build import Metadata
from pyman.cli import settings
from pyman.errors import PymanError
from pyman.machine.detection import Machine
from pyman.report import ui
from pyman.requests.request import Request


def mention(
    requests: Iterable[Request], machine: Machine | None, place: str | None, metadata: Metadata | None = None
) -> None:
    """Say in one line how many known vulnerabilities each version named in full has that are mended.

    What is newer is what would be installed of the same minor version by `metadata`, else by those at
    `place`: a remark opens no connection, so for a URL the bundled ones serve, and it is left out where
    something cannot be read. Nothing is loaded for requests that leave a part of the version open.
    """
    full = [each for each in requests if each.full_version and each.implementation is Implementation.CPYTHON]
    if not full or not machine:
        return
    try:
        known = metadata or settings.load_metadata(None if place and "://" in place else place)
    except PymanError:
        return
    for text in dict.fromkeys(filter(None, (_remark(each, machine, known) for each in full))):
        ui.warning(text)


def _remark(request: Request, machine: Machine, metadata: Metadata) -> str:
    version = request.full_version
    try:
        newest = _newest(request, machine, metadata)
        mended = settings.load_vulnerabilities().mended(version, newest) if version else []
    except PymanError:
        return ""
    if not version or newest <= version or not mended:
        return ""
    one = len(mended) == 1
    what = "1 known vulnerability that is" if one else f"{len(mended)} known vulnerabilities that are"
    return f"{version} has {what} fixed in {newest}"


def _newest(request: Request, machine: Machine, metadata: Metadata) -> Version:
    """The patch that an install of the minor version would take; NoDownloadFoundError if there is none."""
    from pyman.choice.select import candidates

    version = request.full_version
    minor = request._replace(numbers=version.series if version else (), exact=None, release="")
    return candidates(minor, metadata, machine)[0].key.version
