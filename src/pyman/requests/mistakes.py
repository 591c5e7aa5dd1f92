"""What is said of a text that is no request: that it is empty, of another world, or what was meant by it."""

import re
from collections.abc import Callable

from pyman.errors import UsageError
from pyman.requests import grammar
from pyman.requests.suggest import nearest

_EXAMPLES = (
    "Requests look like 3.12, 3.12.9, 3.13t, 3.12+debug, >=3.11,<3.13, "
    "cpython-3.12-linux-x86_64-musl, pypy@3.11 or latest."
)
_NOTHING = (
    "Leave it out, and what the project's files ask for counts; "
    "`any` means whatever is there, `latest` the newest stable version."
)
_CONDA = "a distribution of conda, which brings its own Python and packages"
# What version managers such as pyenv install as well, and is none of the Pythons that pyman does.
_OTHERS = {
    "activepython": "a distribution of ActiveState",
    "anaconda": _CONDA,
    "brython": "a Python for web browsers",
    "cinder": "a CPython changed by Meta, which has to be compiled",
    "circuitpython": "a Python for microcontrollers",
    "conda": _CONDA,
    "ironpython": "a Python for .NET",
    "jython": "a Python for the Java virtual machine",
    "mamba": _CONDA,
    "mambaforge": _CONDA,
    "micromamba": _CONDA,
    "micropython": "a Python for microcontrollers",
    "miniconda": _CONDA,
    "miniforge": _CONDA,
    "nogil": "an experiment that went into CPython: 3.13t is built without the global interpreter lock",
    "pixi": _CONDA,
    "pyodide": "a CPython for web browsers",
    "pyston": "a fork of CPython 3.8 that has ended",
    "rustpython": "a Python written in Rust",
    "stackless": "a fork of CPython that has ended",
}
_INSTALLED = "pyman installs CPython, PyPy and GraalPy: 3.13, pypy@3.11, graalpy."


def mistake(text: str, understood: Callable[[str], bool]) -> UsageError:
    """Return the error for a text that is no request; its hint is one that is `understood` if any is near."""
    if not text.strip():
        return UsageError("an empty request names no Python", _NOTHING)
    shown = text[: grammar.LONGEST]
    if world := other_world(text):
        return UsageError(f"not a request that pyman can meet: {shown!r} is {world}", _INSTALLED)
    guess = nearest(text, understood)
    hint = f"Did you mean {guess}? {_EXAMPLES}" if guess else _EXAMPLES
    return UsageError(f"not a Python request: {shown!r}", hint)


def other_world(text: str) -> str:
    """Return what the Python is that `text` names, if it is one that is known but not pyman's to install."""
    found = re.match(r"\s*([a-z]+)[0-9]*(?![a-z0-9])", text.lower())
    return _OTHERS.get(found[1], "") if found else ""
