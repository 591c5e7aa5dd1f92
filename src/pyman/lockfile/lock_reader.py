"""Reads a lock. Anybody may have written it: what is wrong with it is said with file and line."""

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue.build import Build, checked
from pyman.errors import MetadataError, NewerFormError, UsageError
from pyman.lockfile import lock_place
from pyman.lockfile.lock import FORMAT, Lock, Locked
from pyman.requests.request import Request
from pyman.system import regular_file
from pyman.system.toml_place import place_of

_LARGEST = 4 * 1024 * 1024
_HINT = "`pyman lock REQUEST…` makes a lock; what another pyman wrote is best left as it is."
_TABLE = re.compile(r"\s*\[\[\s*build\s*\]\]")
_Item = TypeVar("_Item")
# Without a space or anything that would steer: it stands in scripts that are made of the lock.
_URL = re.compile(r"(https?|file)://[!-~]+")


def nearest(start: Path) -> Lock | None:
    """Return the nearest lock in `start` or above, if there is one; raises as `read` does."""
    path = lock_place.nearest(start)
    return read(path) if path else None


def read(path: Path) -> Lock:
    """Return the lock at `path`; MetadataError, which names file and line, for one that is none."""
    return parse(text_of(path), path)


def text_of(path: Path) -> str:
    """Return the text of the lock at `path`; MetadataError if it cannot be read."""
    try:
        return regular_file.whole(path, _LARGEST).decode("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise MetadataError(f"cannot read {path}: {why}", "`pyman lock REQUEST…` makes a lock.") from None


def parse(text: str, path: Path) -> Lock:
    """Return the lock that `text`, from the file at `path`, is; raises as `read` does."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _broken(path, *place_of(error, text)) from None
    return _Reading(text, path).lock(document)


class _Reading(NamedTuple):
    """A text that is being understood, and the file it is from."""

    text: str
    path: Path

    def lock(self, document: Mapping[str, Any]) -> Lock:
        form = document.get("format")
        if type(form) is int and form > FORMAT:
            raise NewerFormError(
                f"{self.path} is of form {form}, which needs a newer pyman", "Install a newer pyman."
            )
        if form != FORMAT or type(form) is not int:
            raise self.wrong("format", f"format is not {FORMAT}")
        requests = self.several(document, "requests", Request.parse)
        targets = self.several(document, "targets", Target.parse)
        tables = document.get("build", [])
        if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
            raise self.wrong("build", "build is not a list of tables [[build]]")
        locked = [self.locked(table, number) for number, table in enumerate(tables)]
        for number, each in enumerate(locked):
            if each.key in [other.key for other in locked[:number]]:
                raise self.wrong("key", f"{each.key} is locked twice", number)
        return Lock.of(requests, targets, locked)._replace(path=self.path)

    def locked(self, table: Mapping[str, Any], number: int) -> Locked:
        key = Key.find(table["key"]) if isinstance(table.get("key"), str) else None
        if not key:
            raise self.wrong("key", f"not a build's key: {table.get('key')!r}", number)
        url, size = table.get("url"), table.get("size")
        if not isinstance(url, str) or not _URL.fullmatch(url):
            raise self.wrong("url", f"the url of {key} is none", number)
        try:
            build = checked(Build(key, url, table["sha256"]))
            int(table["sha256"], 16)
        except (KeyError, ValueError, TypeError):
            raise self.wrong("sha256", f"{key} has no sha256", number) from None
        if size is not None and (type(size) is not int or size < 0):
            raise self.wrong("size", f"the size of {key} is no number of bytes", number)
        requests = self.several(table, "requests", Request.parse, number)
        if strange := next((each for each in requests if not each.matches(key)), None):
            raise self.wrong("requests", f"{key} is not what {strange} asks for", number)
        return Locked(build, requests, size)

    def several(
        self, table: Mapping[str, Any], field: str, parse: Callable[[str], _Item], number: int | None = None
    ) -> tuple[_Item, ...]:
        texts = table.get(field)
        if not isinstance(texts, list) or not texts or not all(isinstance(each, str) for each in texts):
            raise self.wrong(field, f"{field} is not a list of texts", number)
        try:
            return tuple(dict.fromkeys(map(parse, texts)))
        except UsageError as error:
            raise self.wrong(field, error.message, number) from None

    def wrong(self, field: str, why: str, number: int | None = None) -> MetadataError:
        """Return the error for a field at the top, or of a table; if it is missing, for the table."""
        lines = self.text.splitlines()
        tables = [place for place, line in enumerate(lines) if _TABLE.match(line)]
        begin = tables[number] if number is not None and number < len(tables) else 0
        end = next((place for place in tables if place > begin), len(lines))
        named = re.compile(rf"\s*(\[\[\s*)?[\"']?{field}\b")
        found = next((place for place in range(begin, end) if named.match(lines[place])), begin)
        return _broken(self.path, found + 1, why)


def _broken(path: Path, line: int, why: str) -> MetadataError:
    return MetadataError(f"{path}:{line}: {why}", _HINT)
