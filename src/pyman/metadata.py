"""Build and Metadata: which archives can be downloaded.

pyman's own form of the metadata (made by `pyman.metadata_fetcher`) is JSON in which each target's builds
stand together, one build a line, newest first, other implementations after CPython, and whose head says at
which byte each target begins:

    {
    "format": 1,
    "origin": "https://github.com/astral-sh/python-build-standalone/releases/download",
    "sections": {"linux-aarch64-gnu": [21, 216729], …},
    "builds": {
    "linux-aarch64-gnu": [
    ["cpython-3.12.9+20250317", "cpython-3.12.9+20250317-aarch64-…-install_only_stripped.tar.gz", "<sha256>"],
    …
    ]}}

A section is counted in bytes from the line after `"builds": {`, and is the JSON list alone: so one target is
read without the megabytes of the others. The file name may be a whole URL; the digest may be null.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from pyman.address import public
from pyman.errors import MetadataError, UsageError
from pyman.key import Implementation, Key, Variant
from pyman.target import ARCH_NAMES, LIBC_NAMES, OS_NAMES, Target, parse_arch
from pyman.version import Version

FORMAT = 1
BUILDS_LINE = b'"builds": {\n'
_HEAD_BYTES = 64 * 1024
_HEX_DIGITS = 64
_OWN_VERSION = r"-v?([0-9]+(?:\.[0-9]+)+)-"


class Build(NamedTuple):
    """One archive: the build it holds, where it is, and the digest (hex, or None where none is known)."""

    key: Key
    url: str
    sha256: str | None

    @property
    def file_name(self) -> str:
        """The archive's name, as it stands in a mirror."""
        return unquote(self.url.rpartition("/")[2])


class Metadata(Protocol):
    """Builds by target; every method raises MetadataError when the source is damaged."""

    def targets(self) -> list[Target]:
        """Return the targets for which there are builds."""
        ...

    def builds(self, target: Target) -> list[Build]:
        """Return the builds for `target`, newest first; none for a target that is not there."""
        ...


def bundled() -> "SectionedMetadata":
    """Return the metadata that is shipped with pyman."""
    here = Path(__file__).parent
    shipped = here / "download-metadata.json"
    # In a checkout the one copy is the repository's; the wheel puts it beside this module.
    return SectionedMetadata(shipped if shipped.exists() else here.parents[1] / shipped.name)


def parse(data: bytes, origin: str) -> Metadata:
    """Return the metadata in `data`: pyman's own form or the object that uv reads.

    `origin` names the file or URL in errors. Raises MetadataError for anything else.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(origin, f"it is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise _damaged(origin, "it is not a JSON object")
    if "builds" in document:
        return WholeMetadata(document, origin)
    return KeyedMetadata(document, origin)


class SectionedMetadata:
    """A file of pyman's own form, of which only the sections asked for are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                head, found, _ = file.read(_HEAD_BYTES).partition(BUILDS_LINE)
            document = json.loads(head + b'"builds": {}}')
            self._sections: dict[str, list[int]] = document["sections"]
            self._origin: str = document["origin"]
        except OSError as error:
            raise MetadataError(f"cannot read {path}: {error.strerror}", "Install pyman again.") from None
        except (ValueError, KeyError) as error:
            raise _damaged(str(path), str(error)) from None
        if not found or document["format"] != FORMAT:
            raise _damaged(str(path), "its head is not that of download metadata")
        self._start = len(head) + len(BUILDS_LINE)

    def targets(self) -> list[Target]:
        return _targets(self._sections, str(self._path))

    def builds(self, target: Target) -> list[Build]:
        if str(target) not in self._sections:
            return []
        try:
            offset, length = self._sections[str(target)]
            with self._path.open("rb") as file:
                file.seek(self._start + offset)
                rows = json.loads(file.read(length))
            return list(_builds_of_rows(rows, target, self._origin))
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(str(self._path), f"section {target}: {error}") from None


