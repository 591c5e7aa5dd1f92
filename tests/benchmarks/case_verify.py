"""Verify: every file of an installation read and hashed, beside the program that does nothing else."""

from pathlib import Path

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.installing import installing, works
from tests.benchmarks.measuring import Command, run
from tests.benchmarks.releases import UnavailableError
from tests.benchmarks.rows import Row


def verify(bench: Bench) -> list[Row]:
    """`pyman verify` of one installation, and `sha256sum` over the same files."""
    pyman = bench.programs.pyman
    if not bench.programs.has(pyman, "verify", "--help"):
        raise UnavailableError("this pyman has no command `verify`")
    home = bench.home()
    install = installing(bench, home, works(bench)[1], bench.source)["wheel"]
    run(install)
    files = [str(path) for path in sorted(home.store.glob("cpython-*+*/**/*")) if _is_hashed(path)]
    commands = {
        "pyman": Command((pyman, "verify"), install.environment),
        "sha256sum": Command(("sha256sum", *files), install.environment),
    }
    taken = bench.measure(commands)
    against = f"`sha256sum` of the same {len(files)} files"
    return [
        Row(
            "verify",
            "`pyman verify`, one installation",
            against,
            taken["pyman"],
            taken["sha256sum"],
            goals.VERIFY,
        )
    ]


def _is_hashed(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.name != ".pyman.json"
