"""Where virtual environments live: here and above, and where the tools that make them keep theirs.

The tables were read off the tools themselves: pipx 1.18, uv 0.13, poetry 2.5, hatch 1.18, pdm 2.29, pipenv
2026.10, virtualenvwrapper 6.1, tox 4.67, nox 2026.10, all of November 2026. A usual place counts also where a
variable moves it today: that may not have been set when the environment was made.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from errno import EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR
from pathlib import Path
from typing import Any, NamedTuple

from pyman.system import regular_file

# What the system says of a place at which there is nothing to look at.
NOTHING = {EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR}
_LARGEST = 1024 * 1024
_LONGEST_PATH = 4096


class Place(NamedTuple):
    """A folder, and how far below it environments are: 0 where it is one itself, 1 where its folders are."""

    path: Path
    depth: int


# In the current folder and in each above it.
_HERE = ((".venv", 0), ("venv", 0), ("env", 0), (".tox", 1), (".nox", 1), (".hatch", 1))
# The same, named by a variable: a path in full, or from the project's folder.
_HERE_BY_VARIABLE = (("UV_PROJECT_ENVIRONMENT", 0), ("HATCH_ENV_TYPE_VIRTUAL_PATH", 0), ("TOX_WORK_DIR", 1))
# Variables, and what is looked at in the folder that each names.
_BY_VARIABLE = (
    ("VIRTUAL_ENV", "", 0),
    ("PIPX_HOME", "venvs", 1),
    ("PIPX_HOME", "shared", 0),
    ("PIPX_GLOBAL_HOME", "venvs", 1),
    ("PIPX_GLOBAL_HOME", "shared", 0),
    ("PIPX_SHARED_LIBS", "", 0),
    ("UV_TOOL_DIR", "", 1),
    ("POETRY_VIRTUALENVS_PATH", "", 1),
    ("POETRY_CACHE_DIR", "virtualenvs", 1),
    ("POETRY_HOME", "venv", 0),
    ("HATCH_DATA_DIR", "env/virtual", 3),  # project, its place, environment
    ("WORKON_HOME", "", 1),  # pipenv, virtualenvwrapper, pew
    ("VIRTUALFISH_HOME", "", 1),
    ("RYE_HOME", "tools", 1),
    ("PYENV_ROOT", "versions", 1),  # pyenv-virtualenv
)
# Usual places: the user's home directory, folders for data and for what may be forgotten, the machine's own.
_USUAL = (
    ("home", ".local/pipx/venvs", 1),
    ("home", ".local/pipx/shared", 0),
    ("home", "pipx/venvs", 1),
    ("home", ".virtualenvs", 1),
    ("home", ".rye/tools", 1),
    ("home", ".pyenv/versions", 1),
    ("data", "pipx/venvs", 1),
    ("data", "pipx/shared", 0),
    ("data", "pipx/pipx/venvs", 1),
    ("data", "uv/tools", 1),
    ("data", "uv/data/tools", 1),
    ("data", "pypoetry/venv", 0),
    ("data", "hatch/env/virtual", 3),
    ("data", "pdm/venvs", 1),
    ("data", "pdm/pdm/venvs", 1),
    ("data", "virtualenvs", 1),  # pipenv, pew
    ("cache", "pypoetry/virtualenvs", 1),
    ("cache", "pypoetry/Cache/virtualenvs", 1),
    ("machine", "pipx/venvs", 1),
    ("machine", "pipx/shared", 0),
)
# Settings in configuration files: their keys, and what is looked at in the folder that each names.
_OF_POETRY = ((("virtualenvs", "path"), "", 1), (("cache-dir",), "virtualenvs", 1))
_OF_HATCH = ((("dirs", "data"), "env/virtual", 3), (("dirs", "env", "virtual"), "", 3))
_OF_PDM = ((("venv", "location"), "", 1),)
# The files: a variable that names the file, or its folder and how it is called in that; the usual place.
_FILES = (
    ("POETRY_CONFIG_DIR", "config.toml", "pypoetry/config.toml", _OF_POETRY),
    ("HATCH_CONFIG", "", "hatch/config.toml", _OF_HATCH),
    ("PDM_CONFIG_FILE", "", "pdm/config.toml", _OF_PDM),
    ("", "", "pdm/pdm/config.toml", _OF_PDM),
)
_FILE_OF_PROJECT = "poetry.toml"
_CACHE_OF_POETRY = "{cache-dir}"
# By platform, the folders of each kind: a variable, and where they are below the home directory without it.
_LINUX = {
    "data": (("XDG_DATA_HOME", ".local/share"),),
    "cache": (("XDG_CACHE_HOME", ".cache"),),
    "config": (("XDG_CONFIG_HOME", ".config"),),
}
_FOLDERS = {
    "darwin": {
        "data": (*_LINUX["data"], ("", "Library/Application Support")),
        "cache": (*_LINUX["cache"], ("", "Library/Caches")),
        "config": (*_LINUX["config"], ("", "Library/Application Support"), ("", "Library/Preferences")),
    },
    "win32": {
        "data": (("LOCALAPPDATA", "AppData/Local"), ("APPDATA", "AppData/Roaming")),
        "cache": (("LOCALAPPDATA", "AppData/Local"),),
        "config": (("APPDATA", "AppData/Roaming"), ("LOCALAPPDATA", "AppData/Local")),
    },
}


def places(
    environ: Mapping[str, str],
    home: Path | None,
    start: Path | None,
    platform: str = sys.platform,
    broken: dict[Path, str] | None = None,
) -> list[Place]:
    """Return the places to look at, each once; `start` is the current folder, None if there is none.

    Files of settings that cannot be read are put into `broken`, and why: what they name is not known.
    """
    around = _Around(environ, home, start, platform, {} if broken is None else broken)
    return list(dict.fromkeys([*around.named(), *around.here(), *around.settled(), *around.usual()]))


class _Around(NamedTuple):
    """What the places depend on."""

    environ: Mapping[str, str]
    home: Path | None
    start: Path | None
    platform: str
    broken: dict[Path, str]

    @property
    def above(self) -> tuple[Path, ...]:
        """The current folder and those above."""
        return (self.start, *self.start.parents) if self.start else ()

    def named(self) -> Iterator[Place]:
        """Those that variables name."""
        for variable, inside, depth in _BY_VARIABLE:
            yield from self._given(self.environ.get(variable, ""), inside, depth)

    def here(self) -> Iterator[Place]:
        """Those of the current folder and of the folders above."""
        for folder in self.above:
            yield from (Place(folder / name, depth) for name, depth in _HERE)
            for variable, depth in _HERE_BY_VARIABLE:
                yield from self._given(self.environ.get(variable, ""), "", depth, folder)
            yield from self._given(_redirect(folder / ".venv"), "", 0, folder)

    def settled(self) -> Iterator[Place]:
        """Those that configuration files name: of the user, and of the project."""
        for variable, inside, usual, settings in _FILES:
            files = [place.path for place in self._given(self.environ.get(variable, ""), inside, 0)]
            files += [folder / usual for folder in self._folders("config")]
            for file in files:
                yield from self._set(file, settings)
        for folder in self.above:
            yield from self._set(folder / _FILE_OF_PROJECT, _OF_POETRY)

    def usual(self) -> Iterator[Place]:
        """Those where the tools have theirs unless they are told otherwise."""
        for kind, inside, depth in _USUAL:
            yield from (Place(folder / inside, depth) for folder in self._folders(kind))

    def _set(self, file: Path, settings: Iterable[tuple[tuple[str, ...], str, int]]) -> Iterator[Place]:
        try:
            document = _document(file)
        except (OSError, ValueError, RecursionError) as error:
            self.broken[file] = f"the settings there cannot be read: {_why(error)}"
            return
        for keys, inside, depth in settings if document else ():
            text = _value(document, keys)
            if _CACHE_OF_POETRY in text:
                caches = [_value(document, ("cache-dir",)), self.environ.get("POETRY_CACHE_DIR", "")]
                caches += [str(folder / "pypoetry") for folder in self._folders("cache")]
                for cache in filter(None, caches):
                    yield from self._given(text.replace(_CACHE_OF_POETRY, cache), inside, depth)
            else:
                yield from self._given(text, inside, depth, file.parent)
                yield from self._given(text, inside, depth)

    def _given(self, text: str, inside: str, depth: int, base: Path | None = None) -> Iterator[Place]:
        """The place that a text names, in full or from `base`, by default the current folder."""
        base = base or self.start
        path = Path(os.path.expandvars(text)) if text else Path()
        if text[:1] == "~" and self.home:
            path = self.home.joinpath(*path.parts[1:])
        if text and (path.is_absolute() or base):
            yield Place((base / path if base else path) / inside, depth)

    def _folders(self, kind: str) -> list[Path]:
        """The folders of a kind, those that a variable names and the usual ones."""
        if kind == "machine":
            return [] if self.platform == "win32" else [Path("/opt")]
        if kind == "home":
            return [self.home] if self.home else []
        found = []
        for variable, usual in _FOLDERS.get(self.platform, _LINUX)[kind]:
            found += [place.path for place in self._given(self.environ.get(variable, ""), "", 0)]
            found += [self.home / usual] if self.home else []
        return found


def _redirect(path: Path) -> str:
    """Where a file `.venv` says that the environment is: tox and pipenv write such."""
    try:
        lines = regular_file.head(path, _LONGEST_PATH).decode().splitlines()
    except (OSError, ValueError):
        return ""
    return lines[0].strip() if lines else ""


def _document(file: Path) -> dict[str, Any]:
    """What a file of settings says, nothing where there is none; else OSError, ValueError, RecursionError."""
    try:
        text = regular_file.whole(file, _LARGEST).decode("utf-8-sig")
    except OSError as error:
        if error.errno in NOTHING:
            return {}
        raise
    import tomllib  # noqa: PLC0415 - few have such a file

    return tomllib.loads(text)


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _value(document: Mapping[str, Any], keys: Iterable[str]) -> str:
    found: Any = document
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""
