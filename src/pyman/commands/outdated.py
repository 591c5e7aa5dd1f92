"""`pyman outdated`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyman.builds.key import Key
from pyman.catalogue.lifecycle import Support, end_of_life
from pyman.cli import settings
from pyman.cli.networking import network_options, refresh_option
from pyman.exact import locked as exact_locked
from pyman.exact.relocking import Sources
from pyman.report import ui
from pyman.store.installations import Installation
from pyman.upkeep import conditions
from pyman.upkeep.conditions import Condition, Successors

if TYPE_CHECKING:
    from pyman.lockfile.lock import Lock


@click.command("outdated")
@settings.metadata_option
@settings.mirror_option
@network_options
@refresh_option
@exact_locked.locked_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--exit-zero", is_flag=True, help="Leave with exit code 0 whatever is found.")
@click.pass_context
def command(
    context: click.Context,
    metadata_place: str | None,
    mirror: str,
    wish: bool | None,
    locked: bool,
    lock_file: Path | None,
    as_json: bool,
    exit_zero: bool,
) -> None:
    """List what has a newer patch or build, or is no longer maintained.

    A minor version whose support ends within six months is listed, too. The exit code is 1 when there is
    anything to list. What is superseded by something installed is not: `pyman prune` removes it. Newer builds
    are looked for first, if that was not done for a day. With --locked it is about what the lock has.
    """
    lock = exact_locked.named(locked, lock_file)
    sources = Sources(metadata_place, mirror, wish)
    found = _of_lock(lock, sources) if lock else _of_store(sources)
    outdated = [each for each in found if each.is_outdated]
    if as_json:
        ui.document({"outdated": [_facts(each) | _whereabouts(each, lock) for each in outdated]})
    elif outdated:
        ui.table((str(each.installation.key), _newer(each), _end(each)) for each in outdated)
        _advise(outdated, "pyman upgrade --lock" if lock else "pyman upgrade")
    if outdated and not exit_zero:
        context.exit(1)


def _of_store(sources: Sources) -> list[Condition]:
    """How what is installed stands."""
    installations = settings.store().visible()
    if installations:
        settings.refresher(sources.wish, sources.metadata_place, sources.mirror).before_newest()
    found = Successors(settings.load_metadata(sources.metadata_place), settings.own_machine())
    return conditions.conditions(installations, found, datetime.now(UTC).date())


def _of_lock(lock: "Lock", sources: Sources) -> list[Condition]:
    """How what is locked stands: whether its requests allow something newer."""
    from pyman.exact.relocking import moved
    from pyman.lockfile.settling import changes

    after = {each.before.key: each.after for each in changes(lock, moved(lock, sources)) if each.before}
    store, today = settings.store(), datetime.now(UTC).date()
    return [
        conditions.of(
            Installation(each.key, store.path_of(each.key)),
            [newer.build] if (newer := after.get(each.key)) else [],
            today,
        )
        for each in lock.locked
    ]


def _whereabouts(condition: Condition, lock: "Lock | None") -> dict[str, Any]:
    """The store that an installation is in; of what is locked, the lock."""
    if lock:
        return {"path": None, "store": None, "lock": str(lock.path)}
    return {"store": settings.store().layer(condition.installation)}


def _facts(condition: Condition) -> dict[str, Any]:
    key, successor = condition.installation.key, condition.successor
    return {
        "key": str(key),
        "path": str(condition.installation.path),
        "version": str(key.version),
        "release": key.release,
        "newer": None if successor is None else str(successor.key),
        "change": None if successor is None else _change(key, successor.key),
        "support": str(condition.support),
        "end_of_life": end_of_life(key.version.series) or None,
    }


def _change(old: Key, new: Key) -> str:
    return "patch" if new.version != old.version else "build"


def _newer(condition: Condition) -> str:
    new = condition.successor.key if condition.successor else None
    if new is None:
        return ""
    return f"newer {_change(condition.installation.key, new)} {new.version}+{new.release}"


def _end(condition: Condition) -> str:
    end = end_of_life(condition.installation.key.version.series)
    words = {Support.ENDED: f"end of life {end}", Support.ENDING: f"near its end of life, {end}"}
    return words.get(condition.support, "")


def _advise(outdated: Sequence[Condition], command: str) -> None:
    if any(each.successor for each in outdated):
        ui.note(f"`{command}` {'installs' if command == 'pyman upgrade' else 'moves it to'} what is newer.")
