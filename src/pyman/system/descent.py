"""Descent: the folders below one, opened one in the other, so that none is reached through a link."""

import errno
import os
import stat
from contextlib import suppress
from types import TracebackType
from typing import Self

from pyman.system.folder import Folder


class Descent:
    """Opens folders by their names below `top`, with slashes; to be used in `with`.

    Those on the way to the last one stay open: to go through names in order opens each once. All methods
    raise OSError as the system does: NotADirectoryError for what is a link, or in a link's place.
    """

    def __init__(self, top: Folder) -> None:
        self._top = top
        self._way: list[tuple[str, Folder]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._return_to(0)

    def folder(self, name: str, make: int | None = None) -> Folder:
        """Return a folder, open until another is asked for; what is missing is made in the mode `make`."""
        parts = name.split("/") if name else []
        shared = 0
        while shared < min(len(parts), len(self._way)) and self._way[shared][0] == parts[shared]:
            shared += 1
        self._return_to(shared)
        for part in parts[shared:]:
            if part in ("", ".", ".."):
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
            above = self._last()
            if make is not None:
                with suppress(FileExistsError):
                    above.make_folder(part, make)
            self._way.append((part, above.inner(part)))
        return self._last()

    def at(self, name: str, make: int | None = None) -> tuple[Folder, str]:
        """Return the folder that something is in, as `folder` does, and what it is called there."""
        place, _, last = name.rpartition("/")
        return self.folder(place, make), last

    def kind(self, name: str) -> str:
        """Return what is there: `folder`, `link`, `file` or `other`, and "" for nothing."""
        try:
            place, last = self.at(name)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        found = place.status(last)
        if found is None:
            return ""
        if place.link_target(last):
            return "link"
        kinds = {stat.S_IFDIR: "folder", stat.S_IFREG: "file"}
        return kinds.get(stat.S_IFMT(found.st_mode), "other")

    def _last(self) -> Folder:
        return self._way[-1][1] if self._way else self._top

    def _return_to(self, depth: int) -> None:
        while len(self._way) > depth:
            self._way.pop()[1].close()


def move_in(place: Folder, name: str, to: Folder) -> None:
    """Move an entry to a folder on the same file system; FileExistsError if there is one of its name.

    Raises OSError. A link to a file is made first, which never replaces anything.
    """
    if place.descriptor is None:  # names would be taken to be in the current folder
        _move_unless_taken(place, name, to)
        return
    try:
        os.link(name, name, src_dir_fd=place.descriptor, dst_dir_fd=to.descriptor, follow_symlinks=False)
    except FileExistsError:
        raise
    except (OSError, NotImplementedError):  # a folder, or a file system or a system without links
        _move_unless_taken(place, name, to)
    else:
        place.unlink(name)


def _move_unless_taken(place: Folder, name: str, to: Folder) -> None:
    if to.status(name) is not None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(to.path / name))
    place.rename(name, to, name)
