"""What `find`, `run` and `pin` have in common: where they look from, and what they say when nothing fits."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pyman.cli.configured import environ
from pyman.discovery.finder import Here, Outcome
from pyman.errors import PymanError
from pyman.machine import detection
from pyman.machine.detection import Machine
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.store.installations import user_store
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.catalogue.build import Build


def here(request: str | None = None) -> Here:
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
    return Here(user_store(environ()), _machine(), os.environ, start)


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
    return candidates(request, metadata, settings.machine(environ().get("PYMAN_TARGET")))[0]


def _hint(request: Request) -> str:
    try:
        build = available(request)
    except PymanError as error:
        return error.hint
    return f"`pyman install {_quoted(spelled(request))}` installs {build.key}."


def _quoted(text: str) -> str:
    return f'"{text}"' if set(text) & set("<>!*~") else text


def _machine() -> Machine | None:
    """What this machine is; None where nothing is built for it: other Pythons may well be found there."""
    target = environ().get("PYMAN_TARGET") or None
    try:
        return detection.machine(target)
    except PymanError:
        if target:
            raise
        return None
