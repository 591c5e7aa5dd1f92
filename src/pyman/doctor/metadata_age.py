"""What is known of builds: whether it can be read, and how old it is."""

from collections.abc import Iterator
from datetime import UTC, datetime

from pyman.catalogue import learned
from pyman.config.known import is_on
from pyman.doctor.finding import Finding, Setup
from pyman.errors import MetadataError, NewerFormError
from pyman.refresh.occasions import OLD_DAYS, known_on


def damaged(setup: Setup) -> Iterator[Finding]:
    """What refreshes have learned cannot be read."""
    if setup.store:
        errors: list[MetadataError] = []
        learned.read(setup.store.home, errors.append)
        for error in errors:
            if not isinstance(error, NewerFormError):
                yield Finding(error.message, "what was learned is passed over", _refresh(setup))


def old(setup: Setup) -> Iterator[Finding]:
    """Newer builds are not known. Where the user gives the metadata, that is the user's business."""
    if not setup.store or setup.environ.get("PYMAN_METADATA"):
        return
    day = known_on(setup.store)
    days = (datetime.now(UTC).date() - day).days
    if days > OLD_DAYS:
        yield Finding(
            f"the builds known are those of {day}, {days} days ago",
            "newer patches, with what they mend, are not found",
            _refresh(setup),
        )


def _refresh(setup: Setup) -> str:
    return f"{'env -u PYMAN_OFFLINE ' if is_on(setup.environ.get('PYMAN_OFFLINE', '')) else ''}pyman refresh"
