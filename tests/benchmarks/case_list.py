"""List: what can be had, what is there, and everything."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command
from tests.benchmarks.rows import Measure, Row

_SHIM = """\
#!/usr/bin/env bash
set -e
export PYENV_ROOT="{root}"
exec "{root}/libexec/pyenv" exec "${{0##*/}}" "$@"
"""
_SHIMS = ("python", "python3", "python3.8", "python3.9", "python3.10", "python3.11", "python3.12")
_EVERYTHING = (
    "--all-versions",
    "--all-platforms",
    "--all-arches",
    "--only-downloads",
    "--output-format",
    "json",
)


def listing(bench: Bench) -> list[Row]:
    """`pyman list` in three shapes, beside `uv python list` in the same."""
    uv = (bench.require_uv(), "python", "list")
    plain = bench.home().environment()
    on_path = bench.home()
    crowded = on_path.environment(_broken_shims(on_path.root), *bench.interpreters)
    rows = []
    for mine, theirs, environment, note in (
        (("--only-available",), ("--only-downloads",), plain, ""),
        ((), (), crowded, "seven broken shims and three interpreters on PATH"),
        (("--all-builds", "--all-targets", "--json"), _EVERYTHING, plain, "all there is, by the row"),
    ):
        commands = {
            name: Command((program, "list", *mine), environment) for name, program in bench.pymans.items()
        }
        commands["uv"] = Command((*uv, *theirs), environment)
        is_all = theirs is _EVERYTHING
        taken = bench.measure(commands, bench.rounds if is_all else bench.many)
        words, others = " ".join(("list", *mine)), " ".join(("uv python list", *theirs))
        for name in bench.pymans:
            row = Row("list", words, others, taken[name], taken["uv"], goals.LIST, note=note, program=name)
            rows.append(_by_row(row, commands[name], commands["uv"]) if is_all else row)
    return rows


def _by_row(row: Row, mine: Command, theirs: Command) -> Row:
    """Compare by how long one of the rows takes that are printed: they are not equally many."""
    counts = _builds(mine), _builds(theirs)
    return replace(
        row,
        subject=f"everything, {counts[0]:,} rows",
        rival=f"uv, {counts[1]:,} rows",
        limit=goals.A_LISTED_BUILD,
        measure=Measure.RATIO_BY_ROW,
        counts=counts,
    )


def _builds(command: Command) -> int:
    """Return how many builds a command prints as JSON."""
    told = subprocess.run(
        command.arguments, env=dict(command.environment), cwd="/", capture_output=True, check=True
    )
    found = json.loads(told.stdout)
    return len(found if isinstance(found, list) else found["available"])


def _broken_shims(root: Path) -> Path:
    """Make the shims of a pyenv that is gone, and return their folder."""
    folder = root / "pyenv" / "shims"
    folder.mkdir(parents=True)
    for name in _SHIMS:
        (folder / name).write_text(_SHIM.format(root=root / "pyenv"), encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder
