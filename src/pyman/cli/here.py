"""What `install`, `find`, `run`, `pin` share: what is asked for, from where, what is said of it."""

import os
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pyman.catalogue import advisories
from pyman.cli.configured import environ, setting_option
from pyman.config.known import is_on
from pyman.discovery.finder import Here, Outcome
from pyman.errors import ContradictionError, PymanError, UsageError
from pyman.machine import detection
from pyman.machine.detection import Machine
from pyman.report import ui
from pyman.requests import ranges
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.store.installations import user_store
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.catalogue.build import Build
    from pyman.project.project_request import Wanted

_Command = TypeVar("_Command", bound=Callable[..., Any])


def project_option(command: _Command) -> _Command:
    """`--no-project`: whether the files of a project say which Python is wanted."""
    return setting_option(
        "--no-project",
        "no-project",
        is_flag=True,
        help="Look at no lock, version file or requires-python of a project.",
    )(command)


def here(request: str | None = None, *, project: bool = True) -> Here:
    """Return where this process is: the user's store, this machine, the environment, the current folder.

    A request needs no project: if the current folder is gone, what is looked for here and above it is looked
    for in the root. PymanError where it is gone and there is no request.
    """
    try:
        start = current_dir("the project")
    except PymanError:
        if request is None:
            raise
        start = Path("/")
    return Here(user_store(environ()), _machine(), os.environ, start, project)


def project_counts() -> bool:
    """Whether the files of a project have a say, for a command without `--no-project`."""
    return not is_on(environ().get("PYMAN_NO_PROJECT", ""))


def remark(outcome: Outcome, *, quiet: bool) -> None:
    """Warn of what was odd on the way, and of an advisory that is open for what was found; or be `quiet`."""
    if quiet:
        return
    for warning in outcome.warnings:
        ui.warning(warning)
    key = outcome.found.key if outcome.found else None
    for warning in advisories.warnings(key) if key else ():
        ui.warning(f"{warning}; `pyman audit` tells what mends it")


def asked(texts: Sequence[str], *, project: bool) -> list[Request]:
    """Return what was asked for, else what the project asks for, else the newest stable version.

    What is odd in its files is warned of, and what was asked for and means less than it seems to.
    """
    requests = [Request.parse(text) for text in texts] or _of_files(project=project)
    for narrow in filter(None, (ranges.too_narrow(each.specifiers) for each in requests)):
        ui.warning(narrow)
    return requests


def _of_files(*, project: bool) -> list[Request]:
    from pyman.project.project_request import wanted

    found = wanted(current_dir("what to install") if project else None)
    for warning in found.warnings:
        ui.warning(warning)
    if found.path and not found.requests:
        raise UsageError(
            f"{found.path} names no version that can be installed", "Name one: `pyman install 3.13`."
        )
    return list(found.requests) or [Request.parse("latest")]


def wishes_here(*, project: bool) -> "list[Wanted]":
    """Return what each file asks for, the one that counts first; a warning for what cannot be understood."""
    from pyman.project.project_request import wishes

    found = wishes(current_dir("the project") if project else None, ui.warning)
    told = list(islice(found, 1))
    try:
        return [*told, *found]
    except PymanError as error:  # of a file that does not count
        ui.warning(error.message)
        return told


def missing(outcome: Outcome) -> PymanError:
    """Return the error for a request that nothing fits; its hint is whether it can be installed."""
    wish = "a Python of the system" if outcome.system else spelled(outcome.request)
    source = f" ({outcome.file} asks for it)" if outcome.file else ""
    return PymanError(f"no Python found for the request: {wish}{source}", _hint(outcome.request))


def available(request: Request) -> "Build":
    """Return the build that `pyman install` would take; NoDownloadFoundError when there is none."""
    from pyman.choice.select import candidates
    from pyman.cli import settings

    metadata = settings.load_metadata(environ().get("PYMAN_METADATA"))
    return candidates(request, metadata, settings.own_machine())[0]


def check_locked(outcome: Outcome) -> None:
    """Raise PymanError unless pyman knows the build that is locked, with that digest."""
    build = available(outcome.request)
    if build.sha256 != outcome.digest:
        raise ContradictionError(
            f"{outcome.file} and the metadata differ: {build.key} has sha256 {outcome.digest} there, "
            f"and {build.sha256} in the metadata",
            "`pyman install --locked` takes what the lock says, another archive of that build.",
        )


def _hint(request: Request) -> str:
    try:
        build = available(request)
    except PymanError as error:
        return error.hint
    narrow = ranges.too_narrow(request.specifiers)
    return f"{narrow} `pyman install {_quoted(spelled(request))}` installs {build.key}.".lstrip()


def _quoted(text: str) -> str:
    return f'"{text}"' if set(text) & set("<>!*~|") else text


def _machine() -> Machine | None:
    """What this machine is; None where nothing is built for it: other Pythons may well be found there."""
    target = environ().get("PYMAN_TARGET") or None
    try:
        return detection.machine(target)
    except PymanError:
        if target:
            raise
        return None
