"""A cold container: from a bare Alpine to `python3.13 -c pass` over 100 Mbit/s."""

from statistics import median

from tests.benchmarks import goals
from tests.benchmarks.bare_machine import BareMachine, Way, ways
from tests.benchmarks.bench import Bench
from tests.benchmarks.namespaces import RATES, SERVER, joined
from tests.benchmarks.rows import Row
from tests.benchmarks.serving import serving

_PROGRAMS = {Way.INSTALL: "portable", Way.EPHEMERAL: "portable", Way.SCRIPT: "script"}
_MB = 1_000_000


def cold(bench: Bench) -> list[Row]:
    """What pyman has for an image, each beside uv's static binary; what all of them bring over the wire."""
    rate, folder = RATES[0], bench.scratch / "cold"
    folder.mkdir()
    with (
        joined() as wire,
        serving(folder, bench.scratch / "nginx-cold", SERVER, wire.server, wire.client) as source,
    ):
        delay = wire.shape(rate)
        machine = BareMachine(bench, wire, source, folder)
        machine.fill()
        taken = bench.measure({way: machine.command(way) for way in ways()})
    size = {way: median(found) / _MB for way, found in machine.received.items()}
    note = f"shaped on both ends, {delay}; MB are all that the client received, headers included"
    case = f"cold container, {rate.name}"
    return [
        Row(
            case,
            f"{way}, {size[way]:.1f} MB",
            f"{Way.UV}, {size[Way.UV]:.1f} MB",
            taken[way],
            taken[Way.UV],
            goals.COLD,
            note=note,
            program=program,
        )
        for way, program in _PROGRAMS.items()
    ]
