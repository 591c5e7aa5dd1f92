"""TOML files of a project: read whole, up to a bound, and where in one something stands."""

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from pyman.errors import UsageError
from pyman.system import regular_file

_LARGEST = 4 * 1024 * 1024
_HINT = "It is TOML, in UTF-8."
_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")
_AT_END = " (at end of document)"
_HEADER = re.compile(r"\s*\[\[?(?P<name>[^\[\]]+)\]")


class Document(NamedTuple):
    """TOML: the path of its file, its text, what it says, and how many lines of the file stand before it."""

    path: Path
    text: str
    content: dict[str, Any]
    before: int = 0

    def value(self, *keys: str) -> object:
        """Return what stands under these keys; None where nothing does."""
        found: object = self.content
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def line(self, *keys: str) -> int:
        """Return the number of the file's line in which that stands, as far as can be told from the text."""
        header, key = keys[:-1], re.compile(rf"\s*[\"']?{re.escape(keys[-1])}[\"']?\s*[=.]")
        inside: tuple[str, ...] = ()
        for number, line in enumerate(self.text.split("\n"), self.before + 1):
            found = _HEADER.match(line)
            if found:
                inside = tuple(part.strip(" \t\"'") for part in found["name"].split("."))
                if inside == keys:
                    return number
            elif inside == header and key.match(line):
                return number
        return self.before + 1


def read(path: Path) -> Document:
    """Return the TOML file at `path`; UsageError, with the line if there is one, if it cannot be read."""
    try:
        text = regular_file.whole(path, _LARGEST).decode("utf-8-sig")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {why}", _HINT) from None
    return parse(text, path)


def parse(text: str, path: Path, before: int = 0) -> Document:
    """Return what `text` says, which stands in the file at `path` after so many lines; raises as `read`."""
    try:
        return Document(path, text, tomllib.loads(text), before)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        found = _AT_LINE.search(why)
        number = int(found[1]) if found else text.count("\n") + 1 if why.endswith(_AT_END) else 1
        told = _AT_LINE.sub("", why).removesuffix(_AT_END)
        raise UsageError(f"cannot read {path}:{before + number}: {told}", _HINT) from None
