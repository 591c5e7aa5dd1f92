"""A start-up file of a shell, and the marked block in it that is pyman's; all else is left as it is.

Files are read and written as bytes: they may be in any encoding, or in several.
"""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from errno import EACCES, EBUSY, EPERM, EROFS, EXDEV
from pathlib import Path

from pyman.errors import StoreError
from pyman.system import regular_file

_BEGIN = b"# >>> pyman >>>"
_END = b"# <<< pyman <<<"
_NOTE = b"# Written by `pyman update-shell`, which replaces what stands between these two marks."
_BLOCK = re.compile(
    rb"""
    ^\#\ >>>\ pyman\ >>>[ \t]*\r?\n
    (?: (?! \#\ >>>\ pyman\ >>>) [^\n]*\n )*?
    \#\ <<<\ pyman\ <<<[ \t]*(?=\r?$)
    """,
    re.MULTILINE | re.VERBOSE,
)
_BEGINNING = re.compile(rb"^# >>> pyman >>>[ \t]*\r?$", re.MULTILINE)
_LARGEST = 16 * 1024 * 1024
# Errors of a rename to a place that may well be written: mounted over by itself, or in a closed directory.
_WRITE_IN_PLACE = {EACCES, EBUSY, EPERM, EROFS, EXDEV}


@dataclass(frozen=True, slots=True)
class StartupFile:
    """A start-up file: its path as the shell knows it, and its content; None when it does not exist."""

    path: Path
    content: bytes | None

    @property
    def real(self) -> Path:
        """The file itself: dotfile managers put a symbolic link in its place."""
        return Path(os.path.realpath(self.path))


def read(path: Path) -> StartupFile:
    """Return the file at `path`; StoreError for what cannot be read or is not a text file."""
    try:
        if path.exists() and not path.is_file():
            raise _failed("write", path, "it is not a regular file")
        content = regular_file.whole(path, _LARGEST)
    except FileNotFoundError:
        return StartupFile(path, None)
    except OSError as error:
        raise _failed("read", path, error.strerror or str(error)) from None
    if b"\0" in content:
        raise _failed("write", path, "it is not a text file in UTF-8 or the like")
    return StartupFile(path, content)


def with_block(file: StartupFile, lines: Sequence[str]) -> bytes:
    """Return the content of `file` with `lines` as its block, in the place of the one there is, else last.

    StoreError when the block that is there has no end.
    """
    content = file.content or b""
    newline = b"\r\n" if content.partition(b"\n")[0].endswith(b"\r") else b"\n"
    block = newline.join([_BEGIN, _NOTE, *map(os.fsencode, lines), _END])
    changed, count = _BLOCK.subn(lambda _: block, content)
    if len(_BEGINNING.findall(changed)) != count:
        mark, end = _BEGIN.decode(), _END.decode()
        raise _failed("change", file.path, f"it has a line '{mark}' without a line '{end}' after it")
    if count:
        return changed
    gap = b"" if content.endswith(b"\n") or not content else newline
    return content + gap + block + newline


def has_hook(file: StartupFile) -> bool:
    """Whether the block that is there has the shell evaluate `pyman activate`, or is what that prints."""
    return any(
        b" activate " in block or b"__pyman_" in block for block in _BLOCK.findall(file.content or b"")
    )


def write(file: StartupFile, content: bytes) -> None:
    """Make `content` the content of the file, whole or not at all where that can be; StoreError if it fails.

    The file keeps its mode, its owner, and its place behind a symbolic link.
    """
    try:
        if file.content is None:
            file.real.parent.mkdir(parents=True, exist_ok=True)
            with file.real.open("xb") as new:
                new.write(content)
        elif not os.access(file.real, os.W_OK):
            raise _failed("write", file.path, "it is read-only")
        elif file.real.stat().st_nlink > 1 or not _replaced(file.real, content):
            with file.real.open("r+b") as old:
                old.write(content)
                old.truncate()
    except OSError as error:
        raise _failed("write", file.path, error.strerror or str(error)) from None


def _replaced(path: Path, content: bytes) -> bool:
    """Put a new file in the place of `path`; False, and nothing has changed, where that cannot be."""
    try:
        number, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    except OSError as error:
        return _cannot(error)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
        _copy_owner(path, name)
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        return _cannot(error)
    return True


def _cannot(error: OSError) -> bool:
    if error.errno in _WRITE_IN_PLACE:
        return False
    raise error


def _copy_owner(path: Path, name: str) -> None:
    shutil.copymode(path, name)
    if sys.platform != "win32":
        found = path.stat()
        os.chown(name, found.st_uid, found.st_gid)


def _failed(verb: str, path: Path, why: str) -> StoreError:
    return StoreError(
        f"cannot {verb} {path}: {why}",
        "Change it, or put the lines that `pyman update-shell --dry-run` shows where your shell reads them.",
    )
