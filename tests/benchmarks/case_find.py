"""Find and run: the path of a Python and its start, as scripts and editors ask for them all day."""

from pathlib import Path

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command, run
from tests.benchmarks.rows import Row
from tests.benchmarks.surroundings import Home

_REQUEST = "3.13"
_UV = "uv python find"
_NOTHING = ("true",)  # what it takes to run anything, without what is run


def find(bench: Bench) -> list[Row]:
    """`pyman find 3.13`, managed and on PATH, and `pyman run 3.13`, beside the bare start and uv's."""
    home = bench.home()
    _install(bench, home)
    managed, on_path = home.environment(), bench.home().environment(*bench.interpreters)
    bare = ("-c", "pass")
    commands = {
        ("uv", "find"): Command((bench.require_uv(), "python", "find", _REQUEST), managed),
        ("uv", "find on PATH"): Command((bench.programs.uv, "python", "find", _REQUEST), on_path),
        ("uv", "run"): Command(
            (bench.programs.uv, "run", "--no-project", "-p", _REQUEST, "python", *bare), managed
        ),
        ("python", "bare"): Command((str(_interpreter(bench, home)), *bare), managed),
    }
    for name, program in bench.pymans.items():
        commands |= {
            (name, "start"): Command((program, "--version"), managed),
            (name, "find"): Command((program, "find", _REQUEST), managed),
            (name, "find on PATH"): Command((program, "find", _REQUEST), on_path),
            (name, "run nothing"): Command((program, "run", _REQUEST, *_NOTHING), managed),
            (name, "run"): Command((program, "run", _REQUEST, *bare), managed),
        }
    taken = bench.measure(commands, bench.many)
    rows = []
    for subject, kind, rival, other, limit in (
        ("find 3.13, managed", "find", "--version", "start", goals.SMALL_COMMAND),
        ("find 3.13, managed", "find", "uv python find", "uv", None),
        ("find 3.13, on PATH", "find on PATH", "uv python find", "uv", None),
        ("run 3.13 true", "run nothing", "--version", "start", goals.SMALL_COMMAND),
        ("run 3.13 -c pass", "run", "python3.13 -c pass", "bare", None),
        ("run 3.13 -c pass", "run", "uv run, the same", "uv", None),
    ):
        for name in bench.pymans:
            theirs = {"start": (name, "start"), "uv": ("uv", kind), "bare": ("python", "bare")}[other]
            rows.append(
                Row("find and run", subject, rival, taken[name, kind], taken[theirs], limit, program=name)
            )
    return rows


def _install(bench: Bench, home: Home) -> None:
    """Let pyman and uv have the same build each."""
    own, others = bench.releases.describe(bench.origin)
    build = f"cpython-{bench.releases.gnu_313.version}-linux-x86_64-gnu"
    managed = home.environment()
    run(Command((bench.programs.pyman, "install", build, "--metadata", str(own)), managed))
    run(
        Command(
            (bench.require_uv(), "python", "install", build, "--python-downloads-json-url", str(others)),
            managed,
        )
    )


def _interpreter(bench: Bench, home: Home) -> Path:
    return home.tree(bench.releases.gnu_313) / "bin" / f"python{bench.releases.gnu_313.minor}"
