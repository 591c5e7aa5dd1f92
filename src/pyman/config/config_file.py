"""A file of settings, `config.toml`: what it says, at which line, and what is wrong with it.

    mirror = "https://python.example/mirror"
    allowed-hosts = ["python.example"]
    fixed = ["mirror"]        # in the site's file alone

What is not known is passed over, for a newer pyman may know it: that is a remark. All else that is wrong is a
fault, and a file with one is not used at all: half of what was settled may be the half that matters less.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pyman.config.known import KNOWN
from pyman.errors import UsageError
from pyman.system import regular_file
from pyman.system.toml_place import place_of

FIXED = "fixed"
_LARGEST = 1024 * 1024
_MEND = "Mend it there; `pyman config` shows all that is set, and what is wrong."
_LIKE = 0.6


class Entry(NamedTuple):
    """A setting in a file: its value as the variable would have it, and its line."""

    value: str
    line: int


class Remark(NamedTuple):
    """What is wrong at a line of a file; a `fault` keeps the file from being used."""

    path: Path
    line: int
    text: str
    fault: bool

    def __str__(self) -> str:
        return f"{self.path}, line {self.line}: {self.text}"

    @property
    def error(self) -> UsageError:
        """The error that a fault is."""
        return UsageError(str(self), _MEND)


class ConfigFile(NamedTuple):
    """What a file says: its settings by name, those it fixes, and what is wrong with it."""

    path: Path
    entries: dict[str, Entry]
    fixed: frozenset[str]
    remarks: tuple[Remark, ...]


def read(path: Path, *, is_site: bool) -> ConfigFile:
    """Return what the file says; UsageError if it cannot be read."""
    try:
        data = regular_file.whole(path, _LARGEST)
    except OSError as error:
        raise UsageError(f"cannot read the settings {path}: {error.strerror}", "Mend it there.") from None
    try:
        text = data.decode()
        found = tomllib.loads(text)
    except UnicodeDecodeError as error:
        return _broken(path, data.count(b"\n", 0, error.start) + 1, "it is not UTF-8")
    except (
        ValueError
    ) as error:  # not TOMLDecodeError alone: an integer may have more digits than Python reads
        line, why = place_of(error, text)
        return _broken(path, line, f"it is no TOML: {why}")
    except RecursionError:
        return _broken(path, 1, "it is no TOML that can be read")
    return _Reading(path, text, found).all(is_site=is_site)


def _broken(path: Path, line: int, text: str) -> ConfigFile:
    return ConfigFile(path, {}, frozenset(), (Remark(path, line, text, fault=True),))


class _Reading:
    def __init__(self, path: Path, text: str, found: dict[str, Any]) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._found = found
        self._remarks: list[Remark] = []

    def all(self, *, is_site: bool) -> ConfigFile:
        """Read every entry."""
        fixed = frozenset(self._fixed(self._found.pop(FIXED))) if FIXED in self._found and is_site else None
        entries = {name: entry for name in self._found if (entry := self._entry(name))}
        remarks = sorted(self._remarks, key=lambda each: each.line)
        return ConfigFile(self._path, entries, fixed or frozenset(), tuple(remarks))

    def _entry(self, name: str) -> Entry | None:
        line = self._line_of(name)
        if name == FIXED:
            self._remark(line, "fixed counts in the file of the site alone; it is passed over")
        elif name not in KNOWN:
            self._remark(line, f"there is no setting {name}; it is passed over{_meant(name)}")
        else:
            try:
                return Entry(KNOWN[name].read(self._found[name]), line)
            except ValueError as error:
                self._remark(line, f"{name} should be {error}", fault=True)
        return None

    def _fixed(self, names: object) -> Iterator[str]:
        line = self._line_of(FIXED)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            self._remark(line, 'fixed should be a list of settings, such as ["mirror"]', fault=True)
            return
        for name in names:
            if name in KNOWN:
                yield name
            else:
                self._remark(line, f"there is no setting {name} to be fixed; it is passed over{_meant(name)}")

    def _remark(self, line: int, text: str, *, fault: bool = False) -> None:
        self._remarks.append(Remark(self._path, line, text, fault))

    def _line_of(self, name: str) -> int:
        """The line where an entry or a table of that name begins: that before it is TOML, too."""
        quoted = f"[\"']?{re.escape(name)}[\"']?"
        begins = re.compile(rf"\s*(?:{quoted}\s*[.=]|\[+\s*{quoted}\s*[].])")
        for number, line in enumerate(self._lines, 1):
            if begins.match(line) and _is_toml("\n".join(self._lines[: number - 1])):
                return number
        return 1


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except ValueError:
        return False
    return True


def _meant(name: str) -> str:
    import difflib  # noqa: PLC0415 - for mistakes, which most files have not

    wish = name.lower().replace("_", "-").removeprefix("pyman-")
    found = difflib.get_close_matches(wish, [*KNOWN, FIXED], n=1, cutoff=_LIKE)
    return f". Did you mean {found[0]}?" if found else ""
