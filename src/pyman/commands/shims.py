"""`pyman shims`."""

from typing import TYPE_CHECKING

import click

from pyman.cli.configured import environ
from pyman.cli.here import check_locked, here, missing
from pyman.config.known import is_on
from pyman.report import ui

if TYPE_CHECKING:
    from pyman.discovery.finder import Found, Here, Outcome


@click.group("shims")
def command() -> None:
    """Let `python` be the project's Python also where there is no prompt: in cron, in editors."""


@command.command("ask", hidden=True)
def ask_command() -> None:
    """Print the folder of the Python that is meant here, and remember it for shells."""
    ui.data(str(_chosen("python").path.parent))


def _chosen(name: str) -> "Found":
    """Return the Python that is meant by a name here, installed if it is missing and that is wanted."""
    wish = None if name == "python" else name
    place = here(wish, project=not is_on(environ().get("PYMAN_NO_PROJECT", "")))
    outcome = _decided(name, place)
    if not outcome.found and not outcome.system and is_on(environ().get("PYMAN_AUTO_INSTALL", "")):
        from pyman.commands.missing import install_missing

        if outcome.digest:
            check_locked(outcome)
        install_missing(outcome.request)
        outcome = _decided(name, place)
    if not outcome.found:
        raise missing(outcome)
    return outcome.found


def _decided(name: str, place: "Here") -> "Outcome":
    from pyman.remembered.deciding import decide, decide_named

    return decide(place) if name == "python" else decide_named(name, place)
