"""What came to an installation after it was made, told apart by who brings such files.

A package that was installed may have been replaced by pip, as `pip install --upgrade pip` does: then some of
its files were changed and others are missing. Its new RECORD tells these from what somebody else has done.
"""

import base64
import csv
import io
import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pyman.inventory import manifest
from pyman.inventory.access import Access
from pyman.system import regular_file

_SITE = re.compile(r"(?:.*/)?(?:site|dist)-packages/", re.DOTALL)
# An interpreter that is ended while it writes one leaves it with a number behind its name.
_BYTECODE = re.compile(r"(?:.*/)?__pycache__/[^/]+\.pyc(?:\.[0-9]+)?", re.DOTALL)
_RECORD = re.compile(
    r"(?P<site>.*(?:site|dist)-packages)/(?P<name>[^/-]+)-(?P<version>[^/]+)\.dist-info/RECORD"
)
_SCRIPT = re.compile(r"(?:bin|Scripts)/(?P<name>[^/]+?)-?[0-9.]*(?:\.exe)?")
_MOST = 16 << 20  # bytes of a RECORD; that of 50,000 files has 6 MB
_ALGORITHM = "sha256="


class Differences(NamedTuple):
    """Names that are not as they were: added, True for regular files; modified, and in what; missing."""

    added: Mapping[str, bool]
    modified: Mapping[str, str]
    missing: list[str]


@dataclass(frozen=True, slots=True)
class Additions:
    """Names of added files."""

    packages: dict[str, list[str]] = field(default_factory=dict)
    """By distribution, `numpy 2.1.0`, the files that its RECORD lists, its scripts in `bin` among them."""
    replaced: dict[str, str] = field(default_factory=dict)
    """By such a distribution the one in whose place it was put, `pip 24.2`, if that had been installed."""
    site_packages: list[str] = field(default_factory=list)
    """In site-packages, but of no distribution that was added."""
    bytecode: list[str] = field(default_factory=list)
    """What a Python writes when it imports a module for the first time."""
    other: list[str] = field(default_factory=list)
    """What nothing that is meant to add files has brought."""


def sort(root: Path, found: Differences, rights: Access | None) -> tuple[Additions, Differences]:
    """Tell apart what was added below `root`, and return the differences that no package explains.

    What was changed by a package that replaced another is one of its files, as long as it is as the package's
    RECORD lists it, and nobody else may write to it; without `rights` that does not count.
    """
    distributions = list(_distributions(root, found))
    sorted_, owners = Additions(), {name: each for each in distributions for name in each.listed}
    for name, is_file in sorted(found.added.items()):
        if is_file and _BYTECODE.fullmatch(name):
            sorted_.bytecode.append(name)
        elif name in owners:
            sorted_.packages.setdefault(str(owners[name]), []).append(name)
        elif _SITE.match(name):
            sorted_.site_packages.append(name)
        else:
            sorted_.other.append(name)
    modified, missing = dict(found.modified), found.missing
    for each in distributions:
        if each.former:
            explained = [name for name in modified if each.explains(name)]
            modified |= {name: _openness(root / name, rights) for name in explained}
            missing = [name for name in missing if not each.took_along(name)]
            sorted_.replaced[str(each)] = each.former
            files = [name for name in explained if name in each.listed]
            sorted_.packages[str(each)] = sorted([*sorted_.packages.get(str(each), ()), *files])
    modified = {name: why for name, why in modified.items() if why}
    return sorted_, Differences(found.added, modified, missing)


def _distributions(root: Path, found: Differences) -> Iterator["_Distribution"]:
    """Yield the distributions whose RECORD was added, or was changed by being installed again."""
    former = {_project(record): record for name in found.missing if (record := _RECORD.fullmatch(name))}
    for name in (*(name for name, is_file in found.added.items() if is_file), *found.modified):
        record = _RECORD.fullmatch(name)
        if not record:
            continue
        before = record if name in found.modified else former.get(_project(record))
        each = _Distribution(root, record, f"{before['name']} {before['version']}" if before else "")
        if name in found.added or each.is_whole:
            yield each


def _openness(path: Path, rights: Access | None) -> str:
    if not rights:
        return ""
    try:
        return rights.openness(path.lstat())
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _project(record: re.Match[str]) -> tuple[str, str]:
    """What two versions of a distribution have in common: where they are, and the name as PEP 503 has it."""
    return record["site"], re.sub(r"[-_.]+", "-", record["name"]).lower()


@dataclass(frozen=True)
class _Distribution:
    """A distribution by its RECORD, and the `former` one that it replaced; "" for none."""

    root: Path
    record: re.Match[str]
    former: str

    def __str__(self) -> str:
        return f"{self.record['name']} {self.record['version']}"

    @cached_property
    def listed(self) -> dict[str, str]:
        """The names that it lists as its own, and their digests as far as they are listed."""
        # `../../../bin/f2py` is how a script is listed; an absolute path is not inside.
        rows = _rows(self.root / self.record[0])
        return {
            posixpath.normpath(posixpath.join(self.record["site"], row[0])): "".join(row[1:2]) for row in rows
        }

    @cached_property
    def _insides(self) -> set[str]:
        """The first folder of each file in site-packages."""
        begin = f"{self.record['site']}/"
        inside = (name.removeprefix(begin) for name in self.listed if name.startswith(begin))
        return {f"{begin}{name.partition('/')[0]}" for name in inside if "/" in name}

    @property
    def is_whole(self) -> bool:
        """Whether all that it lists with a digest is so: it was not the RECORD that somebody changed."""
        return all(self._is_as_listed(name) for name, digest in self.listed.items() if digest)

    def explains(self, name: str) -> bool:
        """Whether something that was changed is as it brought it; a folder, if it is one of its own."""
        if name in self.listed:
            return name == self.record[0] or self._is_as_listed(name)
        return (self.root / name).is_dir() and self._is_inside(name)

    def took_along(self, name: str) -> bool:
        """Whether something is missing because it was of the former one."""
        if name in self.listed:
            return False
        project, version = self.former.split(" ", 1)
        script = _SCRIPT.fullmatch(name)
        is_script = script is not None and script["name"] == project
        own = f"{self.record['site']}/{project}-{version}.dist-info/"
        return is_script or name.startswith(own) or self._is_inside(name)

    def _is_inside(self, name: str) -> bool:
        return any(name == folder or name.startswith(f"{folder}/") for folder in self._insides)

    def _is_as_listed(self, name: str) -> bool:
        try:
            digest = bytes.fromhex(manifest.examine(str(self.root / name)).sha256)
        except OSError:
            return False
        return self.listed[name] == _ALGORITHM + base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _rows(record: Path) -> list[list[str]]:
    """Return the rows of a distribution's RECORD, a CSV file; none if it cannot be read."""
    with suppress(OSError, ValueError, csv.Error):
        text = regular_file.whole(record, _MOST).decode("utf-8")
        return [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    return []
