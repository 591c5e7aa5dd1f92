"""Which build stands in a file or folder here: what its name, its digest and the user tell of it.

The metadata know an archive by its digest, whatever it is called, and then no name can make another build of
it. Where they know only the name, the digest has to be theirs. What they do not know somebody must vouch for.
"""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import NamedTuple
from urllib.parse import quote, unquote

from pyman.archive import inflate
from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue.build import Build, Metadata
from pyman.errors import DigestMismatchError, FetchError, PymanError, UsageError
from pyman.network.address import public
from pyman.network.download import downloading
from pyman.release_index import artifact
from pyman.store.installations import Installation
from pyman.system.userdirs import given_dir

_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.zst", ".tzst", ".tar.xz", ".tar", ".zip")
EXAMPLE = "cpython-3.13.5+20250612-linux-x86_64-gnu"
_PYTHONS = ("bin/python3*", "bin/pypy3*", "bin/graalpy*", "python*.exe", "pypy*.exe", "bin/graalpy*.exe")


class Word(NamedTuple):
    """What the user says of it: its key, its sha256 (hex), and whether it will do though nobody vouches."""

    key: Key | None = None
    sha256: str = ""
    unverified: bool = False


class _Known(NamedTuple):
    """What the metadata know: the build whose archive has the digest, and the one whose has the name."""

    by_digest: Build | None
    by_name: Build | None


def path_of(text: str) -> Path | None:
    """Return the path, absolute, if `text` is one and no request: it has a separator or an archive's ending.

    UsageError for an address, and for `~nobody/x`.
    """
    if "://" in text:
        raise UsageError(
            f"{public(text)} is an address, not a request",
            "Download the archive and name the file, or name a mirror with --mirror.",
        )
    separators = filter(None, (os.sep, os.altsep))
    if any(each in text for each in separators) or text.lower().endswith(_SUFFIXES):
        return given_dir(text, "REQUEST")
    return None


def build_of(path: Path, word: Word, metadata: Callable[[], Metadata], warn: Callable[[str], None]) -> Build:
    """Return the build that is in the archive or folder at `path`, which is read to its end.

    `warn` is told what is odd, though the user wants it so. Raises UsageError if nothing tells which build it
    is, DigestMismatchError for another digest than is known or given, PymanError for what is neither an
    archive nor a folder with a Python, and for an archive that nobody vouches for.
    """
    if path.is_dir():
        return _in_folder(path, word)
    digest = _digest(path)
    if word.sha256 and digest != word.sha256:
        raise _mismatch(path, digest, word.sha256, "--sha256 says")
    named = word.key or _named(path)
    known = _known(digest, unquote(path.name), named, metadata())
    if published := known.by_digest:
        _compare(path, published, word.key, named, warn)
        return published._replace(key=word.key or published.key, local=path)
    namesake = known.by_name
    if namesake and namesake.sha256 and word.key in (None, namesake.key):
        raise _mismatch(path, digest, namesake.sha256, "it was published with")
    key = named or (namesake.key if namesake else None)
    if not key:
        raise _nameless(path)
    if not word.sha256 and not word.unverified:
        raise PymanError(
            f"nobody vouches for {path}: the download metadata do not know its sha256 {digest}",
            f"If that is what it should be, `--sha256 {digest}` says so; "
            "--allow-unverified installs it all the same.",
        )
    return Build(key, "", word.sha256 or None, path)


def _compare(
    path: Path, published: Build, insisted: Key | None, named: Key | None, warn: Callable[[str], None]
) -> None:
    """Say so if an archive is called otherwise than what it is known to be."""
    if named in (None, published.key):
        return
    if insisted:
        warn(f"{path.name} was published as {published.key}, by its sha256; it is installed as {insisted}")
        return
    raise PymanError(
        f"{path} is not what it is called: by its sha256 it is {published.key}",
        f"`--as {published.key}` installs it as what it is.",
    )


def _digest(path: Path) -> str:
    """Return the sha256 of an archive; PymanError for anything else."""
    if not os.path.lexists(path):
        raise PymanError(
            f"there is no file or folder {path}",
            "A request has no / in it and no ending such as .tar.gz: 3.13, for example.",
        )
    try:
        with downloading(path.as_uri(), Event()) as stream:
            start, rest = inflate.peek(iter(stream))
            if why := inflate.objection(start):
                raise PymanError(f"{path} is no archive of a build: it {why}", inflate.FORMATS)
            for _ in rest:
                pass
            return stream.sha256
    except FetchError as error:
        raise FetchError(error.message, "Check the file and its permissions.") from None


def _named(path: Path) -> Key | None:
    try:
        return artifact.key_of(unquote(path.name))
    except ValueError:
        return None


def _known(digest: str, name: str, key: Key | None, metadata: Metadata) -> _Known:
    """Look for the archive, first among the builds for its own target."""
    by_name = None
    names = {name, quote(name)}
    for target in sorted(metadata.targets(), key=lambda each: not _is_of(key, each)):
        for build in metadata.builds(target):
            if build.sha256 and build.sha256.lower() == digest:
                return _Known(build, by_name)
            if build.url.rpartition("/")[2] in names:
                by_name = build
    return _Known(None, by_name)


def _is_of(key: Key | None, target: Target) -> bool:
    return key is not None and key.target == target


def _mismatch(path: Path, digest: str, expected: str, who: str) -> DigestMismatchError:
    return DigestMismatchError(
        f"{path} has sha256 {digest}, but {who} {expected}",
        "It is damaged, or another file. Nothing of it was installed.",
    )


def _in_folder(path: Path, word: Word) -> Build:
    """Return the build whose tree is in a folder, which may be that of a `full` archive."""
    inner = path / "install"
    root = inner if (path / "PYTHON.json").is_file() and inner.is_dir() else path
    if (root / "pyvenv.cfg").exists():
        raise PymanError(
            f"{path} is a virtual environment, not a Python",
            "`home` in its pyvenv.cfg names the Python that it was made with.",
        )
    if not _pythons(root):
        below = next((each for each in (root / "python", root / "install") if _pythons(each)), None)
        raise PymanError(
            f"{path} is a folder without a Python in it",
            f"Did you mean {below}?" if below else "Name the folder that has bin/python3 in it.",
        )
    if word.sha256:
        raise UsageError("a folder has no sha256", "--sha256 is for an archive.")
    key = word.key or Key.find(path.name)
    if not key:
        raise _nameless(path)
    if not Installation(key, root).executable.exists():
        found = ", ".join(_pythons(root)[:3])
        raise PymanError(f"{path} has no interpreter of {key}, but {found}", "--as names what is in it.")
    return Build(key, "", None, root)


def _pythons(root: Path) -> list[str]:
    return sorted({each.name for pattern in _PYTHONS for each in root.glob(pattern)})


def _nameless(path: Path) -> UsageError:
    return UsageError(
        f"nothing tells which build is in {path}",
        f"Name it in full: `--as KEY`, such as `--as {EXAMPLE}`.",
    )
