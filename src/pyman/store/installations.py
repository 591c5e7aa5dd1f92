"""Store and Installation: the managed directory as it is read. Readers never lock.

    <store>/README                                      whose directory this is
            .staging/  .locks/                          what `changes` works with
            cpython-3.12.9+20250317-linux-x86_64-musl/  an installation, never changed once it is there
            cpython-3.12-linux-x86_64-musl -> …         the minor link: the newest 3.12

The directory's name and the record in it say what it is; there is no database. A folder with a key's name
that has no record, or another build's, is a bystander: pyman did not make it, and leaves it alone. A link
with a key's name that leads to an installation elsewhere is one, and only the link is pyman's to remove.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pyman.builds.key import Implementation, Key
from pyman.builds.target import Os
from pyman.errors import StoreError
from pyman.store import record
from pyman.system.userdirs import data_dir, given_dir, home_dir

_Read = TypeVar("_Read")


class Bystander(NamedTuple):
    """What has the name of a build in the store and is not pyman's, and why it is not."""

    key: Key
    path: Path
    why: str

    def __str__(self) -> str:
        return f"{self.path} is no installation: {self.why}"


class Look(NamedTuple):
    """What a look into a store finds."""

    installations: "list[Installation]"
    bystanders: list[Bystander]


class Installation(NamedTuple):
    """A published build: its key and its directory."""

    key: Key
    path: Path

    @property
    def is_there(self) -> bool:
        """Whether its record says so: a folder may have the name of a build and be none."""
        return not record.fault(os.fspath(self.path), self.path.name)

    @property
    def elsewhere(self) -> Path | None:
        """Where it really is, if the store has only a link to it; else None."""
        try:
            self.path.readlink()
        except (OSError, ValueError):  # it is no link
            return None
        return Path(os.path.realpath(self.path))

    @property
    def executable(self) -> Path:
        """The interpreter; its usual place where none is found."""
        places = [self.path / name for name in _executables(self.key)]
        return next((place for place in places if place.exists()), places[0])

    @property
    def standard_library(self) -> Path | None:
        """The folder of the standard library, `lib/python3.13t` or `Lib`; None where there is none."""
        lib = self.path / "lib"
        # In a prefix there may be several: that of its own name first.
        places = (self.path / "Lib", lib / executable_name(self.key), *sorted(lib.glob("p*")))
        return next((place for place in places if (place / "os.py").is_file()), None)

    def record(self) -> dict[str, Any]:
        """Return what was written down when it was installed; empty when that cannot be read."""
        import json  # noqa: PLC0415 - to list and find installations no more than its head is read

        try:
            found = json.loads((self.path / record.RECORD).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


class Store:
    """The managed directory. Making a Store touches nothing.

    `beneath` is a store that is read as well, and never changed: the one of the system, for a user's own.
    """

    def __init__(self, home: Path, beneath: "Store | None" = None) -> None:
        self.home = home
        self.beneath = beneath

    @property
    def homes(self) -> tuple[Path, ...]:
        """Its directory, and that of the store beneath."""
        return (self.home, self.beneath.home) if self.beneath else (self.home,)

    def visible(self) -> list[Installation]:
        """Return what is installed here and beneath, in the same order; a build that is in both, from here.

        Raises StoreError when one of the directories cannot be read.
        """
        return self.look_around().installations

    def look_around(self) -> Look:
        """Return what is visible, and the bystanders here and beneath; raises as `visible` does."""
        here = self.look()
        if not self.beneath:
            return here
        below = _of_beneath(self.beneath.look)
        keys = {each.key for each in here.installations}
        rest = [each for each in below.installations if each.key not in keys]
        every = sorted([*here.installations, *rest], key=_order, reverse=True)
        return Look(every, [*here.bystanders, *below.bystanders])

    def paths(self) -> list[str]:
        """Return all there is here, and then beneath, whatever it is; raises as `visible` does."""
        found = [f"{self.home}/{name}" for name in self._names()]
        if self.beneath:
            found += _of_beneath(self.beneath.paths)
        return found

    def find(self, key: Key) -> Installation | None:
        """Return the installation of that build, here or beneath; None when it is in neither."""
        return self.get(key) or (self.beneath.get(key) if self.beneath else None)

    def owner(self, installation: Installation) -> "Store":
        """Return which one an installation is in: this store, or that beneath."""
        is_below = self.beneath and installation.path.parent == self.beneath.home
        return self.beneath if self.beneath and is_below else self

    def layer(self, installation: Installation) -> str:
        """Return `user` for an installation in this store, `system` for one in the store beneath."""
        return "user" if self.owner(installation) is self else "system"

    def installations(self) -> list[Installation]:
        """Return what is installed here, CPython first, newest version first.

        Raises StoreError when the directory cannot be read.
        """
        return self.look().installations

    def look(self) -> Look:
        """Return what is installed here, and what only has a build's name; raises as `installations` does."""
        found, others = [], []
        for name in self._names():
            key, path = Key.find(name), f"{self.home}/{name}"
            if not key:
                continue
            if fault := record.fault(path, name):
                others.append(Bystander(key, Path(path), fault))
            else:
                found.append(Installation(key, Path(path)))
        return Look(sorted(found, key=_order, reverse=True), sorted(others, key=lambda each: each.path))

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.home)  # noqa: PTH208 - only names are wanted
        except FileNotFoundError:
            return []
        except OSError as error:
            hint = "Check the permissions there, or choose another store with PYMAN_HOME."
            raise StoreError.of("read the store", self.home, error, hint) from None

    def get(self, key: Key) -> Installation | None:
        """Return the installation of that build; None when it is not installed."""
        named = Installation(key, self.path_of(key))
        return named if named.is_there else None

    def bystander(self, key: Key) -> Bystander | None:
        """Return what has the place of that build and is no installation; None if nothing has."""
        path = self.path_of(key)
        fault = record.fault(os.fspath(path), path.name) if os.path.lexists(path) else ""
        return Bystander(key, path, fault) if fault else None

    def path_of(self, key: Key) -> Path:
        """Return where the build is, or would be, installed."""
        return self.home / str(key)

    def minor_link(self, key: Key) -> Path:
        """Return the link which names the newest patch of the key's minor version."""
        return self.home / key.link_name


