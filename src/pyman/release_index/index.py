"""The release index: newline-delimited JSON, one record per version and release, perhaps compressed by gzip.

A record is `{"version": "3.12.9+20250317", "date": …, "artifacts": [{"platform": …, "variant": …, "url": …,
"archive_format": …, "sha256": …}, …]}`, on one line.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pyman.errors import MetadataError
from pyman.network.download import read_url

PUBLISHED = "https://releases.astral.sh/github/versions/main/v1/python-build-standalone.ndjson"
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Record:
    """What the index says about one version of one release; its artifacts are not looked at yet."""

    version: str
    artifacts: list[object]


def read(location: str) -> bytes:
    """Return the index at `location`, a path or a file, http or https URL, decompressed.

    Raises FetchError or MetadataError when it cannot be read.
    """
    try:
        data = read_url(location) if "://" in location else Path(location).read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in a name, a URL that is none
        raise MetadataError(f"cannot read {location!a}: {error}") from None
    return _decompressed(data, location)


def records(data: bytes, location: str) -> list[Record]:
    """Return the records of the index in `data`; `location` names it in errors.

    Raises MetadataError, which names the line, when a line is not a record, or when there is none.
    """
    found = list(each_record(data.split(b"\n"), location))
    if not found:
        raise MetadataError(f"{location} is not a release index: it holds no record")
    return found


def each_record(lines: Iterable[bytes], location: str) -> Iterator[Record]:
    """Yield the record of each line as it is read; MetadataError, which names the line, where it is none."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield _record(line)
            except (ValueError, RecursionError) as error:
                message = f"{location} is not a release index: line {number}: {error}"
                raise MetadataError(message, "An index has one JSON object a line.") from None


def is_record(line: bytes) -> bool:
    """Whether a line is one of a release index, and not the beginning of another document."""
    try:
        _record(line)
    except (ValueError, RecursionError):
        return False
    return True


def _record(line: bytes) -> Record:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from None
    if not isinstance(record, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  # what is wrong is a value of the file
    version, artifacts = record.get("version"), record.get("artifacts")
    if not isinstance(version, str) or not isinstance(artifacts, list):
        raise ValueError("a record has a text 'version' and a list 'artifacts'")  # noqa: TRY004  # the same
    return Record(version, artifacts)


def _decompressed(data: bytes, location: str) -> bytes:
    """By its first bytes, not by its name: a server may have decompressed it on the way."""
    if not data.startswith(_GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise MetadataError(f"{location} is a damaged gzip file: {error}") from None
