"""Builds of other implementations than CPython, from a JSON list of rows.

A row is `{"implementation": "pypy", "python_version": "3.11.15", "build": "7.3.23", "os": "linux",
"arch": "x86_64", "libc": "gnu", "url": …, "sha256": …}`. The archive's name repeats the implementation, its
own version and mostly Python's minor version; all are read, and have to agree. A name may have one number
more than the version (`graalpy3.13-25.3.4.1-…` holds 25.3.4): how often its archive was made. The row is
right about the version then, the name about the file.
"""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.errors import MetadataError, UsageError
from pyman.release_index.artifact import Artifact, Skipped, digest_of, name_of, text_of

FORMS = ("tar.gz", "zip", "tar.bz2")  # what is unpacked fastest first
_OTHERS = {each.value for each in Implementation} - {Implementation.CPYTHON}
_FOLDER = re.compile(r"[a-z]+://\S+", re.ASCII)
_NAME = re.compile(
    r"""(?P<implementation>[a-z]+)
        (?P<minor>[0-9]+\.[0-9]+)?
        -v?(?P<build>[0-9]+(\.[0-9]+)+)
        -[\w-]+
        \.(?P<form>tar\.gz|tar\.bz2|zip)""",
    re.VERBOSE | re.ASCII,
)


def rows(data: bytes, location: str) -> list[object]:
    """Return the rows of the list in `data`; MetadataError, which names `location`, if it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise MetadataError(f"{location} is not a list of builds: it is not JSON ({error})") from None
    if not isinstance(found, list) or not found:
        raise MetadataError(f"{location} is not a list of builds", "It should be a JSON list of objects.")
    return found


def parse_all(entries: Iterable[object]) -> tuple[list[Artifact], list[Skipped]]:
    """Return the artifacts of the rows, and those that cannot be parsed with the reason."""
    artifacts, skipped = [], []
    for entry in entries:
        try:
            artifacts.append(parse(entry))
        except ValueError as error:
            skipped.append(Skipped(name_of(entry, "another implementation"), str(error)))
    return artifacts, skipped


def parse(entry: object) -> Artifact:
    """Return the artifact that a row describes; ValueError, which says why, for what is not understood."""
    python, version, build = (text_of(entry, name) for name in ("implementation", "python_version", "build"))
    if python not in _OTHERS:
        raise ValueError(f"its implementation is {python!r}, not one of {', '.join(sorted(_OTHERS))}")
    folder, _, file = text_of(entry, "url").rpartition("/")
    if not _FOLDER.fullmatch(folder):
        raise ValueError("its url is not a URL")
    name = unquote(file)
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"its name is not {python}[MINOR]-VERSION-PLATFORM.({'|'.join(FORMS)})")
    _agree(found, python, version, build)
    key = Key(Implementation(python), Version.parse(version), Variant(), build, _target(entry))
    # Key.parse also looks at the form of the release.
    return Artifact(
        Key.parse(str(key)), f"{folder}/{quote(name)}", digest_of(entry), frozenset([found["form"]])
    )


def are_twins(one: str, other: str) -> bool:
    """Whether two file names are those of one build of another implementation, packed in two ways."""
    some, others = _NAME.fullmatch(one), _NAME.fullmatch(other)
    if not some or not others or some["form"] == others["form"]:
        return False
    return one.removesuffix(some["form"]) == other.removesuffix(others["form"])


def _agree(found: re.Match[str], python: str, version: str, build: str) -> None:
    """Raise ValueError unless the archive's name says what the fields say."""
    minor = found["minor"] or version.rpartition(".")[0]
    is_build = found["build"] == build or found["build"].rpartition(".")[0] == build
    if found["implementation"] != python or not is_build or not version.startswith(f"{minor}."):
        said = f"implementation {python!r}, python_version {version!r}, build {build!r}"
        raise ValueError(f"its name and its fields disagree: {said}")


def _target(entry: object) -> Target:
    name = "-".join(text_of(entry, field) for field in ("os", "arch", "libc"))
    try:
        return Target.parse(name)
    except UsageError:
        raise ValueError(f"its os, arch and libc are no target: {name!r}") from None
