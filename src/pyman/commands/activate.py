"""`pyman activate`."""

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyman.cli import settings
from pyman.cli.here import here, missing, project_counts
from pyman.errors import UsageError
from pyman.report import ui
from pyman.requests.spelling import spelled

if TYPE_CHECKING:
    from pyman.discovery.finder import Outcome
    from pyman.shell.activation import Surroundings

_SHELLS = ("bash", "zsh", "fish", "nushell", "powershell", "sh", "ash", "dash", "ksh", "nu", "pwsh")


@click.command("activate")
@click.argument("shell", metavar="SHELL", required=False, type=click.Choice(_SHELLS))
@click.option("--ask", "asking", is_flag=True, hidden=True, help="Print what the version files here mean.")
def command(shell: str | None, asking: bool) -> None:
    """Print what a shell evaluates so that PATH follows: in a project's folder, `python` is the project's.

    \b
    bash, zsh   eval "$(pyman activate bash)"
    sh, dash    eval "$(pyman activate sh)"
    fish        pyman activate fish | source
    powershell  pyman activate powershell | Out-String | Invoke-Expression
    nushell     pyman activate nushell | save -f pyman.nu, and: source pyman.nu

    `pyman update-shell --activate` puts that into the start-up file of your shell.
    """  # noqa: D301 - the character itself tells click to leave the lines as they are
    if asking:
        _answer()
        return
    from pyman.shell import activation, shells

    found = shells.of_program(shell) if shell else None
    if not found:
        raise UsageError("missing argument 'SHELL'", f"Name one of {', '.join(_SHELLS[:6])}.")
    ui.data(activation.text(found, surroundings()).rstrip("\n"))


def surroundings() -> "Surroundings":
    """Return what a hook has to know, and make ready what it touches."""
    from pyman.project.pins import own_path
    from pyman.remembered import ground
    from pyman.shell import stamps
    from pyman.shell.activation import Surroundings
    from pyman.system.userdirs import cache_dir

    cache = cache_dir(os.environ)
    answers = ground.folder(os.environ)
    return Surroundings(answers, stamps.ready(cache), own_path(), settings.store().homes, _program())


def _program() -> Path | None:
    """The file of this pyman; where it was not started by one of that name, what a shell finds by it."""
    path = Path(sys.argv[0]).absolute()
    if path.name in ("pyman", "pyman.exe") and os.access(path, os.X_OK):
        return path
    found = shutil.which("pyman")
    return Path(found).absolute() if found else None


def _answer() -> None:
    """Print for a hook the `bin` that is asked for, the file that asks, and what is to be said."""
    from pyman.commands.missing import install_missing, is_wanted
    from pyman.shell.meant import answer, bin_of

    place, may_install = here(project=project_counts()), is_wanted()
    outcome, text = answer(place, _why, lasting=not may_install)
    if outcome and may_install and not outcome.system and not bin_of(outcome):
        install_missing(outcome)
        outcome, text = answer(place, _why, lasting=False)
    folder = bin_of(outcome) if outcome else None
    file = outcome.file if outcome else None
    ui.data("\n".join([str(folder or ""), str(file or ""), ui.printable(text)]))


def _why(outcome: "Outcome") -> str:
    """What is said where pyman has no Python that the files ask for; nothing of the system's own."""
    if outcome.system:
        return ""
    problem = missing(outcome)
    if outcome.found:
        wish, file, path = spelled(outcome.request), outcome.file, outcome.found.path
        return ui.printable(
            f"{wish}, which {file} asks for, is only at {path}, and stays off PATH. {problem.hint}"
        )
    return ui.printable(f"{problem.message}. {problem.hint}")
