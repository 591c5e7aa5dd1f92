"""kill -9, to all processes or to one of them, at random moments of every command that changes the store."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

from tests.reliability.aftermath import aftermath
from tests.reliability.bench import Bench, Row
from tests.reliability.runs import Ended, Whom, stopped, whole
from tests.reliability.world import World, real_world

# How often each is tried, for every command.
_WHOM: dict[Whom, int] = {"all": 6, "it": 1, "children": 2}
_TOLD = {"all": "all its processes", "it": "it alone", "children": "those that it has started"}
_MARGIN = 1.05  # of the measured time: the moment may lie just behind the end


def moments(world: World) -> dict[str, float]:
    """Return how long each command takes when nothing disturbs it, in seconds."""
    lengths = {}
    for deed in world.deeds():
        world.reset(deed.before)
        done = whole(world.pyman, *deed.arguments)
        if done.code:
            raise RuntimeError(f"undisturbed, `pyman {' '.join(deed.arguments)}` fails: {done.stderr}")
        lengths[deed.name] = done.seconds
    return lengths


def moment(length: float, random: Random) -> float:
    """Return a moment of a command that takes so long; every third in its last third, where it publishes."""
    begin = length * 2 / 3 if random.random() < 1 / 3 else 0.0
    return random.uniform(begin, length * _MARGIN)


def run(bench: Bench) -> list[Row]:
    """Kill each of the five commands, or what it has started, as often as is wanted."""
    with _worlds(bench) as worlds:
        lengths = moments(worlds[0])
        cases = [(deed.name, whom) for whom, times in _WHOM.items() for deed in worlds[0].deeds() * times]
        cases *= bench.wanted.amount(1, 8)

        def attempt(world: World, case: tuple[str, Whom], random: Random) -> list[str]:
            name, whom = case
            deed = next(deed for deed in world.deeds() if deed.name == name)
            world.reset(deed.before)
            ended = stopped(world.pyman, deed.arguments, moment(lengths[name], random), signal.SIGKILL, whom)
            return _wrong(ended, whom) or aftermath(world, deed)

        rows = bench.each("kills", cases, worlds, attempt, _named)
        note = f"{', '.join(lengths)} in turn; {worlds[0].what}"
        return [replace(row, note=note) for row in rows]


def _wrong(ended: Ended, whom: Whom) -> list[str]:
    """Return what is wrong with how it ended; without its children it goes on, or says what has happened."""
    if whom == "children" and ended.code == 1:
        return ended.faults() + ended.unclear()
    code = 0 if whom == "children" else -signal.SIGKILL
    return ended.faults() + ([] if ended.code in (0, code) else [f"exit code {ended.code}: {ended.stderr}"])


def _named(case: tuple[str, Whom]) -> str:
    return f"kill -9 in the middle of a command, {_TOLD[case[1]]}"


@contextmanager
def _worlds(bench: Bench) -> Iterator[list[World]]:
    """In full, and where the fixtures are at hand, with real interpreters; else with small builds."""
    fixtures = os.environ.get("PYMAN_TEST_FIXTURES")
    if not (bench.wanted.full and fixtures):
        with bench.worlds(files=40, padding=500_000) as light:
            yield light
        return
    with ExitStack() as stack:
        place = Path(tempfile.mkdtemp(dir=bench.folder))
        yield [
            stack.enter_context(real_world(place / str(n), bench.forks, Path(fixtures)))
            for n in range(bench.wanted.workers)
        ]