def executable_name(key: Key) -> str:
    """Return the name with the minor version, as it is linked: `python3.13`, `python3.13t`, `pypy3.11`."""
    return f"{key.implementation.program}{key.version.major}.{key.version.minor}{key.variant.abi_suffix}"


def default_home(environ: Mapping[str, str]) -> Path:
    """Return the user's store: `PYMAN_HOME`, else `pyman` in the user's data directory."""
    if environ.get("PYMAN_HOME"):
        return given_dir(environ["PYMAN_HOME"], "PYMAN_HOME")
    return data_dir(environ)


def user_store(environ: Mapping[str, str], home: Path | None = None) -> Store:
    """Return the store at `home`, by default the user's own, with PYMAN_SYSTEM_HOME beneath it."""
    own = home or default_home(environ)
    given = environ.get("PYMAN_SYSTEM_HOME")
    system = given_dir(given, "PYMAN_SYSTEM_HOME") if given else own
    # Who keeps the system's store has it as their own.
    return Store(own, None if os.path.realpath(system) == os.path.realpath(own) else Store(system))


def default_bin(environ: Mapping[str, str]) -> Path:
    """Return where links such as `python3.12` go: `PYMAN_BIN_DIR`, else `~/.local/bin`."""
    given = environ.get("PYMAN_BIN_DIR")
    return given_dir(given, "PYMAN_BIN_DIR") if given else home_dir() / ".local" / "bin"


def _of_beneath(read: Callable[[], _Read]) -> _Read:
    """What is read of the store beneath: where that cannot be done it may be left out."""
    try:
        return read()
    except StoreError as error:
        raise StoreError(error.message, "Check the permissions there, or unset PYMAN_SYSTEM_HOME.") from None


def _executables(key: Key) -> tuple[str, ...]:
    """Where an interpreter may be inside an installation, the most telling name first."""
    python = key.implementation is Implementation.CPYTHON
    if python and key.target.os is Os.WINDOWS:
        return ("python.exe", "python_d.exe")
    minor = f"{key.version.major}.{key.version.minor}"
    programs = [key.implementation.program] if python else [key.implementation.program, "python"]
    names = [executable_name(key), *(f"{name}{end}" for name in programs for end in (minor, "3", ""))]
    if key.target.os is not Os.WINDOWS:
        return tuple(f"bin/{name}" for name in names)
    # PyPy has it at the top, GraalPy in bin.
    return tuple(f"{folder}{name}.exe" for folder in ("", "bin/") for name in names)


def _order(installation: Installation) -> tuple[Any, ...]:
    key = installation.key
    return (-key.implementation.place, key.version, key.release_order, str(key.variant), str(key.target))
