"""The times in an installation that is to be the same wherever and whenever it is made."""

import os
from pathlib import Path

from pyman.system.folder import Folder


def limit(tree: Folder, latest: int) -> None:
    """Let nothing in `tree`, nor itself, have changed after `latest`, in seconds since 1970. Raises OSError.

    What came from an archive keeps its own time, if that is not later. Links have times of their own where
    the system can set them.
    """
    if tree.descriptor is None:
        _limit_by_path(tree.path, latest)
        return
    for name, status, folder in tree.walk():
        if status.st_mtime > latest:
            os.utime(name, (latest, latest), dir_fd=folder, follow_symlinks=False)
    tree.set_time(latest)


def _limit_by_path(root: Path, latest: int) -> None:
    for place, folders, files in os.walk(root, topdown=False):
        for name in (*folders, *files):
            path = Path(place, name)
            if path.lstat().st_mtime > latest and not path.is_symlink():
                os.utime(path, (latest, latest))
    os.utime(root, (latest, latest))
