"""A fault at every step: before each change of a file, in turn, it is killed, or the system refuses it."""

from dataclasses import dataclass, replace
from random import Random

from tests.reliability.aftermath import aftermath
from tests.reliability.bench import Bench, Row
from tests.reliability.injection import KILL, Fault
from tests.reliability.runs import Ended
from tests.reliability.world import Deed, World

_ERRORS = ("EIO", "ENOSPC", "EACCES", "EDQUOT", "EROFS")
# What no clean-up gets around: a disk that is full or broken stays so.
_LASTING = ("EIO", "ENOSPC", "EROFS")
_NEVER = 1 << 40


@dataclass(frozen=True, slots=True)
class _Case:
    """A command and the fault it meets."""

    name: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.name}: {self.fault}"


def run(bench: Bench) -> list[Row]:
    """Try every fault at every step; bounded, a part of them that chance picks."""
    with bench.worlds(files=3, padding=5_000) as worlds:
        cases = [case for deed in worlds[0].deeds() for case in _cases(deed, steps(worlds[0], deed))]
        if not bench.wanted.full:
            cases = sorted(bench.random("faults", -1).sample(cases, 80), key=cases.index)
        notes = {"one": ", ".join(_ERRORS), "every": ", ".join(_LASTING)}
        rows = bench.each("faults", cases, worlds, _attempt, _named)
        return [replace(row, note=notes.get(row.tried.split()[0], "")) for row in rows]


def steps(world: World, deed: Deed) -> int:
    """Return how many changes of files a command makes when nothing disturbs it."""
    world.reset(deed.before)
    done = world.forks.run(world.pyman, *deed.arguments, fault=Fault(_NEVER, KILL))
    if done.code or not done.steps:
        raise RuntimeError(f"undisturbed, `pyman {' '.join(deed.arguments)}` fails: {done.stderr}")
    return done.steps


def _cases(deed: Deed, count: int) -> list[_Case]:
    """Two steps more than were counted, for threads take turns as they like."""
    faults = [Fault(step, what) for step in range(1, count + 3) for what in (KILL, *_ERRORS)]
    faults += [Fault(step, what, lasting=True) for step in range(1, count + 3) for what in _LASTING]
    return [_Case(deed.name, fault) for fault in faults]


def _named(case: _Case) -> str:
    if case.fault.what == KILL:
        return "killed before one change of a file"
    return "every change of a file from one on fails" if case.fault.lasting else "one change of a file fails"


def _attempt(world: World, case: _Case, random: Random) -> list[str]:
    del random
    deed = next(deed for deed in world.deeds() if deed.name == case.name)
    world.reset(deed.before)
    ended = world.forks.run(world.pyman, *deed.arguments, fault=case.fault)
    return _orderly(ended, case.fault) or aftermath(world, deed)


def _orderly(ended: Ended, fault: Fault) -> list[str]:
    """Return what is wrong with how a run ended which met a fault: it may get over it, else it says so."""
    if fault.what == KILL:
        return [] if ended.code in (0, -9) else [f"exit code {ended.code}: {ended.stderr}"]
    return ended.faults() + (ended.unclear() if ended.code else [])
