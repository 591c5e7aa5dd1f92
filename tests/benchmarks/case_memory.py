"""Memory: what an install takes, all its processes together; the peak must not grow with the archive."""

from collections.abc import Iterator

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.installing import Work, installing, works
from tests.benchmarks.measuring import Series
from tests.benchmarks.memory import together
from tests.benchmarks.releases import large
from tests.benchmarks.rows import Measure, Row

_ROUNDS = 5  # memory hardly varies, and 300 MB take their time
_PYMANS = ("portable", "wheel")


def memory(bench: Bench) -> Iterator[Row]:
    """The peak of an install of 10, 17 and 300 MB, and of four builds at once."""
    glibc, musl, four, _ = works(bench)
    huge = Work("300 MB", (large(bench.releases.folder),))
    peaks = dict[Work, dict[str, Series]]()
    for work in (glibc, musl, huge, four):
        commands = installing(bench, bench.home(), work, bench.source)
        programs = {name: commands[name] for name in (*_PYMANS, "uv")}
        taken = peaks[work] = bench.measure(programs, min(bench.rounds, _ROUNDS), together)
        for name in programs:
            limit = goals.PEAK_MIB if name in _PYMANS and work is not four else None
            yield _row(work.name, "", name, taken[name], limit=limit)
    for name in _PYMANS:
        pair = (peaks[huge][name], peaks[musl][name])
        yield _row(huge.name, "17 MB for musl", name, *pair, goals.PEAK_OF_LARGE, Measure.PEAK_RATIO)


def _row(  # noqa: PLR0913, PLR0917 - what a row has
    subject: str,
    rival: str,
    program: str,
    mine: Series,
    theirs: Series | None = None,
    limit: float | None = None,
    measure: Measure = Measure.PEAK,
) -> Row:
    case = "memory of all processes together, install"
    return Row(case, subject, rival, mine, theirs, limit, measure, program=program)
