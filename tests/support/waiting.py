"""Waiting for what another process does."""

import time
from collections.abc import Callable

import pytest


def wait_for(condition: Callable[[], bool], seconds: float = 40) -> None:
    """Wait until `condition` holds; it is a failure where that takes longer than so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail("it does not come to pass")
        time.sleep(0.02)
