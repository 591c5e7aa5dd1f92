"""What a test needs of the machine, and the reason for which it is skipped where that is missing.

Debian can have all of it, so that there a missing tool is a failure under `PYMAN_TEST_NO_SKIPS`. A bare
Alpine cannot: no program for glibc starts there, and neither a compiler nor a web server belongs to it.
"""

import shutil
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, fixture_archive
from tests.support.repack import this_target

MUSL = this_target().endswith("-musl")


def runs_here(fixtures: Path, version: str) -> Path:
    """Return the fixture of that version for glibc; on musl the one that there is for it, of 3.13.5."""
    return fixture_archive(fixtures, "linux-musl-install_only" if MUSL else f"cpython-{version}+")


def missing(program: str, package: str) -> str:
    """Return the reason for a skip if there is no such program, which is in Debian's `package`; else ""."""
    if shutil.which(program):
        return ""
    return f"{ELSEWHERE if MUSL else ''}{program} is not installed (Debian: {package})"


compiler = pytest.mark.skipif(bool(missing("cc", "gcc")), reason=missing("cc", "gcc"))
