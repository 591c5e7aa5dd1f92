"""`pyvenv.cfg`, the file by which a folder is a virtual environment (PEP 405)."""

from pathlib import Path

CONFIG = "pyvenv.cfg"
_LARGEST = 64 * 1024


def settings(folder: Path) -> dict[str, str] | None:
    """Return the settings of the environment in `folder`, keys in lower case; None if it is none.

    The file is read as leniently as Python reads it.
    """
    try:
        with (folder / CONFIG).open(encoding="utf-8-sig", errors="surrogateescape") as opened:
            lines = opened.read(_LARGEST).splitlines()
    except (OSError, ValueError):
        return None
    pairs = (line.partition("=") for line in reversed(lines))  # the first of two is the one that counts
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
