"""The packaged list of vulnerabilities: made of records, rendered anew, compared with what is there.

Its form is documented in `pyman.vulnerabilities`, which reads it.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pyman import vulnerabilities
from pyman.errors import MetadataError
from pyman.metadata_fetcher import records, report
from pyman.metadata_fetcher.records import Record
from pyman.release_index import document, index
from pyman.release_index.artifact import Skipped
from pyman.vulnerabilities import FORMAT, NAME, Severity

PLACE = f"src/pyman/{NAME}"
_LISTS = ("vulns", "vulnerabilities")  # where the answers of a database have their records


class _Present(NamedTuple):
    """The list that is there: its bytes, its date, and its rows by name."""

    data: bytes | None
    date: str
    rows: dict[str, dict[str, Any]]


def make(location: str, output: Path, day: date | None, *, write: bool) -> tuple[bool, list[str]]:
    """Bring the list at `output` up to date with the records at `location`, a file, a folder or a URL.

    `day` is that up to which they are whole; without it that of the list which is there stays, unless a
    record says that it is later. Returns whether the list changes, which without `write` it only would, and
    what to say of it. Raises PymanError, with nothing written.
    """
    found, skipped = _understood(_documents(location))
    if not found:
        raise MetadataError(f"no record of {location} was understood", "An empty list would help nobody.")
    rows, remarks = _rows(found)
    present = _present(output)
    until = _date(day, found, present, {row["id"]: row for row in rows})
    made = render(until, rows)
    changed = made != present.data
    if write and changed:
        document.write(output, made)
    said = [*report.skips([*skipped, *remarks]), *_changes(present.rows, rows)]
    state = "written" if write else "would change"
    return changed, [*said, f"{output}: {state if changed else 'up to date'}, records to {until}"]


def render(day: str, rows: Iterable[dict[str, Any]]) -> bytes:
    """Return the list: the same bytes for the same records, in whatever order they come."""
    lines = ",\n".join(json.dumps(row) for row in sorted(rows, key=_number))
    text = f'{{\n"format": {FORMAT},\n"date": "{day}",\n"vulnerabilities": [\n{lines}\n]}}\n'
    vulnerabilities.parse(text.encode(), "what was made")
    return text.encode()


def _documents(location: str) -> Iterator[tuple[str, object]]:
    """The documents at `location`, each with what to call it; MetadataError for what is not JSON."""
    folder = Path(location)
    if "://" in location or not folder.is_dir():
        yield from _in_file(location)
        return
    for path in sorted(folder.rglob("*.json")):
        yield from _in_file(str(path))


def _in_file(location: str) -> Iterator[tuple[str, object]]:
    data = index.read(location)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        found = _lines(data)
        if found is None:
            raise MetadataError(f"{location} holds no vulnerability records: {error}") from None
    if isinstance(found, dict):
        lists = [found[name] for name in _LISTS if isinstance(found.get(name), list)]
        found = lists[0] if lists else [found]
    for number, each in enumerate(found if isinstance(found, list) else [found], start=1):
        yield f"{location}:{number}", each


def _lines(data: bytes) -> list[object] | None:
    """One document a line; None if it is not that."""
    try:
        return [json.loads(line) for line in data.splitlines() if line.strip()] or None
    except (ValueError, RecursionError):
        return None


def _understood(documents: Iterable[tuple[str, object]]) -> tuple[list[Record], list[Skipped]]:
    """The records, of several about one vulnerability that changed last; and the others with the reason."""
    found: dict[str, Record] = {}
    skipped = []
    for place, each in documents:
        name = _called(each, place)
        try:
            record = records.parse(each)
        except (ValueError, TypeError, AttributeError) as error:
            skipped.append(Skipped(name, str(error)))
            continue
        rival = found.get(record.id)
        if rival:
            skipped.append(Skipped(name, f"there is another record of {record.id}; what changed last counts"))
        if not rival or record.modified > rival.modified:
            found[record.id] = record
    return list(found.values()), skipped


def _called(each: object, place: str) -> str:
    named = (each.get("cve") or each.get("id")) if isinstance(each, dict) else None
    name = named if isinstance(named, str) else place
    return name if name.isascii() and name.isprintable() else ascii(name)


def _rows(found: Iterable[Record]) -> tuple[list[dict[str, Any]], list[Skipped]]:
    """The rows of the list; one whose vector is none is kept, for it is a vulnerability all the same."""
    rows, remarks = [], []
    for record in found:
        vector = record.vector
        try:
            score, severity = records.rating(vector)
        except ImportError:
            raise MetadataError(
                "the package cvss is needed to read CVSS vectors", "Install it: pip install 'pyman[fetcher]'."
            ) from None
        except ValueError as error:
            remarks.append(Skipped(record.id, f"kept with an unknown severity: {error}"))
            score, severity, vector = None, Severity.UNKNOWN, None
        row = {"id": record.id, "published": record.published, "severity": severity, "score": score}
        more = {"versions": record.versions} if record.versions else {}
        rows.append(row | {"vector": vector, "affected": record.affected} | more)
    return rows, remarks


def _present(output: Path) -> _Present:
    data = document.read(output)
    if data is None:
        return _Present(None, "", {})
    day = vulnerabilities.parse(data, str(output)).date
    return _Present(data, day, {row["id"]: row for row in json.loads(data)["vulnerabilities"]})


def _date(
    given: date | None, found: Collection[Record], present: _Present, rows: dict[str, dict[str, Any]]
) -> str:
    """The day up to which the records are whole.

    It must not be too late: of versions before it the list says that what has no recorded fix is not fixed.
    So without a day given it is that of the last change to a record without a fix: then at the latest
    somebody looked. A list that is made of newer records is not older than the one before.
    """
    if given:
        if given > datetime.now(UTC).date():
            raise MetadataError(f"the list cannot be of {given}", "That day is still to come.")
        return given.isoformat()
    if present.rows and _plain(rows) == present.rows:
        return present.date
    looked = [each.modified for each in found if each.has_open_end]
    return max([*(looked or [each.modified for each in found]), present.date])


def _changes(before: dict[str, dict[str, Any]], after: Iterable[dict[str, Any]]) -> Iterator[str]:
    now = _plain({row["id"]: row for row in after})
    common = before.keys() & now.keys()
    lists = {
        "added": now.keys() - before.keys(),
        "removed": before.keys() - now.keys(),
        "changed": {name for name in common if before[name] != now[name]},
    }
    yield f"vulnerabilities: {len(now)}"
    for what, names in lists.items():
        yield f"  {what}: {len(names)}" + (f" ({', '.join(sorted(names))})" if names and before else "")


def _plain(rows: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The rows as they are when they are read again."""
    found: dict[str, dict[str, Any]] = json.loads(json.dumps(rows))
    return found


def _number(row: dict[str, Any]) -> tuple[list[int], str]:
    """Order by year and number."""
    return [int(part) for part in row["id"].split("-") if part.isdigit()], row["id"]
