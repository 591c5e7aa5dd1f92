"""List: what can be had, what is there, and everything."""

from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command
from tests.benchmarks.rows import Row

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
    pyman = (bench.programs.pyman, "list")
    plain = bench.home().environment()
    on_path = bench.home()
    crowded = on_path.environment(_broken_shims(on_path.root), *bench.interpreters)
    rows = []
    for mine, theirs, environment, limit, note in (
        (("--only-available",), ("--only-downloads",), plain, 1.3, ""),
        ((), (), crowded, 1.3, "seven broken shims and three interpreters on PATH"),
        (
            ("--all-builds", "--all-targets", "--json"),
            _EVERYTHING,
            plain,
            0.5,
            "pyman prints 8 x as many rows",
        ),
        (
            ("--all-versions", "--all-targets", "--json"),
            _EVERYTHING,
            plain,
            None,
            "one row a version, as uv's",
        ),
    ):
        commands = {
            "pyman": Command((*pyman, *mine), environment),
            "uv": Command((*uv, *theirs), environment),
        }
        taken = bench.measure(commands, bench.rounds if theirs is _EVERYTHING else bench.many)
        words, others = " ".join(("pyman list", *mine)), " ".join(("uv python list", *theirs))
        rows.append(Row("list", f"`{words}`", f"`{others}`", taken["pyman"], taken["uv"], limit, note=note))
    return rows


def _broken_shims(root: Path) -> Path:
    """Make the shims of a pyenv that is gone, and return their folder."""
    folder = root / "pyenv" / "shims"
    folder.mkdir(parents=True)
    for name in _SHIMS:
        (folder / name).write_text(_SHIM.format(root=root / "pyenv"), encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder
