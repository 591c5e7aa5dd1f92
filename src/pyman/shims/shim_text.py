"""The text of a shim: `shim.sh`, with what is known when it is made."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from pyman.portable import place, whereabouts
from pyman.project import pins, requirement
from pyman.remembered import ground
from pyman.system.script_parts import assembled
from pyman.system.userdirs import cache_dir, data_dir, home_dir

# How every shim of every pyman begins.
HEAD = b"#!/bin/sh\n# pyman's shim: "


def text(environ: Mapping[str, str]) -> bytes:
    """Return the shim for this pyman and this user; StoreError where there is no home directory."""
    home = home_dir()
    usual = cache_dir({name: value for name, value in environ.items() if name != "XDG_CACHE_HOME"})
    places = environ.get("HOME", str(home)), environ.get("XDG_CACHE_HOME", "")
    command = own_command(environ)
    store, data = _store(environ)
    filled = {
        "@HOME@": shlex.quote(str(home)),
        "@CACHE@": shlex.quote(os.path.relpath(usual.parent, home)),
        "@ANSWERS@": shlex.quote(str(ground.folder(environ))),
        "@PLACES@": shlex.quote(":".join(places)),
        "@STORE@": shlex.quote(store),
        "@DATA@": shlex.quote(data),
        "@VERSIONS@": shlex.join((*pins.NAMES, *pins.OTHERS)),
        "@REQUIREMENTS@": shlex.join((requirement.NAME, requirement.SETUP)),
        "@PYMAN@": shlex.quote(command[0]),
        "@COMMAND@": " ".join(map(_quoted, command)),
    }
    found = assembled("shims/shim.sh")
    for mark, value in filled.items():
        found = found.replace(mark, value)
    return os.fsencode(found)


def _store(environ: Mapping[str, str]) -> tuple[str, str]:
    """The store that variables tell, if they do, and the XDG_DATA_HOME that tells it too."""
    if given := environ.get("PYMAN_HOME", ""):
        return given, "-"
    data = environ.get("XDG_DATA_HOME", "")
    return (str(data_dir(environ)), data) if data else ("", "-")


# The value of LC_CTYPE as it is when the shim is called: Python would change it (see `pyman.__main__`).
_LOCALE = "lc_ctype${LC_CTYPE+=$LC_CTYPE}"


def own_command(environ: Mapping[str, str]) -> list[str]:
    """Return the command that starts this pyman, by a path in full, whatever Python is first on PATH.

    What is in the current folder, and what the variables say to the Python that is to be started, is not for
    pyman's own: unless it is there that pyman is.
    """
    root = whereabouts.root()
    if root:
        return [str(root / place.LAUNCHER)]
    code = Path(__file__).parents[2]
    is_told = str(code) in environ.get("PYTHONPATH", "").split(os.pathsep)
    options = ["-P", "-X", _LOCALE] if is_told else ["-E", "-P", "-X", _LOCALE]
    what = ["-m", "pyman"] if code.is_dir() else [str(code)]
    return [sys.executable, *options, *what]


def _quoted(word: str) -> str:
    return f'"{word}"' if word == _LOCALE else shlex.quote(word)
