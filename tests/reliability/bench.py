"""The bench: tries cases, several at a time, and keeps what was lost."""

import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import TypeVar

from tests.reliability.runs import Forks, forking
from tests.reliability.world import World, world

T = TypeVar("T")
_KEPT = 5  # stores of losses


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `lost` counts the cases in which anything was wrong."""

    subject: str
    tried: str
    times: int
    lost: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be tried: all of it or a bounded part, from which seed on, perhaps one case only."""

    seed: int
    full: bool
    case: int | None = None
    workers: int = 2

    def amount(self, bounded: int, full: int) -> int:
        """Return the number that fits."""
        return full if self.full else bounded


@dataclass
class Bench:
    """Where cases are tried. `folder` is for everything that is made on the way."""

    wanted: Wanted
    folder: Path
    forks: Forks
    losses: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def worlds(self, *, files: int, padding: int, count: int = 0) -> Iterator[list[World]]:
        """Give a world to each worker, or so many as are asked for; one is enough for one case."""
        count = (count or self.wanted.workers) if self.wanted.case is None else 1
        with ExitStack() as stack:
            place = Path(tempfile.mkdtemp(dir=self.folder))
            yield [
                stack.enter_context(world(place / str(n), self.forks, files=files, padding=padding))
                for n in range(count)
            ]

    def random(self, subject: str, case: int) -> Random:
        """Return the source of chance of one case: the same for the same seed, whichever cases are tried."""
        return Random(f"{self.wanted.seed} {subject} {case}")  # noqa: S311 - no secret

    def each(
        self,
        subject: str,
        cases: Sequence[T],
        worlds: Sequence[World],
        attempt: Callable[[World, T, Random], list[str]],
        named: Callable[[T], str],
    ) -> list[Row]:
        """Try every case in one of the worlds; returns a row for each name that cases have."""
        free: SimpleQueue[World] = SimpleQueue()
        for one in worlds:
            free.put(one)
        tried, lost = Counter[str](), Counter[str]()

        def run(number: int) -> None:
            case, place = cases[number], free.get()
            try:
                wrong = self._tried(attempt, place, case, self.random(subject, number))
                with self._lock:
                    tried[named(case)] += 1
                    lost[named(case)] += bool(wrong)
                self._tell(subject, tried.total(), len(cases))
                if wrong:
                    self.lose(subject, number, f"{named(case)} ({case})", wrong, place)
            finally:
                free.put(place)

        numbers = [n for n in range(len(cases)) if self.wanted.case in (None, n)]
        with ThreadPoolExecutor(len(worlds)) as pool:
            list(pool.map(run, numbers))
        return [
            Row(subject, name, tried[name], lost[name])
            for name in dict.fromkeys(map(named, cases))
            if tried[name]
        ]

    def _tell(self, subject: str, count: int, of: int) -> None:
        """Say now and then how far it is, for a full run takes long."""
        if self.wanted.full and count % 100 == 0:
            print(f"{subject}: {count:,} of {of:,}", file=sys.stderr, flush=True)

    def _tried(
        self, attempt: Callable[[World, T, Random], list[str]], place: World, case: T, random: Random
    ) -> list[str]:
        try:
            return attempt(place, case, random)
        except OSError as error:  # a store so broken that it cannot be looked at
            return [f"{type(error).__name__}: {error}"]

    def lose(self, subject: str, number: int, what: str, wrong: Sequence[str], place: World | None) -> None:
        """Say what was lost and how to see it again, and keep the store."""
        wanted = self.wanted
        mode = "--full" if wanted.full else "--bounded"
        command = f"python -m tests.reliability {mode} --only {subject} --seed {wanted.seed} --case {number}"
        with self._lock:
            kept = self._keep(place) if place and len(self.losses) < _KEPT else ""
            text = "\n  ".join([f"LOST: {subject}: {what}", *wrong[:8], f"again: {command}{kept}"])
            self.losses.append(text)
            print(text, file=sys.stderr, flush=True)

    def _keep(self, place: World) -> str:
        kept = Path(tempfile.mkdtemp(prefix="pyman-lost-"))
        for folder in (place.pyman.store, place.pyman.bin):
            if folder.exists():
                with suppress(shutil.Error):  # pipes cannot be copied
                    shutil.copytree(folder, kept / folder.name, symlinks=True)
        return f"\n  kept: {kept}"


@contextmanager
def bench(wanted: Wanted) -> Iterator[Bench]:
    """Give a bench in a folder of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="pyman-reliability-") as name:
        folder = Path(name).resolve()
        with forking() as forks:
            yield Bench(wanted, folder, forks)
