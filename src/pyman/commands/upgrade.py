"""`pyman upgrade`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyman.catalogue.build import Build
from pyman.choice.plan import Choice
from pyman.cli import installing, networking, settings
from pyman.cli.configured import environ
from pyman.cli.fitting import nothing_fits
from pyman.errors import PymanError, UsageError
from pyman.exact import locked, relocking
from pyman.installer.finishing import Finish
from pyman.installer.into_store import IntoStore
from pyman.installer.sequence import Installer
from pyman.report import ui
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store
from pyman.store.made_with import MadeWith
from pyman.upkeep import conditions
from pyman.upkeep.conditions import Successors

if TYPE_CHECKING:
    from pyman.refresh.occasions import Refresher

_VERSION_PARTS = 3


@dataclass(frozen=True, slots=True)
class _Step:
    """An installation, the builds that are newer (best first), and what came of installing one.

    `dynamic` is what an install would take in the place of one that is static.
    """

    old: Installation
    newer: list[Build]
    dynamic: Build | None
    outcome: Installation | PymanError | None = None


@click.command("upgrade")
@click.argument("minors", nargs=-1, metavar="[MINOR]...")
@settings.metadata_option
@settings.mirror_option
@networking.network_options
@networking.refresh_option
@click.option("--lock", "moving", is_flag=True, help="Move pyman.lock, here or above, and install nothing.")
@locked.file_option
@click.option("--dry-run", is_flag=True, help="Only say what would be installed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was upgraded as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Say also what is up to date.")
@click.pass_context
def command(
    context: click.Context,
    minors: tuple[str, ...],
    metadata_place: str | None,
    mirror: str,
    wish: bool | None,
    moving: bool,
    lock_file: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Install the newest patch, or newest build, of what is installed.

    MINOR is a minor version such as 3.12 or 3.13t; without one all that are installed are upgraded. Variant
    and target stay the same. Virtual environments made with the minor version follow; the installation
    before stays until `pyman prune` finds that nothing uses it. What that was made with, such as --slim, the
    new one is made with as well. Newer builds are looked for first, if that was not done for a day. With
    --lock the lock moves to the newest that its requests allow.
    """
    if lock := locked.named(locked=moving, file=lock_file):
        sources = relocking.Sources(metadata_place, mirror, wish)
        relocking.upgrade(lock, map(_minor, minors), sources, dry_run=dry_run, as_json=as_json, quiet=quiet)
        return
    store = settings.store()
    chosen = _chosen(minors, store)
    steps = _steps(chosen, metadata_place, settings.refresher(wish, metadata_place, mirror))
    _tell([] if quiet else steps, verbose=verbose)
    due = [step for step in steps if step.newer]
    if dry_run:
        _rehearse(due)
    else:
        installing.mend(chosen, store)
        due = _install(due, store, mirror, quiet=quiet)
    if not due and not quiet:
        ui.note("Everything is up to date." if steps else "Nothing is installed.")
    if as_json:
        ui.document(_document(due, steps) | {"dry_run": dry_run})
    _fail(context, due)


def _rehearse(due: Sequence[_Step]) -> None:
    for step in due:
        ui.note(f"Would install {step.newer[0].key} (now {step.old.key})")


def _chosen(minors: Sequence[str], store: Store) -> list[Installation]:
    """The newest installation of each kind that was asked for; StoreError for a minor that has none."""
    kinds = conditions.newest(store.installations())
    if not minors:
        return kinds
    chosen: dict[str, Installation] = {}
    for text in minors:
        request = _minor(text)
        found = [each for each in kinds if request.covers(each.key)]
        if not found:
            hint = f"`pyman install {text}` installs it."
            raise nothing_fits(text, request.covers, store, hint)
        chosen |= {str(each.key): each for each in found}
    return list(chosen.values())


def _minor(text: str) -> Request:
    request = Request.parse(text)
    if request.exact or request.release or len(request.numbers) == _VERSION_PARTS:
        raise UsageError(
            f"not a minor version: {text}",
            "An upgrade takes a minor version such as 3.12; `pyman install` takes a version in full.",
        )
    return request


def _steps(
    installations: Sequence[Installation], metadata_place: str | None, refresher: "Refresher"
) -> list[_Step]:
    if not installations:
        return []
    refresher.before_newest()
    found = Successors(settings.load_metadata(metadata_place), settings.own_machine())
    return [_Step(each, found.of(each), found.dynamic_of(each)) for each in installations]


def _install(due: Sequence[_Step], store: Store, mirror: str, *, quiet: bool) -> list[_Step]:
    tries = [Choice(conditions.kind(step.old.key), step.newer).tries for step in due]
    with installing.reporter(quiet=quiet) as reporter:
        into = partial(IntoStore, store)
        follows = {step.old.key.link_name: step.old for step in due}
        finish, network = Finish.by(environ(), MadeWith()), networking.network()
        installer = Installer(into, mirror, reporter, finish=finish, network=network, follows=follows)
        results = installer.install_all(tries)
    done = [replace(step, outcome=result) for step, result in zip(due, results, strict=True)]
    made = [result for result in results if isinstance(result, Installation)]
    if made:
        installing.follow(made, store)
    installing.register(made)
    if made and not quiet:
        old = ", ".join(str(step.old.key) for step in done if isinstance(step.outcome, Installation))
        ui.note(f"Still there: {old}. `pyman prune` removes what nothing uses.")
    return done


def _tell(steps: Sequence[_Step], *, verbose: bool) -> None:
    for step in steps:
        if verbose and not step.newer:
            ui.note(f"Nothing newer than {step.old.key}")
        if step.dynamic:
            version = ".".join(map(str, step.dynamic.key.version.series))
            ui.note(
                f"{step.old.key} is static and stays so; `pyman install {version}` takes a dynamic build."
            )


def _document(due: Sequence[_Step], steps: Sequence[_Step]) -> dict[str, Any]:
    failed = [step for step in due if isinstance(step.outcome, PymanError)]
    return {
        "upgraded": [_change(step) for step in due if step not in failed],
        "failed": [_change(step) | {"error": str(step.outcome)} for step in failed],
        "current": [str(step.old.key) for step in steps if not step.newer],
    }


def _change(step: _Step) -> dict[str, str]:
    new = step.outcome.key if isinstance(step.outcome, Installation) else step.newer[0].key
    return {"from": str(step.old.key), "to": str(new)}


def _fail(context: click.Context, due: Sequence[_Step]) -> None:
    failures = [step.outcome for step in due if isinstance(step.outcome, PymanError)]
    for failure in failures:
        ui.error(failure)
    if failures:
        context.exit(max(failure.exit_code for failure in failures))
