"""What is publicly known to be wrong with versions of CPython: the list that ships with pyman, and its form.

The list is made by `pyman.metadata_fetcher` from public vulnerability records, one vulnerability a line:

    {
    "format": 1,
    "date": "2026-08-05",
    "vulnerabilities": [
    {"id": "CVE-2023-6507", "published": "2024-10-04", "severity": "medium", "score": 4.9,
     "vector": "CVSS:3.1/AV:N/…", "affected": [{"introduced": "3.12.0", "fixed": "3.12.1"}]},
    …
    ]}

A version is affected from `introduced` on (`0` is all before) up to, but without, `fixed`; where that is null
no fix was recorded. In its place may stand `last_affected`, the last version that is affected. `versions` are
affected as well. Versions order as PEP 440 has it: 3.13.0rc1 is before 3.13.0.

`date` is the day up to which the records were taken in whole. Single ones may be newer. That no fix is
recorded means none by that day: of versions that came later it says nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pyman.builds.version import Stage, Version
from pyman.catalogue import learned
from pyman.catalogue.build import too_new
from pyman.errors import MetadataError, NewerFormError
from pyman.system import regular_file

FORMAT = 1
NAME = "vulnerabilities.json"
_LARGEST = 64 * 1024**2
_PASSED_OVER = "It is passed over: the bundled list serves."
_ALL_BEFORE = "0"
_BEFORE_ALL = Version(0, 0, 0, Stage.ALPHA)


class Severity(StrEnum):
    """How grave a vulnerability is, the worst first: the ratings of CVSS, and `unknown` for no vector."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"
    UNKNOWN = "unknown"

    def is_at_least(self, other: "Severity") -> bool:
        """Whether it is as grave as `other`; one that is unknown is less than any that is known."""
        return _PLACES[self] <= _PLACES[other]


_PLACES = {each: place for place, each in enumerate(Severity)}


class Range(NamedTuple):
    """Versions that are affected: from `introduced` up to, without, `fixed`, or up to and with `last`."""

    introduced: Version
    fixed: Version | None = None
    last: Version | None = None

    def covers(self, version: Version) -> bool:
        """Whether the version is one of them."""
        return (
            self.introduced <= version
            and (self.fixed is None or version < self.fixed)
            and (self.last is None or version <= self.last)
        )

    @property
    def end(self) -> Version | None:
        """The first version without it, or the last with it; None where no end was recorded."""
        return self.fixed or self.last


class Vulnerability(NamedTuple):
    """A vulnerability of CPython: its CVE number, how grave it is, and which versions have it."""

    id: str
    published: str
    severity: Severity
    score: float | None
    vector: str | None
    affected: tuple[Range, ...]
    versions: frozenset[Version] = frozenset()

    def affects(self, version: Version) -> bool:
        """Whether the version has it, by a plain reading of the record."""
        return version in self.versions or any(each.covers(version) for each in self.affected)

    def range_of(self, version: Version) -> Range | None:
        """Return the range that the version is in, rather one that ends; None for one of `versions` only."""
        found = [each for each in self.affected if each.covers(version)]
        return next((each for each in found if each.end), found[0] if found else None)

    def has_fix(self, version: Version) -> bool:
        """Whether a fix is recorded of what this version has."""
        found = self.range_of(version)
        return found is not None and found.end is not None

    @property
    def order(self) -> tuple[Any, ...]:
        """What lists are ordered by: the worst first, among equals the newest."""
        number = tuple(int(part) for part in self.id.split("-") if part.isdigit())
        return (_PLACES[self.severity], -(self.score or 0), tuple(-each for each in number), self.id)


class VulnerabilityList(NamedTuple):
    """What is known, the worst first, and the day up to which the public records were taken in whole."""

    date: str
    known: tuple[Vulnerability, ...]

    def of(self, version: Version) -> list[Vulnerability]:
        """Return what a version of CPython has, the worst first."""
        return [each for each in self.known if each.affects(version)]

    def mended(self, old: Version, new: Version) -> list[Vulnerability]:
        """Return what version `old` has and `new` has not, the worst first."""
        return [each for each in self.of(old) if not each.affects(new)]

    @property
    def newest(self) -> str:
        """The day of the newest record; "" where there is none."""
        return max((each.published for each in self.known), default="")


