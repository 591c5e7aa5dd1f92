"""Which interpreter makes the bytecode: one that is here and fits, else one is downloaded."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from pyman.bootstrap.own_interpreter import Interpreter, Shelf
from pyman.discovery.discover import Surroundings, first
from pyman.errors import PymanError
from pyman.machine import detection
from pyman.requests.request import Request
from pyman.store.installations import user_store


def compilers(interpreter: Interpreter, given: Path | None, shelf: Shelf, work: Path) -> Iterator[Path]:
    """Yield interpreters that may make bytecode for `interpreter`, each step costlier than the one before.

    What was `given` comes first. The last one is downloaded into `work`; raises PymanError if that fails.
    """
    if given:
        yield given
    yield interpreter.installation.executable
    yield Path(sys.executable)
    yield from (tree.resolve() for tree in sorted(work.glob("*/bin/python3")))
    request = Request.parse(f"=={interpreter.key.version.major}.{interpreter.key.version.minor}.*")
    store = user_store(os.environ)
    yield from (each.executable for each in store.visible() if request.matches(each.key))
    if found := first(request, Surroundings(store.homes, os.environ)):
        yield found.path
    yield _downloaded(interpreter, shelf, work)


def _downloaded(interpreter: Interpreter, shelf: Shelf, work: Path) -> Path:
    """The same version for this machine, or the newest of its minor version."""
    own, version = detection.detect().target, interpreter.key.version
    try:
        build = shelf.best(Request.parse(str(version)), own)
    except PymanError:
        build = shelf.best(Request.parse(f"{version.major}.{version.minor}"), own)
    return shelf.unpacked(build, work / "compilers").installation.executable
