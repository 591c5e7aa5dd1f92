"""Deletes a directory and all in it, through no link, whatever takes the place of a folder meanwhile."""

import os
import shutil
from contextlib import suppress

from pyman.system.folder import FOLDER, Folder, is_real


def remove_tree(folder: Folder, name: str, last: str = "") -> None:
    """Delete a directory in `folder`, without what another file system holds in it; `last` of it goes last.

    Links in it are removed and not followed. What cannot be removed stays, and no error tells of it.
    """
    if folder.descriptor is None:
        if is_real(folder.path / name):
            shutil.rmtree(folder.path / name, ignore_errors=True)
        return
    with suppress(OSError), folder.inner(name) as tree:
        _empty(tree.descriptor or 0, tree.own_status().st_dev, last)
        if last and tree.names() == [last]:
            tree.unlink(last)
    with suppress(OSError):
        folder.remove_empty(name)


def _empty(folder: int, device: int, spared: str) -> None:
    with os.scandir(folder) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in entries:
        if name == spared:
            continue
        with suppress(OSError):
            if not is_folder:
                os.unlink(name, dir_fd=folder)
                continue
            try:
                inner = os.open(name, FOLDER, dir_fd=folder)
            except PermissionError:
                os.rmdir(name, dir_fd=folder)  # whoever made it died before the group was let in: it is empty
                continue
            try:
                if os.fstat(inner).st_dev == device:
                    _empty(inner, device, "")
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=folder)
