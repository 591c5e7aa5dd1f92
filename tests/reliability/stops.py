"""SIGINT, SIGTERM and SIGHUP at random moments: quick, orderly, and nothing lost."""

import re
import signal
from random import Random
from threading import Lock

from tests.conftest import hanging_up
from tests.reliability.aftermath import aftermath
from tests.reliability.bench import Bench, Row
from tests.reliability.kills import moment, moments
from tests.reliability.runs import Ended, stopped
from tests.reliability.world import World

# SIGHUP may be left to the system, and so may anything that comes before pyman's own code runs.
_CODES = {
    signal.SIGINT: {0, 130, -signal.SIGINT},
    signal.SIGTERM: {0, 143, -signal.SIGTERM},
    signal.SIGHUP: {0, 129, -signal.SIGHUP},
}
_OUR_FUNCTIONS = re.compile(r"/pyman/[^ ]*\.py\", line \d+, in (?!<module>)")
_BOUND = 10.0  # seconds


def run(bench: Bench) -> list[Row]:
    """Stop each of the five commands by each signal, sent to it alone or to its group as a terminal does."""
    with bench.worlds(files=40, padding=500_000) as worlds:
        lengths = moments(worlds[0])
        cases = [(deed.name, each) for deed in worlds[0].deeds() for each in _CODES]
        cases *= bench.wanted.amount(1, 20)
        slowest: dict[str, float] = {}
        lock = Lock()

        def attempt(world: World, case: tuple[str, signal.Signals], random: Random) -> list[str]:
            name, how = case
            deed = next(deed for deed in world.deeds() if deed.name == name)
            world.reset(deed.before)
            at, group = moment(lengths[name], random), random.random() < 1 / 2
            ended = stopped(world.pyman, deed.arguments, at, how, "all" if group else "it")
            with lock:
                slowest[_named(case)] = max(slowest.get(_named(case), 0), ended.seconds)
            wrong = [f"stopped after {at:.3f} s: {each}" for each in _orderly(ended, how)]
            return wrong or aftermath(world, deed)

        with hanging_up():
            rows = bench.each("stops", cases, worlds, attempt, _named)
        return [
            Row(row.subject, row.tried, row.times, row.lost, _longest(slowest[row.tried])) for row in rows
        ]


def _named(case: tuple[str, signal.Signals]) -> str:
    return f"{case[1].name} in the middle of a command"


def _longest(seconds: float) -> str:
    return f"ends within {seconds:.1f} s"


def _orderly(ended: Ended, how: signal.Signals) -> list[str]:
    early = _is_too_early(ended)
    wrong = [] if early else ended.faults()
    if ended.code not in _CODES[how] and not early:
        wrong.append(f"exit code {ended.code}: {ended.stderr[-500:]}")
    if ended.seconds > _BOUND:
        wrong.append(f"it went on for {ended.seconds:.1f} s")
    return wrong


def _is_too_early(ended: Ended) -> bool:
    """Whether ^C came before any function of pyman was called, when Python itself prints what it likes."""
    return "KeyboardInterrupt" in ended.stderr and not _OUR_FUNCTIONS.search(ended.stderr)
