"""The table as people read it, and the same as JSON."""

import json
import os
import platform
import textwrap
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.benchmarks.rows import MIB, Measure, Row

_HEAD = ("", "", "against", "time", "result", "quartiles", "goal", "")
_LEFT = 3  # columns that are words
_MILLI = 1000


def markdown(rows: Sequence[Row], facts: dict[str, str]) -> str:
    """Return a table as a block of text, a part for each case, with the facts below it."""
    parts = [list(part) for _, part in groupby(rows, lambda row: row.case)]
    table = "\n\n".join(_part(part) for part in parts)
    told = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    return f"```text\n{table}\n```\n\n{told}\n"


def document(rows: Sequence[Row], facts: dict[str, str]) -> str:
    """Return the same as JSON, with every single run."""
    value: dict[str, Any] = {"facts": facts, "rows": [row.document() for row in rows]}
    return json.dumps(value, indent=1) + "\n"


def machine() -> dict[str, str]:
    """Return what the numbers depend on beside the programs."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {_processor()}, {_memory()}, {platform.platform()}",
    }


class Bystanders:
    """How much of the machine is busy with something else, from when this is made."""

    def __init__(self) -> None:
        self._before = self._now()

    def told(self) -> str:
        """Return how many processors were, in the mean."""
        busy, own, clock = (now - before for now, before in zip(self._now(), self._before, strict=True))
        return f"{max(0.0, busy - own) / clock:.1f} of {os.cpu_count()} processors"

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Seconds of all processors, of this process with those it waited for, and of the clock."""
        numbers = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split()[1:9]]
        idle = numbers[3] + numbers[4]
        busy = (sum(numbers) - idle) / os.sysconf("SC_CLK_TCK")
        return busy, sum(os.times()[:4]), time.monotonic()


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds `folder`, such as ext4."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    above = {str(path) for path in (folder, *folder.parents)}
    holding = [(len(point), number, kind) for number, (point, kind) in enumerate(mounts) if point in above]
    return max(holding)[2] if holding else "unknown"


def _part(rows: Sequence[Row]) -> str:
    """Return the lines of one case, with its name above them."""
    lines = [_HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    widths[1] = max(widths[1], len(rows[0].case) - widths[0] - 1)
    heading = rows[0].case.ljust(widths[0] + 1 + widths[1])
    said, remark = [f"{heading} {_line(_HEAD[2:], widths[2:], 1)}"], ""
    for row, cells in zip(rows, lines[1:], strict=True):
        if row.note and row.note != remark:
            said += textwrap.wrap(f"({row.note})", 96, initial_indent="  ", subsequent_indent="   ")
        remark = row.note
        said.append(_line(cells, widths, _LEFT))
    return "\n".join(said)


def _line(cells: Sequence[str], widths: Sequence[int], left: int) -> str:
    """Return the cells side by side: words begin on one line, numbers end on one."""
    padded = [
        cell.ljust(width) if column < left or column == len(cells) - 1 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return " ".join(padded).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    spread = row.spread
    return (
        row.program,
        row.subject.replace("`", ""),
        row.rival.replace("`", ""),
        f"{row.mine.seconds * _MILLI:.0f} ms" if row.mine and row.measure not in _PEAKS else "",
        "" if row.value is None else _number(row.value, row.measure),
        f"{spread.low:.2f}-{spread.high:.2f}" if spread and row.measure in _RATIOS else "",
        "" if row.limit is None else f"{row.limit:g}",
        row.verdict,
    )


_PEAKS = (Measure.PEAK, Measure.PEAK_RATIO)  # measured with a look now and then, which slows
_RATIOS = (Measure.RATIO, Measure.RATIO_BY_ROW, Measure.PEAK_RATIO)
_UNITS = {Measure.EXTRA: "+.1f ms", Measure.PEAK: ".0f MiB", Measure.SIZE: ".1f MB"}


def _number(value: float, measure: Measure) -> str:
    form, _, unit = _UNITS.get(measure, ".2f").partition(" ")
    return f"{value:{form}} {unit}".rstrip()


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / MIB / 1024:.0f} GiB"
