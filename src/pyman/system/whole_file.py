"""Writes a file whole or not at all: nobody ever sees half of it."""

import os
from contextlib import suppress
from pathlib import Path


def put(path: Path, data: bytes) -> None:
    """Make `data` the content of the file at `path`, whose folder is made if it is missing; raises OSError.

    What was there before stays where that fails. A symbolic link stays one, and a file keeps its mode.
    """
    real = Path(os.path.realpath(path))
    waiting = real.with_name(f".{real.name}.{os.getpid()}")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        waiting.write_bytes(data)
        if real.exists():
            waiting.chmod(real.stat().st_mode)
        waiting.replace(real)
    except OSError:
        with suppress(OSError):
            waiting.unlink()
        raise
