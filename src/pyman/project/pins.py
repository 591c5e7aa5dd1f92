"""Pins: which version file counts, that of the project or the user's own one.

The nearest folder comes first; in one folder `.python-versions` and `.python-version`, then what other tools
go by, in the order of `OTHERS`.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pyman.project.version_file import VersionFile, own_form
from pyman.system.regular_file import is_readable
from pyman.system.userdirs import config_dir

NAMES = (".python-versions", ".python-version")
# Of mise, which has more places for the same, one for what is not committed comes first.
OTHERS = (
    ".tool-versions",
    "mise.local.toml",
    ".mise.local.toml",
    "mise.toml",
    ".mise.toml",
    "mise/config.toml",
    ".mise/config.toml",
    ".config/mise.toml",
    "Pipfile",
    "runtime.txt",
)


def find(start: Path) -> VersionFile | None:
    """Return the nearest version file in `start` or above which names a version, else the user's own one.

    None when there is none. Raises UsageError, naming file and line, for a file of pyman's own form that
    cannot be read or in which nothing is a request; other tools' files are passed over then.
    """
    return nearest(start) or own()


def nearest(start: Path) -> VersionFile | None:
    """Return the nearest version file in `start` or above which names a version; raises as `find` does.

    What was passed over before it is told in its `skipped`.
    """
    skipped: tuple[str, ...] = ()
    for file in files(start):
        skipped += file.skipped
        if file.speaks:
            return file._replace(skipped=skipped)
    return None


def files(start: Path) -> Iterator[VersionFile]:
    """Yield the version files in `start` and above, in the order in which they count; raises as `find` does.

    One that does not speak is there for what it has `skipped`.
    """
    for folder in (start, *start.parents):
        for name in NAMES:
            file = _file(folder / name)
            if file:
                yield file
        yield from others_in(folder)


def others_in(folder: Path) -> Iterator[VersionFile]:
    """Yield the version files of other tools in `folder` that ask for a Python, or are damaged."""
    place = str(folder)
    for name in OTHERS:
        # Each folder up to the root is looked at so: a Path for each name would be felt.
        if os.access(os.path.join(place, name), os.R_OK):  # noqa: PTH118
            from pyman.project.other_tools import read  # noqa: PLC0415 - only where there is such a file

            file = read(folder / name)
            if file:
                yield file


def own() -> VersionFile | None:
    """Return the user's own version file, which counts where no other does; raises as `find` does."""
    return _file(own_path())


def own_path() -> Path:
    """Return where the user's own version file is, or would be."""
    return config_dir(os.environ) / NAMES[1]


def _file(path: Path) -> VersionFile | None:
    return own_form(path) if is_readable(path) else None
