"""The version files of other tools: asdf's `.tool-versions`, mise's, pipenv's `Pipfile`, `runtime.txt`.

.tool-versions   python 3.12.1 3.11.9        the first counts, the others are there as well
mise.toml        [tools] python = "3.12"     or a list of them, or a table with `version`
Pipfile          [requires] python_version = "3.12"
runtime.txt      python-3.12.1
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from pyman.environments.virtualenv import program_in
from pyman.errors import UsageError
from pyman.project import toml_file
from pyman.project.version_file import Line, VersionFile, lines_of, meaning, of_lines, read_text

_TOOLS = ("python", "core:python")
_PIPFILE_KEYS = ("python_full_version", "python_version")
# What a table of mise's may hold in place of a version, and what that is in one word.
_MISE_KEYS = {"version": "", "prefix": "prefix:", "path": "path:", "ref": "ref:"}
_ANYTHING = "*"
_NO_TEXT = "it is not a text: a version is written in quotes, for as a number 3.10 is 3.1"
_NOT_COMPILED = "it would have to be compiled, and pyman compiles nothing"
_NO_INTERPRETER = "there is no interpreter"


def read(path: Path) -> VersionFile | None:
    """Return the version file at `path`; None if it is none or names no Python.

    What cannot be read, and each version that means nothing to pyman, is told in its `skipped`.
    """
    if not path.is_file():
        return None
    try:
        lines = list(_READERS.get(path.name, _mise)(path))
    except UsageError as error:
        return VersionFile(path, (), (f"{error.message}; it is passed over",))
    return of_lines(path, lines) if lines else None


def _tool_versions(path: Path) -> Iterator[Line]:
    for number, line in enumerate(read_text(path).splitlines(), 1):
        tool, *versions = line.partition("#")[0].split() or [""]
        if tool in _TOOLS:
            yield from (_line(path, number, version) for version in versions)


def _mise(path: Path) -> Iterator[Line]:
    document = toml_file.read(path)
    for tool in _TOOLS:
        value = document.value("tools", tool)
        number = document.line("tools", tool)
        for each in value if isinstance(value, list) else [] if value is None else [value]:
            yield _line(path, number, _of_table(each) if isinstance(each, dict) else each)


def _of_table(table: dict[str, object]) -> object:
    for key, mark in _MISE_KEYS.items():
        if key in table:
            value = table[key]
            return mark + value if isinstance(value, str) else value
    return _ANYTHING


def _pipfile(path: Path) -> Iterator[Line]:
    document = toml_file.read(path)
    for key in _PIPFILE_KEYS:
        value = document.value("requires", key)
        if value not in (None, _ANYTHING):
            line = _line(path, document.line("requires", key), value)
            yield line
            if not line.is_strange:
                return


def _runtime(path: Path) -> Iterator[Line]:
    # A file of that name may be somebody else's, and whole pages long.
    return islice(lines_of(read_text(path)), 1)


_READERS: dict[str, Callable[[Path], Iterator[Line]]] = {
    ".tool-versions": _tool_versions,
    "Pipfile": _pipfile,
    "runtime.txt": _runtime,
}


def _line(path: Path, number: int, value: object) -> Line:
    """What a version means; `path:` is an interpreter, or a folder with one, seen from the file's folder."""
    if not isinstance(value, str):
        return Line(number, str(value), meaning(""), _NO_TEXT)
    text = value.strip()
    kind, mark, rest = text.partition(":")
    if mark and kind == "ref":
        return Line(number, text, meaning(""), _NOT_COMPILED)
    if mark and kind == "path":
        return Line(number, text, _interpreter(path.parent, rest) or meaning(""), _NO_INTERPRETER)
    return Line(number, text, meaning(text))


def _interpreter(folder: Path, text: str) -> Path | None:
    try:
        place = folder / Path(text).expanduser()
    except RuntimeError:  # `~nobody`
        return None
    return place if place.is_file() else program_in(place)
