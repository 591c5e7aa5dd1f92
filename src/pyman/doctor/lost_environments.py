"""Virtual environments whose Python is gone: those that pyman has met, and those in use."""

from collections.abc import Iterator
from pathlib import Path

from pyman.doctor.finding import Finding, Setup, is_file, moved_aside, word
from pyman.environments import environment_index
from pyman.environments.pyvenv import CONFIG
from pyman.environments.virtualenv import program_in, renewal, usable
from pyman.errors import PymanError
from pyman.system.userdirs import current_dir


def lost(setup: Setup) -> Iterator[Finding]:
    """Environments that cannot be used any more."""
    if setup.store and (wrong := environment_index.fault(setup.store.home)):
        yield Finding(
            f"{wrong[0]}, which names the virtual environments, cannot be read: {wrong[1]}",
            "`pyman uninstall` and `pyman prune` do not know which are in use",
            moved_aside(wrong[0]),
        )
    there = []
    for path in map(Path, environment_index.paths(setup.store.home) if setup.store else ()):
        try:
            if is_file(path / CONFIG):
                there.append(path)
        except OSError as error:
            yield _closed(path, error)
    for folder in dict.fromkeys([*there, *_in_use(setup)]):
        if not program_in(folder):
            yield Finding(
                f"the Python of the virtual environment {folder} is gone",
                "nothing in it can be started",
                renewal(folder),
            )


def _closed(path: Path, error: OSError) -> Finding:
    return Finding(
        f"the virtual environment {path} cannot be read: {error.strerror or error}",
        "`pyman uninstall` and `pyman prune` keep all that it may use",
        f"sudo ls -l {word(path)}",
    )


def _in_use(setup: Setup) -> list[Path]:
    try:
        return [each.path for each in usable(setup.environ, current_dir())]
    except PymanError:  # the current folder is gone
        return []
