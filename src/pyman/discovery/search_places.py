"""Where interpreters that pyman did not install may be: the folders of PATH, and the well-known places."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pyman.system import regular_file

_PYTHON = re.compile(r"(?:python|pypy|graalpy)(?:3(?:\.(\d+))?)?t?d?(?:\.exe)?", re.ASCII)
_NUMBERS = re.compile(r"\d+")
_MACOS = {
    "Homebrew": ("/opt/homebrew/bin", "/usr/local/bin"),
    "Xcode": ("/Library/Developer/CommandLineTools/usr/bin",),
}
_FRAMEWORK = Path("/Library/Frameworks/Python.framework/Versions")
# A program that offers to install Xcode's tools, in a window, when they are missing.
_MACOS_STUBS = "/usr/bin"
_WINDOWS_STUBS = "windowsapps"


class Place(NamedTuple):
    """A folder with interpreters in it, and what is said of those: `PATH`, `pyenv`."""

    folder: str
    where: str


def places(environ: Mapping[str, str], home: Path | None, platform: str = sys.platform) -> Iterator[Place]:
    """Yield the folders to look into, the one whose interpreters come first before the others.

    pyenv's folder of shims stands for the versions they would start: those it has selected, then the others.
    """
    pyenv = _pyenv_root(environ, home, platform)
    for folder in environ.get("PATH", "").split(os.pathsep):
        if pyenv and folder == str(pyenv / "shims"):
            yield from _pyenv(environ, pyenv, platform)
        elif Path(folder).is_absolute() and not _has_stubs(folder, platform):
            yield Place(folder, "PATH")
    if pyenv:
        yield from _pyenv(environ, pyenv, platform)
    yield from _well_known(environ, home, platform)


def interpreters_in(folder: str) -> list[str]:
    """Return the names of interpreters in a folder: first those without a version, then the newest."""
    try:
        names = os.listdir(folder)  # noqa: PTH208 - PATH has folders of thousands, and only names are wanted
    except OSError:
        return []
    found = [(name, match) for name in names if (match := _PYTHON.fullmatch(name))]
    return [name for name, match in sorted(found, key=_order)]


def minor_in(name: str) -> int | None:
    """Return the minor version of Python that a name such as `python3.12` or `3.12.1` tells; None if none."""
    found = re.match(r"(?:python|pypy|graalpy|cpython-)?3\.(\d+)", name)
    return int(found[1]) if found else None


def _order(named: tuple[str, re.Match[str]]) -> tuple[object, ...]:
    name, match = named
    return (not name.startswith("python"), match[1] is not None, -int(match[1] or 0), -len(name), name)


def _pyenv_root(environ: Mapping[str, str], home: Path | None, platform: str) -> Path | None:
    usual = _below(home, ".pyenv/pyenv-win" if platform == "win32" else ".pyenv")
    return Path(environ["PYENV_ROOT"]) if environ.get("PYENV_ROOT") else usual


def _pyenv(environ: Mapping[str, str], root: Path, platform: str) -> Iterator[Place]:
    versions = root / "versions"
    for name in [*_pyenv_selected(environ, root), *_newest_first(versions)]:
        yield Place(str(_bin(versions / name, platform)), "pyenv")


def _pyenv_selected(environ: Mapping[str, str], root: Path) -> list[str]:
    text = environ.get("PYENV_VERSION", "").replace(":", " ")
    if not text:
        try:
            text = regular_file.head(root / "version", 1000).decode("utf-8", "replace")
        except (OSError, ValueError):
            return []
    # A name, and no path: what is in the file is somebody else's, and no system has a NUL in a name.
    return [word for word in text.split() if word != "system" and not set(word) & set("/\\\0")]


def _well_known(environ: Mapping[str, str], home: Path | None, platform: str) -> Iterator[Place]:
    for where, folder in _of_other_tools(environ, home, platform):
        yield from _each(folder, where, platform)
    if platform == "darwin":
        yield from (Place(folder, where) for where, folders in _MACOS.items() for folder in folders)
        yield from _each(_FRAMEWORK, "python.org", platform)
    elif platform != "win32":
        yield from (Place(folder, "system") for folder in ("/usr/local/bin", "/usr/bin"))
    elif local := environ.get("LOCALAPPDATA"):
        yield from _each(Path(local, "Programs", "Python"), "python.org", platform)
        yield from _each(Path(local, "Python"), "python.org", platform)  # of the Python install manager


def _of_other_tools(
    environ: Mapping[str, str], home: Path | None, platform: str
) -> Iterator[tuple[str, Path]]:
    """The tools which install Pythons, and the folder in which each folder is one of theirs."""
    windows = platform == "win32"
    roaming = environ.get("APPDATA" if windows else "XDG_DATA_HOME")
    local = environ.get("LOCALAPPDATA") if windows else roaming
    data = home / ".local" / "share" if home and not windows else None
    for where, variable, usual, inside in (
        ("uv", "UV_PYTHON_INSTALL_DIR", _below(roaming or data, "uv/python"), ""),
        ("mise", "MISE_DATA_DIR", _below(local or data, "mise"), "installs/python"),
        ("asdf", "ASDF_DATA_DIR", _below(home, ".asdf"), "installs/python"),
    ):
        folder = environ.get(variable) or usual
        if folder:
            yield where, Path(folder, inside)


def _below(folder: str | Path | None, name: str) -> Path | None:
    return Path(folder, name) if folder else None


def _each(folder: Path, where: str, platform: str) -> Iterator[Place]:
    return (Place(str(_bin(folder / name, platform)), where) for name in _newest_first(folder))


def _newest_first(folder: Path) -> list[str]:
    """The names in a folder, those of higher versions first."""
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return []
    return sorted(
        names, key=lambda name: ([int(part) for part in _NUMBERS.findall(name)], name), reverse=True
    )


def _bin(installation: Path, platform: str) -> Path:
    return installation if platform == "win32" else installation / "bin"


def _has_stubs(folder: str, platform: str) -> bool:
    if platform == "darwin":
        return folder.rstrip("/") == _MACOS_STUBS
    return platform == "win32" and _WINDOWS_STUBS in folder.lower()
