"""The table as people read it, and the same as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Series
from tests.benchmarks.rows import MIB, Measure, Row

_HEAD = ("case", "measured", "against", "time", "its time", "CPU", "memory (MiB)", "result", "goal", "")
_MILLI = 1000


def markdown(rows: Sequence[Row], facts: dict[str, str]) -> str:
    """Return a table in Markdown with the facts below it."""
    lines = [_HEAD, tuple("---" for _ in _HEAD), *map(_cells, rows)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    told = "\n".join(f"{name}: {value}  " for name, value in facts.items())
    return f"{table}\n\n{told}\n"


def document(rows: Sequence[Row], facts: dict[str, str]) -> str:
    """Return the same as JSON, with every single run."""
    value: dict[str, Any] = {"facts": facts, "rows": [row.document() for row in rows]}
    return json.dumps(value, indent=1) + "\n"


def machine() -> dict[str, str]:
    """Return what the numbers depend on beside the programs."""
    load = " ".join(f"{part:.1f}" for part in os.getloadavg())
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} x {_processor()}, {_memory()}, {platform.platform()}",
        "load (1, 5, 15 min)": load,
    }


def file_system(folder: Path) -> str:
    """Return the type of the file system that holds `folder`, such as ext4."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    above = {str(path) for path in (folder, *folder.parents)}
    holding = [(len(point), number, kind) for number, (point, kind) in enumerate(mounts) if point in above]
    return max(holding)[2] if holding else "unknown"


def _cells(row: Row) -> tuple[str, ...]:
    peaks = " / ".join(
        f"{series.peak / MIB:.0f}" for series in (row.mine, row.theirs) if series and series.peak
    )
    result = "" if row.value is None else f"{row.value:.2f} {row.measure}"
    goal = "" if row.limit is None else f"≤ {_number(row.limit)}"
    told = f"skipped: {row.note}" if row.verdict == "skipped" else row.verdict
    verdict = f"{told} ({row.note})" if row.note and row.mine else told
    cpu = (
        f"{row.mine.cpu_seconds / row.theirs.cpu_seconds:.2f} x"
        if _have_cpu(row) and row.mine and row.theirs
        else ""
    )
    return (
        row.case,
        row.subject,
        row.rival,
        _time(row.mine),
        _time(row.theirs),
        cpu,
        peaks,
        result,
        goal,
        verdict,
    )


def _have_cpu(row: Row) -> bool:
    return bool(row.theirs and row.theirs.cpu_seconds and row.measure is Measure.RATIO)


def _time(series: Series | None) -> str:
    return f"{series.seconds * _MILLI:.1f} ms" if series else ""


def _number(limit: float) -> str:
    return f"{limit:g}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name"))
    return next(names, platform.machine())


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / MIB / 1024:.0f} GiB"
