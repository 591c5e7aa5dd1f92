"""`pyman list`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import click

from pyman import listing, ui
from pyman.cli import settings
from pyman.detect import Machine
from pyman.errors import UsageError
from pyman.key import Key
from pyman.lifecycle import end_of_life, is_end_of_life
from pyman.listing import Depth
from pyman.metadata import Build
from pyman.request import Request
from pyman.store import Installation


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the options ask for."""

    depth: Depth
    all_targets: bool
    metadata_place: str | None


@click.command("list")
@click.argument("request", required=False)
@settings.target_option
@settings.metadata_option
@click.option("--all-versions", is_flag=True, help="Every version, not only the newest patch of each minor.")
@click.option("--all-builds", is_flag=True, help="Every build of every version.")
@click.option("--all-targets", is_flag=True, help="Builds for every target, not only for this one.")
@click.option("--only-installed", is_flag=True, help="Only what is installed.")
@click.option("--only-available", is_flag=True, help="Only what can be installed.")
@click.option("--show-urls", is_flag=True, help="Show where each available build is downloaded from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    request: str | None,
    target: str | None,
    metadata_place: str | None,
    all_versions: bool,
    all_builds: bool,
    all_targets: bool,
    only_installed: bool,
    only_available: bool,
    show_urls: bool,
    as_json: bool,
) -> None:
    """List the Python versions that are installed and that can be installed.

    REQUEST narrows it down: 3.12, 3.13t, ">=3.11", cpython-3.12-linux-x86_64-musl.
    """
    if only_installed and only_available:
        raise UsageError("--only-installed and --only-available exclude each other", "Give one of them.")
    asked = Request.parse(request or "any")
    depth = Depth.BUILDS if all_builds else Depth.VERSIONS if all_versions else Depth.NEWEST_PATCH
    wishes = _Wishes(depth, all_targets, metadata_place)
    machine = settings.machine(target)
    installed = [] if only_available else _installed(asked)
    builds = [] if only_installed else _available(asked, machine, wishes)
    if as_json:
        _print_json(installed, builds, machine)
    else:
        _print_table(installed, builds, show_urls=show_urls)


def _installed(request: Request) -> list[Installation]:
    return [each for each in settings.store().installations() if request.covers(each.key)]


def _available(request: Request, machine: Machine, wishes: _Wishes) -> list[Build]:
    metadata = settings.load_metadata(wishes.metadata_place)
    targets = metadata.targets() if wishes.all_targets else [request.target_on(machine.target)]
    builds = (build for target in targets for build in metadata.builds(target))
    return listing.available(builds, request, machine, wishes.depth)


def _print_json(installed: Iterable[Installation], builds: Iterable[Build], machine: Machine) -> None:
    ui.document(
        {
            "target": str(machine.target),
            "installed": [
                _facts(each.key) | {"path": str(each.path), "executable": str(each.executable)}
                for each in installed
            ],
            "available": [_facts(each.key) | {"url": each.url, "sha256": each.sha256} for each in builds],
        }
    )


def _facts(key: Key) -> dict[str, Any]:
    return {
        "key": str(key),
        "implementation": str(key.implementation),
        "version": str(key.version),
        "variant": str(key.variant) or "default",
        "release": key.release,
        "target": str(key.target),
        "end_of_life": end_of_life(key.version.series) or None,
    }


def _print_table(installed: list[Installation], builds: list[Build], *, show_urls: bool) -> None:
    here = {each.key for each in installed}
    today = datetime.now(UTC).date()
    rows = [(each.key, str(each.executable)) for each in installed]
    rows += [(each.key, each.url if show_urls else "available") for each in builds if each.key not in here]
    rows.sort(key=lambda row: listing.order(row[0]), reverse=True)
    ui.table((str(key), place, _end(key, today)) for key, place in rows)


def _end(key: Key, today: date) -> str:
    series = key.version.series
    return f"end of life {end_of_life(series)}" if is_end_of_life(series, today) else ""
