"""Discovers interpreters that pyman did not install: on PATH and in the well-known places.

What is found is neither pyman's own, nor in a virtual environment, nor a script: shims, such as pyenv's, are
scripts, and the interpreters that they would start are found where they are.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pyman.discovery.answer_cache import Answers
from pyman.discovery.interpreter import Interpreter
from pyman.discovery.registered import registered
from pyman.discovery.search_places import interpreters_in, minor_in, places
from pyman.environments.pyvenv import CONFIG
from pyman.errors import StoreError
from pyman.portable import whereabouts
from pyman.requests.request import Request
from pyman.system.userdirs import cache_dir, home_dir

_FILE = "facts.json"
_NAMES = ("python", "pypy", "graalpy")


class _Program(NamedTuple):
    """A file that is called like an interpreter: its path, the same without links, and where it was found."""

    path: Path
    real: Path
    where: str


class Surroundings(NamedTuple):
    """Where to look, and the folders whose contents are pyman's own (the stores)."""

    stores: tuple[Path, ...]
    environ: Mapping[str, str]

    def answers(self) -> Answers:
        """Return what interpreters answered before."""
        return Answers(cache_dir(self.environ) / "interpreters" / _FILE)


def discover(around: Surroundings) -> list[Interpreter]:
    """Return every interpreter there is, in the order of preference; those not known yet are started."""
    answers = around.answers()
    programs = list(_programs(around))
    answers.learn([str(program.real) for program in programs])
    found = [found for program in programs if (found := _interpreter(program, answers))]
    answers.save()
    return found


def first(request: Request, around: Surroundings) -> Interpreter | None:
    """Return the first interpreter that fits; starts none whose name tells that it does not fit."""
    answers = around.answers()
    try:
        for program in _programs(around):
            if _may_fit(program, request):
                found = _interpreter(program, answers)
                if found and request.matches(found.key):
                    return found
        return None
    finally:
        answers.save()


def at(path: Path, around: Surroundings) -> Interpreter | None:
    """Return the interpreter that is the program `path`; None if it is none."""
    answers = around.answers()
    found = _interpreter(_Program(path, _real(path), "path"), answers)
    answers.save()
    return found


def _interpreter(program: _Program, answers: Answers) -> Interpreter | None:
    facts = answers.facts(str(program.real))
    if not facts or facts.is_environment:
        return None
    return Interpreter(program.path, program.where, facts)


def _programs(around: Surroundings) -> Iterator[_Program]:
    """Yield each program once, under the name that tells most of it."""
    seen = set()
    stores = {_real(home) for home in around.stores}
    own = whereabouts.interpreter()
    for path, where in _named(around):
        real = _real(path)
        # An environment's link leads to an interpreter which is to be found at a place of its own.
        is_ours = not stores.isdisjoint(real.parents) or own in real.parents
        if real not in seen and not is_ours and not _in_environment(path):
            seen.add(real)
            if _is_program(real):
                yield _Program(_telling(path, real), real, where)


def _home() -> Path | None:
    try:
        return home_dir()
    except StoreError:  # without one there is the rest to look at
        return None


def _named(around: Surroundings) -> Iterator[tuple[Path, str]]:
    """The paths that are called like an interpreter, and where each was found."""
    seen = set()
    for place in places(around.environ, _home()):
        folder = _real(Path(place.folder))
        if folder not in seen:
            seen.add(folder)
            yield from ((Path(place.folder, name), place.where) for name in interpreters_in(place.folder))
    yield from ((Path(path), "registry") for path in registered())


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))  # unlike resolve() it raises nothing for a loop of links


def _is_program(real: Path) -> bool:
    # A link to something with another name is a shim: its program would not know what it is to be.
    return real.name.lower().startswith(_NAMES) and real.is_file() and os.access(real, os.X_OK)


def _in_environment(path: Path) -> bool:
    return any((folder / CONFIG).exists() for folder in path.parents[:2])


def _telling(path: Path, real: Path) -> Path:
    """`/usr/bin/python3.11` for `/usr/bin/python3`, which may be another version tomorrow."""
    if minor_in(real.name) is not None and _real(path.parent) == real.parent:
        return path.with_name(real.name)
    return path


def _may_fit(program: _Program, request: Request) -> bool:
    """Whether the names of the program and of its folder leave it open that it is what was asked for."""
    asked = request.exact.minor if request.exact else (*request.numbers, None, None)[1]
    told = minor_in(program.real.name)
    if told is None:
        told = minor_in(program.real.parent.parent.name)
    return asked is None or told in (None, asked)
