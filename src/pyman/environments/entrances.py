"""Virtual environments: what each one uses of the store.

An environment is a folder with a `pyvenv.cfg` (PEP 405). It is read anew each time, for it may be gone, moved
or made again with another Python.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from errno import ELOOP
from pathlib import Path

from pyman.builds.key import Implementation
from pyman.environments import pyvenv

_NAMES = frozenset(Implementation)
# Steps on the way of a path: no real one has so many, a loop of links has no end.
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment, and the names in the store by which it gets at its Python.

    A name is that of a minor link, whose moves the environment follows, or that of an installation. None
    where it could not be read: it may use any of them.
    """

    path: Path
    entries: frozenset[str] | None


def read(store_home: Path, folder: Path) -> Environment | None:
    """Return the environment in `folder`; None if there is none, or it uses nothing of the store."""
    try:
        entries = Entrances(store_home).of_environment(str(folder))
    except (OSError, ValueError):
        return None
    return Environment(folder, entries) if entries else None


class Entrances:
    """Follows paths and tells by which name they enter a store, however they are spelled.

    Links are followed one at a time, as the system does: the minor link would be lost by resolving at once.
    The store is told by its identity, so that links and letter case on the way to it do not matter. What was
    seen on the way is kept: environments are asked about by the thousand, and lie beside each other.
    """

    def __init__(self, store_home: Path) -> None:
        try:
            self._store: os.stat_result | None = store_home.stat()
        except (OSError, ValueError):
            self._store = None
        self._seen: dict[str, tuple[str, str]] = {}
        self._is_store: dict[str, bool] = {}

    def of_environment(self, folder: str) -> frozenset[str]:
        """Return the names by which the environment in `folder` enters the store.

        Raises OSError or ValueError where there is no environment, or it cannot be read.
        """
        settings = pyvenv.read(folder)
        return frozenset(filter(None, self._of_ways(folder, settings)))

    def real(self, path: str) -> str:
        """Return where an absolute path leads, without links in it. Raises OSError for a loop of links."""
        return self._walked(path, 0)[0]

    def _of_ways(self, folder: str, settings: Mapping[str, str]) -> Iterator[str]:
        """What is entered by its own link, and by what its settings say.

        `executable` counts only for its name: venv writes down what a link pointed at when the environment
        was made, and the link may have moved since.
        """
        yield self._entry(f"{folder}/bin/python") or self._entry(f"{folder}/bin/python3")
        if settings.get("base-executable"):
            yield self._entry(_join(folder, settings["base-executable"]))
        if settings.get("home"):
            home = _join(folder, settings["home"])
            entry = self._entry(home)
            yield entry or self._entry_by_name(home, settings)

    def _entry_by_name(self, home: str, settings: Mapping[str, str]) -> str:
        """Where home is a folder of links, such as ~/.local/bin, the name in it leads to the store."""
        names = (_join(home, name) for name in _interpreters(settings))
        return next((self._entry(name) for name in names if os.path.lexists(name)), "")

    def _entry(self, path: str) -> str:
        try:
            return self._walked(path, 0)[1]
        except (OSError, ValueError):
            return ""

    def _walked(self, path: str, steps: int) -> tuple[str, str]:
        """Where `path` leads, and the name by which it enters the store on the way; empty if it does not."""
        seen = self._seen.get(path)
        if seen is None:
            seen = self._seen[path] = self._stepped(path, steps)
        return seen

    def _stepped(self, path: str, steps: int) -> tuple[str, str]:
        if steps > _MOST_STEPS:
            raise OSError(ELOOP, os.strerror(ELOOP), path)
        above, name = os.path.split(path)
        if above == path:
            return path, ""
        real, entry = self._walked(above, steps + 1)
        if entry or name in ("", "."):
            return real, entry
        if name == "..":
            return os.path.split(real)[0], ""
        if name.lower().partition("-")[0] in _NAMES and self._leads_to_store(real):
            return real, name.lower() if sys.platform in ("win32", "darwin") else name
        here = _join(real, name)
        target = _link_target(here)
        return self._walked(_join(real, target), steps + 1) if target else (here, "")

    def _leads_to_store(self, folder: str) -> bool:
        if not self._store:
            return False
        if folder not in self._is_store:
            try:
                self._is_store[folder] = os.path.samestat(Path(folder).stat(), self._store)
            except (OSError, ValueError):
                self._is_store[folder] = False
        return self._is_store[folder]


def _interpreters(settings: Mapping[str, str]) -> Iterator[str]:
    """How the interpreter in `home` may be called, the likeliest first."""
    for key in ("executable", "base-executable"):
        if settings.get(key):
            yield settings[key].replace("\\", "/").rpartition("/")[2]
    version = settings.get("version_info") or settings.get("version") or ""
    numbers = version.split(".")[:2]
    if len(numbers) == 2:  # noqa: PLR2004 - major and minor
        yield "python" + ".".join(numbers)
    yield "python3"


def _link_target(path: str) -> str:
    # Not islink(): before Python 3.12 nothing tells a junction but that it can be read.
    try:
        return os.readlink(path)  # noqa: PTH115 - a str, as thousands are
    except (OSError, ValueError):
        return ""


_join = os.path.join
