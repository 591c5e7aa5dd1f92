"""Memory: the peak must not grow with the archive."""

from tests.benchmarks.bench import Bench
from tests.benchmarks.case_install import installing
from tests.benchmarks.releases import large
from tests.benchmarks.rows import Measure, Row

_ROUNDS = 3  # memory hardly varies, and 300 MB take their time
_LIMIT_MIB = 64
_SAME = 1.05


def memory(bench: Bench) -> list[Row]:
    """The peak of an install of 17 MB and of one of 300 MB."""
    archives = {"17 MB": bench.releases.musl_17_mb, "300 MB": large(bench.releases.folder)}
    homes = {size: installing(bench, bench.home(), (each,), bench.origin) for size, each in archives.items()}
    commands = {(size, name): made[name] for size, made in homes.items() for name in ("pyman", "uv")}
    taken = bench.measure(commands, min(bench.rounds, _ROUNDS))
    rows = []
    for size in archives:
        mine, theirs = taken[size, "pyman"], taken[size, "uv"]
        subject = f"`pyman install`, {size}"
        rows.append(Row("memory", subject, "`uv python install`", mine, theirs, _LIMIT_MIB, Measure.PEAK))
    both = (taken["300 MB", "pyman"], taken["17 MB", "pyman"])
    return [
        *rows,
        Row("memory", "`pyman install`, 300 MB", "the same, 17 MB", *both, _SAME, Measure.PEAK_RATIO),
    ]