class WholeMetadata:
    """A document of pyman's own form that was parsed as a whole; its sections' places do not matter."""

    def __init__(self, document: Mapping[str, Any], origin: str) -> None:
        self._name = origin
        self._builds: Mapping[str, Any] = document["builds"]
        self._origin: str = document.get("origin", "")
        if document.get("format") != FORMAT or not isinstance(self._builds, dict):
            raise _damaged(origin, f"its format is not {FORMAT}")

    def targets(self) -> list[Target]:
        return _targets(self._builds, self._name)

    def builds(self, target: Target) -> list[Build]:
        try:
            return list(_builds_of_rows(self._builds.get(str(target), []), target, self._origin))
        except (ValueError, TypeError, AttributeError) as error:
            raise _damaged(self._name, f"section {target}: {error}") from None


class KeyedMetadata:
    """The form of uv's `--python-downloads-json-url`: an object of key to build.

    Implementations and systems that pyman does not know are left out.
    """

    def __init__(self, document: Mapping[str, Any], origin: str) -> None:
        self._by_target: dict[Target, list[Build]] = {}
        for name, entry in document.items():
            try:
                if entry["name"] not in set(Implementation) or not _is_known(entry):
                    continue
                build = _build_of_entry(entry)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise _damaged(origin, f"entry {name!r}: {type(error).__name__}: {error}") from None
            self._by_target.setdefault(build.key.target, []).append(build)
        if not self._by_target:
            raise _damaged(origin, "no entry in it describes a build")

    def targets(self) -> list[Target]:
        return list(self._by_target)

    def builds(self, target: Target) -> list[Build]:
        return self._by_target.get(target, [])


def _targets(names: Iterable[str], origin: str) -> list[Target]:
    try:
        return [Target.parse(name) for name in names]
    except UsageError as error:
        raise _damaged(origin, error.message) from None


def _builds_of_rows(
    rows: Iterable[tuple[str, str, str | None]], target: Target, origin: str
) -> Iterator[Build]:
    for name, file, sha256 in rows:
        key = Key.of_build(name, target)
        # quote() costs more than all the rest; `+` is the one character in archive names that it is for.
        url = file if "://" in file else f"{origin}/{key.release}/{file.replace('+', '%2B')}"
        yield _checked(Build(key, url, sha256))


def _is_known(entry: Mapping[str, Any]) -> bool:
    """Whether the entry is for an operating system, architecture and C library that pyman has a name for."""
    names = ((entry["os"], OS_NAMES), (entry["libc"], LIBC_NAMES), (entry["arch"]["family"], ARCH_NAMES))
    return all(not isinstance(name, str) or name in known for name, known in names)


def _build_of_entry(entry: Mapping[str, Any]) -> Build:
    arch, level = parse_arch(entry["arch"]["family"] + _level_suffix(entry["arch"].get("variant")))
    target = Target(OS_NAMES[entry["os"]], arch, LIBC_NAMES[entry["libc"]], level)
    numbers = f"{entry['major']}.{entry['minor']}.{entry['patch']}{entry.get('prerelease') or ''}"
    key = Key(
        Implementation(entry["name"]),
        Version.parse(numbers),
        Variant.parse(entry.get("variant") or ""),
        str(entry.get("build") or _release_in(entry["url"], entry["name"])),
        target,
    )
    if Key.parse(str(key)) != key:
        raise ValueError(f"not a build: {key}")
    return _checked(Build(key, entry["url"], entry.get("sha256")))


def _checked(build: Build) -> Build:
    """The build, if its url is a text and its digest one or none; ValueError otherwise."""
    if _is_text(build.url) and (
        build.sha256 is None or (_is_text(build.sha256) and len(build.sha256) == _HEX_DIGITS)
    ):
        return build
    raise ValueError(f"url or sha256 of {build.key} is not one")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _level_suffix(variant: str | None) -> str:
    return f"_{variant}" if variant else ""


def _release_in(url: str, implementation: str) -> str:
    """Older files of this form have no `build`: the release is the folder that the archive is in.

    Of other implementations than CPython it stands in the file's name, `pypy3.11-v7.3.23-linux64.tar.bz2`.
    """
    if implementation == Implementation.CPYTHON:
        return url.rpartition("/")[0].rpartition("/")[2]
    found = re.search(_OWN_VERSION, url.rpartition("/")[2])
    if not found:
        raise ValueError(f"no release in {public(url)}")
    return found[1]


def _damaged(origin: str, why: str) -> MetadataError:
    return MetadataError(
        f"{origin} is not usable download metadata: {why}",
        "--metadata and PYMAN_METADATA take pyman's own download-metadata.json "
        "or the JSON object that uv reads.",
    )
