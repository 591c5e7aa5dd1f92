"""Starts an interpreter that is not published yet, in surroundings that neither help nor mislead it."""

import os
from collections.abc import Callable
from typing import NamedTuple

from pyman.errors import CancelledError
from pyman.store.installations import Installation
from pyman.system import groups, processes

# What changes how a Python starts, which libraries it loads, or makes it measure itself.
_MISLEADING = ("PYTHON", "LD_", "DYLD_", "__PYVENV_LAUNCHER__", "COVERAGE_")
_LATE = 3.0  # seconds


class Ended(NamedTuple):
    """How it ended, and what it printed."""

    code: int
    stdout: bytes
    stderr: bytes


def run(
    staged: Installation,
    *args: str,
    seconds: float,
    late: Callable[[], None] | None = None,
    is_stable: bool = False,
) -> Ended:
    """Run the interpreter of `staged` and return what it printed, whatever its exit code.

    It is isolated (-I) and writes no bytecode (-B). `late` is called if it takes more than three seconds.
    With `is_stable` nothing is left to chance, nor to the locale: sets have the same order each time.

    Raises OSError if it cannot be started, TimeoutExpired after so many `seconds`, CancelledError if the user
    stops pyman; it is ended then, with what it started.
    """
    # Isolated, it would not look at the seed; its own folder, in which it is started, has no modules.
    how = ["-s", "-X", "utf8"] if is_stable else ["-I"]
    command = [str(staged.executable), *how, "-B", *args]
    env = scrubbed() | ({"PYTHONHASHSEED": "0"} if is_stable else {})
    umask = groups.umask_in(staged.path)
    # A pipe to read from, not /dev/null: a chroot may have none.
    with processes.started(command, cwd=staged.path, env=env, umask=umask) as program:
        out, err = program.output(seconds, _LATE, late)
        if program.is_stopped:
            raise CancelledError("Stopped.")
        return Ended(program.code, out, err)


def scrubbed() -> dict[str, str]:
    """Return this process' environment without what misleads an interpreter."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_MISLEADING)}
