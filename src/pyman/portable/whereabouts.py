"""Where the portable pyman is, if this is it, and what is in its folder."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

FORMAT = 1
MARKER = "portable.json"
RECEIPT = "receipt.json"
PYTHON = "python"


def root() -> Path | None:
    """Return the folder of the portable pyman that runs; None if pyman runs in somebody else's Python."""
    folder = Path(sys.base_prefix).parent
    return folder if os.access(folder / MARKER, os.F_OK) else None


def interpreter() -> Path | None:
    """Return the folder of the interpreter that is pyman's own, by its path without links; None as above."""
    folder = root()
    return Path(os.path.realpath(folder / PYTHON)) if folder else None


def names(folder: Path) -> Iterator[str]:
    """Yield the names of all files and links in a portable pyman, as its marker lists them: in no order."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()
