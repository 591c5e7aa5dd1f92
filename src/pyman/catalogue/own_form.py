"""pyman's own form of the metadata, made by `pyman.metadata_fetcher`.

It is JSON in which each target's builds stand together, one build a line: CPython first, by minor version, by
variant, and then the best first. Its head says how many there are and which release of CPython is the newest,
and at which bytes each minor version and variant is:

    {
    "format": 1,
    "origin": "https://github.com/astral-sh/python-build-standalone/releases/download",
    "newest": "20250317",
    "count": 2300,
    "sections": {"linux-aarch64-gnu": {"cpython-3.12": [23, 9016], "cpython-3.12+debug": [9041, 8729], …}, …},
    "builds": {
    "linux-aarch64-gnu": [
    ["cpython-3.12.9+20250317", "cpython-3.12.9+20250317-aarch64-…-install_only_stripped.tar.gz", "<sha256>"],
    …
    ]}}

A section is counted in bytes from the line after `"builds": {`, and is whole lines but for the comma of the
last: so what is wanted is read without the megabytes of the others. The file name may be a whole URL; the
digest may be null. What follows the digest tells more of the row and is passed over here: in what was learned
(see `learned`) the number of the refresh that brought it.

A later form, which says another number in "format", is not guessed at.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from pyman.builds.key import Key, Minor
from pyman.builds.target import Target
from pyman.catalogue.build import Build, best_first, by_minor, checked, damaged, too_new
from pyman.errors import MetadataError, UsageError
from pyman.requests.request import Request
from pyman.system import regular_file

FORMAT = 1
BUNDLED = "download-metadata.json"
BUILDS_LINE = b'"builds": {\n'
_HEAD_BYTES = 64 * 1024
_MOST_HEAD_BYTES = 4 * 1024 * 1024
_Place = tuple[int, int]


def bundled() -> "SectionedMetadata":
    """Return the metadata that is shipped with pyman."""
    loader = __spec__.loader
    if loader and hasattr(loader, "archive"):  # zipimport's: all of pyman is one file
        inside = Path(__file__).parents[1] / BUNDLED
        return SectionedMetadata(inside, lambda: io.BytesIO(loader.get_data(str(inside))))  # type: ignore[attr-defined]
    return SectionedMetadata(bundled_path())


def bundled_path() -> Path:
    """Return where those metadata are."""
    package = Path(__file__).parents[1]
    shipped = package / BUNDLED
    # In a checkout the one copy is the repository's; the wheel puts it into the package.
    return shipped if shipped.exists() else package.parents[1] / BUNDLED


class SectionedMetadata:
    """A file of this form, of which only the sections asked for are read.

    `opened` gives what is at `path` where the system cannot.
    """

    def __init__(self, path: Path, opened: Callable[[], BinaryIO] | None = None) -> None:
        self.path = path
        self._opened: Callable[[], BinaryIO] = opened or (
            lambda: open(path, "rb", opener=regular_file.opened)  # noqa: SIM115 - who asks closes it
        )
        try:
            with self._opened() as file:
                head = _head(file)
            self.head: dict[str, Any] = json.loads(head + b'"builds": {}}')
            _check_form(self.head, str(path))
            self._sections: dict[str, dict[str, _Place]] = dict(self.head["sections"])
            self._origin: str = self.head["origin"]
        except OSError as error:
            raise MetadataError(f"cannot read {path}: {error.strerror}", "Install pyman again.") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise damaged(str(path), f"its head is not that of download metadata ({error})") from None
        self._start = len(head) + len(BUILDS_LINE)

    @property
    def newest(self) -> str:
        """The newest release of CPython in it, a date such as `20250317`; "" where that is not said."""
        return str(self.head.get("newest", ""))

    @property
    def count(self) -> int:
        """How many builds are in it; 0 where that is not said."""
        count = self.head.get("count", 0)
        return count if type(count) is int else 0

    def targets(self) -> list[Target]:
        return _targets(self._sections, str(self.path))

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        with self._reading(target) as file:
            rows = [row for place in self._places(target, request) for row in self._rows(file, place)]
            return list(_builds_of_rows(rows, target, self._origin))

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        with self._reading(target) as file:
            for place in self._places(target, request):
                yield self._one_by_one(file, place, target)

    def places(self, target: Target, request: Request) -> Iterator[Minor]:
        """Yield each minor version and variant of `target` which the request may mean, the best first."""
        with self._damage_told(target):
            for name in self._sections.get(str(target), {}):
                if request.may_cover(minor := Minor.parse(name)):
                    yield minor

    def group(self, target: Target, minor: Minor) -> Iterator[Build]:
        """Yield the builds of one minor version and variant, best first; what is not taken is not read."""
        place = self._sections.get(str(target), {}).get(str(minor))
        if place:
            with self._reading(target) as file:
                yield from self._one_by_one(file, place, target)

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
        with self._damage_told(target), self._opened() as file:
            yield file

    @contextmanager
    def _damage_told(self, target: Target) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(str(self.path), f"section {target}: {error}") from None

    def _places(self, target: Target, request: Request | None) -> list[_Place]:
        sections = self._sections.get(str(target), {})
        if request is None:
            return list(sections.values())
        return [place for name, place in sections.items() if request.may_cover(Minor.parse(name))]

    def _rows(self, file: BinaryIO, place: _Place) -> list[list[Any]]:
        offset, length = place
        file.seek(self._start + offset)
        rows: list[list[Any]] = json.loads(b"[%b]" % file.read(length))
        return rows


class WholeMetadata:
    """A document of this form, parsed as a whole; neither its sections' places nor its order matter.

    What only a mirror has is in that at whose root the document is, if its `place` is known.
    """

    def __init__(self, document: Mapping[str, Any], origin: str, place: str = "") -> None:
        self._place = place
        self._name = origin
        _check_form(document, origin)
        self._builds: Any = document.get("builds")
        self._origin: str = document.get("origin", "")
        if not isinstance(self._builds, dict):
            raise damaged(origin, "its builds are not an object")

    def targets(self) -> list[Target]:
        return _targets(self._builds, self._name)

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        try:
            builds = list(_builds_of_rows(self._builds.get(str(target), []), target, self._origin))
        except (ValueError, TypeError, AttributeError) as error:
            raise damaged(self._name, f"section {target}: {error}") from None
        if self._place:
            builds = _in_mirror(builds, self._place)
        return best_first(build for build in builds if not request or request.may_cover(build.key.minor))

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        return by_minor(self.builds(target, request))


def _in_mirror(builds: Iterable[Build], place: str) -> list[Build]:
    from pyman.catalogue.sources import address_in, folder_of  # noqa: PLC0415 - few documents are given

    return [build._replace(url=address_in(build.url, folder_of(place))) for build in builds]


def _head(file: BinaryIO) -> bytes:
    """What stands before the builds; ValueError where no builds follow. Raises OSError."""
    read = file.read(_HEAD_BYTES)
    if BUILDS_LINE not in read:
        read += file.read(_MOST_HEAD_BYTES)
    head, found, _ = read.partition(BUILDS_LINE)
    if not found:
        raise ValueError("no builds follow it")
    return head


def _check_form(document: Mapping[str, Any], origin: str) -> None:
    form = document.get("format")
    if type(form) is int and form > FORMAT:
        raise too_new(origin, form)
    if form != FORMAT:
        raise damaged(origin, f"its format is not {FORMAT}")


def _targets(names: Iterable[str], origin: str) -> list[Target]:
    try:
        return [Target.parse(name) for name in names]
    except UsageError as error:
        raise damaged(origin, error.message) from None


def _builds_of_rows(rows: Iterable[Sequence[Any]], target: Target, origin: str) -> Iterator[Build]:
    for name, file, sha256, *_ in rows:
        key = Key.of_build(name, target)
        # quote() costs more than all the rest; `+` is the one character in archive names that it is for.
        url = file if "://" in file else f"{origin}/{key.release}/{file.replace('+', '%2B')}"
        yield checked(Build(key, url, sha256))
