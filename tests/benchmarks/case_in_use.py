"""In use: what it takes to look at a thousand virtual environments before something is removed."""

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command
from tests.benchmarks.rows import Measure, Row
from tests.benchmarks.surroundings import Home
from tests.support import stores
from tests.support.builds import Archive

_ENVIRONMENTS = 1000
_BUILD = Archive("3.13.5", "20250612", "linux-x86_64-gnu")


def in_use(bench: Bench) -> list[Row]:
    """`pyman uninstall` and `prune` with a thousand environments in one place, beside none.

    `prune` looks as `uninstall` does, and remembers what it has found.
    """
    none, many = bench.home(), bench.home()
    for home in (none, many):
        stores.lay(home.store, _BUILD)
    _make(many)
    rows = []
    for arguments in (("uninstall", "3.13", "--dry-run", "--force"), ("prune", "--yes")):
        command = (bench.programs.pyman, *arguments)
        taken = bench.measure(
            {home: Command(command, home.environment()) for home in (none, many)}, bench.many
        )
        subject = f"`pyman {arguments[0]}`, {_ENVIRONMENTS} environments"
        rows.append(
            Row(
                "in-use",
                subject,
                "without any",
                taken[many],
                taken[none],
                goals.ENVIRONMENTS_MS,
                Measure.EXTRA,
            )
        )
    return rows


def _make(home: Home) -> None:
    """Lay the environments as virtualenv 21 writes them."""
    python = home.store / stores.link_name(_BUILD) / "bin" / "python3.13"
    settings = {
        "implementation": "CPython",
        "python-version": "3.13",
        "version_info": "3.13.5.final.0",
        "version": "3.13.5",
        "executable": home.store / _BUILD.key / "bin" / "python3.13",
        "command": "/usr/bin/python3 -m virtualenv made",
        "virtualenv": "21.15.11",
        "include-system-site-packages": "false",
        "base-prefix": python.parents[1],
        "base-exec-prefix": python.parents[1],
        "base-executable": python,
    }
    lines = [f"{key} = {value}" for key, value in settings.items()]
    for number in range(_ENVIRONMENTS):
        folder = home.root / "home" / ".virtualenvs" / f"project-{number}"
        stores.environment(folder, python.parent, *lines)
