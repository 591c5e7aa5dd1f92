"""The file `download-metadata.json`: read as it is, rendered anew, written whole.

Its form is documented in `pyman.catalogue.own_form`, which reads it.
"""

import json
import os
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from pyman.builds.key import Implementation, Key
from pyman.catalogue.build import Build, best_first
from pyman.catalogue.origins import parse
from pyman.catalogue.own_form import BUILDS_LINE, FORMAT, WholeMetadata
from pyman.errors import MetadataError
from pyman.system import whole_file

NAME = "download-metadata.json"
ORIGIN = "https://github.com/astral-sh/python-build-standalone/releases/download"


def read(path: Path) -> bytes | None:
    """Return what the file holds, None if there is none; MetadataError if it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise MetadataError(f"cannot read {path}: {error}") from None


def builds_in(document: bytes, name: str) -> list[Build]:
    """Return all builds of a document; `name` is its in errors. Raises MetadataError for a damaged one."""
    hint = "Its digests are compared before it is replaced: restore it, or remove it to begin anew."
    try:
        metadata = parse(document, name)
        if isinstance(metadata, WholeMetadata):
            return [build for target in metadata.targets() for build in metadata.builds(target)]
    except MetadataError as error:
        raise MetadataError(error.message, hint) from None
    raise MetadataError(f"{name} is not pyman's own form of download metadata", hint)


def render(
    builds: Iterable[Build], remarks: Mapping[Key, object] = MappingProxyType({}), **more: object
) -> bytes:
    """Return the document of `builds`, whose keys are unique: the same bytes in whatever order they come.

    What `remarks` has for a build stands at the end of its row; the head has `more` in it.
    """
    builds = sorted(builds, key=_target)
    body, sections = b"", {}
    for target, rows in groupby(builds, key=_target):
        places: dict[str, list[int]] = {}
        sections[target] = places
        body += (b",\n" if body else b"") + f'"{target}": ['.encode()
        for minor, group in groupby(best_first(rows), key=_minor):
            body += b",\n" if places else b"\n"
            section = b",\n".join(_row(build, remarks) for build in group)
            places[minor] = [len(body), len(section)]
            body += section
        body += b"\n]"
    head = {"format": FORMAT, "origin": ORIGIN, "newest": newest(builds), "count": len(builds)}
    facts = (head | more | {"sections": sections}).items()
    lines = (f"{json.dumps(name)}: {json.dumps(value)},\n" for name, value in facts)
    return b"{\n" + "".join(lines).encode() + BUILDS_LINE + body + b"}}\n"


def newest(builds: Iterable[Build]) -> str:
    """Return the newest release of CPython among the builds, `20250317`; "" where there is none."""
    python = Implementation.CPYTHON
    return max((each.key.release for each in builds if each.key.implementation is python), default="")


def write(path: Path, document: bytes) -> None:
    """Replace the file at `path` in one step, so that nobody ever sees half of it.

    Raises MetadataError, and leaves the file as it was, when that fails; PymanError for what is no file.
    """
    path = whole_file.place(path)  # what a symbolic link points to is replaced, not the link
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            staged.write_bytes(document)
            staged.replace(path)
        finally:
            staged.unlink(missing_ok=True)
    except OSError as error:
        raise MetadataError(f"cannot write {path}: {error.strerror}") from None


def _target(build: Build) -> str:
    return str(build.key.target)


def _minor(build: Build) -> str:
    return str(build.key.minor)


def _row(build: Build, remarks: Mapping[Key, object]) -> bytes:
    place = f"{ORIGIN}/{build.key.release}/{quote(build.file_name)}"
    file = build.file_name if build.url == place else build.url
    remark = [remarks[build.key]] if build.key in remarks else []
    return json.dumps([build.key.build_name, file, build.sha256, *remark]).encode()
