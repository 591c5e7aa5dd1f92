"""What stands where an environment is to be made, and whether one may be made there.

Python's own `venv --clear` removes whatever is in the folder. Here only what is an environment, and nothing
but an environment, is made anew.
"""

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path
from shlex import quote

from pyman.environments import pyvenv
from pyman.environments.pyvenv import CONFIG
from pyman.errors import PymanError
from pyman.system.folder import is_real

# In the folder while an environment is made in it: what was there before, as it goes there and when all of it
# is there; and when what was made takes its place, before it is removed.
MOVING, BEFORE, GONE = ".pyman-moving", ".pyman-before", ".pyman-gone"
MARKS = {MOVING, BEFORE, GONE}
LOCK = ".pyman-venv"
OURS = {*MARKS, f"{LOCK}.lock", f"{LOCK}.owner"}
# What tools and packages put into an environment. Not `src`, where pip checks out what people work on.
_OF_ENVIRONMENTS = {
    *("bin", "lib", "lib64", "include", "Scripts", "Lib", "Include", "libs", "local", "share", "etc", "man"),
    *("doc", "tmp", "log", "var", CONFIG, ".gitignore", "CACHEDIR.TAG", ".lock", ".Python", ".project"),
    *(".tox-info.json", "pip-selfcheck.json", "__pycache__", ".DS_Store"),
}
_INTERPRETERS = ("bin/python", "bin/python3", "Scripts/python.exe", "Scripts/python")
_ANOTHER = "Name another folder: `pyman venv REQUEST DIR`."
_SHOWN = 3


def check(path: Path, *, clear: bool, stores: Iterable[Path] = ()) -> None:
    """Raise PymanError unless an environment may be made at `path`; with `clear`, in place of another one.

    What an interrupted `pyman venv` left is no obstacle. None is made inside of a store.
    """
    _refuse_stores(path, stores)
    try:
        names = _names(path)
    except OSError as error:
        raise PymanError(f"cannot look at {path}: {error.strerror}", "Check the permissions there.") from None
    if names and not names & MARKS:
        _check_content(path, names - OURS, clear=clear)


def _names(path: Path) -> set[str]:
    """What is in the folder, nothing where there is none; PymanError for what is no folder of this user's."""
    if not os.path.lexists(path):
        return set()
    if path.is_symlink():
        raise PymanError(
            f"{path} is a link to {path.readlink()}",
            "Name the folder itself, or remove the link: no environment is made through one.",
        )
    if not is_real(path):
        raise PymanError(f"{path} is no folder", _ANOTHER)
    if os.name == "posix" and path.stat().st_uid != os.geteuid():
        raise PymanError(f"{path} belongs to somebody else", _ANOTHER)
    return set(os.listdir(path))  # noqa: PTH208 - names


def _check_content(path: Path, names: set[str], *, clear: bool) -> None:
    if not names:
        return
    if not is_environment(path):
        raise PymanError(
            f"{path} is not empty, and no virtual environment",
            f"{_ANOTHER} Nothing in it was touched; --clear removes only what is an environment.",
        )
    if not clear:
        raise PymanError(
            f"{path} is a virtual environment already ({version_in(path)})",
            f"It stays as it is; `pyman venv --clear REQUEST {quote(str(path))}` makes it anew, and empty.",
        )
    strange = sorted(names - _OF_ENVIRONMENTS)
    if strange:
        more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
        raise PymanError(
            f"{path} holds what is no part of an environment: {', '.join(strange[:_SHOWN])}{more}",
            "Move it elsewhere first: --clear would remove it.",
        )
    if _is_same(path, Path(sys.prefix)):
        raise PymanError(f"pyman itself runs from {path}", "It cannot remove what it runs from.")


def is_environment(path: Path) -> bool:
    """Whether the folder is a virtual environment: it says so, and what programs it has are beside a Python.

    That may be gone.
    """
    settings = pyvenv.settings(path)
    has_programs = any(os.path.lexists(path / name) for name in ("bin", "Scripts"))
    has_python = any(os.path.lexists(path / name) for name in _INTERPRETERS)
    return bool(settings and settings.get("home")) and (has_python or not has_programs)


def version_in(path: Path) -> str:
    """Return which Python an environment was made with, as it says itself: `Python 3.12.1`."""
    settings = pyvenv.settings(path) or {}
    text = (settings.get("version_info") or settings.get("version", "")).removesuffix(".final.0")
    name = settings.get("implementation", "CPython")
    return f"{'Python' if name.lower() == 'cpython' else name} {text or 'of an unknown version'}"


def _refuse_stores(path: Path, stores: Iterable[Path]) -> None:
    real = Path(os.path.realpath(path))
    for store in stores:
        if os.path.realpath(store) in map(str, (real, *real.parents)):
            raise PymanError(f"{path} is in the store {store}, which is pyman's own", _ANOTHER)


def _is_same(path: Path, other: Path) -> bool:
    try:
        found, wanted = path.stat(), other.stat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and os.path.samestat(found, wanted)
