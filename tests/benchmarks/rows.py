"""A row of the table: what was measured against what, the goal, and whether it is met."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.benchmarks.measuring import Series

MIB = 1024 * 1024


class Measure(StrEnum):
    """How two series are compared, each by its median."""

    RATIO = "x the time"
    EXTRA = "ms more"
    PEAK = "MiB at the peak"
    PEAK_RATIO = "x the peak"
    SIZE = "MB"


@dataclass(frozen=True, slots=True)
class Row:
    """`subject` was measured as `mine`, `rival` as `theirs`.

    Without series it was skipped, and `note` says why.
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
    size: float | None = None
    """What a row about a size is about, in MB: it has no series."""

    @property
    def value(self) -> float | None:
        """What the goal is about; None for a row that was skipped."""
        if not self.mine:
            return self.size
        if self.measure is Measure.PEAK:
            return self.mine.peak / MIB
        if not self.theirs:
            return None
        if self.measure is Measure.EXTRA:
            return (self.mine.seconds - self.theirs.seconds) * 1000
        if self.measure is Measure.PEAK_RATIO:
            return self.mine.peak / self.theirs.peak
        return self.mine.seconds / self.theirs.seconds

    @property
    def verdict(self) -> str:
        """`met`, `missed`, `skipped`, or nothing where there is no goal."""
        if self.value is None:
            return "skipped"
        if self.limit is None:
            return ""
        return "met" if self.value <= self.limit else "missed"

    def document(self) -> dict[str, Any]:
        """Return the row for the JSON file, with every run in it."""
        return {
            "case": self.case,
            "subject": self.subject,
            "rival": self.rival,
            "value": self.value,
            "measure": self.measure.value,
            "limit": self.limit,
            "verdict": self.verdict,
            "note": self.note,
            "subject_runs": _runs(self.mine),
            "rival_runs": _runs(self.theirs),
        }


def skipped(case: str, subject: str, rival: str, reason: str) -> Row:
    """Return the row of something that could not be measured here."""
    return Row(case, subject, rival, note=reason)


def _runs(series: Series | None) -> list[dict[str, float]]:
    return [
        {"seconds": sample.seconds, "cpu_seconds": sample.cpu_seconds, "peak_bytes": sample.peak}
        for sample in (series.samples if series else ())
    ]
