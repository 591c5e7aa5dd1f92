"""Finds the Python that would be used, in the order of preference.

    active environment → .venv here or above → pyman's own installations → PATH → well-known places

Where nothing was typed, an environment is what is meant; after that the version files say what is.

What a common request does not need is imported where it is needed: `pyman find 3.13` is typed, or stands in
scripts, all day.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyman.builds.key import Key
from pyman.choice.installed import best_installed
from pyman.environments.virtualenv import VirtualEnvironment, fault, key_of, of_program, program_in, usable
from pyman.errors import PymanError
from pyman.lockfile import lock_place
from pyman.machine.detection import Machine
from pyman.portable import whereabouts
from pyman.requests.request import Request, is_request
from pyman.requests.spelling import name_of
from pyman.store.installations import Installation, Store
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.discovery.interpreter import Interpreter

MANAGED = "managed"
# A specifier that a newer patch could fall out of: `==3.12.4`, `<3.12.9`.
_FIXES_PATCH = r"(===?|<=?)[0-9]+\.[0-9]+\.[0-9]"
_FULL = 3


class Here(NamedTuple):
    """Where is looked from: store, machine (None if it cannot be told), variables, current folder.

    `project` says whether the files of a project are looked at. Who is `wary` trusts no `.venv` that others
    may change, and starts no interpreter that a file names.
    """

    store: Store
    machine: Machine | None
    environ: Mapping[str, str]
    start: Path
    project: bool = True
    wary: bool = False


class Found(NamedTuple):
    """A Python: the path by which to start it, its key if it is known, where it was found, its environment.

    `where` is `managed` for pyman's own, and `store` then tells of which store: `user` or `system`.
    """

    path: Path
    key: Key | None
    where: str
    environment: Path | None = None
    store: str | None = None

    @property
    def name(self) -> str:
        """Its key; for a Python that pyman did not install, the key without a release."""
        return name_of(self.key) if self.key else ""


class Outcome(NamedTuple):
    """What was looked for, and what was found; None when there is nothing that fits.

    `file` is where the request stands, None if it was typed, and `warnings` what was odd in it or was passed
    over. `system` asks for a Python that no version manager has installed. `digest` is that of the archive,
    where a lock says it.
    """

    request: Request
    found: Found | None
    file: Path | None = None
    system: bool = False
    warnings: tuple[str, ...] = ()
    digest: str | None = None


def find(text: str | None, here: Here, *, environments: bool = True, foreign: bool = True) -> Outcome:
    """Return the Python that `text` means: a request, or the path of an interpreter or of a folder with one.

    Without a text it is the environment in use, else what the version files ask for. What is in virtual
    environments, and all that is `foreign` to pyman, can be left out. Raises UsageError for a text or a
    version file that is no request, PymanError for a path at which there is no interpreter.
    """
    path = path_in(text) if text is not None else None
    if path:
        return Outcome(Request.parse("any"), _at(path, here))
    request = None if text is None else Request.parse(text)
    gone: list[str] = []
    found = _environment(request, here, gone) if environments and foreign else None
    if request is None and not found:
        outcome = _as_the_files_say(here, foreign=foreign)
        return outcome._replace(warnings=(*gone, *outcome.warnings))
    asked = request or Request.parse("any")
    return Outcome(asked, found or installed(asked, here, foreign=foreign), warnings=tuple(gone))


def installed(request: Request, here: Here, *, foreign: bool = True) -> Found | None:
    """Return the first Python that fits and is in no virtual environment; None when there is none."""
    return _managed(request, here) or (_foreign(request, here) if foreign else None)


def _as_the_files_say(here: Here, *, foreign: bool) -> Outcome:
    from pyman.project.project_request import wanted  # noqa: PLC0415 - only where nothing was typed

    locked = _locked(here) if here.project and lock_place.nearest(here.start) else None
    if locked and locked.digest:
        return locked
    asked = wanted(here.start if here.project else None)
    if asked.python and foreign:
        found = None if here.wary else _at(asked.python, here)
        return Outcome(asked.request, found, asked.path, warnings=asked.warnings)
    managed = None if asked.system else _managed(asked.request, here)
    found = managed or (_foreign(asked.request, here) if foreign else None)
    warnings = (*locked.warnings, *asked.warnings) if locked else asked.warnings
    return Outcome(asked.request, found, asked.path, asked.system, warnings)


def _locked(here: Here) -> Outcome:
    from pyman.discovery.by_lock import find_locked  # noqa: PLC0415 - only where there is a lock

    return find_locked(here)


def path_in(text: str) -> Path | None:
    """Return the path that was typed in place of a request; None if it is to be understood as a request."""
    if "/" in text or "\\" in text or text in (".", "..", "~"):
        try:
            return _absolute(Path(text).expanduser())
        except RuntimeError:
            raise PymanError(f"there is no home directory for {text}", "Give the path in full.") from None
    return _absolute(Path(text)) if os.access(text, os.F_OK) and not is_request(text) else None


def _absolute(path: Path) -> Path:
    return path if path.is_absolute() else current_dir(str(path)) / path


def _environment(request: Request | None, here: Here, gone: list[str]) -> Found | None:
    """The environment in use; with a request, only one whose Python fits.

    What is to be said of those that are passed over, as their Python is `gone`, is added there.
    """
    for environment in usable(here.environ, here.start):
        if why := fault(environment, wary=here.wary):
            gone.append(why)
            continue
        found = _in_environment(environment, here)
        if found and (request is None or (found.key and request.matches(found.key))):
            return found
    return None


def _in_environment(environment: VirtualEnvironment, here: Here) -> Found | None:
    python = environment.python
    if not python:
        return None
    from pyman.environments.environment_index import note  # noqa: PLC0415 - few runs meet one

    note(here.store.home, environment.path)  # for `uninstall` and `prune`
    key = key_of(environment, here.store, here.machine.target) if here.machine else None
    if key is None:
        told = _ask(python, here)
        key = told.key if told else None
    return Found(python, key, environment.where, environment.path)


def _managed(request: Request, here: Here) -> Found | None:
    if not here.machine:
        return None
    best = best_installed(request, here.store, here.machine)
    if not best:
        return None
    path = _stable(best, request, here.store.owner(best))
    return Found(path, best.key, MANAGED, store=here.store.layer(best))


def _stable(installation: Installation, request: Request, store: Store) -> Path:
    """The path through the minor link, if that leads to the installation and the request allows a newer one.

    So an environment that is made with it follows upgrades. Who names a patch gets that patch for ever.
    """
    link = store.minor_link(installation.key)
    fixed = (
        len(request.numbers) == _FULL
        or request.exact
        or request.release
        or (request.specifiers and re.search(_FIXES_PATCH, request.specifiers))
    )
    try:
        leads = not fixed and link.samefile(installation.path)
    except OSError:
        leads = False
    executable = installation.executable
    return link / executable.relative_to(installation.path) if leads else executable


def _foreign(request: Request, here: Here) -> Found | None:
    from pyman.discovery.discover import Surroundings, first  # noqa: PLC0415 - only where pyman has none of its own

    return _found(first(request, Surroundings(here.store.homes, here.environ)))


def _at(path: Path, here: Here) -> Found:
    """The interpreter at `path` or in that folder; PymanError when there is none."""
    python = program_in(path) if path.is_dir() else path
    if not python or not python.is_file():
        what = "no interpreter in" if path.is_dir() else "no file"
        raise PymanError(
            f"there is {what} {path}", "Name an interpreter, an environment, or a version: 3.13."
        )
    if whereabouts.interpreter() in Path(os.path.realpath(python)).parents:
        raise PymanError(f"{python} is pyman's own and runs nothing else", "`pyman list` shows what does.")
    environment = of_program(python)
    found = _in_environment(environment, here) if environment else None
    if found:
        return Found(python, found.key, "path", found.environment)
    managed = _managed_at(python, here)
    asked = managed or _found(_ask(python, here))
    if not asked:
        raise PymanError(
            f"{python} is not a Python interpreter that runs", "Scripts and shims are not started."
        )
    return asked


def _managed_at(python: Path, here: Here) -> Found | None:
    for installation in here.store.visible():
        if python.resolve().is_relative_to(installation.path.resolve()):
            return Found(python, installation.key, MANAGED, store=here.store.layer(installation))
    return None


def _ask(python: Path, here: Here) -> "Interpreter | None":
    from pyman.discovery.discover import Surroundings, at  # noqa: PLC0415 - most runs need not ask

    return at(python, Surroundings(here.store.homes, here.environ))


def _found(interpreter: "Interpreter | None") -> Found | None:
    return Found(interpreter.path, interpreter.key, interpreter.where) if interpreter else None
