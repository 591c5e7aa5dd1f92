"""Stamps: an empty file for each shell with a hook, which touches it to see later what has changed since.

They are named by the shell's process, and lie beside the answers, in a folder closed to others.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from pyman.system.folder import Folder

_NAME = "stamps"
_PRIVATE = 0o700


def ready(cache: Path) -> Path:
    """Return the folder of stamps, made if it can be, and without those of shells that have ended."""
    place = cache / _NAME
    if sys.platform != "win32":
        with suppress(OSError):
            place.mkdir(_PRIVATE, parents=True, exist_ok=True)
            with Folder.open(place) as folder:
                _sweep(folder)
    return place


def _sweep(folder: Folder) -> None:
    if folder.own_status().st_uid != os.geteuid():
        return
    for name in folder.names():
        if name.isdecimal() and _is_over(int(name)):
            folder.unlink(name)


def _is_over(pid: int) -> bool:
    """Whether a process has ended; one of another system that shares the home makes its stamp again."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return False
