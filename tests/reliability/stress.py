"""Sixteen processes at once on one store: no error but those that are meant, nothing torn at any moment."""

import contextlib
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.reliability.bench import Bench, Row
from tests.reliability.checks import VERIFIES, damage, losses, unswept, unverified
from tests.reliability.runs import Ended
from tests.reliability.world import World
from tests.support.server import slow

_AT_ONCE = 16
_SAME = 8  # processes that ask for one build at once
_WATCH = """\
import os, sys, time
end, looks, gaps, there = time.monotonic() + float(sys.argv[2]), 0, 0, True
while time.monotonic() < end:
    was, there = there, os.path.exists(sys.argv[1])
    looks, gaps = looks + 1, gaps + (was and not there)
print(looks, gaps)
"""
_WAITING = "Waiting for another process"


@dataclass(frozen=True, slots=True)
class _Operation:
    """A command, how often it comes, and the failures that are no fault: an exit code, and what it prints."""

    arguments: tuple[str, ...]
    weight: int = 1
    expected: dict[int, str] = field(default_factory=dict)


def run(bench: Bench) -> list[Row]:
    """Let them loose for a minute, bounded for eight seconds; then ask for one build by eight at once."""
    with bench.worlds(files=10, padding=50_000) as worlds:
        return [*_crowd(bench, worlds[0]), _same_build(bench, worlds[-1])]


def _operations(world: World) -> list[_Operation]:
    old, new, other = world.builds.old.key, world.builds.new.key, world.builds.other.key
    gone = "nothing installed fits the request"
    operations = [
        _Operation(("install", new), 3),
        _Operation(("install", old, new), 2),
        _Operation(("install", "--reinstall", other), 3),
        _Operation(("install", "--reinstall", new), 2),
        _Operation(("uninstall", new), 3, {1: gone}),
        _Operation(("uninstall", old), 2, {1: gone}),
        _Operation(("upgrade", world.builds.minor), 2, {1: gone}),
        _Operation(("prune", "--yes"), 1),
        _Operation(("list", "--only-installed", "--json"), 3),
        _Operation(("find", other), 3),
        _Operation(("find", world.builds.minor), 3, {1: "^error: "}),
        _Operation(("outdated",), 1, {1: world.builds.minor}),
    ]
    return [*operations, _Operation(("verify", other), 2)] if VERIFIES else operations


class _Crowd:
    """What sixteen workers do, and what they and those who watch them saw."""

    def __init__(self, bench: Bench, world: World) -> None:
        self.bench = bench
        self.world = world
        self.end = time.monotonic() + bench.wanted.amount(8, 60)
        self.counts = Counter[str]()
        self.wrong: list[str] = []
        self.looks = 0
        self._lock = threading.Lock()

    def work(self, number: int) -> None:
        """Do one thing after another until the time is over."""
        random = self.bench.random("stress", number)
        operations = _operations(self.world)
        weights = [each.weight for each in operations]
        while time.monotonic() < self.end:
            operation = random.choices(operations, weights)[0]
            ended = self.world.forks.run(self.world.pyman, *operation.arguments)
            self._note(
                operation.arguments[0], [*_unexpected(operation, ended), *self._seen(operation, ended)]
            )

    def look(self) -> None:
        """See again and again that every file of what is only ever installed anew is there and whole."""
        place = self.world.pyman.store / self.world.builds.other.key
        while time.monotonic() < self.end:
            self._note("looks", _torn(self.world, place))

    def watch(self) -> None:
        """See, as often as a process that does nothing else can, that its interpreter is there."""
        other = self.world.builds.other
        path = self.world.pyman.store / other.key / "bin" / f"python{other.version.rpartition('.')[0]}"
        seconds = str(self.end - time.monotonic())
        done = subprocess.run([sys.executable, "-c", _WATCH, path, seconds], capture_output=True, check=True)
        self.looks, gaps = map(int, done.stdout.split())
        self._note("looks", [f"{path.name} of {other.key} was not there for a moment"] * gaps)

    def _note(self, name: str, wrong: list[str]) -> None:
        with self._lock:
            self.counts[name] += 1
            self.wrong += wrong

    def _seen(self, operation: _Operation, ended: Ended) -> list[str]:
        """What `find` printed of the build that is never removed must be there."""
        path = Path(ended.stdout.strip())
        if operation.arguments != ("find", self.world.builds.other.key) or ended.code or path.exists():
            return []
        return [f"find printed {path}, which is not there"]


