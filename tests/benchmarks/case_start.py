"""Start: what every run of pyman costs before it does anything."""

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command
from tests.benchmarks.rows import Row

_CLICK = 'python -c "import click"'


def start(bench: Bench) -> list[Row]:
    """`pyman --version`, beside what the same Python needs to load click and to do nothing."""
    environment = bench.home().environment()
    taken = bench.measure(
        {
            "pyman": Command((bench.programs.pyman, "--version"), environment),
            "click": Command((bench.programs.python, "-c", "import click"), environment),
            "bare": Command((bench.programs.python, "-c", "pass"), environment),
        },
        bench.many,
    )
    return [
        Row("start", "`pyman --version`", f"`{_CLICK}`", taken["pyman"], taken["click"], goals.START),
        Row("start", "`pyman --version`", '`python -c "pass"`', taken["pyman"], taken["bare"]),
    ]
