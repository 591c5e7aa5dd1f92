"""`pyman install`."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from pyman.catalogue.build import Metadata
from pyman.catalogue.sources import sources_of
from pyman.choice.plan import Choice, Plan, Planner
from pyman.cli import holes, installing, local_builds, networking, settings
from pyman.cli.here import project_option
from pyman.errors import PymanError, UsageError
from pyman.exact import locked
from pyman.exact.asked import Asked, asked
from pyman.exact.carried import Carried, from_option
from pyman.installer.into_store import IntoStore
from pyman.installer.reporter import Reporter
from pyman.installer.sequence import Finish, Installer
from pyman.machine.detection import Machine
from pyman.network.address import public
from pyman.network.cache import Cache
from pyman.report import ui
from pyman.store import changes, links, modes
from pyman.store.installations import Installation, Store, executable_name
from pyman.store.known_links import DEFAULT_NAMES


class _Wishes(NamedTuple):
    """What the options ask for; the names are those of the options."""

    target: str | None
    locked: bool
    lock_file: Path | None
    carried: Carried | None
    metadata_place: str | None
    mirror: str
    wish: bool | None
    no_project: bool
    reinstall: bool
    no_bin: bool
    default: bool
    force: bool
    no_fallback: bool
    no_smoke_test: bool
    no_externally_managed: bool
    compile_bytecode: bool
    no_registry: bool
    allow_unverified: bool
    dry_run: bool
    as_json: bool
    quiet: bool
    verbose: bool


@click.command("install")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@settings.target_option
@locked.locked_options
@from_option
@settings.metadata_option
@settings.mirror_option
@networking.network_options
@settings.refresh_option
@local_builds.options
@project_option
@click.option("--reinstall", is_flag=True, help="Install again what is already installed.")
@click.option("--default", is_flag=True, help="Make the links python and python3 as well.")
@click.option("--no-bin", is_flag=True, help="Make no link such as python3.12 in the directory of links.")
@click.option("--force", is_flag=True, help="Replace files in the directory of links that are not pyman's.")
@click.option("--no-fallback", is_flag=True, help="Try no other build where the best one does not run.")
@click.option("--no-smoke-test", is_flag=True, help="Do not start it before it is published.")
@click.option(
    "--no-externally-managed", is_flag=True, help="Let pip install into it, outside of virtual environments."
)
@click.option("--compile-bytecode", is_flag=True, help="Compile its modules now, on all cores.")
@click.option("--no-registry", is_flag=True, help="Make no entry in the Windows registry.")
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
    """
    wishes = _Wishes(**options)
    store = settings.store()
    settings.bin_dir()  # what is wrong with it is said before anything is done
    machine = settings.machine(wishes.target)
    if wishes.verbose:
        installing.describe(machine)
    wanted, loaded = _wanted(requests, machine, wishes), list[Metadata]()
    plan = _plan(wanted, store, machine, wishes, loaded)
    holes.mention(wanted.meant, machine, wishes.metadata_place, *loaded)
    if wishes.dry_run:
        _rehearse(plan, store, wishes)
        return
    if exposed := modes.exposure(store.home):
        ui.warning(exposed)
    with installing.reporter(quiet=wishes.quiet) as reporter:
        _tell_present(plan, store, reporter, wishes)
        results = _install(plan.choices, store, reporter, wishes)
    made = [result for result in results if isinstance(result, Installation)]
    failures = [result for result in results if isinstance(result, PymanError)]
    failures += _unsettled(plan.present, made, store, wishes)
    for failure in failures:
        ui.error(failure)
    if wishes.as_json:
        installing.print_made("installed", made, plan)
    if failures:
        context.exit(max(failure.exit_code for failure in failures))


def _wanted(texts: Sequence[str], machine: Machine, wishes: _Wishes) -> Asked:
    """Return what is asked for, the builds in files and folders apart."""
    lock, carried = locked.named(wishes.locked, wishes.lock_file), wishes.carried
    texts = [*texts, *(carried.archives if carried else ())]
    here = local_builds.among(
        texts, machine, wishes.metadata_place, unverified=wishes.allow_unverified, quiet=wishes.quiet
    )
    return asked(
        [each for each in texts if each not in here],
        here.values(),
        carried,
        lock,
        machine,
        project=not wishes.no_project,
    )


