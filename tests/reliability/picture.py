"""A picture of what somebody else has: names, kinds, modes and digests, links not followed."""

import hashlib
import os
import stat
from pathlib import Path

Picture = dict[str, str]


def picture(place: Path) -> Picture:
    """Return how what is at `place` looks, and all below it."""
    found = {".": _described(os.fspath(place))}
    if not place.is_symlink():
        for folder, folders, files in os.walk(place):
            for name in (*folders, *files):
                path = os.path.join(folder, name)  # noqa: PTH118 - names of any bytes
                found[os.path.relpath(path, place)] = _described(path)
    return found


def _described(path: str) -> str:
    status = os.lstat(path)
    mode = f"{status.st_mode:o} {status.st_uid}"
    if stat.S_ISLNK(status.st_mode):
        return f"{mode} to {os.readlink(path)}"  # noqa: PTH115 - the same
    if not stat.S_ISREG(status.st_mode):
        return mode
    return f"{mode} {hashlib.sha256(Path(path).read_bytes()).hexdigest()}"
