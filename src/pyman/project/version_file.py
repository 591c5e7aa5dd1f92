"""Version files: the text of one, the versions that it names, and what each means.

They are read kindly, for other tools write them too: comments, byte order marks and any line ends, several
versions on a line, and spellings of pyenv's. A version that means nothing to pyman is passed over with a
warning as long as another one means something.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pyman.errors import UsageError
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.system import regular_file

SYSTEM = "system"
_LARGEST = 64 * 1024
_SHOWN = 60
SPECIFIER = re.compile(r"[<>=!~^|,]")
# The environments of pyenv-virtualenv: 3.12.1/envs/name.
_OF_PYENV = re.compile(r"/envs/[^/]+$")


class Line(NamedTuple):
    """A version named in a file: the number of its line, its text, and what it means or why it is nothing.

    It means a request, or an interpreter that is to be taken as it is. `why` is said where it means nothing.
    """

    number: int
    text: str
    meaning: Request | Path | UsageError
    why: str = ""

    @property
    def is_system(self) -> bool:
        """Whether it asks for a Python that no version manager has installed, as pyenv calls it."""
        return self.text == SYSTEM

    @property
    def is_strange(self) -> bool:
        """Whether it means nothing to pyman."""
        return isinstance(self.meaning, UsageError) and not self.is_system


class VersionFile(NamedTuple):
    """A version file and the requests in it, in its order.

    `skipped` says what in it means nothing to pyman. `system` is set when the first version is pyenv's
    `system`, `python` when it is an interpreter; `line` is where that first version stands.
    """

    path: Path
    requests: tuple[Request, ...]
    skipped: tuple[str, ...] = ()
    system: bool = False
    python: Path | None = None
    line: int = 1

    @property
    def speaks(self) -> bool:
        """Whether it asks for anything."""
        return bool(self.texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """What it asks for, as a version file says it."""
        other = [SYSTEM] if self.system else [f"path:{self.python}"] if self.python else []
        return (*other, *map(spelled, self.requests))


def of_lines(path: Path, lines: Iterable[Line]) -> VersionFile:
    """Return the version file at `path` that has these lines."""
    lines = list(lines)
    first = next((line for line in lines if not line.is_strange), None)
    python = first.meaning if first and isinstance(first.meaning, Path) else None
    return VersionFile(
        path,
        tuple(line.meaning for line in lines if isinstance(line.meaning, Request)),
        tuple(f"{path}:{each.number}: {_passed_over(each)}" for each in lines if each.is_strange),
        bool(first and first.is_system),
        python,
        first.number if first else 1,
    )


def own_form(path: Path) -> VersionFile | None:
    """Return the `.python-version` or `.python-versions` at `path`; None if it is none or names nothing.

    Raises UsageError, naming file and line, for one that cannot be read or in which nothing is a request.
    """
    lines = list(lines_of(read_text(path)))
    if not lines:
        return None
    file = of_lines(path, lines)
    if not file.speaks:
        raise _in_file(path, lines[0])
    return file


def lines_of(text: str) -> Iterator[Line]:
    """Yield the versions that the text of a version file names."""
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        for word in versions_in(content):
            yield Line(number, word, meaning(word))


def versions_in(content: str) -> list[str]:
    """Return the versions in a line without its comment: the spaces of a specifier do not part it."""
    return [content] if SPECIFIER.search(content) else content.split()


def meaning(word: str) -> Request | UsageError:
    """Return the request that a version means, or the error that says why it means none."""
    try:
        return Request.parse(_OF_PYENV.sub("", word))
    except UsageError as error:
        return error


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


def _passed_over(line: Line) -> str:
    """What is said of a version that means nothing to pyman."""
    from pyman.requests.mistakes import other_world  # noqa: PLC0415 - few files have such a line

    world = other_world(line.text)
    why = line.why or (world and f"it is {world}")
    return f"{line.text[:_SHOWN]!r} is passed over{why and f': {why}'}"


def _in_file(path: Path, line: Line) -> UsageError:
    why = line.meaning
    told = (why.message, why.hint) if isinstance(why, UsageError) else (line.text[:_SHOWN], "")
    return UsageError(f"{path}:{line.number}: {told[0]}", told[1])
