"""`pyman shims`."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyman.cli import settings
from pyman.cli.configured import environ
from pyman.cli.here import here, missing, project_counts
from pyman.errors import PymanError, UsageError
from pyman.report import ui
from pyman.system.execute import CommandError, execute

if TYPE_CHECKING:
    from pyman.discovery.finder import Found, Here, Outcome

_SHIM, _STORE = "_PYMAN_SHIM", "_PYMAN_STORE"
_ANYHOW = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": []}


@click.group("shims", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Let `python` be the project's Python where there is no prompt: in cron, in editors, in scripts.

    Shims are scripts called python, python3, pip, pip3 and such as python3.13 for what is installed, in a
    folder of their own. Each starts the Python that is meant in the folder where it is called, the one that
    `pyman find` prints (`pyman help project`). Without a command: whether there are shims, where, and which.
    """
    if context.invoked_subcommand is None:
        _tell(as_json=as_json)


@command.command("on")
@click.option("--dry-run", is_flag=True, help="Tell which there would be and make none.")
def on_command(dry_run: bool) -> None:
    """Make the shims, or make them anew, and tell how they come onto PATH."""
    from pyman.shims import shims_folder

    _refuse_windows()
    store, own = settings.store(), settings.own_target(None)
    place = shims_folder.place(store)
    lines = _lines(place)
    if dry_run:
        ui.note(f"Would put shims into {place}: {', '.join(shims_folder.wanted(store, own))}")
        return
    state = shims_folder.turn_on(store, own, environ())
    ui.note(f"Shims in {place}: {', '.join(state.names)}")
    for name in state.foreign:
        ui.warning(f"{place / name} is not pyman's and was left alone")
    if not shims_folder.is_among(place, _path()):
        ui.note("The folder is not on your PATH. These lines in a start-up file of your shell put it there:")
        for line in lines:
            ui.note(f"    {line}")


@command.command("off")
@click.option("--dry-run", is_flag=True, help="Tell which would go and remove none.")
def off_command(dry_run: bool) -> None:
    """Remove the shims. What else is in their folder stays."""
    from pyman.shims import shims_folder

    _refuse_windows()
    store = settings.store()
    place = shims_folder.place(store)
    state = shims_folder.state(store) if dry_run else shims_folder.turn_off(store)
    for name in state.foreign:
        ui.warning(f"{place / name} is not pyman's and stays")
    if state.names or state.is_on:
        verb = "Would remove" if dry_run else "Removed"
        ui.note(f"{verb} from {place}: {', '.join(state.names)}")
    else:
        ui.note(f"There are no shims in {place}")


@command.command("ask", hidden=True)
def ask_command() -> None:
    """Print the folder of the Python that is meant here, and remember it for shells."""
    ui.data(str(_chosen("python").path.parent))


@command.command("start", hidden=True, context_settings=_ANYHOW)
@click.argument("name")
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def start_command(context: click.Context, name: str, words: tuple[str, ...]) -> None:
    """Become what a shim of that name is to start, with these words: it asks for what it cannot tell."""
    shim, store = os.environ.pop(_SHIM, ""), os.environ.pop(_STORE, "")
    before = dict(os.environ)
    if store and not os.environ.get("PYMAN_HOME"):
        os.environ["PYMAN_HOME"] = store  # for pyman, and not for what is started
    program = _program(name)
    if shim and os.path.exists(shim) and program.samefile(shim):  # noqa: PTH110 - it may be no text
        raise PymanError(
            f"{program} is the shim {shim} itself, and would be started for ever",
            "Remove what has put it there: it is no Python.",
        )
    context.exit(_become([str(program), *words], before))


def _become(line: Sequence[str], variables: Mapping[str, str]) -> int:
    try:
        return execute(line, variables)
    except CommandError as error:
        ui.error(error)
        return error.code


def _program(name: str) -> Path:
    """Return what a shim starts: the interpreter, or the pip of that one."""
    if name not in ("pip", "pip3"):
        return _chosen("python" if name == "python3" else name).path
    python = _chosen("python").path
    programs = (python.parent / each for each in (name, "pip3", "pip"))
    found = next((each for each in programs if os.access(each, os.X_OK)), None)
    if not found:
        raise PymanError(f"{python} has no pip", f"`{python} -m ensurepip` may give it one, or `uv pip` do.")
    return found


def _chosen(name: str) -> "Found":
    """Return the Python that is meant by a name here, installed if it is missing and that is wanted."""
    from pyman.commands.missing import install_missing, is_wanted

    wish = None if name == "python" else name
    place = here(wish, project=project_counts())
    outcome = _decided(name, place)
    if not outcome.found and not outcome.system and is_wanted():
        install_missing(outcome)
        outcome = _decided(name, place)
    if not outcome.found:
        raise missing(outcome)
    return outcome.found


def _decided(name: str, place: "Here") -> "Outcome":
    """What is meant; what was passed over is named the first time only, for this may be asked all day."""
    from pyman.remembered import answers
    from pyman.remembered.deciding import decide, decide_named

    outcome = decide(place) if name == "python" else decide_named(name, place)
    for warning in outcome.warnings:
        if answers.is_news(place, warning):
            ui.warning(warning)
    return outcome


def _tell(*, as_json: bool) -> None:
    from pyman.shims import shims_folder

    store = settings.store()
    place, state = shims_folder.place(store), shims_folder.state(store)
    is_on_path = shims_folder.is_among(place, _path())
    if as_json:
        ui.document({"on": state.is_on, "folder": str(place), "names": state.names, "on_path": is_on_path})
    elif not state.is_on:
        ui.data("off" if sys.platform != "win32" else "off: there are none on Windows")
    else:
        ui.data(f"on: {place}")
        ui.data(f"names: {', '.join(state.names)}")
        ui.data("on PATH: " + ("yes" if is_on_path else "no (`pyman shims on` tells how)"))


def _path() -> list[str]:
    return os.environ.get("PATH", "").split(os.pathsep)


def _lines(place: Path) -> Sequence[str]:
    """What puts the folder first on PATH in the user's shell; in a POSIX one if that cannot be told."""
    from pyman.shell import ancestors, shells

    if not shells.can_stand_on_path(str(place)):
        raise UsageError(f"{place} cannot stand on PATH", "Choose another store with PYMAN_HOME.")
    try:
        shell = ancestors.user_shell(os.environ)
    except PymanError:
        shell = shells.Shell.SH
    return shells.path_lines(shell, place)


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise PymanError(
            "there are no shims on Windows: they are scripts for a POSIX shell",
            "`pyman run` starts the project's Python, and `py` those that `pyman install` has registered.",
        )
