"""`pyman venv`."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyman.cli.here import here, missing, project_option
from pyman.cli.networking import handed_on, network, network_options, refresh_option
from pyman.commands.run import obtained
from pyman.discovery.finder import MANAGED, Found, Here, find
from pyman.errors import OfflineError, UsageError
from pyman.report import ui
from pyman.requests.request import Request, is_request
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.env_making.env_tool import Wishes

_USUAL = ".venv"
_BOTH = 2
# Nobody calls a folder so without a thought of a version: `3.12-venv`, `py3.1x`, `>=3.12`.
_LIKE_A_REQUEST = re.compile(r"[0-9].*|.*[<>=!~^*@:|].*|.*[0-9]\.[0-9x*].*|\s*")


@click.command("venv")
@click.argument("words", nargs=-1, metavar="[REQUEST] [DIR]")
@click.option("-p", "--python", "request", metavar="REQUEST", help="The Python to make it with.")
@click.option("--virtualenv", is_flag=True, help="Make it by virtualenv: on PATH, or in that Python.")
@click.option("--clear", is_flag=True, help="Make an environment anew that is there; removes nothing else.")
@click.option("--prompt", metavar="TEXT", help="What the shell shows while it is active.")
@click.option("--without-pip", is_flag=True, help="Put no pip into it.")
@click.option("--upgrade-deps", is_flag=True, help="Put the newest pip of the package index into it.")
@click.option("--system-site-packages", is_flag=True, help="Let it see the packages of that Python.")
@click.option("--no-install", is_flag=True, help="Do not install the Python when it is missing.")
@network_options
@project_option
@refresh_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print no warnings, nor how it goes.")
def command(
    words: tuple[str, ...],
    request: str | None,
    virtualenv: bool,
    clear: bool,
    prompt: str | None,
    without_pip: bool,
    upgrade_deps: bool,
    system_site_packages: bool,
    no_install: bool,
    no_project: bool,
    wish: bool | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a virtual environment that follows upgrades of its Python.

    The Python is that of REQUEST, such as 3.12, else what the project asks for, else the newest; it is
    installed if it is missing. DIR is .venv unless it is given. One word alone is a REQUEST if it can be one,
    and a DIR otherwise, or with a slash in it: `pyman venv ./3.12`.

    What is in DIR and no environment is left alone. If it fails, or is stopped, all is as it was before.
    """
    from pyman.env_making import env_place
    from pyman.env_making.env_tool import Wishes

    text, shown = parted(request, words)
    place = here(text, project=not no_project)
    folder = current_dir(shown) / shown
    env_place.check(folder, clear=clear, stores=place.store.homes)
    if upgrade_deps:
        _refuse_if_offline()
    found = _python(text, place, wish, install=not no_install, quiet=quiet)
    wishes = Wishes(prompt, without_pip, upgrade_deps, system_site_packages)
    _make(found, folder, wishes, place, clear=clear, virtualenv=virtualenv, quiet=quiet)
    _tell(found, folder, shown, place, as_json=as_json, quiet=quiet)


def _refuse_if_offline() -> None:
    if network().offline:
        raise OfflineError(
            "--upgrade-deps asks the package index, and no connection may be opened", "Leave it out."
        )


def _python(text: str | None, place: Here, wish: bool | None, *, install: bool, quiet: bool) -> Found:
    options = [*handed_on(), *(["--quiet"] if quiet else [])]
    if wish is not None:
        options.append("--refresh" if wish else "--no-refresh")
    outcome = find(text, place, environments=False)
    found = obtained(outcome, place, options, install=install)
    if not found:
        raise missing(outcome)
    return found


def parted(request: str | None, words: Sequence[str]) -> tuple[str | None, str]:
    """Return the request, None if the project says it, and the folder as typed; UsageError if unclear."""
    most = _BOTH if request is None else 1
    if len(words) > most:
        raise UsageError(f"too many words: {' '.join(words)}", "`pyman venv [REQUEST] [DIR]`, in this order.")
    if "" in words[-1:] and (request is not None or len(words) == _BOTH):
        raise UsageError("the folder's name is empty", "Leave it out for .venv, or name one.")
    if request is not None or not words:
        return request, words[0] if words else _USUAL
    if len(words) == _BOTH:
        return _first(words[0], words[1]), words[1]
    return _alone(words[0])


