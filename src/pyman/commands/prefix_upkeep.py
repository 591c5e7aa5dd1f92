"""`pyman verify --prefix` and `pyman uninstall --prefix`: what is in a prefix, compared and taken out."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pyman.errors import PymanError, StoreError, UsageError
from pyman.inventory.verification import Report
from pyman.prefix import occupancy
from pyman.prefix.prefix import Occupant, Prefix
from pyman.report import ui
from pyman.requests.request import Request

_SHOWN = 20


def reports(prefix: Prefix, requests: Sequence[str]) -> list[Report]:
    """Compare what is in a prefix and fits; StoreError if nothing is."""
    occupancy.repair(prefix)
    found = (occupancy.check(each) for each in fitting(prefix, requests))
    return [report for report in found if report]


def fitting(prefix: Prefix, requests: Sequence[str]) -> list[Occupant]:
    """Return what is in a prefix and fits one of the requests, if there are any; StoreError for nothing."""
    wanted = [Request.parse(text) for text in requests]
    here = prefix.occupants()
    found = [each for each in here if not wanted or any(one.matches(each.key) for one in wanted)]
    if not found:
        there = f"it has {', '.join(str(each.key) for each in here)}" if here else "pyman has put none there"
        what = (
            f"nothing in {prefix.path} fits {' '.join(requests)}" if here else f"no Python in {prefix.path}"
        )
        raise StoreError(f"{what}: {there}", "`pyman install 3.13 --prefix DIR` puts one there.")
    return found


def error_of(wrong: Sequence[Report], told: Iterable[str]) -> PymanError:
    """Return the error for what is not as it was installed."""
    keys = " ".join(str(report.installation.key) for report in wrong)
    place = wrong[0].installation.path
    return PymanError(
        "\n".join(told),
        "Move away what was modified or added, and put back what is missing: "
        f"`pyman install --force --prefix {place} {keys}`.",
    )


def uninstall(
    prefix: Prefix, requests: Sequence[str] | None, *, dry_run: bool, as_json: bool, quiet: bool
) -> None:
    """Take out of a prefix what pyman has put there and is as it was, and say what stays.

    `requests` are None for all that is there; without one it has to be one.
    """
    if not dry_run:
        occupancy.repair(prefix, waiting(prefix))
    doomed = fitting(prefix, requests or ())
    if len(doomed) > 1 and requests is not None and not requests:
        raise UsageError(
            f"{prefix.path} has several: {', '.join(str(each.key) for each in doomed)}",
            "Name what is to go, or give --all.",
        )
    gone = []
    for each in doomed:
        stays = occupancy.what_stays(each) if dry_run else occupancy.remove(prefix, each, waiting(prefix))
        gone.append(_facts(stays))
        if dry_run or not quiet:
            ui.note(f"{'Would uninstall' if dry_run else 'Uninstalled'} {each.key} from {prefix.path}")
        _tell(stays)
    if as_json:
        ui.document({"uninstalled": gone, "dry_run": dry_run})


def waiting(prefix: Prefix) -> Callable[[str], None]:
    """Return what says that another process is at work there."""
    return lambda owner: ui.note(f"Waiting for {owner} that is changing {prefix.path}")


def _tell(stays: Report) -> None:
    """Name what was changed or added, and so was not removed."""
    added = stays.added
    lines = [f"{each.name}: {each.why}" for each in stays.modified]
    lines += [f"{name}: was added" for name in (*added.other, *added.site_packages)]
    lines += [f"{name}: {len(files):,} files of that package" for name, files in added.packages.items()]
    if lines:
        more = [f"and {len(lines) - _SHOWN:,} more"] if len(lines) > _SHOWN else []
        head = f"what is not as pyman put it into {stays.installation.path} stays:"
        ui.warning("\n  ".join([head, *lines[:_SHOWN], *more]))


def _facts(stays: Report) -> dict[str, Any]:
    added = stays.added
    return {
        "key": str(stays.installation.key),
        "path": str(stays.installation.path),
        "kept": {
            "modified": [{"name": each.name, "why": each.why} for each in stays.modified],
            "added": [*added.other, *added.site_packages],
            "packages": [{"name": name, "files": files} for name, files in added.packages.items()],
        },
    }
