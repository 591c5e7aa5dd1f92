"""What `pyman install` does whether it goes into the store or into a prefix."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pyman.builds.key import Key
from pyman.catalogue.build import Metadata
from pyman.catalogue.sources import sources_of
from pyman.choice.plan import Choice, Plan, Planner
from pyman.cli import installing, networking, settings
from pyman.errors import PymanError, UsageError
from pyman.installer.destination import Destination
from pyman.installer.reporter import Reporter
from pyman.installer.sequence import Finish, Installer
from pyman.machine.detection import Machine
from pyman.network.address import public
from pyman.network.cache import Cache
from pyman.report import ui
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store


class Wishes(NamedTuple):
    """What the options ask for; the names are those of the options."""

    target: str | None
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
    is_external: bool | None
    compile_bytecode: bool
    prefix: str | None
    root: str | None
    no_registry: bool
    allow_unverified: bool
    dry_run: bool
    as_json: bool
    quiet: bool
    verbose: bool


def planned(
    requests: list[Request],
    store: Store,
    machine: Machine,
    wishes: Wishes,
    loaded: list[Metadata],
    keeper: Store | None = None,
) -> Plan:
    """Settle every request before anything is downloaded; NoDownloadFoundError if one cannot be met.

    The metadata, where they are needed, are put into `loaded`; what is learned is kept in `keeper`.
    """
    refresher = settings.refresher(wishes.wish, wishes.metadata_place, wishes.mirror, keeper)

    def load() -> Metadata:
        refresher.before_use(requests)
        if not wishes.quiet:
            refresher.tell_if_old()
        loaded[:] = [settings.load_metadata(wishes.metadata_place, keeper)]
        return loaded[0]

    planner = Planner(store, machine, load, wishes.reinstall, wishes.allow_unverified)
    plan = refresher.looking(lambda: planner.plan(requests), requests)
    if wishes.default and len(plan.present) + len(plan.choices) > 1:
        raise UsageError("python can be only one version: --default takes one request", "Name one version.")
    return plan


def installed(
    choices: Iterable[Choice],
    into: Callable[[Key], Destination],
    reporter: Reporter,
    wishes: Wishes,
    finish: Finish,
) -> list[Installation | PymanError]:
    """Install for each choice, and warn where it came to a static build though none was asked for."""
    choices = list(choices)
    installing.warn_if_static(choice.best.key for choice in choices if choice.is_last_resort)
    installer = Installer(
        into,
        wishes.mirror,
        reporter,
        wishes.reinstall,
        finish=finish,
        network=networking.network(),
    )
    results = installer.install_all([[each.best] if wishes.no_fallback else each.tries for each in choices])
    fallen_back = [
        result.key
        for choice, result in zip(choices, results, strict=True)
        if isinstance(result, Installation) and result.key != choice.best.key
    ]
    installing.warn_if_static(fallen_back)
    return results


def source_of(choice: Choice, wishes: Wishes) -> str:
    """Where the best build would come from: the cache, or the first source."""
    cached = Cache(networking.network().cache_dir).find(choice.best.sha256)
    return str(cached or public(sources_of(choice.best, wishes.mirror)[0]))


def finish_of(wishes: Wishes, *, is_external: bool) -> Finish:
    """How a tree is to be finished."""
    return Finish(is_external, not wishes.no_smoke_test, wishes.compile_bytecode)


def print_result(name: str, made: Iterable[Installation], plan: Plan) -> None:
    """Print what was installed, or would be, as JSON."""
    ui.document(
        {
            name: [_facts(each) for each in made],
            "already_installed": [_facts(each) for each in plan.present],
        }
    )


def _facts(installation: Installation) -> dict[str, str]:
    key = installation.key
    return {
        "key": str(key),
        "version": str(key.version),
        "path": str(installation.path),
        "executable": str(installation.executable),
    }


def describe(machine: Machine) -> None:
    """Say which target was found, and how."""
    version = ".".join(map(str, machine.libc_version or ())) or "unknown"
    ui.note(f"Target: {machine.target} (libc version {version}, CPU level {machine.level or 'unknown'})")
    for what, how in machine.evidence.items():
        ui.note(f"  {what}: {how}")
