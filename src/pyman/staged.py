"""Starts an interpreter that is not published yet, in surroundings that neither help nor mislead it."""

import os
import subprocess

from pyman.store import Installation

# What changes how a Python starts, which libraries it loads, or makes it measure itself.
_MISLEADING = ("PYTHON", "LD_", "DYLD_", "__PYVENV_LAUNCHER__", "COVERAGE_")


def run(staged: Installation, *args: str, seconds: float) -> "subprocess.CompletedProcess[bytes]":
    """Run the interpreter of `staged` and return what it printed, whatever its exit code.

    It is isolated (-I) and writes no bytecode (-B). Raises OSError if it cannot be started, TimeoutExpired
    after so many `seconds`.
    """
    return subprocess.run(  # noqa: S603 - the digest of what is run was compared
        [str(staged.executable), "-I", "-B", *args],
        check=False,
        cwd=staged.path,
        env=scrubbed(),
        input=b"",  # not /dev/null: a chroot may have none
        capture_output=True,
        timeout=seconds,
    )


def scrubbed() -> dict[str, str]:
    """Return this process' environment without what misleads an interpreter."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(_MISLEADING)}
