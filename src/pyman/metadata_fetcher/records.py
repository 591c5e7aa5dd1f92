"""Vulnerability records: OSV documents, and short ones with a CVE, a CVSS vector and ranges.

OSV: https://ossf.github.io/osv-schema/. Of its ranges those of versions are read; where there are only those
of commits, the versions that are listed beside them.
A short record is `{"cve": …, "published": "2024-10-04", "cvss": …, "affected": [{"introduced": "3.12.0",
"fixed": "3.12.1"}]}`, where `cvss` and `fixed` may be null.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from packaging.version import Version as AnyVersion

from pyman.catalogue.vulnerabilities import Severity, bound
from pyman.release_index.artifact import text_of

_PACKAGES = {"python", "cpython"}
_REPOSITORY = "github.com/python/cpython"
_TYPES = ("CVSS_V4", "CVSS_V3", "CVSS_V2")  # what is preferred first
_EVENTS = ("fixed", "introduced", "last_affected")  # what comes first of those at one version
_NUMBERS = 3
Bounds = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says: its ranges as the packaged list has them, and when it was changed last."""

    id: str
    published: str
    modified: str
    vector: str | None
    affected: tuple[Bounds, ...]
    versions: tuple[str, ...] = ()

    @property
    def has_open_end(self) -> bool:
        """Whether it says of some versions that no fix was recorded."""
        return any(each.get("fixed", "") is None for each in self.affected)


def parse(document: object) -> Record:
    """Return what a document says of CPython; ValueError, which says why, for one that says nothing of it."""
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  # what is wrong is a value of the file
    return _short(document) if "cve" in document else _osv(document)


def _short(document: Mapping[str, Any]) -> Record:
    published, vector = _day(text_of(document, "published")), document.get("cvss")
    if not isinstance(vector, str | None):
        raise ValueError("its cvss is neither a vector nor null")  # noqa: TRY004  # the same
    ranges = [_checked(each) for each in _list(document, "affected")]
    return Record(text_of(document, "cve"), published, published, vector, _affected(ranges, ()))


def _osv(document: Mapping[str, Any]) -> Record:
    if document.get("withdrawn"):
        raise ValueError(f"it was withdrawn: {document['withdrawn']}")
    mine = [each for each in _list(document, "affected") if _is_cpython(each)]
    if not mine:
        raise ValueError("it is not about CPython")
    modified = _day(text_of(document, "modified"))
    ranges = [bounds for each in mine for bounds in _ranges(each)]
    versions = [text for each in mine for text in _versions(each)]
    if not ranges and any(_ends(each) for each in mine):
        ranges = list(_spans(versions))
    return Record(
        _name(document),
        _day(document.get("published") or modified),
        modified,
        _vector([document, *mine]),
        _affected(ranges, versions),
        _left(versions, ranges),
    )


def _name(document: Mapping[str, Any]) -> str:
    """Its CVE number, else what the database calls it."""
    own = text_of(document, "id")
    others = (str(each) for field in ("aliases", "upstream") for each in document.get(field) or ())
    return next((name for name in (own, *others) if name.startswith("CVE-")), own)


def _is_cpython(affected: object) -> bool:
    if not isinstance(affected, dict):
        return False
    package = affected.get("package")
    if package:
        return isinstance(package, dict) and str(package.get("name")).lower() in _PACKAGES
    repositories = (str(each.get("repo")) for each in affected.get("ranges") or () if isinstance(each, dict))
    return any(_REPOSITORY in repository for repository in repositories)


def _vector(holders: Iterable[Mapping[str, Any]]) -> str | None:
    """The vector of the newest version of CVSS; OSV has them with the document or with what is affected."""
    found = [each for holder in holders for each in holder.get("severity") or ()]
    for kind in _TYPES:
        for each in found:
            if isinstance(each, dict) and each.get("type") == kind:
                return text_of(each, "score")
    return None


def _ranges(affected: Mapping[str, Any]) -> Iterator[Bounds]:
    for each in affected.get("ranges") or ():
        if each.get("type") != "GIT":
            yield from _of_events(_list(each, "events"))


def _versions(affected: Mapping[str, Any]) -> Iterator[str]:
    """The versions that it lists; tags that are none are passed over: nobody has such a Python."""
    for text in affected.get("versions") or ():
        with suppress(ValueError):
            yield _version(text)


