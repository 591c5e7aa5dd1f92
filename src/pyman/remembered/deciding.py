"""Decides which Python is meant in a folder, as `find` does, and writes down what a shell may go by.

Written down is only what a shell can see to be still so: that a file, or what all answers rest on, is as it
was. So an answer is one of pyman's own Pythons or a `.venv`, whose times tell of all that could change it,
and never one of the system's, which depends on what is in every folder of PATH.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pyman.discovery.finder import MANAGED, Found, Here, Outcome, find, installed
from pyman.environments.pyvenv import CONFIG
from pyman.errors import PymanError, UsageError
from pyman.project import pins, requirement, version_file
from pyman.remembered import answers
from pyman.remembered.answers import Answer
from pyman.remembered.ground import Ground
from pyman.remembered.trail import Met, Trail
from pyman.requests.request import Request
from pyman.store.installations import executable_name

Explain = Callable[[Outcome], str]


class _Known(NamedTuple):
    """What was seen before anything was read: what it rests on, and the files on the way up."""

    ground: Ground
    trail: Trail
    environment: Met | None

    @classmethod
    def of(cls, here: Here) -> "_Known":
        folders = (here.start, *here.start.parents)
        configs = (folder / ".venv" / CONFIG for folder in folders)
        environment = next((Met.at(path) for path in configs if os.access(path, os.R_OK)), None)
        trail = Trail.up_from(here.start) if here.project else Trail(None, (), ())
        return cls(Ground.now(here.store, here.environ), trail, environment)


def decide(here: Here, explain: Explain | None = None, *, environments: bool = True) -> Outcome:
    """Return what `find` does where nothing was typed, and remember it.

    Nobody is trusted whose `.venv` others could change, nor a file that names an interpreter: that raises
    PymanError, beside what `find` raises. With `explain` it is remembered too that there is none of pyman's
    own, and why: it returns what a shell is to say, and "" where there is nothing to be said.
    """
    here = here._replace(wary=True)
    known = _Known.of(here)
    try:
        outcome = find(None, here, environments=environments)
    except UsageError as error:
        if explain:
            _remember(known, here, list(_about_broken(known.trail, error)))
        raise
    in_environment = outcome.found and outcome.found.environment
    speaks = pins.nearest(here.start) if here.project and not in_environment else None
    if speaks and speaks.python and outcome.file == speaks.path:
        raise PymanError(
            f"{speaks.path} asks for the interpreter {speaks.python}: a file may only ask for a version",
            f"Start it by its path, or name a version in {speaks.path.name}.",
        )
    lines = _lines(outcome, explain)
    if lines:
        _remember(known, here, list(_about(known, here, outcome, speaks and speaks.path, lines)))
    return outcome


def decide_named(name: str, here: Here) -> Outcome:
    """Return what a name such as `python3.12` means: what is meant in the folder if it is one, or the newest.

    What is wrong in the folder does not matter to it. Raises UsageError for a name that is none.
    """
    try:
        outcome = decide(here)
        if outcome.found and _name(outcome.found) == name:
            return outcome
    except PymanError:
        pass
    known = _Known.of(here)
    request = Request.parse(name.removeprefix("python"))
    outcome = Outcome(request, installed(request, here))
    lines = _lines(outcome, None)
    if lines:
        _remember(known, here, [Answer(f"{answers.NAMED}/{name}", lines)])
    return outcome


def _lines(outcome: Outcome, explain: Explain | None) -> tuple[str, ...]:
    """The lines of an answer; none where nothing can be told that a shell could see to be still so."""
    found = outcome.found
    if found and found.where in (MANAGED, ".venv"):
        return (str(found.path.parent), found.path.name, _name(found))
    return ("", *explain(outcome).splitlines()) if explain else ()


def _name(found: Found) -> str:
    return executable_name(found.key) if found.key else ""


def _remember(known: _Known, here: Here, told: list[Answer]) -> None:
    """Write it down, if all that it rests on is as it was before."""
    if known.ground.is_settled and known.ground == Ground.now(here.store, here.environ):
        answers.put(known.ground, told)


def _about_broken(trail: Trail, error: UsageError) -> Iterator[Answer]:
    """The answer about the version file in which nothing is a request: why, in place of a Python."""
    for met in trail.versions:
        try:
            if met.path.name in pins.NAMES:
                version_file.own_form(met.path)
        except UsageError:
            told = f"{error.message}\n{error.hint}".splitlines()
            yield from _answer(met, ("", *map(_plain, told)))
            return


def _plain(line: str) -> str:
    """A line that steers no terminal: a shell prints it as it is, and what was read stands in it."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


def _about(
    known: _Known, here: Here, outcome: Outcome, speaks: Path | None, lines: tuple[str, ...]
) -> Iterator[Answer]:
    """The answers about the files that were met: those that were passed over, and the one that decides."""
    if outcome.found and outcome.found.environment:
        decides = known.environment
        if decides and outcome.found.where == ".venv" and decides.path.parent == outcome.found.environment:
            yield from _answer(decides, lines)
        return
    yield from _passed_over(known.trail.versions, speaks)
    version = next((each for each in known.trail.versions if each.path == speaks), None)
    if known.trail.lock:
        yield from _with_lock(known.trail.lock, version, outcome, lines)
    elif version:
        yield from _answer(version, lines)
    elif known.trail.requirements:
        yield from _required(known.trail.requirements, here, lines)
    elif not speaks:
        yield Answer(answers.NONE, lines)


def _with_lock(lock: Met, version: Met | None, outcome: Outcome, lines: tuple[str, ...]) -> Iterator[Answer]:
    """What a lock and the version file say together; nothing if what decides is neither."""
    if version and version.is_settled:
        yield from _answer(lock, (*lines, str(version.path)))
        yield Answer(f"{lock.path}{answers.WITH}", (), version.time)
    elif not version and outcome.digest:
        yield from _answer(lock, (*lines, ""))


def _required(met: tuple[Met, ...], here: Here, lines: tuple[str, ...]) -> Iterator[Answer]:
    """What a project requires, and the user's own pin with it: that one is part of the ground."""
    found = requirement.requirement(here.start, lambda _: None)
    is_end = (met[-1].path.parent / requirement.NAME) in (each.path for each in met)
    decides = found.path if found else met[-1].path if is_end else None
    yield from _passed_over(met, decides)
    yield from (answer for each in met if each.path == decides for answer in _answer(each, lines))
    if not decides:
        yield Answer(answers.NONE, lines)


def _passed_over(met: tuple[Met, ...], decides: Path | None) -> Iterator[Answer]:
    for each in met:
        if each.path == decides:
            return
        yield from _answer(each, (answers.PASSED_OVER,))


def _answer(met: Met, lines: tuple[str, ...]) -> Iterator[Answer]:
    if met.is_settled:
        yield Answer(str(met.path), lines, met.time)
