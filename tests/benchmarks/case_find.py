"""Find: the path of a Python, as scripts and editors ask for it all day."""

from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command, run
from tests.benchmarks.rows import Row

_REQUEST = "3.13"


def find(bench: Bench) -> list[Row]:
    """`pyman find 3.13`, installed by pyman and on PATH, beside uv's and beside the bare start."""
    uv, pyman = bench.require_uv(), bench.programs.pyman
    own, others = bench.releases.describe(bench.origin)
    managed = bench.home().environment()
    run(
        Command((pyman, "install", _REQUEST, "--metadata", str(own), "--target", "linux-x86_64-gnu"), managed)
    )
    run(Command((uv, "python", "install", "3.13.0", "--python-downloads-json-url", str(others)), managed))
    on_path = bench.home().environment(*bench.interpreters)
    taken = bench.measure(
        {
            "start": Command((pyman, "--version"), managed),
            "managed": Command((pyman, "find", _REQUEST), managed),
            "uv, managed": Command((uv, "python", "find", _REQUEST), managed),
            "on PATH": Command((pyman, "find", _REQUEST), on_path),
            "uv, on PATH": Command((uv, "python", "find", _REQUEST), on_path),
        },
        bench.many,
    )
    mine, theirs = f"`pyman find {_REQUEST}`", f"`uv python find {_REQUEST}`"
    return [
        Row("find", f"{mine}, managed", "`pyman --version`", taken["managed"], taken["start"], 1.2),
        Row("find", f"{mine}, managed", f"{theirs}, managed", taken["managed"], taken["uv, managed"]),
        Row("find", f"{mine}, on PATH", f"{theirs}, on PATH", taken["on PATH"], taken["uv, on PATH"]),
    ]
