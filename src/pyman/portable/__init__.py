"""The portable pyman: pyman with an interpreter of its own, in one folder.

    pyman/bin/pyman       the launcher
    pyman/python/         a slimmed interpreter, which is nobody's but pyman's
    pyman/portable.json   what this is, what it was made of, and the name of each file
    pyman/receipt.json    which archive it was installed from, written when it was put in its place

This package knows where that folder is, puts another in its place and removes it; `pyman.bootstrap` makes it.
It never removes a file in it that is not pyman's. Begin with `root`.
"""

import os
import sys
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
