"""Which modules a start of Python loads."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def started(
    environ: Mapping[str, str], *arguments: str, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run this Python, which tells on stderr what it imports; without the measuring of what tests cover."""
    return subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        env={name: value for name, value in environ.items() if "COVERAGE" not in name},
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def loaded(done: "subprocess.CompletedProcess[str]") -> set[str]:
    """Return the names of the modules that it told."""
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
