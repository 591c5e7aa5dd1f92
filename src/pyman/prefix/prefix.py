"""Prefix and Occupant: a directory and the Pythons that pyman has put there, as they are read.

    <prefix>/bin/python3.13  lib/python3.13/  …    where CPython's own `make install` would put it
             .pyman/python3.13.json                the record, one for each minor version
             .pyman/journal  .pyman/.staging/      only while something is changed, or after that was killed

A record is that of the store, and lists `folders` besides: those that were made, `.` for the prefix itself.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pyman.builds.key import Key
from pyman.errors import StoreError, UsageError
from pyman.inventory import manifest
from pyman.store import modes, record
from pyman.store.installations import Installation, Store, executable_name
from pyman.system.filesystem import reachable
from pyman.system.folder import Folder

OWN = ".pyman"
RECORD_END = ".json"


class Occupant(NamedTuple):
    """A Python that is in a prefix by its record."""

    key: Key
    path: Path

    @property
    def name(self) -> str:
        """The name of its program with the minor version: there is one of that name in a prefix."""
        return executable_name(self.key)

    @property
    def installation(self) -> Installation:
        """The same as what is in a store: its key, and where it is."""
        return Installation(self.key, self.path)

    @property
    def record_path(self) -> Path:
        """Where its record is."""
        return self.path / OWN / record_name(self.key)

    def record(self) -> manifest.Record:
        """Return its record. StoreError, which speaks of `its record`, if that cannot be read."""
        return manifest.read(f"{reachable(self.path / OWN)}{record_name(self.key)}", self.key)


class Prefix(NamedTuple):
    """A directory for Python; with `root`, what will be `/` where it runs."""

    path: Path
    root: Path | None = None

    @classmethod
    def of(cls, path: Path, root: Path | None, store: Store) -> "Prefix":
        """Return the prefix at an absolute path; UsageError if it is outside of `root`, or in the store."""
        if root and not _normal(path).is_relative_to(_normal(root)):
            raise UsageError(
                f"the prefix {path} is not inside the root {root}",
                f"--prefix names the directory as it is from here, such as {root / 'usr/local'}.",
            )
        for home in store.homes:
            if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(home)):
                raise UsageError(
                    f"the prefix {path} is inside the store {home}", "Choose a directory outside of it."
                )
        return cls(_normal(path), _normal(root) if root else None)

    @property
    def final(self) -> Path:
        """The path by which it goes where it runs."""
        return Path("/") / self.path.relative_to(self.root) if self.root else self.path

    def occupants(self) -> list[Occupant]:
        """Return the Pythons that are there by their records. StoreError if that cannot be told."""
        try:
            with Folder.open(self.path, follow=True) as top, top.inner(OWN) as own:
                if not modes.is_trusted(own.own_status(), top.own_status()):
                    return []
                return [found for name in own.names() if (found := self.occupant(own, name))]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise failed("read", self.path, error) from None

    def occupant(self, own: Folder, name: str) -> Occupant | None:
        """Return the Python whose record is called `name` in the folder of records; None if it is none."""
        key = key_of(own, name)
        return Occupant(key, self.path) if key else None


class Occupied(Store):
    """A prefix as a planner sees it: there is no store, but a build may be there already."""

    def __init__(self, here: Iterable[Occupant], prefix: Prefix) -> None:
        super().__init__(prefix.path)
        self._here = {each.key: each.installation for each in here}

    def paths(self) -> list[str]:
        """Return nothing: what is there has not the name of its key."""
        return []

    def find(self, key: Key) -> Installation | None:
        """Return that build, if it is there."""
        return self._here.get(key)


def occupied(here: Occupant, key: Key) -> StoreError:
    """Return the error that another Python of its minor version has the place of a build."""
    return StoreError(
        f"{here.key} is in {here.path} already",
        f"--force replaces it with {key}; what pip has installed there stays.",
    )


def key_of(own: Folder, name: str, end: str = RECORD_END) -> Key | None:
    """Return the key of the build whose record something is, and is called so; None if it is none."""
    if not name.endswith(end):
        return None
    with suppress(OSError), own.opened(name) as file:
        key = Key.find(record.owner_in(file)) if stat.S_ISREG(os.fstat(file).st_mode) else None
        return key if key and executable_name(key) + end == name else None
    return None


def record_name(key: Key) -> str:
    """Return the file name of a record: `python3.13.json`."""
    return executable_name(key) + RECORD_END


def failed(verb: str, path: Path, error: OSError) -> StoreError:
    """Return the error that says what could not be done in a prefix, and why."""
    where = error.filename if isinstance(error.filename, str) else str(path)
    inside = "" if where == str(path) else f" ({where})"
    message = f"cannot {verb} {path}: {error.strerror or error}{inside}"
    return StoreError(message, hint())


def hint() -> str:
    """Return what can be done where a prefix cannot be written."""
    return "Check the free space and the permissions there, or choose another directory with --prefix."


def for_a_prefix(text: str) -> str:
    """Return a hint, or the usual one in place of one that speaks of the store."""
    return hint() if "PYMAN_HOME" in text else text


def _normal(path: Path) -> Path:
    """Return a path without `..`, which would be written into files; links in others stay."""
    return Path(os.path.realpath(path)) if ".." in path.parts else path
