"""Pins: the version files of a project, `.python-versions` and `.python-version`, and the user's own one.

They are read kindly, for other tools write them too: comments, byte order marks and any line ends, several
versions on a line, and spellings of pyenv's. A line that means nothing to pyman is passed over with a warning
as long as another one means something.
"""

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pyman.errors import UsageError
from pyman.requests.request import Request
from pyman.system import regular_file
from pyman.system.userdirs import config_dir

NAMES = (".python-versions", ".python-version")
SYSTEM = "system"
_LARGEST = 64 * 1024
_SHOWN = 60
_SPECIFIER = re.compile(r"[<>=!~^|,]")
# The environments of pyenv-virtualenv: 3.12.1/envs/name.
_OF_PYENV = re.compile(r"/envs/[^/]+$")


class Line(NamedTuple):
    """A version named in a file: the number of its line, its text, and its request or why it is none."""

    number: int
    text: str
    meaning: Request | UsageError


class VersionFile(NamedTuple):
    """A version file and the requests in it, in its order.

    `skipped` says which lines mean nothing to pyman; `system` is set when the first version is pyenv's
    `system`, a Python that no version manager has installed.
    """

    path: Path
    requests: tuple[Request, ...]
    skipped: tuple[str, ...] = ()
    system: bool = False


def find(start: Path) -> VersionFile | None:
    """Return the nearest version file in `start` or above which names a version, else the user's own one.

    None when there is none. Raises UsageError, naming file and line, for a file that cannot be read or in
    which nothing is a request.
    """
    return nearest(start) or own()


def nearest(start: Path) -> VersionFile | None:
    """Return the nearest version file in `start` or above which names a version; raises as `find` does."""
    for folder in (start, *start.parents):
        for name in NAMES:
            file = _file(folder / name)
            if file:
                return file
    return None


def own() -> VersionFile | None:
    """Return the user's own version file, which counts where no other does; raises as `find` does."""
    return _file(own_path())


def own_path() -> Path:
    """Return where the user's own version file is, or would be."""
    return config_dir(os.environ) / NAMES[1]


def lines_of(text: str) -> Iterator[Line]:
    """Yield the versions that the text of a version file names."""
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        # The spaces of a specifier do not part it.
        for word in [content] if _SPECIFIER.search(content) else content.split():
            yield Line(number, word, _meaning(word))


def read_text(path: Path) -> str:
    """Return the text of a version file, in whichever encoding it was written; UsageError if it has none."""
    try:
        data = regular_file.whole(path, _LARGEST)
        # Windows PowerShell writes UTF-16 where a user says `echo 3.12 > .python-version`.
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {why}", "A version file holds one request a line.") from None


def _file(path: Path) -> VersionFile | None:
    """The version file at `path`; None when there is none or it names nothing."""
    # access() says no where is_file() would raise: in a folder that this user may not read.
    if not os.access(path, os.R_OK) or not path.is_file():
        return None
    lines = list(lines_of(read_text(path)))
    if not lines:
        return None
    requests = tuple(line.meaning for line in lines if isinstance(line.meaning, Request))
    strange = [line for line in lines if isinstance(line.meaning, UsageError) and line.text != SYSTEM]
    system = lines[0].text == SYSTEM
    if not requests and not system:
        raise _in_file(path, strange[0])
    skipped = tuple(f"{path}:{each.number}: {each.text[:_SHOWN]!r} is passed over" for each in strange)
    return VersionFile(path, requests, skipped, system)


def _meaning(word: str) -> Request | UsageError:
    try:
        return Request.parse(_OF_PYENV.sub("", word))
    except UsageError as error:
        return error


def _in_file(path: Path, line: Line) -> UsageError:
    why = line.meaning
    told = (why.message, why.hint) if isinstance(why, UsageError) else (line.text[:_SHOWN], "")
    return UsageError(f"{path}:{line.number}: {told[0]}", told[1])
