"""The portable pyman: its size, and its start beside the wheel's and uv's."""

import subprocess
import tarfile
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command
from tests.benchmarks.releases import UnavailableError
from tests.benchmarks.rows import Measure, Row
from tests.benchmarks.surroundings import CHECKOUT
from tests.support.archives import extract

_MB = 1_000_000
_MUSL, _GNU = "linux-x86_64-musl", "linux-x86_64-gnu"
_MOST_PACKED, _MOST_UNPACKED = 16, 45
_VERSION = "`pyman --version`, portable"


def portable(bench: Bench) -> list[Row]:
    """The sizes of the one for musl, and the start of the one for glibc."""
    made = _made(bench)
    with tarfile.open(made[_MUSL]) as tar:
        unpacked = sum(member.size for member in tar) / _MB
    with tarfile.open(made[_GNU]) as tar:
        extract(tar, made[_GNU].parent)
    environment = bench.home().environment()
    programs = {
        "portable": str(made[_GNU].parent / "pyman" / "bin" / "pyman"),
        "wheel": bench.programs.pyman,
        "uv": bench.require_uv(),
    }
    commands = {name: Command((program, "--version"), environment) for name, program in programs.items()}
    taken = bench.measure(commands, bench.many)
    return [
        _size("packed", made[_MUSL].stat().st_size / _MB, _MOST_PACKED),
        _size("unpacked", unpacked, _MOST_UNPACKED),
        Row("portable", _VERSION, "the same of the wheel", taken["portable"], taken["wheel"]),
        Row("portable", _VERSION, "`uv --version`", taken["portable"], taken["uv"]),
    ]


def _size(form: str, size: float, limit: float) -> Row:
    subject = f"the portable pyman for {_MUSL}, {form}"
    return Row("portable", subject, "", limit=limit, measure=Measure.SIZE, size=size)


def _made(bench: Bench) -> dict[str, Path]:
    """Make both out of the fixtures, with wheels from the index; UnavailableError where it cannot be."""
    folder = bench.scratch / "portables"
    releases = bench.releases
    archives = (releases.file(releases.gnu_313), releases.file(releases.musl_17_mb))
    options = [f"--archive={path}" for path in archives]
    python = bench.programs.python
    done = subprocess.run(
        [python, "-m", "pyman.bootstrap", *options, "--out", folder, "--compile-with", _compiler(bench)],
        cwd=CHECKOUT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise UnavailableError(f"no portable pyman could be made: {done.stderr.strip()[-200:]}")
    return {target: next(folder.glob(f"pyman-*-{target}.tar.gz")) for target in (_MUSL, _GNU)}


def _compiler(bench: Bench) -> Path:
    return next(folder / "python3.13" for folder in bench.interpreters if (folder / "python3.13").exists())
