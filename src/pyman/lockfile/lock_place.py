"""Where a lock is looked for. Every `pyman find` loads this, and hardly anything with it."""

import os
from pathlib import Path

NAME = "pyman.lock"


def nearest(start: Path) -> Path | None:
    """Return the nearest lock in `start` or above, if there is one."""
    for folder in (start, *start.parents):
        path = folder / NAME
        # access() says no where is_file() would raise: in a folder that this user may not read.
        if os.access(path, os.R_OK) and path.is_file():
            return path
    return None
