"""`pyman install --prefix`: one Python into an exact directory."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyman.builds.key import Key
from pyman.catalogue.build import Metadata
from pyman.choice.plan import Plan, settles
from pyman.cli import holes, installing, settings
from pyman.commands.installs import (
    Wishes,
    finish_of,
    installed,
    planned,
    source_of,
    wanted_by,
)
from pyman.commands.prefix_upkeep import waiting
from pyman.errors import PymanError, StoreError, UsageError
from pyman.installer import smoke
from pyman.machine.detection import Machine
from pyman.prefix import occupancy
from pyman.prefix.into_prefix import IntoPrefix
from pyman.prefix.prefix import Occupant, Occupied, Prefix, occupied
from pyman.report import ui
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store, executable_name


def install(requests: Sequence[str], wishes: Wishes) -> None:
    """Install what one request comes to; what stands in for the store is the prefix."""
    prefix = _prefix(wishes)
    if not wishes.dry_run:
        occupancy.repair(prefix, waiting(prefix))
    plan = _plan(prefix, requests, wishes)
    if wishes.dry_run:
        _rehearse(plan, prefix, wishes)
        return
    made = []
    for result in _install(plan, prefix, wishes):
        if isinstance(result, PymanError):
            raise result
        made.append(result)
        if not wishes.quiet:
            _tell(result, prefix)
    if wishes.as_json:
        installing.print_made("installed", made, plan, _recorded)


def _prefix(wishes: Wishes) -> Prefix:
    if wishes.prefix is None:
        raise UsageError(
            "--root is for --prefix: it tells which part of the prefix is not there where it runs",
            "`pyman install 3.13 --prefix ./rootfs/usr/local --root ./rootfs` installs for an image.",
        )
    if wishes.reinstall:
        raise UsageError(
            "--reinstall is for the store", "--force replaces what pyman has put into a prefix before."
        )
    return settings.prefix(wishes.prefix, wishes.root)


def _plan(prefix: Prefix, requests: Sequence[str], wishes: Wishes) -> Plan:
    """Settle the one request. What a refresh learns is for this time: there may be no store to keep it."""
    machine, loaded = settings.machine(wishes.target), list[Metadata]()
    if wishes.verbose:
        installing.describe(machine)
    wanted = wanted_by(requests, machine, wishes)
    if len(wanted.meant) != 1:
        raise UsageError("a prefix is for one Python: --prefix takes one request", "Name one version.")
    here = [] if wishes.force else prefix.occupants()
    if found := _fitting(wanted.meant[0], here, machine):
        return Plan([found.installation], [])
    with TemporaryDirectory() as folder:
        keeper = Store(Path(folder) / "learned", beneath=settings.store())
        plan = planned(wanted, Occupied(here, prefix), machine, wishes, loaded, keeper)
    holes.mention(wanted.meant, machine, wishes.metadata_place, *loaded)
    return plan


def _fitting(request: Request, here: Sequence[Occupant], machine: Machine) -> Occupant | None:
    """Return the best of what is there already and is what was asked for."""
    target = request.target_on(machine.target)
    those = [each for each in here if each.key.target == target and request.matches(each.key)]
    best = max(those, key=lambda each: request.preference(each.key), default=None)
    return best if best and settles(best.installation, request) else None


def _install(plan: Plan, prefix: Prefix, wishes: Wishes) -> list[Installation | PymanError]:
    finish = finish_of(wishes, is_external=False)
    if prefix.root:
        finish = finish._replace(smoke_test=False)
    into = partial(IntoPrefix, prefix, force=wishes.force)
    with installing.reporter(quiet=wishes.quiet) as reporter:
        for present in plan.present:
            reporter.already(present)
        return installed(plan.choices, into, reporter, wishes._replace(reinstall=wishes.force), finish)


def _rehearse(plan: Plan, prefix: Prefix, wishes: Wishes) -> None:
    for present in plan.present:
        ui.note(f"Already installed: {present.key}")
    for choice in plan.choices:
        key = choice.best.key
        here = next((each for each in prefix.occupants() if each.name == executable_name(key)), None)
        if here and not wishes.force:
            raise occupied(here, key)
        ui.note(f"Would install {key} from {source_of(choice, wishes)} into {prefix.path}")
        if here:
            ui.note(f"Would replace {here.key}")
        installing.warn_if_known_bad([key])
        installing.warn_if_static([key] if choice.is_last_resort else [])
    if wishes.as_json:
        coming = [Installation(choice.best.key, prefix.path) for choice in plan.choices]
        installing.print_made("would_install", coming, plan, _recorded)


def _recorded(installation: Installation) -> Mapping[str, Any]:
    """Return what the record says of one that is in a prefix; nothing of one that is not there yet."""
    with suppress(StoreError):
        return Occupant(installation.key, installation.path).record().facts
    return {}


def _tell(made: Installation, prefix: Prefix) -> None:
    """Say where it is, and why it was not tried if it was not."""
    ui.note(f"{made.key} is in {prefix.path}")
    if why := _untried(made.key, prefix):
        ui.note(f"It was not started to see whether it runs: {why}.")


def _untried(key: Key, prefix: Prefix) -> str:
    if prefix.root:
        return f"it is for where {prefix.root} is /"
    return "" if smoke.concerns(key) else f"it is for {key.target}"
