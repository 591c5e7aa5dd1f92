"""Artifact: one archive of the index, understood.

What it holds is said twice, by its name and by the fields beside it; both are read, and they have to agree.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, unquote

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Libc, Target
from pyman.builds.version import Version
from pyman.catalogue.build import FIRST_HONEST_MUSL
from pyman.errors import UsageError
from pyman.release_index.index import Record

FORMS = ("install_only_stripped", "install_only", "full")  # the best first
_VARIANTS = frozenset(Variant._fields)
# `shared` is how Windows builds were called as long as there were static ones too: the default variant.
_WORDS = frozenset(FORMS) | _VARIANTS | {"pgo", "lto", "noopt", "shared"}
# Before 2022 a name had no release, ended in the time of its build, and did not call a full archive `full`.
_NAME = re.compile(
    r"""cpython-(?P<version>[0-9a-z.]+)
        (\+(?P<release>[0-9]+))?
        -(?P<content>[0-9a-z_+-]+?)
        (-[0-9]{8}T[0-9]{4})?
        \.(?P<archive_format>tar\.gz|tar\.zst)""",
    re.VERBOSE | re.ASCII,
)
_RECORD = re.compile(r"(?P<version>[^+]+)\+(?P<release>[0-9]{8})", re.ASCII)
_FOLDER = re.compile(r"[a-z]+://\S+?(/(?P<release>[0-9]{8}))?/", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One archive: the build in it, where it is, its digest if known, and the words for how it was made."""

    key: Key
    url: str
    sha256: str | None
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Skipped:
    """An artifact that was not understood, and why."""

    name: str
    reason: str


def parse_all(records: Iterable[Record]) -> tuple[list[Artifact], list[Skipped]]:
    """Return the artifacts of the records, and those that cannot be parsed with the reason."""
    artifacts, skipped = [], []
    for record in records:
        for entry in record.artifacts:
            try:
                artifacts.append(parse(entry, record.version))
            except ValueError as error:
                skipped.append(Skipped(name_of(entry, record.version), str(error)))
    return artifacts, skipped


def parse(entry: object, version: str) -> Artifact:
    """Return the artifact that `entry` describes in the record of `version` (`3.12.9+20250317`).

    Raises ValueError, which says why, for one that is not understood or contradicts itself.
    """
    folder, _, file = text_of(entry, "url").rpartition("/")
    name = unquote(file)
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError("its name is not cpython-VERSION[+RELEASE]-PLATFORM-OPTIONS[-TIME].tar.(gz|zst)")
    if text_of(entry, "archive_format") != found["archive_format"]:
        raise ValueError(f"its archive_format is {text_of(entry, 'archive_format')!r}")
    release = _release(version, found["version"], found["release"], f"{folder}/")
    target, words = _content(found["content"])
    if (target, words) != _content(f"{text_of(entry, 'platform')}-{text_of(entry, 'variant')}"):
        said = f"platform {text_of(entry, 'platform')!r}, variant {text_of(entry, 'variant')!r}"
        raise ValueError(f"its name and its fields disagree: {said}")
    key = _key(found["version"], words, release, target)
    # One spelling of the URL: `+` and `%2B` name the same archive, whose digest must not change.
    return Artifact(key, f"{folder}/{quote(name)}", digest_of(entry), words)


def key_of(name: str) -> Key:
    """Return the build that an archive's name tells; ValueError if it does not tell all of it.

    A musl build before release 20250311 is static though its name does not say so: its key does.
    """
    found = _NAME.fullmatch(name)
    if not found or not found["release"]:
        raise ValueError(f"not an archive's name in full: {name!r}")
    target, words = _content(found["content"])
    release = found["release"]
    if target.libc is Libc.MUSL and int(release) < FIRST_HONEST_MUSL:
        words |= {"static"}
    return Key.parse(str(_key(found["version"], words, release, target)))


def _key(version: str, words: frozenset[str], release: str, target: Target) -> Key:
    variant = Variant.parse("+".join(words & _VARIANTS))
    return Key(Implementation.CPYTHON, Version.parse(version), variant, release, target)


def are_twins(one: str, other: str) -> bool:
    """Whether two file names are those of two archives of one build, of which there are often several."""
    some, others = _NAME.fullmatch(one), _NAME.fullmatch(other)
    if not some or not others:
        return False
    try:
        contents = _content(some["content"]), _content(others["content"])
    except ValueError:
        return False
    (target, words), (other_target, other_words) = contents
    named = some["version"], some["release"], target
    return named == (others["version"], others["release"], other_target) and words != other_words


def _release(version: str, named_version: str, named_release: str | None, folder: str) -> str:
    """Return the release of the record, which the name and the URL's folder must not contradict."""
    record = _RECORD.fullmatch(version)
    if not record:
        raise ValueError(f"its record's version is not VERSION+RELEASE: {version!r}")
    place = _FOLDER.fullmatch(folder)
    if not place:
        raise ValueError("its url is not a URL")
    for said in (named_release, place["release"]):
        if said not in (None, record["release"]):
            raise ValueError(f"it is of release {said}, its record of {record['release']}")
    if named_version != record["version"]:
        raise ValueError(f"it is of version {named_version}, its record of {record['version']}")
    return record["release"]


@cache
def _content(text: str) -> tuple[Target, frozenset[str]]:
    """Divide `x86_64-unknown-linux-musl-lto+static-full` into the target and the words after it."""
    parts = text.split("-")
    words: set[str] = set()
    while parts and set(parts[-1].split("+")) <= _WORDS:
        words.update(parts.pop().split("+"))
    forms = words.intersection(FORMS)
    if len(forms) > 1:
        raise ValueError(f"it is said to be {' and '.join(sorted(forms))}")
    return _target("-".join(parts)), frozenset(words if forms else words | {"full"})


def _target(platform: str) -> Target:
    """Read a triple, or `windows-amd64` as the first builds for Windows were called."""
    try:
        return Target.parse(f"{platform}-none" if platform.startswith("windows-") else platform)
    except UsageError:
        raise ValueError(f"its platform or one of its options is unknown: {platform!r}") from None


def digest_of(entry: object) -> str | None:
    """Return the digest in lower case, None where it is null; ValueError for anything else."""
    if isinstance(entry, dict) and entry.get("sha256", "") is None:
        return None
    digest = text_of(entry, "sha256").lower()
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"its sha256 is not one: {digest!r}")
    return digest


def text_of(entry: object, field: str) -> str:
    """Return the text in a field; ValueError if there is none."""
    text = entry.get(field) if isinstance(entry, dict) else None
    if not isinstance(text, str):
        raise ValueError(f"it has no text {field!r}")  # noqa: TRY004  # what is wrong is a value of the file
    return text


def name_of(entry: object, record: str) -> str:
    """Return how a report calls it: its file name, as a literal if it holds what a terminal should not see.

    Without a file name it is an artifact of `record`.
    """
    url = entry.get("url") if isinstance(entry, dict) else None
    name = unquote(url.rpartition("/")[2]) if isinstance(url, str) else ""
    if name.isascii() and name.isprintable():
        return name or f"an artifact of {record!a}"
    return ascii(name)
