"""What `python` means where somebody types it, and why: an environment, this shell's choice, or a file.

The hooks decide the same in their own languages; they ask here what a file says that is new to them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from pyman.discovery.finder import MANAGED, Found, Here, Outcome, find
from pyman.environments.virtualenv import program_in
from pyman.errors import PymanError
from pyman.project import pins
from pyman.project.project_request import Wanted, wanted
from pyman.remembered.deciding import decide
from pyman.requests.spelling import spelled

# The choice of a shell: the `bin` folder, which has no colon in its name, a colon, and the request.
CHOICE = "_PYMAN_SHELL"
_BY_HAND = ("VIRTUAL_ENV", "CONDA_PREFIX")
# What a project requires is no version file: of these a hook knows nothing, unless it has the user's own pin.
_REQUIREMENTS = ("pyproject.toml", "setup.cfg")


class Meant(NamedTuple):
    """An interpreter, and why it is that: in words, and the file and its line where a file says so."""

    python: Path
    why: str
    file: Path | None = None
    line: int | None = None


def choice(bin_dir: Path, request: str) -> str:
    """Return what a shell remembers of its choice."""
    return f"{bin_dir}:{request}"


def chosen(environ: Mapping[str, str]) -> tuple[Path, str] | None:
    """Return the `bin` folder and the request that a shell has chosen; None if it has not."""
    folder, _, request = environ.get(CHOICE, "").partition(":")
    return (Path(folder), request) if folder else None


def without_active(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without those of an environment that was activated by hand."""
    return {name: value for name, value in environ.items() if name not in _BY_HAND}


def meant(here: Here) -> tuple[Meant | None, Outcome]:
    """Return what `python` means here, None where nothing asks for one that is there, and what was found.

    Raises as `find` does.
    """
    outcome = find(None, here)
    by_shell = chosen(here.environ)
    if by_shell and not (outcome.found and outcome.found.where in _BY_HAND):
        folder, request = by_shell
        python = program_in(folder)
        return Meant(python, f"this shell has chosen {request}") if python else None, outcome
    found = outcome.found
    if not found:
        return None, outcome
    if found.environment:
        return Meant(found.path, _of_environment(found)), outcome
    if not outcome.file:
        return None, outcome
    asked = wanted(here.start if here.project else None)
    if asked.path != outcome.file:  # a lock
        return Meant(found.path, f"{outcome.file} says {spelled(outcome.request)}", outcome.file), outcome
    why = f"{asked.path}:{asked.line} says {_said(asked)}"
    return Meant(found.path, why, asked.path, asked.line), outcome


def _of_environment(found: Found) -> str:
    if found.where == ".venv":
        return f"the environment {found.environment} is here or above"
    return f"the environment {found.environment} is active ({found.where})"


def _said(asked: Wanted) -> str:
    return f"{asked.name} {asked.text}".strip()


def answer(here: Here, explain: Callable[[Outcome], str], *, lasting: bool) -> tuple[Outcome | None, str]:
    """Return what the version files say where a hook asks, None where that is nothing to it; and a text.

    It is remembered; that there is no Python of pyman's own for it, and the text, only if that is `lasting`.
    """
    here = here._replace(environ=without_active(here.environ))
    try:
        outcome = decide(here, explain if lasting else None, environments=False)
    except PymanError as error:
        return None, f"{error.message}. {error.hint}"
    by_project = outcome.file and outcome.file.name in _REQUIREMENTS and not pins.own()
    if not outcome.file or by_project:
        return None, ""
    return outcome, explain(outcome) if bin_of(outcome) is None else ""


def bin_of(outcome: Outcome) -> Path | None:
    """Return what a hook puts on PATH: the `bin` of what pyman has installed, with nothing else in it."""
    found = outcome.found
    return found.path.parent if found and found.where == MANAGED else None
