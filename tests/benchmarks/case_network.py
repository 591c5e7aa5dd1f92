"""The network: installs over 100 Mbit/s and 1 Gbit/s, beside uv's and the time that the bytes alone take."""

import os
import statistics
import subprocess
from collections.abc import Iterator

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.installing import TAR, Work, compared, installing, url_of, works
from tests.benchmarks.measuring import Series, computed
from tests.benchmarks.namespaces import FRAME, PAYLOAD, RATES, SERVER, Rate, joined
from tests.benchmarks.rows import Row
from tests.benchmarks.serving import Source, serving

_PYMANS = ("portable", "wheel")
_ALONE = "bytes / rate"
_ACCURACY = 0.02
_SHARES = 3  # of which the median is told


def network(bench: Bench) -> Iterator[Row]:
    """Each of the works at each of the rates, on a file system in memory."""
    folder, work = bench.releases.folder, bench.scratch / "nginx-wire"
    with joined() as wire, serving(folder, work, SERVER, wire.server, wire.client) as source:
        for rate in RATES:
            delay = wire.shape(rate)
            bench.facts[f"{rate.name}, {delay}"] = _accuracy(bench, rate, source)
            for each in works(bench):
                yield from _rows(bench, each, rate, source)


def _rows(bench: Bench, work: Work, rate: Rate, source: Source) -> list[Row]:
    """While a slow wire is waited for all can be done; on a fast one it is uv that counts."""
    home = bench.home(bench.in_memory)
    taken = bench.measure(installing(bench, home, work, source)) | {_ALONE: _by_the_wire(bench, work, rate)}
    home.clear()
    is_slow, case = rate is RATES[0], f"install, {rate.name}, tmpfs"
    of_uv = goals.FOUR if len(work.archives) > 1 else (None if is_slow else goals.AT_1_GBIT)
    rows = compared(case, work, taken, _PYMANS, _ALONE, limit=goals.AT_100_MBIT if is_slow else None)
    rows += compared(case, work, taken, ("uv", TAR), _ALONE)
    return rows + compared(case, work, taken, _PYMANS, "uv", limit=of_uv)


def _by_the_wire(bench: Bench, work: Work, rate: Rate) -> Series:
    """How long the bytes of the archives are on the wire, without the headers of their packets."""
    size = sum(bench.releases.file(archive).stat().st_size for archive in work.archives)
    return computed(size * 8 / rate.bits)


def _accuracy(bench: Bench, rate: Rate, source: Source) -> str:
    """Tell what share of the rate curl gets from the first byte to the last, headers included."""
    url = url_of(bench.releases.musl_17_mb, source.plain)
    form = "%{size_download} %{time_starttransfer} %{time_total}"
    curl = (*source.client, "curl", "-s", "-f", "-o", os.devnull, "-w", form, url)
    shares = []
    for _ in range(_SHARES):
        told = subprocess.run(curl, capture_output=True, encoding="ascii", check=False).stdout
        size, first, last = map(float, told.split() or (0, 0, 1))
        shares.append(size * 8 * FRAME / PAYLOAD / (last - first) / rate.bits)
    share = statistics.median(shares)
    told = "as it should be" if abs(share - 1) <= _ACCURACY else "MORE THAN 2 % OFF"
    return f"shaped on both ends; curl gets {share:.1%} of it, headers included: {told}"
