"""Virtual environments whose Python is gone: those that pyman has met, and those in use."""

from collections.abc import Iterator
from pathlib import Path

from pyman.doctor.finding import Finding, Setup
from pyman.environments import environment_index
from pyman.environments.pyvenv import CONFIG
from pyman.environments.virtualenv import program_in, renewal, usable
from pyman.errors import PymanError
from pyman.system.userdirs import current_dir


def lost(setup: Setup) -> Iterator[Finding]:
    """Environments that cannot be used any more."""
    met = map(Path, environment_index.paths(setup.store.home) if setup.store else ())
    there = [path for path in met if (path / CONFIG).is_file()]
    for folder in dict.fromkeys([*there, *_in_use(setup)]):
        if not program_in(folder):
            yield Finding(
                f"the Python of the virtual environment {folder} is gone",
                "nothing in it can be started",
                renewal(folder),
            )


def _in_use(setup: Setup) -> list[Path]:
    try:
        return [each.path for each in usable(setup.environ, current_dir())]
    except PymanError:  # the current folder is gone
        return []
