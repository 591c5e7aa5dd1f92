"""The portable pyman: its size, and its start beside the wheel's and uv's."""

import tarfile

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command
from tests.benchmarks.portables import MUSL
from tests.benchmarks.rows import Measure, Row

_MB = 1_000_000


def portable(bench: Bench) -> list[Row]:
    """The sizes of the one for musl, and the start of the one for glibc."""
    archive = bench.portables.archive(MUSL)
    with tarfile.open(archive) as tar:
        unpacked = sum(member.size for member in tar) / _MB
    environment = bench.home().environment()
    programs = bench.pymans | {"uv": bench.require_uv()}
    commands = {name: Command((program, "--version"), environment) for name, program in programs.items()}
    taken = bench.measure(commands, bench.many)
    mine = taken["portable"]
    return [
        _size("packed", archive.stat().st_size / _MB, goals.PORTABLE_PACKED_MB),
        _size("unpacked", unpacked, goals.PORTABLE_UNPACKED_MB),
        Row("portable", "--version", "--version of the wheel", mine, taken["wheel"], program="portable"),
        Row("portable", "--version", "uv --version", mine, taken["uv"], program="portable"),
    ]


def _size(form: str, size: float, limit: float) -> Row:
    subject = f"for {MUSL}, {form}"
    return Row("portable", subject, "", limit=limit, measure=Measure.SIZE, program="portable", size=size)
