"""Whole processes, measured in turns, A B A B: what else the machine does hits all alike."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_Name = TypeVar("_Name")
_KIB = 1024
_TOLD = 2000  # characters of what a failing command said


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Command:
    """A command line with its whole environment.

    `prepare` comes before each run and `confirm` after it, which raises RuntimeError unless what should have
    happened has; neither is measured.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    prepare: Callable[[], None] = _nothing
    folder: Path = Path("/")
    confirm: Callable[[], None] = _nothing


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: the time that passed and that of the processors (s), and the peak of memory (bytes).

    The peak is `ru_maxrss` of wait4(2): the largest of the process and those it waited for. Linux counts what
    its parent had when it was started, too, so this program itself stays small. `memory` has that of all
    processes together.
    """

    seconds: float
    cpu_seconds: float
    peak: int


@dataclass(frozen=True, slots=True)
class Series:
    """The runs of one command; what is told of them is the median."""

    samples: tuple[Sample, ...]

    @property
    def seconds(self) -> float:
        """The time that passed."""
        return statistics.median(sample.seconds for sample in self.samples)

    @property
    def cpu_seconds(self) -> float:
        """The time of all processors, also of the processes it waited for."""
        return statistics.median(sample.cpu_seconds for sample in self.samples)

    @property
    def peak(self) -> float:
        """The peak of memory, in bytes."""
        return statistics.median(sample.peak for sample in self.samples)


def computed(seconds: float) -> Series:
    """Return a series for a time that is not measured but known: so long the bytes are on the wire."""
    return Series((Sample(seconds, 0.0, 0),))


def interleaved(
    commands: Mapping[_Name, Command], rounds: int, measure: Callable[[Command], Sample]
) -> dict[_Name, Series]:
    """Run all commands, then all again, `rounds` times, after one round that does not count.

    Raises RuntimeError, with what it said, for a command that fails or did not do what it should.
    """
    samples: dict[_Name, list[Sample]] = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, command in commands.items():
            samples[name].append(measure(command))
    return {name: Series(tuple(taken[1:])) for name, taken in samples.items()}


def run(command: Command, watch: Callable[[int], int] | None = None) -> Sample:
    """Run one command to its end; RuntimeError if it fails.

    `watch` gets the number of its process, goes on until that has ended, and returns the peak in bytes.
    """
    command.prepare()
    with tempfile.TemporaryFile() as said:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command.arguments,
            env=command.environment,
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            peak = watch(process.pid) if watch else 0
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)  # or it would be waited for again
        if process.returncode:
            said.seek(0)
            words = said.read(_TOLD).decode("utf-8", "replace")
            raise RuntimeError(f"{' '.join(command.arguments)}: exit code {process.returncode}: {words}")
    command.confirm()
    return Sample(seconds, usage.ru_utime + usage.ru_stime, peak or usage.ru_maxrss * _KIB)
