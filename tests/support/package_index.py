"""Packages from the index, for tests of what a user does with them."""

import os
import subprocess
import sys

import pytest
from tests.conftest import CHECKOUT, REAL_HOME

_OF_THE_SEAL = {"PYTHONPATH", "HOME", "USERPROFILE"}


def pip(command: str, *arguments: str) -> None:
    """Run pip in the checkout, outside the seal, as the user would, since it needs the package index."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_THE_SEAL}
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", command, *arguments],
        env=environment | {"HOME": str(REAL_HOME)},
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        pytest.skip(f"the package index does not answer: pip {command}: {done.stderr[-1000:]}")
