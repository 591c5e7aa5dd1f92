"""kill -9, to the whole process group, at random moments of every command that changes the store."""

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
from tests.reliability.runs import stopped, whole
from tests.reliability.world import World, real_world

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
    """Kill each of the five commands as often as is wanted."""
    with _worlds(bench) as worlds:
        lengths = moments(worlds[0])
        names = [deed.name for deed in worlds[0].deeds()] * bench.wanted.amount(8, 60)

        def attempt(world: World, name: str, random: Random) -> list[str]:
            deed = next(deed for deed in world.deeds() if deed.name == name)
            world.reset(deed.before)
            ended = stopped(world.pyman, deed.arguments, moment(lengths[name], random), signal.SIGKILL)
            wrong = [] if ended.code in (0, -signal.SIGKILL) else [f"exit code {ended.code}: {ended.stderr}"]
            return wrong or aftermath(world, deed)

        rows = bench.each("kills", names, worlds, attempt, _named)
        note = f"{', '.join(lengths)} in turn; {worlds[0].what}"
        return [replace(row, note=note) for row in rows]


def _named(_: str) -> str:
    return "kill -9 in the middle of a command"


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
