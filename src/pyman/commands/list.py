"""`pyman list`."""

import os
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.version import Version
from pyman.catalogue.advisories import affecting
from pyman.catalogue.build import Build
from pyman.catalogue.lifecycle import end_of_life, is_end_of_life
from pyman.cli import settings
from pyman.cli.networking import network_options
from pyman.errors import UsageError
from pyman.exact import locked as exact_locked
from pyman.machine.detection import Machine
from pyman.network.address import public
from pyman.report import bystanding, listing, ui
from pyman.report.listing import Depth
from pyman.requests.request import Request
from pyman.store.installations import Bystander, Installation, Look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyman.discovery.interpreter import Interpreter
    from pyman.lockfile.lock import Lock, Locked


class _Wishes(NamedTuple):
    """What the options ask for."""

    depth: Depth
    all_targets: bool
    metadata_place: str | None


class _Lists(NamedTuple):
    """What is to be shown; `foreign` is None where no look was taken at what pyman did not install."""

    installed: list[Installation]
    foreign: "list[Interpreter] | None"
    builds: list[Build]
    bystanders: list[Bystander]


@click.command("list")
@click.argument("request", required=False)
@settings.target_option
@settings.metadata_option
@network_options
@exact_locked.locked_options
@click.option("--all-versions", is_flag=True, help="Every version, not only the newest patch of each minor.")
@click.option("--all-builds", is_flag=True, help="Every build of every version.")
@click.option("--all-targets", is_flag=True, help="Builds for every target, not only for this one.")
@click.option("--only-installed", is_flag=True, help="Only what pyman installed.")
@click.option("--only-available", is_flag=True, help="Only what can be installed.")
@click.option("--managed-only", is_flag=True, help="Leave out Pythons that pyman did not install.")
@click.option("--show-urls", is_flag=True, help="Show where each available build is downloaded from.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    request: str | None,
    target: str | None,
    metadata_place: str | None,
    locked: bool,
    lock_file: Path | None,
    all_versions: bool,
    all_builds: bool,
    all_targets: bool,
    only_installed: bool,
    only_available: bool,
    managed_only: bool,
    show_urls: bool,
    as_json: bool,
) -> None:
    """List the Python versions that are installed and that can be installed.

    Among the installed are those that pyman did not install but found on PATH and in the usual places; not so
    when the list is for another target. REQUEST narrows it down: 3.12, 3.13t, ">=3.11",
    cpython-3.12-linux-x86_64-musl. With --locked it is what the lock has, for every target.
    """
    if only_installed and only_available:
        raise UsageError("--only-installed and --only-available exclude each other", "Give one of them.")
    asked = Request() if request is None else Request.parse(request)
    if lock := exact_locked.named(locked, lock_file):
        _print_locked(lock, [each for each in lock.locked if not request or asked.covers(each.key)], as_json)
        return
    wishes = _Wishes(_depth(all_versions, all_builds), all_targets, metadata_place)
    machine = settings.machine(target)
    look = Look([], []) if only_available else settings.store().look_around()
    lists = _Lists(
        [each for each in look.installations if not request or asked.covers(each.key)],
        None if only_available or only_installed or managed_only else _foreign(asked, machine),
        [] if only_installed else _available(asked, machine, wishes),
        look.bystanders,
    )
    _print_json(lists, machine) if as_json else _print_table(lists, show_urls=show_urls)
    bystanding.tell(lists.bystanders)


def _depth(all_versions: bool, all_builds: bool) -> Depth:
    return Depth.BUILDS if all_builds else Depth.VERSIONS if all_versions else Depth.NEWEST_PATCH


def _print_locked(lock: "Lock", locked: "Sequence[Locked]", as_json: bool) -> None:
    """Print what a lock has, and where that very build is installed."""
    visible = settings.store().visible()
    here = {each.key: exact_locked.installed_as_locked(each, visible) for each in locked}
    if not as_json:
        places = {key: str(found.executable) if found else "locked" for key, found in here.items()}
        ui.table((str(key), place) for key, place in places.items())
        return
    facts = [
        _facts(each.key)
        | {"url": public(each.build.url), "sha256": each.build.sha256, "size": each.size}
        | {"path": str(found.path) if (found := here[each.key]) else None}
        for each in locked
    ]
    ui.document({"lock": str(lock.path), "locked": facts})


def _foreign(request: Request, machine: Machine) -> "list[Interpreter] | None":
    """What others installed; None when the list is for another target than this machine's."""
    from pyman.discovery.discover import Surroundings, discover

    if machine.target.baseline != settings.own_target(None).baseline:
        return None
    found = discover(Surroundings(settings.store().homes, os.environ))
    return [each for each in found if request.covers(each.key)]


def _available(request: Request, machine: Machine, wishes: _Wishes) -> list[Build]:
    metadata = settings.load_metadata(wishes.metadata_place)
    targets = metadata.targets() if wishes.all_targets else [request.target_on(machine.target)]
    return listing.available(metadata, targets, request, machine, wishes.depth)


def _print_json(lists: _Lists, machine: Machine) -> None:
    store = settings.store()
    document: dict[str, Any] = {
        "target": str(machine.target),
        "installed": [
            _facts(each.key)
            | {"path": str(each.path), "executable": str(each.executable), "store": store.layer(each)}
            for each in lists.installed
        ],
        "available": [
            _facts(each.key) | {"url": public(each.url), "sha256": each.sha256} for each in lists.builds
        ],
        "bystanders": bystanding.facts(lists.bystanders),
    }
    if lists.foreign is not None:
        document["foreign"] = [_foreign_facts(each) for each in lists.foreign]
    ui.document(document)


def _foreign_facts(found: "Interpreter") -> dict[str, Any]:
    told = {"key", "release", "advisories"}
    facts = {name: value for name, value in _facts(found.key).items() if name not in told}
    return {"name": found.name, **facts, "executable": str(found.path), "where": found.where}


def _facts(key: Key) -> dict[str, Any]:
    target = str(key.target)
    facts = {"key": f"{key.build_name}-{target}", "target": target, **_facts_of_build(*key[:-1])}
    return facts | {"advisories": [each.id for each in affecting(key)]}


@cache
def _facts_of_build(
    implementation: Implementation, version: Version, variant: Variant, release: str
) -> dict[str, str | None]:
    return {
        "implementation": str(implementation),
        "version": str(version),
        "variant": str(variant) or "default",
        "release": release,
        "end_of_life": end_of_life(version.series) or None,
    }


def _print_table(lists: _Lists, *, show_urls: bool) -> None:
    here = {each.key for each in lists.installed}
    today = datetime.now(UTC).date()
    rows = [(each.key, str(each.key), str(each.executable)) for each in lists.installed]
    rows += [(each.key, each.name, str(each.path)) for each in lists.foreign or ()]
    rows += [
        (each.key, str(each.key), public(each.url) if show_urls else "available")
        for each in lists.builds
        if each.key not in here
    ]
    rows.sort(key=lambda row: listing.order(row[0]), reverse=True)
    ui.table((name, place, _remark(key, today)) for key, name, place in rows)


def _remark(key: Key, today: date) -> str:
    series = key.version.series
    ended = [f"end of life {end_of_life(series)}"] if is_end_of_life(series, today) else []
    return ", ".join([*ended, *(f"advisory {each.id}" for each in affecting(key))])
