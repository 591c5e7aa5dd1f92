"""A row of the table: what was measured against what, the goal, and whether it is met."""

import statistics
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from typing import Any, NamedTuple

from tests.benchmarks.measuring import Series

MIB = 1024 * 1024
_QUARTILES = 4


class Measure(StrEnum):
    """How two series are compared, each by its median."""

    RATIO = "x the time"
    RATIO_BY_ROW = "x the time a row"
    EXTRA = "ms more"
    PEAK = "MiB at the peak"
    PEAK_RATIO = "x the peak"
    SIZE = "MB"


class Spread(NamedTuple):
    """Between what half of the rounds were, each for itself; all of them where they are fewer than four."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """`subject` of `program` was measured as `mine`, `rival` as `theirs`.

    Without series it was skipped or it failed, and `note` says why.
    A row without a limit is there to be compared, not to be met.
    """

    case: str
    subject: str
    rival: str
    mine: Series | None = None
    theirs: Series | None = None
    limit: float | None = None
    measure: Measure = Measure.RATIO
    note: str = ""
    program: str = "wheel"
    size: float | None = None
    """What a row about a size is about, in MB: it has no series."""
    counts: tuple[int, int] = (1, 1)
    """How many rows `mine` and `theirs` print, where they are compared by the row."""
    failed: bool = False

    @property
    def value(self) -> float | None:
        """What the goal is about; None for a row that was skipped."""
        if not self.mine:
            return self.size
        if self.measure in (Measure.PEAK, Measure.PEAK_RATIO):
            return self._compared(self.mine.peak, self.theirs.peak if self.theirs else 0.0)
        return self._compared(self.mine.seconds, self.theirs.seconds) if self.theirs else None

    @property
    def spread(self) -> Spread | None:
        """How much what the goal is about differs from round to round; None where there is one round."""
        each = self._rounds()
        if len(each) < _QUARTILES:
            return Spread(min(each), max(each)) if len(each) > 1 else None
        low, _, high = statistics.quantiles(each, n=_QUARTILES, method="inclusive")
        return Spread(low, high)

    @property
    def verdict(self) -> str:
        """`met`, `missed`, `skipped`, `failed`, or nothing where there is no goal."""
        if self.value is None:
            return "failed" if self.failed else "skipped"
        if self.limit is None:
            return ""
        return "met" if self.value <= self.limit else "missed"

    def document(self) -> dict[str, Any]:
        """Return the row for the JSON file, with every run in it."""
        return {
            "case": self.case,
            "program": self.program,
            "subject": self.subject,
            "rival": self.rival,
            "value": self.value,
            "spread": self.spread,
            "measure": self.measure.value,
            "limit": self.limit,
            "verdict": self.verdict,
            "note": self.note,
            "subject_runs": _runs(self.mine),
            "rival_runs": _runs(self.theirs),
        }

    def _rounds(self) -> list[float]:
        """What the goal is about, round by round: A and B of one round were run one after the other."""
        if not self.mine:
            return []
        if self.measure is Measure.PEAK:
            return [self._compared(sample.peak, 0.0) for sample in self.mine.samples]
        if not self.theirs:
            return []
        pairs = zip(self.mine.samples, cycle(self.theirs.samples), strict=False)
        if self.measure is Measure.PEAK_RATIO:
            return [self._compared(mine.peak, theirs.peak) for mine, theirs in pairs]
        return [self._compared(mine.seconds, theirs.seconds) for mine, theirs in pairs]

    def _compared(self, mine: float, theirs: float) -> float:
        if self.measure is Measure.PEAK:
            return mine / MIB
        if self.measure is Measure.EXTRA:
            return (mine - theirs) * 1000
        return mine / self.counts[0] / (theirs / self.counts[1])


def skipped(case: str, reason: str, *, failed: bool = False) -> Row:
    """Return the row of something that could not be measured here, or that failed."""
    return Row(case, "", "", note=reason, program="", failed=failed)


def _runs(series: Series | None) -> list[dict[str, float]]:
    return [
        {"seconds": sample.seconds, "cpu_seconds": sample.cpu_seconds, "peak_bytes": sample.peak}
        for sample in (series.samples if series else ())
    ]