def _ends(affected: Mapping[str, Any]) -> bool:
    """Whether a commit is named that fixes it."""
    events = (event for each in affected.get("ranges") or () for event in _list(each, "events"))
    return any("fixed" in event for event in events)


def _spans(versions: Iterable[str]) -> Iterator[Bounds]:
    """Yield a range for the versions of each minor version: they are all that lie between two commits."""
    ordered = sorted(versions, key=bound)
    for _, group in groupby(ordered, key=lambda each: bound(each).series):
        found = list(group)
        yield {"introduced": found[0], "last_affected": found[-1]}


def _of_events(events: Iterable[Mapping[str, str]]) -> Iterator[Bounds]:
    """Yield what lies between events, as OSV evaluates them: in the order of versions, whatever theirs is."""
    marks = [(_version(text), kind) for event in events for kind, text in event.items() if kind in _EVENTS]
    begun: str | None = None
    for version, kind in sorted(marks, key=lambda mark: (bound(mark[0]), _EVENTS.index(mark[1]))):
        if kind == "introduced":
            begun = version if begun is None else begun
        elif begun is not None:
            yield {"introduced": begun, kind: version}
            begun = None
    if begun is not None:
        yield {"introduced": begun, "fixed": None}


def _checked(bounds: object) -> Bounds:
    """A range of a short record."""
    if not isinstance(bounds, dict) or "fixed" not in bounds:
        raise ValueError("a range has 'introduced' and 'fixed'")
    fixed = None if bounds["fixed"] is None else _version(text_of(bounds, "fixed"))
    return {"introduced": _version(text_of(bounds, "introduced")), "fixed": fixed}


def _affected(ranges: Iterable[Bounds], versions: Iterable[str]) -> tuple[Bounds, ...]:
    found = tuple(sorted(ranges, key=lambda each: bound(each["introduced"] or "0")))
    if not found and not list(versions):
        raise ValueError("it names no version that is affected")
    return found


def _left(versions: Iterable[str], ranges: Iterable[Bounds]) -> tuple[str, ...]:
    """Those of the versions that are in no range: databases list the others beside the ranges."""
    ranges = list(ranges)
    left = {each for each in versions if not any(_is_within(each, bounds) for bounds in ranges)}
    return tuple(sorted(left, key=bound))


def _is_within(version: str, bounds: Bounds) -> bool:
    at, fixed, last = bound(version), bounds.get("fixed"), bounds.get("last_affected")
    return (
        bound(bounds["introduced"] or "0") <= at
        and not (fixed and at >= bound(fixed))
        and not (last and at > bound(last))
    )


def _version(text: object) -> str:
    """A version as pyman spells it, `3.13.0a1` for `v3.13.0-alpha.1`; `0`, all before, as it is."""
    if text == "0":
        return "0"
    found = AnyVersion(str(text))
    if found.epoch or found.is_postrelease or found.is_devrelease or found.local:
        raise ValueError(f"{text!r} is not a version of CPython")
    numbers = (*found.release, 0, 0)[: max(len(found.release), _NUMBERS)]
    spelled = ".".join(map(str, numbers)) + "".join(map(str, found.pre or ()))
    bound(spelled)
    return spelled


def _day(text: str) -> str:
    """The day of `2024-03-06T11:08:09Z`."""
    return date.fromisoformat(text[:10]).isoformat()


def _list(holder: Mapping[str, Any], field: str) -> list[Any]:
    found = holder.get(field)
    if not isinstance(found, list):
        raise ValueError(f"it has no list {field!r}")  # noqa: TRY004  # what is wrong is a value of the file
    return found


def rating(vector: str | None) -> tuple[float | None, Severity]:
    """Return the base score that a CVSS vector gives, and the severity; ValueError for what is no vector.

    The scores and ratings are those of the specifications: https://www.first.org/cvss/.
    """
    if vector is None:
        return None, Severity.UNKNOWN
    # Only this needs it: an extra, which pyman itself does without.
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # noqa: PLC0415

    try:
        if vector.startswith("CVSS:4"):
            found = CVSS4(vector)
            score, severity = found.base_score, found.severity
        else:
            found = CVSS3(vector) if vector.startswith("CVSS:3") else CVSS2(vector)
            score, severity = found.base_score, found.severities()[0]
    except CVSSError as error:
        raise ValueError(f"its CVSS vector is none: {error}") from None
    return float(score), Severity(severity.lower())
