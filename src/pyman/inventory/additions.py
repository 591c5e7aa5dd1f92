"""Files that came to an installation after it was made, told apart by who brings such files."""

import csv
import io
import posixpath
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pyman.system import regular_file

_SITE = re.compile(r"(?:.*/)?(?:site|dist)-packages/", re.DOTALL)
# An interpreter that is ended while it writes one leaves it with a number behind its name.
_BYTECODE = re.compile(r"(?:.*/)?__pycache__/[^/]+\.pyc(?:\.[0-9]+)?", re.DOTALL)
_RECORD = re.compile(
    r"(?P<site>.*(?:site|dist)-packages)/(?P<name>[^/-]+)-(?P<version>[^/]+)\.dist-info/RECORD"
)
_MOST = 16 << 20  # bytes of a RECORD; that of 50,000 files has 6 MB


@dataclass(frozen=True, slots=True)
class Additions:
    """Names of added files."""

    packages: dict[str, list[str]] = field(default_factory=dict)
    """By distribution, `numpy 2.1.0`, the files that its RECORD lists, its scripts in `bin` among them."""
    site_packages: list[str] = field(default_factory=list)
    """In site-packages, but of no distribution that was added."""
    bytecode: list[str] = field(default_factory=list)
    """What a Python writes when it imports a module for the first time."""
    other: list[str] = field(default_factory=list)
    """What nothing that is meant to add files has brought."""


def sort(root: Path, added: Mapping[str, bool]) -> Additions:
    """Tell apart the names that were added below `root`; those of regular files have the value True."""
    found = Additions()
    owners = dict(_owned(root, added))
    for name, is_file in sorted(added.items()):
        if is_file and _BYTECODE.fullmatch(name):
            found.bytecode.append(name)
        elif name in owners:
            found.packages.setdefault(owners[name], []).append(name)
        elif _SITE.match(name):
            found.site_packages.append(name)
        else:
            found.other.append(name)
    return found


def _owned(root: Path, added: Mapping[str, bool]) -> Iterator[tuple[str, str]]:
    """Yield each name that a distribution among the `added` lists as its own, and that distribution."""
    for name, is_file in added.items():
        record = _RECORD.fullmatch(name) if is_file else None
        if record:
            distribution = f"{record['name']} {record['version']}"
            for listed in _listed(root / name):
                # `../../../bin/f2py` is how a script is listed; an absolute path is not inside.
                yield posixpath.normpath(posixpath.join(record["site"], listed)), distribution


def _listed(record: Path) -> list[str]:
    """Return the names in a distribution's RECORD, a CSV file; none if it cannot be read."""
    with suppress(OSError, ValueError, csv.Error):
        text = regular_file.whole(record, _MOST).decode("utf-8")
        return [row[0] for row in csv.reader(io.StringIO(text, newline="")) if row]
    return []
