"""Scripts: what one says of its Python, in the `# /// script` block (PEP 723) and in the first line."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pyman.errors import UsageError
from pyman.project import toml_file
from pyman.project.requirement import Requirement, of_value
from pyman.project.toml_file import Document
from pyman.requests.request import is_request
from pyman.system import regular_file

_PYTHON_FILES = (".py", ".pyw")
_LARGEST = 4 * 1024 * 1024  # of a longer file the block is looked for in the beginning
_LONGEST_LINE = 256
_BY_PYMAN = re.compile(r"#!.*\bpyman(\.exe|\.pyz)?[\"']?\s+run\b(?P<words>.*)")
_BEGIN, _END = "# /// script", "# ///"
_BLOCK = "Each line of the block begins with `# `, and the last one is `# ///` (PEP 723)."


class Script(NamedTuple):
    """A Python file: the request in its first line, and what it requires and depends on, by its block.

    `line` is where its dependencies stand.
    """

    path: Path
    request: str | None = None
    requirement: Requirement | None = None
    dependencies: tuple[str, ...] = ()
    line: int = 1


def named(word: str) -> Script | None:
    """Return the script that a command names: a Python file, or one whose first line is for `pyman run`.

    None for every other command. Raises as `read` does.
    """
    path = Path(word)
    if not path.is_file():
        return None
    return read(path) if word.endswith(_PYTHON_FILES) or _BY_PYMAN.match(_first_line(path)) else None


def read(path: Path) -> Script:
    """Return what the script at `path` says; UsageError, with the line, for a block that cannot be read."""
    lines = _text(path, _LARGEST).split("\n")
    found = _BY_PYMAN.match(lines[0][:_LONGEST_LINE])
    request = next(_requests(_words(found["words"])), None) if found else None
    document = _block([line.rstrip() for line in lines], path)
    if not document:
        return Script(path, request)
    requirement = of_value(document, ("requires-python",))
    return Script(path, request, requirement, _dependencies(document), document.line("dependencies"))


def _first_line(path: Path) -> str:
    return _text(path, _LONGEST_LINE).partition("\n")[0]


def _text(path: Path, most: int) -> str:
    """The beginning of a file; empty where it cannot be read, which Python itself will say."""
    try:
        return regular_file.head(path, most).decode("utf-8-sig", "surrogateescape")
    except (OSError, ValueError):
        return ""


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _requests(words: Sequence[str]) -> Iterator[str]:
    """The requests among the words after `pyman run`."""
    for before, word in zip(("", *words), words, strict=False):
        name, mark, value = word.partition("=")
        if before in ("-p", "--python") or (not word.startswith("-") and is_request(word)):
            yield word
        elif mark and name == "--python":
            yield value


def _block(lines: Sequence[str], path: Path) -> Document | None:
    """What the block of a script says; None if it has none."""
    begins = [number for number, line in enumerate(lines) if line == _BEGIN]
    if not begins:
        return None
    first = begins[0] + 1
    last = next((n for n, line in enumerate(lines[first:], first) if line[:2] not in ("#", "# ")), len(lines))
    ends = [number for number in range(first, last) if lines[number] == _END]
    if not ends:
        raise UsageError(f"{path}:{first}: the script block that begins here has no end", _BLOCK)
    if begins[-1] > ends[-1]:
        raise UsageError(f"{path}:{begins[-1] + 1}: there is a second script block", "A script has one.")
    return toml_file.parse("\n".join(line[2:] for line in lines[first : ends[-1]]), path, first)


def _dependencies(document: Document) -> tuple[str, ...]:
    found = document.value("dependencies")
    texts = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    if found is not None and (not isinstance(found, list) or len(texts) < len(found)):
        line = document.line("dependencies")
        raise UsageError(f"{document.path}:{line}: dependencies is not a list of texts", _BLOCK)
    return tuple(texts)
