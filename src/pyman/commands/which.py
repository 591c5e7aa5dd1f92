"""`pyman which`."""

import os
import shutil
from pathlib import Path

import click

from pyman.cli.here import here, missing, project_option
from pyman.errors import PymanError
from pyman.report import ui

_INTERPRETERS = ("python", "python3", "python.exe", "python3.exe")


@click.command("which")
@click.argument("program", default="python")
@project_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(program: str, no_project: bool, as_json: bool) -> None:
    """Print what `python`, or another PROGRAM beside it, is here, and why.

    That is the Python of the active virtual environment; of this shell's choice (`pyman shell`); of a .venv
    here or above; or of the version file that counts, whose line is named. Exit code 1 if nothing asks for
    one, or it is not installed.
    """
    from pyman.shell.meant import meant

    place = here(project=not no_project)._replace(wary=True)
    found, outcome = meant(place)
    for warning in outcome.warnings:
        ui.warning(warning)
    on_path = shutil.which(program)
    if not found:
        if outcome.file or outcome.system:
            raise missing(outcome)
        rest = f"On PATH it is {on_path}." if on_path else f"Neither is there a {program} on PATH."
        raise PymanError("nothing here asks for a Python", f"`pyman pin 3.13` pins one. {rest}")
    path = _beside(found.python, program)
    if as_json:
        line = {"file": str(found.file) if found.file else None, "line": found.line}
        ui.document({"programs": [{"path": str(path), "why": found.why, **line, "on_path": on_path}]})
    else:
        ui.data(str(path))
        ui.note(found.why)
    if not on_path or os.path.realpath(on_path) != os.path.realpath(path):
        now = f"{program} on PATH is {on_path}" if on_path else f"no {program} is on PATH"
        ui.warning(f"{now}: `pyman update-shell --activate` lets PATH follow")


def _beside(python: Path, program: str) -> Path:
    """The program in the same folder; PymanError if there is none."""
    path = python.with_name(program)
    if os.access(path, os.X_OK):
        return path
    if program in _INTERPRETERS:
        return python
    raise PymanError(f"there is no {program} in {python.parent}", f"The Python there is {python}.")
