"""`pyvenv.cfg`, the file by which a folder is a virtual environment (PEP 405)."""

import os

from pyman.system import regular_file

CONFIG = "pyvenv.cfg"
_LARGEST = 64 * 1024


def settings(folder: str | os.PathLike[str]) -> dict[str, str] | None:
    """Return the settings of the environment in `folder`, keys in lower case; None if it is none."""
    try:
        return read(folder)
    except (OSError, ValueError):
        return None


def read(folder: str | os.PathLike[str]) -> dict[str, str]:
    """Return the settings of the environment in `folder` as leniently as Python reads them.

    Raises OSError or ValueError where there is none, or the file cannot be read.
    """
    data = regular_file.head(os.path.join(folder, CONFIG), _LARGEST)  # noqa: PTH118 - of thousands
    lines = data.decode("utf-8-sig", "surrogateescape").splitlines()
    pairs = (line.partition("=") for line in reversed(lines))  # the first of two is the one that counts
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
