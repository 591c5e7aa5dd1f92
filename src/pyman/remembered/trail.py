"""The files that are met on the way up from a folder, in the order in which a shell looks at them.

A shell does not read them: it asks what pyman has found them to say. So that is told of each that was passed
over, and of the one that decides.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pyman.lockfile import lock_place
from pyman.project import pins, requirement
from pyman.remembered.ground import changed, is_settled
from pyman.system.regular_file import is_readable


class Met(NamedTuple):
    """A file that was met, and when it was changed (ns since 1970) before anything of it was read."""

    path: Path
    time: int | None

    @classmethod
    def at(cls, path: Path) -> "Met":
        """Look at it."""
        return cls(path, changed(path))

    @property
    def is_settled(self) -> bool:
        """Whether an answer about it can be told from one about what it may become.

        A link may lead elsewhere tomorrow, to a file of the same time.
        """
        is_same = self.time is not None and changed(self.path) == self.time
        return is_same and is_settled(self.time) and not self.path.is_symlink()


class Trail(NamedTuple):
    """The lock that is met first, the version files, and the files that may say what a project requires."""

    lock: Met | None
    versions: tuple[Met, ...]
    requirements: tuple[Met, ...]

    @classmethod
    def up_from(cls, start: Path) -> "Trail":
        """Look at all files on the way up from `start`."""
        lock = lock_place.nearest(start)
        versions = (
            folder / name for folder in (start, *start.parents) for name in (*pins.NAMES, *pins.OTHERS)
        )
        return cls(
            Met.at(lock) if lock else None,
            tuple(Met.at(path) for path in versions if is_readable(path)),
            tuple(map(Met.at, _requirements(start))),
        )


def _requirements(start: Path) -> Iterator[Path]:
    """The files that may be read for what a project requires: none beyond the nearest `pyproject.toml`."""
    for folder in (start, *start.parents):
        found = [
            path for path in (folder / requirement.NAME, folder / requirement.SETUP) if is_readable(path)
        ]
        yield from found
        if folder / requirement.NAME in found:
            return
