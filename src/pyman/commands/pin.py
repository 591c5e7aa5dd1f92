"""`pyman pin`."""

from collections.abc import Iterable
from pathlib import Path

import click

from pyman.cli.configured import environ
from pyman.cli.here import available, here, missing, project_option
from pyman.cli.networking import network_options
from pyman.discovery.finder import Outcome, installed
from pyman.errors import PymanError, UsageError
from pyman.project import pins, repin
from pyman.report import ui
from pyman.requests.request import Request
from pyman.requests.spelling import exact, spelled
from pyman.system.userdirs import current_dir


@click.command("pin")
@click.argument("request", required=False)
@click.option("--global", "everywhere", is_flag=True, help="The version where no project names one.")
@click.option("--resolved", is_flag=True, help="Write the exact version that REQUEST means now.")
@click.option("--rm", "removing", is_flag=True, help="Remove the pin.")
@click.option("--force", is_flag=True, help="Pin a version that the project's requires-python rules out.")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@project_option
@network_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    request: str | None,
    everywhere: bool,
    resolved: bool,
    removing: bool,
    force: bool,
    dry_run: bool,
    no_project: bool,
    as_json: bool,
) -> None:
    """Show or set the Python version of a project.

    Without REQUEST the pin that counts here is printed. With it, it is written to .python-version in the
    current folder, or to the .python-versions that is there; which file of another tool asks for another
    version is said.
    """
    if request is not None and removing:
        raise UsageError("a REQUEST and --rm exclude each other", "Give one of them.")
    if resolved and request is None:
        raise UsageError("--resolved needs a REQUEST", "For example `pyman pin --resolved 3.13`.")
    path = pins.own_path() if everywhere else repin.file_in(current_dir())
    if removing:
        _remove(path, dry_run=dry_run)
        pinned = []
    elif request is not None:
        pinned = [_text(Request.parse(request), resolved=resolved)]
        looks = not everywhere and not no_project
        if looks and not force:
            _check(pinned[0])
        _mention(Request.parse(pinned[0]))
        _write(path, pinned[0], dry_run=dry_run)
        if looks:
            _tell_disagreement(path, Request.parse(pinned[0]), dry_run=dry_run)
    else:
        path, pinned = _current(everywhere=everywhere or no_project)
        ui.note(f"Pinned by {path}")
    if as_json:
        ui.document({"file": str(path), "pins": [{"request": text} for text in pinned]})
    elif request is None:
        _print(pinned)


def _text(request: Request, *, resolved: bool) -> str:
    """What to write; a warning where there is no such Python."""
    found = installed(request, here(spelled(request)))
    if resolved:
        key = found.key if found and found.key else available(request).key
        return exact(request, key.version)
    if not found:
        problem = missing(Outcome(request, None))
        ui.warning(f"{problem.message}. {problem.hint}")
    # Other tools read it as well: that the newest is meant goes without saying.
    return spelled(request._replace(latest=request.latest and not request.numbers))


def _check(text: str) -> None:
    """PymanError where the project cannot run on that version; a damaged project file says nothing."""
    from pyman.project.requirement import requirement

    project = requirement(current_dir(), ui.warning)
    if project and not project.allows(Request.parse(text)):
        raise PymanError(f"{text} does not satisfy {project}", "Pin a version that does, or give --force.")


def _tell_disagreement(path: Path, pinned: Request, *, dry_run: bool) -> None:
    """Say which files of other tools beside the pin ask for what is none of its versions."""
    disagrees = "would disagree" if dry_run else "now disagrees"
    for file in pins.others_in(path.parent):
        from pyman.project.requirement import agree

        asks = None if file.system or file.python else next(iter(file.requests), None)
        if file.speaks and not (asks and agree(asks, pinned)):
            ui.warning(f"{file.path}:{file.line} asks for {file.texts[0]} and {disagrees} with {path}")


def _mention(request: Request) -> None:
    if request.full_version:
        from pyman.cli import holes

        holes.mention([request], here().machine, environ().get("PYMAN_METADATA"))


def _write(path: Path, text: str, *, dry_run: bool) -> None:
    if dry_run:
        ui.note(f"Would pin {text} in {path}")
        return
    repin.write(path, text)
    ui.note(f"Pinned {text} in {path}")


def _remove(path: Path, *, dry_run: bool) -> None:
    if not path.is_file():
        elsewhere = pins.find(current_dir())
        hint = f"The pin that counts here is {elsewhere.path}." if elsewhere else "Nothing is pinned."
        raise PymanError(f"there is no {path}", hint)
    if dry_run:
        ui.note(f"Would remove {path}")
        return
    repin.remove(path)
    ui.note(f"Removed {path}")


def _current(*, everywhere: bool) -> tuple[Path, list[str]]:
    """The file that counts and what it names; PymanError when there is none."""
    file = pins.own() if everywhere else pins.find(current_dir())
    if not file:
        raise PymanError("no Python version is pinned here", "`pyman pin 3.13` pins one.")
    for warning in file.skipped:
        ui.warning(warning)
    return file.path, list(file.texts)


def _print(pinned: Iterable[str]) -> None:
    for text in pinned:
        ui.data(text)
