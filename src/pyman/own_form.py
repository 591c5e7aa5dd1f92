"""pyman's own form of the metadata, made by `pyman.metadata_fetcher`.

It is JSON in which each target's builds stand together, one build a line: CPython first, by minor version, by
variant, and then the best first. Its head says at which bytes each minor version and variant is:

    {
    "format": 1,
    "origin": "https://github.com/astral-sh/python-build-standalone/releases/download",
    "sections": {"linux-aarch64-gnu": {"cpython-3.12": [23, 9016], "cpython-3.12+debug": [9041, 8729], …}, …},
    "builds": {
    "linux-aarch64-gnu": [
    ["cpython-3.12.9+20250317", "cpython-3.12.9+20250317-aarch64-…-install_only_stripped.tar.gz", "<sha256>"],
    …
    ]}}

A section is counted in bytes from the line after `"builds": {`, and is whole lines but for the comma of the
last: so what is wanted is read without the megabytes of the others. The file name may be a whole URL; the
digest may be null.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pyman.errors import MetadataError, UsageError
from pyman.key import Key, Minor
from pyman.metadata import Build, best_first, by_minor, checked, damaged
from pyman.request import Request
from pyman.target import Target

FORMAT = 1
BUILDS_LINE = b'"builds": {\n'
_HEAD_BYTES = 64 * 1024
_Row = tuple[str, str, str | None]
_Place = tuple[int, int]


def bundled() -> "SectionedMetadata":
    """Return the metadata that is shipped with pyman."""
    here = Path(__file__).parent
    shipped = here / "download-metadata.json"
    # In a checkout the one copy is the repository's; the wheel puts it beside this module.
    return SectionedMetadata(shipped if shipped.exists() else here.parents[1] / shipped.name)


class SectionedMetadata:
    """A file of this form, of which only the sections asked for are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                head, found, _ = file.read(_HEAD_BYTES).partition(BUILDS_LINE)
            document = json.loads(head + b'"builds": {}}')
            self._sections: dict[str, dict[str, _Place]] = document["sections"]
            self._origin: str = document["origin"]
        except OSError as error:
            raise MetadataError(f"cannot read {path}: {error.strerror}", "Install pyman again.") from None
        except (ValueError, KeyError) as error:
            raise damaged(str(path), str(error)) from None
        if not found or document["format"] != FORMAT:
            raise damaged(str(path), "its head is not that of download metadata")
        self._start = len(head) + len(BUILDS_LINE)

    def targets(self) -> list[Target]:
        return _targets(self._sections, str(self._path))

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        with self._reading(target) as file:
            rows = [row for place in self._places(target, request) for row in self._rows(file, place)]
            return list(_builds_of_rows(rows, target, self._origin))

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        with self._reading(target) as file:
            for place in self._places(target, request):
                yield self._one_by_one(file, place, target)

    def _one_by_one(self, file: BinaryIO, place: _Place, target: Target) -> Iterator[Build]:
        offset, left = place
        with self._damage_told(target):
            file.seek(self._start + offset)
            while left > 0:
                line = file.readline()
                left -= len(line) or left
                yield from _builds_of_rows([json.loads(line.rstrip(b",\n"))], target, self._origin)

    @contextmanager
    def _reading(self, target: Target) -> Iterator[BinaryIO]:
        with self._damage_told(target), self._path.open("rb") as file:
            yield file

    @contextmanager
    def _damage_told(self, target: Target) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise damaged(str(self._path), f"section {target}: {error}") from None

    def _places(self, target: Target, request: Request | None) -> list[_Place]:
        sections = self._sections.get(str(target), {})
        if request is None:
            return list(sections.values())
        return [place for name, place in sections.items() if request.may_cover(Minor.parse(name))]

    def _rows(self, file: BinaryIO, place: _Place) -> list[_Row]:
        offset, length = place
        file.seek(self._start + offset)
        rows: list[_Row] = json.loads(b"[%b]" % file.read(length))
        return rows


class WholeMetadata:
    """A document of this form, parsed as a whole; neither its sections' places nor its order matter."""

    def __init__(self, document: Mapping[str, Any], origin: str) -> None:
        self._name = origin
        self._builds: Mapping[str, Any] = document["builds"]
        self._origin: str = document.get("origin", "")
        if document.get("format") != FORMAT or not isinstance(self._builds, dict):
            raise damaged(origin, f"its format is not {FORMAT}")

    def targets(self) -> list[Target]:
        return _targets(self._builds, self._name)

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        try:
            builds = list(_builds_of_rows(self._builds.get(str(target), []), target, self._origin))
        except (ValueError, TypeError, AttributeError) as error:
            raise damaged(self._name, f"section {target}: {error}") from None
        return best_first(build for build in builds if not request or request.may_cover(build.key.minor))

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        return by_minor(self.builds(target, request))


def _targets(names: Iterable[str], origin: str) -> list[Target]:
    try:
        return [Target.parse(name) for name in names]
    except UsageError as error:
        raise damaged(origin, error.message) from None


def _builds_of_rows(rows: Iterable[_Row], target: Target, origin: str) -> Iterator[Build]:
    for name, file, sha256 in rows:
        key = Key.of_build(name, target)
        # quote() costs more than all the rest; `+` is the one character in archive names that it is for.
        url = file if "://" in file else f"{origin}/{key.release}/{file.replace('+', '%2B')}"
        yield checked(Build(key, url, sha256))
