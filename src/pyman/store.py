"""Store and Installation: the managed directory as it is read. Readers never lock.

    <store>/README                                      whose directory this is
            .staging/  .locks/                          what `changes` works with
            cpython-3.12.9+20250317-linux-x86_64-musl/  an installation, never changed once it is there
            cpython-3.12-linux-x86_64-musl -> …         the minor link: the newest 3.12

The directory's name is the record; there is no database.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pyman.errors import StoreError
from pyman.key import Implementation, Key
from pyman.target import Os
from pyman.userdirs import data_dir, given_dir, home_dir

RECORD = ".pyman.json"


class Installation(NamedTuple):
    """A published build: its key and its directory."""

    key: Key
    path: Path

    @property
    def executable(self) -> Path:
        """The interpreter; its usual place where none is found."""
        places = [self.path / name for name in _executables(self.key)]
        return next((place for place in places if place.exists()), places[0])

    @property
    def standard_library(self) -> Path | None:
        """The folder of the standard library, `lib/python3.13t` or `Lib`; None where there is none."""
        places = (self.path / "Lib", *sorted((self.path / "lib").glob("p*")))
        return next((place for place in places if (place / "os.py").is_file()), None)

    def record(self) -> dict[str, Any]:
        """Return what was written down when it was installed; empty when that cannot be read."""
        import json  # noqa: PLC0415 - to list and find installations nothing of them is read

        try:
            found = json.loads((self.path / RECORD).read_bytes())
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
        here = self.installations()
        if not self.beneath:
            return here
        try:
            below = self.beneath.installations()
        except StoreError as error:
            raise StoreError(
                error.message, "Check the permissions there, or unset PYMAN_SYSTEM_HOME."
            ) from None
        keys = {each.key for each in here}
        return sorted([*here, *(each for each in below if each.key not in keys)], key=_order, reverse=True)

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
        found = []
        try:
            with os.scandir(self.home) as entries:
                for entry in entries:
                    key = _key_of(entry.name)
                    if key and entry.is_dir(follow_symlinks=False):
                        found.append(Installation(key, Path(entry.path)))
        except FileNotFoundError:
            return []
        except OSError as error:
            hint = "Check the permissions there, or choose another store with PYMAN_HOME."
            raise StoreError.of("read the store", self.home, error, hint) from None
        return sorted(found, key=_order, reverse=True)

    def get(self, key: Key) -> Installation | None:
        """Return the installation of that build; None when it is not installed."""
        path = self.path_of(key)
        return Installation(key, path) if path.is_dir() else None

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


def _key_of(name: str) -> Key | None:
    try:
        return Key.parse(name)
    except ValueError:
        return None


def _order(installation: Installation) -> tuple[Any, ...]:
    key = installation.key
    return (-key.implementation.place, key.version, key.release_order, str(key.variant), str(key.target))