def bundled() -> VulnerabilityList:
    """Return the list that ships with pyman; MetadataError if it is damaged."""
    return parse(_bundled_data(), NAME)


def document(homes: Iterable[Path]) -> bytes:
    """Return the file of the list that was brought up to date last; what cannot be read is passed over."""
    files = [_bundled_data()]
    for path in map(place, homes):
        with suppress(OSError, MetadataError):
            parse(data := regular_file.whole(path, _LARGEST), str(path))
            files.append(data)
    lists = {id(parsed := parse(data, NAME)): (parsed, data) for data in files}
    best = newest(parsed for parsed, _ in lists.values())
    return lists[id(best)][1]


def _bundled_data() -> bytes:
    path = Path(__file__).with_name(NAME)
    try:
        # All of pyman may be one file, pyman.pyz: then only what has loaded this module can read it.
        data: bytes = __spec__.loader.get_data(str(path))  # type: ignore[union-attr]
    except OSError as error:
        raise MetadataError(f"cannot read {path}: {error.strerror}", "Install pyman again.") from None
    return data


def known(homes: Iterable[Path], damaged: Callable[[MetadataError], None]) -> VulnerabilityList:
    """Return the list that was brought up to date last: the bundled one, or one learned at `homes`.

    `damaged` is called with what is wrong with one of those, which is passed over. MetadataError where the
    bundled one is damaged.
    """
    lists = [bundled()]
    for path in map(place, homes):
        try:
            lists.append(parse(regular_file.whole(path, _LARGEST), str(path)))
        except FileNotFoundError:
            continue
        except OSError as error:
            damaged(MetadataError(f"cannot read {path}: {error.strerror}", _PASSED_OVER))
        except NewerFormError as error:
            damaged(error)
        except MetadataError as error:
            damaged(MetadataError(error.message, _PASSED_OVER))
    return newest(lists)


def place(home: Path) -> Path:
    """Return where the store at `home` keeps a list that a refresh brought."""
    return home / learned.FOLDER / NAME


def newest(lists: Iterable[VulnerabilityList]) -> VulnerabilityList:
    """Return the list that was brought up to date last; of equals the first."""
    return max(lists, key=lambda each: (each.date, each.newest, len(each.known)))


def parse(data: bytes, origin: str) -> VulnerabilityList:
    """Return the list in `data`; MetadataError, which names `origin`, for anything else."""
    try:
        document = json.loads(data)
        form, day, rows = (document[name] for name in ("format", "date", "vulnerabilities"))
        _check_form(form, origin)
        date.fromisoformat(day)
        return VulnerabilityList(day, tuple(sorted(map(_vulnerability, rows), key=lambda each: each.order)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MetadataError(
            f"{origin} is not a list of vulnerabilities: {type(error).__name__}: {error}",
            "`python -m pyman.metadata_fetcher --vulnerabilities` makes one.",
        ) from None


def _check_form(form: object, origin: str) -> None:
    if type(form) is int and form > FORMAT:
        raise too_new(origin, form)
    if form != FORMAT:
        raise ValueError(f"its format is {form!r}, not {FORMAT}")


def bound(text: str) -> Version:
    """Return the version that begins or ends a range, `0` for all before; ValueError for anything else."""
    return _BEFORE_ALL if text == _ALL_BEFORE else Version.parse(text)


def _vulnerability(row: Mapping[str, Any]) -> Vulnerability:
    score, vector = row["score"], row["vector"]
    date.fromisoformat(row["published"])
    if not isinstance(score, int | float | None) or not isinstance(vector, str | None):
        raise TypeError(f"score or vector of {row['id']}")
    return Vulnerability(
        str(row["id"]),
        row["published"],
        Severity(row["severity"]),
        score,
        vector,
        tuple(_ranges(row["affected"])),
        frozenset(map(Version.parse, row.get("versions", ()))),
    )


def _ranges(rows: Iterable[Mapping[str, str | None]]) -> Iterator[Range]:
    for row in rows:
        introduced, fixed, last = row["introduced"], row.get("fixed"), row.get("last_affected")
        if introduced is None:
            raise ValueError("a range begins nowhere")
        yield Range(bound(introduced), bound(fixed) if fixed else None, bound(last) if last else None)
