"""`pyman shell`."""

import os
from pathlib import Path

import click

from pyman.cli.here import here, missing
from pyman.cli.networking import network_options
from pyman.errors import PymanError, UsageError
from pyman.report import ui

# Set by the function that stands for `pyman` in a shell which evaluates `pyman activate`.
_HOOK = "_PYMAN_HOOK"


@click.command("shell")
@click.argument("request", required=False)
@click.option("--unset", "unsetting", is_flag=True, help="Let the files of the project decide again.")
@network_options
def command(request: str | None, unsetting: bool) -> None:
    """Choose the Python of this shell alone, whatever the project asks for.

    Without REQUEST the choice is printed. It takes a shell that evaluates `pyman activate`: a program cannot
    change the shell that it is started from. An environment that is activated by hand still comes first.
    """
    from pyman.shell.meant import CHOICE, choice, chosen

    if request is not None and unsetting:
        raise UsageError("a REQUEST and --unset exclude each other", "Give one of them.")
    if request is None and not unsetting:
        made = chosen(os.environ)
        if not made:
            raise PymanError("this shell has chosen no Python", "`pyman shell 3.13` chooses one.")
        ui.data(made[1])
        return
    _check_hook()
    ui.data(f"{CHOICE}={'' if request is None else choice(*_found(request))}")


def _check_hook() -> None:
    """Raise PymanError where nobody would take the answer."""
    if not os.environ.get(_HOOK):
        raise PymanError(
            "this shell does not evaluate `pyman activate`, and no program can change its parent",
            "`pyman update-shell --activate` puts that into its start-up file; for this one: "
            '`eval "$(pyman activate bash)"`, or as `pyman activate --help` says.',
        )


def _found(text: str) -> tuple[Path, str]:
    """The `bin` of the Python that a request means, and the request; installed if that is wanted."""
    from pyman.commands.missing import install_missing, is_wanted
    from pyman.discovery.finder import Outcome, installed
    from pyman.requests.request import Request
    from pyman.requests.spelling import spelled

    request, place = Request.parse(text), here(text)
    found = installed(request, place, foreign=False)
    if not found and is_wanted():
        install_missing(Outcome(request, None), ["--quiet"])
        found = installed(request, place, foreign=False)
    if not found:
        raise missing(Outcome(request, None))
    return found.path.parent, spelled(request)
