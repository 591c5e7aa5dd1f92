"""`pyman install`."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import click

from pyman.catalogue.build import Metadata
from pyman.choice.plan import Plan
from pyman.cli import holes, installing, local_builds, networking, settings, shim_names
from pyman.cli.here import project_option
from pyman.commands.installs import (
    Wishes,
    finish_of,
    installed,
    planned,
    source_of,
    wanted_by,
    wishes_of,
)
from pyman.errors import PymanError
from pyman.exact import locked
from pyman.exact.carried import from_option
from pyman.installer.into_store import IntoStore
from pyman.installer.reporter import Reporter
from pyman.report import ui
from pyman.store import changes, links, modes
from pyman.store.installations import Installation, Store, executable_name
from pyman.store.known_links import DEFAULT_NAMES
from pyman.store.made_with import MadeWith


@click.command("install")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@settings.target_option
@locked.locked_options
@from_option
@settings.metadata_option
@settings.mirror_option
@networking.network_options
@networking.refresh_option
@local_builds.options
@project_option
@click.option("--reinstall", is_flag=True, help="Install again what is already installed.")
@click.option("--default", is_flag=True, help="Make the links python and python3 as well.")
@click.option("--no-bin", is_flag=True, help="Make no link such as python3.12 in the directory of links.")
@click.option(
    "--force",
    is_flag=True,
    help="Replace what is not pyman's in the directory of links; with --prefix, what pyman has put there.",
)
@click.option("--no-fallback", is_flag=True, help="Try no other build where the best one does not run.")
@click.option("--no-smoke-test", is_flag=True, help="Do not start it before it is published.")
@installing.making_options
@settings.prefix_option("Install one version into exactly this directory, outside of the store.")
@click.option("--root", metavar="DIR", help="What will be / where it runs; the prefix is inside.")
@click.option("--allow-unverified", is_flag=True, help="Install also what no checksum is known of.")
@click.option("--dry-run", is_flag=True, help="Only say what would be installed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was installed as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Say also how the target was found and what was chosen.")
@click.pass_context
def command(context: click.Context, /, requests: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401
    """Download and install Python versions.

    REQUEST is a version such as 3.12, 3.12.9, 3.13t or ">=3.11,<3.13", or the path of an archive or of a
    folder with a Python in it, such as ./python. Without one, what the nearest pyman.lock has is installed,
    else what the project's files ask for (`pyman help requests` lists them), else the newest stable version.
    What does not run on this machine is not installed: the next best build is tried in its place. Where no
    build is known that fits, newer ones are looked for once.

    With --prefix one version goes into exactly that directory: no store, no links elsewhere, readable for
    every user. What is there already stays; where it is in the way nothing is done.
    """
    wishes = wishes_of(options)
    if wishes.prefix is not None or wishes.root:
        from pyman.commands import prefix_install

        prefix_install.install(requests, wishes)
    elif code := _install(requests, wishes):
        context.exit(code)


def _install(requests: Sequence[str], wishes: Wishes) -> int:
    """Install into the store; returns the exit code."""
    store = settings.store()
    settings.bin_dir()  # what is wrong with it is said before anything is done
    machine = settings.machine(wishes.target)
    if wishes.verbose:
        installing.describe(machine)
    wanted, loaded = wanted_by(requests, machine, wishes), list[Metadata]()
    plan = planned(wanted, store, machine, wishes, loaded)
    holes.mention(wanted.meant, machine, wishes.metadata_place, *loaded)
    if wishes.dry_run:
        _rehearse(plan, store, wishes)
        return 0
    if exposed := modes.exposure(store.home):
        ui.warning(exposed)
    with installing.reporter(quiet=wishes.quiet) as reporter:
        _tell_present(plan, store, reporter, wishes)
        finish = finish_of(wishes, is_external=True)
        into = partial(IntoStore, store)
        results = installed(plan.choices, into, reporter, wishes, finish)
    made = [result for result in results if isinstance(result, Installation)]
    failures = [result for result in results if isinstance(result, PymanError)]
    failures += _unsettled(plan.present, made, store, wishes)
    for failure in failures:
        ui.error(failure)
    if wishes.as_json:
        installing.print_made("installed", made, plan)
    return max((failure.exit_code for failure in failures), default=0)


def _tell_present(plan: Plan, store: Store, reporter: Reporter, wishes: Wishes) -> None:
    for installation in plan.present:
        reporter.already(installation)
        if store.layer(installation) == "system" and not wishes.quiet:
            ui.note(f"It is in the system store: {installation.path}")
        if wishes.made_with != MadeWith() and wishes.made_with.changes(MadeWith.of(installation.record())):
            ui.warning(
                f"{installation.key} was made with other options: --reinstall makes it anew with these"
            )


def _rehearse(plan: Plan, store: Store, wishes: Wishes) -> None:
    """Say what would be done; nothing is opened, locked or made."""
    coming = [Installation(choice.best.key, store.path_of(choice.best.key)) for choice in plan.choices]
    for installation in plan.present:
        ui.note(f"Already installed: {installation.key}")
    for choice in plan.choices:
        ui.note(f"Would install {choice.best.key} from {source_of(choice, wishes)}")
    for bystander in filter(None, (store.bystander(choice.best.key) for choice in plan.choices)):
        raise changes.taken(bystander)
    installing.warn_if_known_bad(choice.best.key for choice in plan.choices)
    installing.warn_if_static(choice.best.key for choice in plan.choices if choice.is_last_resort)
    if not wishes.no_bin:
        for each in installing.native([*plan.present, *coming], settings.own_target(wishes.target)):
            for name in (executable_name(each.key), *(DEFAULT_NAMES if wishes.default else ())):
                ui.note(f"Would link {links.bin_link(settings.bin_dir(), name)}")
    if wishes.as_json:
        installing.print_made("would_install", coming, plan)


def _unsettled(
    present: Sequence[Installation], made: Sequence[Installation], store: Store, wishes: Wishes
) -> list[PymanError]:
    """Settle what was installed, and what was there; returns the error, if there is one."""
    try:
        _settle([*present, *made], store, wishes)
    except PymanError as error:
        if made:
            return [error]
        ui.warning(error.message)  # all was there before, perhaps in a store that this user may only read
    return []


def _settle(installations: Sequence[Installation], store: Store, wishes: Wishes) -> None:
    """Make the links, and on Windows the entries in the registry."""
    installing.mend(installations, store)
    shim_names.follow(store)
    if installations and not wishes.no_bin:
        own = settings.own_target(wishes.target)
        installing.link(
            installations, store, own, force=wishes.force, quiet=wishes.quiet, default=wishes.default
        )
    installing.register(installations, wishes.made_with.registry)