def _plan(wanted: Asked, store: Store, machine: Machine, wishes: _Wishes, loaded: list[Metadata]) -> Plan:
    """Settle every request before anything is downloaded; NoDownloadFoundError if one cannot be met.

    The metadata, where they are needed, are put into `loaded`.
    """
    refresher = settings.refresher(wishes.wish, wishes.metadata_place, wishes.mirror)
    requests = wanted.requests

    def load() -> Metadata:
        refresher.before_use(requests)
        if not wishes.quiet:
            refresher.tell_if_old()
        loaded[:] = [settings.load_metadata(wishes.metadata_place)]
        return loaded[0]

    planner = Planner(store, machine, wanted.source(load), wishes.reinstall, wishes.allow_unverified)
    local_builds.check(wanted.here, store, reinstall=wishes.reinstall)
    known = partial(settings.load_metadata, wishes.metadata_place)
    plan = wanted.planned(lambda: refresher.looking(lambda: planner.plan(requests), requests), known)
    plan = planner.with_builds(plan, wanted.here)
    if wishes.default and len(plan.present) + len(plan.choices) > 1:
        raise UsageError("python can be only one version: --default takes one request", "Name one version.")
    return plan


def _install(
    choices: Iterable[Choice], store: Store, reporter: Reporter, wishes: _Wishes
) -> list[Installation | PymanError]:
    """Install for each choice, and warn where it came to a static build though none was asked for."""
    choices = list(choices)
    installing.warn_if_static(choice.best.key for choice in choices if choice.is_last_resort)
    finish = Finish(
        is_external=not wishes.no_externally_managed,
        smoke_test=not wishes.no_smoke_test,
        compile_bytecode=wishes.compile_bytecode,
    )
    into, network = partial(IntoStore, store), networking.network()
    installer = Installer(into, wishes.mirror, reporter, wishes.reinstall, finish=finish, network=network)
    results = installer.install_all([[each.best] if wishes.no_fallback else each.tries for each in choices])
    fallen_back = [
        result.key
        for choice, result in zip(choices, results, strict=True)
        if isinstance(result, Installation) and result.key != choice.best.key
    ]
    installing.warn_if_static(fallen_back)
    return results


def _tell_present(plan: Plan, store: Store, reporter: Reporter, wishes: _Wishes) -> None:
    for installation in plan.present:
        reporter.already(installation)
        if store.layer(installation) == "system" and not wishes.quiet:
            ui.note(f"It is in the system store: {installation.path}")


def _rehearse(plan: Plan, store: Store, wishes: _Wishes) -> None:
    """Say what would be done; nothing is opened, locked or made."""
    coming = [Installation(choice.best.key, store.path_of(choice.best.key)) for choice in plan.choices]
    for installation in plan.present:
        ui.note(f"Already installed: {installation.key}")
    for choice in plan.choices:
        cached = Cache(networking.network().cache_dir).find(choice.best.sha256)
        source = choice.best.local or cached or public(sources_of(choice.best, wishes.mirror)[0])
        ui.note(f"Would install {choice.best.key} from {source}")
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
    present: Sequence[Installation], made: Sequence[Installation], store: Store, wishes: _Wishes
) -> list[PymanError]:
    """Settle what was installed, and what was there; returns the error, if there is one."""
    try:
        _settle([*present, *made], store, wishes)
    except PymanError as error:
        if made:
            return [error]
        ui.warning(error.message)  # all was there before, perhaps in a store that this user may only read
    return []


def _settle(installations: Sequence[Installation], store: Store, wishes: _Wishes) -> None:
    """Make the links, and on Windows the entries in the registry."""
    installing.mend(installations, store)
    if installations and not wishes.no_bin:
        own = settings.own_target(wishes.target)
        installing.link(
            installations, store, own, force=wishes.force, quiet=wishes.quiet, default=wishes.default
        )
    if not wishes.no_registry:
        installing.register(installations)
