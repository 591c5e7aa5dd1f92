"""What `pyman install` does whether it goes into the store or into a prefix."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pyman.builds.key import Key
from pyman.catalogue.build import Metadata
from pyman.catalogue.sources import sources_of
from pyman.choice.plan import Choice, Plan, Planner
from pyman.cli import installing, local_builds, networking, settings
from pyman.errors import PymanError, UsageError
from pyman.exact import locked
from pyman.exact.asked import Asked, asked
from pyman.exact.carried import Carried
from pyman.installer.destination import Destination
from pyman.installer.finishing import Finish
from pyman.installer.reporter import Reporter
from pyman.installer.sequence import Installer
from pyman.machine.detection import Machine
from pyman.network.address import public
from pyman.network.cache import Cache
from pyman.store.installations import Installation, Store
from pyman.store.made_with import MadeWith


class Wishes(NamedTuple):
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
    made_with: MadeWith
    prefix: str | None
    root: str | None
    allow_unverified: bool
    dry_run: bool
    as_json: bool
    quiet: bool
    verbose: bool


def wishes_of(options: Mapping[str, Any]) -> Wishes:
    """Return what the options ask for; UsageError for what cannot be, SOURCE_DATE_EPOCH included."""
    made_with = installing.made_with(options)
    Finish.by(os.environ, made_with)  # what is wrong with that is said before anything is done
    rest = {name: value for name, value in options.items() if name in Wishes._fields}
    return Wishes(**rest, made_with=made_with)


def wanted_by(texts: Sequence[str], machine: Machine, wishes: Wishes) -> Asked:
    """Return what is asked for, the builds in files and folders apart."""
    carried = wishes.carried
    lock = locked.named(wishes.locked, wishes.lock_file, carried.lock if carried else None)
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


def planned(
    wanted: Asked,
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
    requests = wanted.requests

    def load() -> Metadata:
        refresher.before_use(requests)
        if not wishes.quiet:
            refresher.tell_if_old()
        loaded[:] = [settings.load_metadata(wishes.metadata_place, keeper)]
        return loaded[0]

    planner = Planner(store, machine, wanted.source(load), wishes.reinstall, wishes.allow_unverified)
    local_builds.check(wanted.here, store, reinstall=wishes.reinstall)
    known = partial(settings.load_metadata, wishes.metadata_place, keeper)
    plan = wanted.planned(lambda: refresher.looking(lambda: planner.plan(requests), requests), known)
    plan = planner.with_builds(plan, wanted.here)
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
    """Where the best build would come from: a file that is here, the cache, or the first source."""
    cached = Cache(networking.network().cache_dir).find(choice.best.sha256)
    return str(choice.best.local or cached or public(sources_of(choice.best, wishes.mirror)[0]))


def finish_of(wishes: Wishes, *, is_external: bool) -> Finish:
    """How a tree is to be finished; `is_external` where nobody says whether it is externally managed."""
    finish = Finish.by(os.environ, wishes.made_with, smoke_test=not wishes.no_smoke_test)
    return finish._replace(is_external=is_external)