def _unexpected(operation: _Operation, ended: Ended) -> list[str]:
    wrong = ended.faults()
    expected = operation.expected.get(ended.code) if ended.code else ""
    if expected is None or not re.search(expected, ended.stdout + ended.stderr, re.MULTILINE):
        wrong.append(f"`pyman {' '.join(operation.arguments)}` ends with {ended.code}: {ended.stderr[-600:]}")
    return wrong


def _torn(world: World, place: Path) -> list[str]:
    """Return what is damaged in an installation, if it is the same one before and after the look."""
    with contextlib.suppress(FileNotFoundError):  # replaced while it was looked at
        before = os.stat(place).st_ino  # noqa: PTH116 - as below
        wrong = damage(place, world.trees[place.name])
        if wrong and os.stat(place).st_ino == before:  # noqa: PTH116 - without following what Path adds
            return [f"torn: {each}" for each in wrong]
    return []


def _crowd(bench: Bench, world: World) -> list[Row]:
    world.reset(frozenset({world.builds.old.key, world.builds.other.key}))
    crowd = _Crowd(bench, world)
    with ThreadPoolExecutor(_AT_ONCE + 2) as pool:
        under_way = [
            pool.submit(crowd.watch),
            pool.submit(crowd.look),
            *(pool.submit(crowd.work, n) for n in range(_AT_ONCE)),
        ]
    for each in under_way:
        each.result()
    wrong = crowd.wrong + _at_rest(world)
    if wrong:
        kinds = [f"{count} times: {text}" for text, count in Counter(wrong).most_common(8)]
        bench.lose("stress", 0, f"{_AT_ONCE} processes at once", kinds, world)
    looks = crowd.counts.pop("looks")
    done = ", ".join(f"{count} {name}" for name, count in sorted(crowd.counts.items()))
    note = f"{done}; looked at {crowd.looks:,} times, {looks:,} times at every file"
    return [
        Row("stress", f"{_AT_ONCE} processes at once on one store", crowd.counts.total(), len(wrong), note)
    ]


def _at_rest(world: World) -> list[str]:
    """What is wrong once all have ended: one more writer must leave everything as it should be."""
    done = world.forks.run(world.pyman, "install", "--reinstall", world.builds.other.key)
    wrong = done.faults() + ([done.stderr] if done.code else [])
    wrong += losses(world.pyman, world.trees, {world.builds.other.key}) + unverified(world.forks, world.pyman)
    return wrong + unswept(world.pyman)


def _same_build(bench: Bench, world: World) -> Row:
    """Ask for one build by eight processes at once: it comes once, the others wait and say so."""
    times = bench.wanted.amount(1, 10)
    lost = 0
    for number in range(times):
        world.reset(frozenset({world.builds.other.key}))
        file = world.builds.new.file
        before = world.server.count(file)
        world.server.spoil(file, slow, times=1)
        with ThreadPoolExecutor(_SAME) as pool:
            ends = list(
                pool.map(
                    lambda _: world.forks.run(world.pyman, "install", world.builds.new.key), range(_SAME)
                )
            )
        wrong = [each for ended in ends for each in ended.faults()]
        wrong += [ended.stderr for ended in ends if ended.code]
        asked, told = world.server.count(file) - before, sum(_WAITING in ended.stderr for ended in ends)
        wrong += [] if asked == 1 else [f"it was downloaded {asked} times"]
        wrong += [] if told == _SAME - 1 else [f"{told} of {_SAME - 1} said that they wait"]
        wrong += losses(world.pyman, world.trees, {world.builds.other.key, world.builds.new.key})
        if wrong:
            lost += 1
            bench.lose("stress", number, f"one build by {_SAME} at once", wrong, world)
    return Row(
        "stress",
        f"one build asked for by {_SAME} processes at once",
        times,
        lost,
        "downloaded once each time",
    )
