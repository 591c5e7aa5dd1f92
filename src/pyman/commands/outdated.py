"""`pyman outdated`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from pyman.builds.key import Key
from pyman.catalogue.lifecycle import Support, end_of_life
from pyman.cli import settings
from pyman.cli.configured import environ
from pyman.cli.networking import network_options
from pyman.report import ui
from pyman.upkeep import conditions
from pyman.upkeep.conditions import Condition, Successors


@click.command("outdated")
@settings.metadata_option
@settings.mirror_option
@network_options
@settings.refresh_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--exit-zero", is_flag=True, help="Leave with exit code 0 whatever is found.")
@click.pass_context
def command(
    context: click.Context,
    metadata_place: str | None,
    mirror: str,
    wish: bool | None,
    as_json: bool,
    exit_zero: bool,
) -> None:
    """List what has a newer patch or build, or is no longer maintained.

    A minor version whose support ends within six months is listed, too. The exit code is 1 when there is
    anything to list. What is superseded by something installed is not: `pyman prune` removes it. Newer builds
    are looked for first, if that was not done for a day.
    """
    store = settings.store()
    installations = store.visible()
    if installations:
        settings.refresher(wish, metadata_place, mirror).before_newest()
    found = Successors(
        settings.load_metadata(metadata_place), settings.machine(environ().get("PYMAN_TARGET"))
    )
    today = datetime.now(UTC).date()
    outdated = [each for each in conditions.conditions(installations, found, today) if each.is_outdated]
    if as_json:
        ui.document(
            {"outdated": [_facts(each) | {"store": store.layer(each.installation)} for each in outdated]}
        )
    elif outdated:
        ui.table((str(each.installation.key), _newer(each), _end(each)) for each in outdated)
        _advise(outdated)
    if outdated and not exit_zero:
        context.exit(1)


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


def _advise(outdated: Sequence[Condition]) -> None:
    if any(each.successor for each in outdated):
        ui.note("`pyman upgrade` installs what is newer.")
