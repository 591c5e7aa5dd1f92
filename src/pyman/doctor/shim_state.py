"""Shims, where there are any: whether they are found by their names, and are what this pyman makes."""

import os
from collections.abc import Iterator
from contextlib import suppress

from pyman.doctor.finding import Finding, Setup, put
from pyman.errors import PymanError
from pyman.shims import shim_text, shims_folder
from pyman.shims.shims_folder import State


def unreached(setup: Setup) -> Iterator[Finding]:
    """The folder of shims is not on PATH, though there are shims in it."""
    if not setup.store or not _state(setup).is_on:
        return
    place = shims_folder.place(setup.store)
    if not shims_folder.is_among(place, setup.path):
        path = os.pathsep.join([str(place), *setup.path])
        yield Finding(
            f"{place} is not on PATH", "the shims there are not found by their names", put("PATH", path)
        )


def of_another_pyman(setup: Setup) -> Iterator[Finding]:
    """The shims are not what this pyman makes: they may ask one that is gone, or look for other files."""
    state = _state(setup)
    with suppress(PymanError):
        if setup.store and state.is_on and state.script != shim_text.text(setup.environ):
            yield Finding(
                f"the shims in {shims_folder.place(setup.store)} were made by another pyman",
                "they ask that one, and know what it knew",
                "pyman shims on",
            )


def _state(setup: Setup) -> State:
    with suppress(PymanError):
        return shims_folder.state(setup.store) if setup.store else State()
    return State()
