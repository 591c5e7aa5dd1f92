"""Where a lock is looked for. Every `pyman find` loads this, and hardly anything with it."""

from pathlib import Path

from pyman.system.regular_file import is_readable

NAME = "pyman.lock"


def nearest(start: Path) -> Path | None:
    """Return the nearest lock in `start` or above, if there is one."""
    for folder in (start, *start.parents):
        path = folder / NAME
        if is_readable(path):
            return path
    return None