def _first(text: str, folder: str) -> str:
    """The first of two words, which must be a request or a path."""
    if not is_request(text) and not _is_path(text) and is_request(folder):
        raise UsageError(
            f"{text} is no request, and {folder} is one",
            f"The request comes first: `pyman venv {folder} {text}`.",
        )
    return text


def _alone(text: str) -> tuple[str | None, str]:
    """What a word means that stands alone: a request, an interpreter, or a folder."""
    if is_request(text) and not _is_path(text):
        if os.path.lexists(text):
            raise UsageError(
                f"{text} is a request, and there is something of that name here",
                f"`pyman venv {text} {_USUAL}` takes it for the request, `pyman venv ./{text}` for a folder.",
            )
        return text, _USUAL
    if _is_path(text):
        path = os.path.expanduser(text)  # noqa: PTH111 - Path would drop ./ from it
        is_program = os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113 - the same
        return (text, _USUAL) if is_program else (None, path)
    if _LIKE_A_REQUEST.fullmatch(text):
        _refuse(text)
    return None, text


def _refuse(text: str) -> None:
    """Raise UsageError for a word that is like a request, but none."""
    try:
        Request.parse(text)
    except UsageError as error:
        where = f" A folder of that name is `pyman venv ./{text}`." if text.strip() else ""
        raise UsageError(error.message, f"{error.hint}{where}".lstrip()) from None


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or text in (".", "..", "~")


def _make(
    found: Found, folder: Path, wishes: "Wishes", place: Here, *, clear: bool, virtualenv: bool, quiet: bool
) -> None:
    """Make the environment, which is remembered for `uninstall` before it is there."""
    from pyman.env_making import env_folder, env_tool

    python, say = found.path, (lambda _: None) if quiet else ui.note
    if virtualenv:
        line = env_tool.by_virtualenv(python, folder, wishes, offline=network().offline)
    else:
        line = env_tool.by_venv(python, folder, wishes)
    with env_folder.emptied(folder, clear=clear, stores=place.store.homes, note=ui.note):
        _remember(found, folder, place)
        env_tool.run(line, python, folder, say)
        ignored = folder / ".gitignore"  # as virtualenv and Python 3.13 do
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")


def _remember(found: Found, folder: Path, place: Here) -> None:
    from pyman.environments.environment_index import fault, note_all

    for home in place.store.homes if found.where == MANAGED else ():
        if found.path.is_relative_to(home):
            note_all(home, [Path(os.path.realpath(folder))])
            if wrong := fault(home):
                ui.warning(f"the environment cannot be remembered for `uninstall` in {wrong[0]}: {wrong[1]}")


def _follows(found: Found, folder: Path, place: Here) -> str | None:
    """The minor link by which the environment gets at its Python, if it does."""
    from pyman.environments.entrances import read

    for home in place.store.homes:
        used = read(home, folder)
        if used and used.entries and found.key and found.key.link_name in used.entries:
            return found.key.link_name
    return None


def _tell(found: Found, folder: Path, shown: str, place: Here, *, as_json: bool, quiet: bool) -> None:
    from pyman.env_making import entering
    from pyman.environments.virtualenv import program_in

    enter = entering.line(folder, shown, os.environ)
    follows = _follows(found, folder, place)
    if as_json:
        facts = {
            "path": str(folder),
            "python": str(program_in(folder)),
            "made_with": str(found.path),
            "name": found.name or None,
            "version": str(found.key.version) if found.key else None,
            "follows": follows,
            "activate": enter or None,
        }
        ui.document({"environments": [facts]})
    if quiet:
        return
    ui.note(
        f"Made {shown} with {found.name or found.path}{', which it follows in upgrades' if follows else ''}."
    )
    if enter:
        ui.note(f"Activate it: {enter}")
