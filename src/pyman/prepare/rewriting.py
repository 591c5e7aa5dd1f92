"""Files of a staged tree that get a new content. They are UTF-8, but for paths: those may have any bytes."""

import os
from pathlib import Path


def replace(path: Path, data: bytes) -> None:
    """Give the file `path` the content `data`, by a rename; its mode stays. Raises OSError.

    Its other names, should it have hard links, keep the old content. Bytecode made from the old content is
    taken away: a shipped .pyc may be one that Python never compares with its source (PEP 552).
    """
    waiting = path.with_name(f".{path.name}.new")
    waiting.write_bytes(data)
    waiting.chmod(path.stat().st_mode & 0o777)
    waiting.replace(path)
    if path.suffix == ".py":
        for stale in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            stale.unlink()


def plain_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files in `folder` whose names match, in order; no links, none where there is no folder."""
    return sorted(path for path in folder.glob(pattern) if path.is_file() and not path.is_symlink())


def text(data: bytes) -> str:
    """Return the content of a file as text, from which `data` makes the same bytes again."""
    return data.decode("utf-8", "surrogateescape")


def data(text: str) -> bytes:
    """Return the bytes of a text; those of a path that are no UTF-8 come out as they are on disk."""
    return text.encode("utf-8", "surrogateescape")


def as_written(path: Path) -> Path:
    """Return a path as `text` has it, whatever the encoding in which this process was given it."""
    return Path(text(os.fsencode(path)))
