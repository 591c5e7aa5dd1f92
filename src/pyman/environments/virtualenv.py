"""Virtual environments as `pyman find` meets them: the active one, and `.venv` here or above.

What Python one has is read from its files (PEP 405), never asked: that would cost a process at each look.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.environments import pyvenv
from pyman.environments.pyvenv import CONFIG
from pyman.requests.spelling import NO_RELEASE
from pyman.store.installations import Store

_BASE = ("base", "root")


class VirtualEnvironment(NamedTuple):
    """A folder that is an environment, and how it was found: `VIRTUAL_ENV`, `CONDA_PREFIX`, `.venv`."""

    path: Path
    where: str

    @property
    def python(self) -> Path | None:
        """Its interpreter; None when there is none or what it is a link to is gone."""
        return program_in(self.path)


def program_in(folder: Path) -> Path | None:
    """Return the interpreter of an environment or installation, or the one that lies in the folder itself."""
    names = ("python.exe", "python3.exe") if sys.platform == "win32" else ("python", "python3")
    insides = ("Scripts", "bin", "") if sys.platform == "win32" else ("bin", "")
    places = (folder / inside / name for inside in insides for name in names)
    return next((place for place in places if place.is_file()), None)


def of_program(python: Path) -> VirtualEnvironment | None:
    """Return the environment which the interpreter `python` is in; None if it is in none."""
    folder = python.parent.parent
    return VirtualEnvironment(folder, "path") if (folder / CONFIG).is_file() else None


def usable(environ: Mapping[str, str], start: Path) -> Iterator[VirtualEnvironment]:
    """Yield the active environments, then each `.venv` in `start` and above.

    The Python of one may be gone; of conda's it may never have been there, and those are left out. conda's
    base environment is an installation that happens to be on PATH; it counts as no environment.
    """
    if environ.get("VIRTUAL_ENV"):
        yield VirtualEnvironment(Path(environ["VIRTUAL_ENV"]), "VIRTUAL_ENV")
    if environ.get("CONDA_PREFIX") and environ.get("CONDA_DEFAULT_ENV", "base") not in _BASE:
        conda = VirtualEnvironment(Path(environ["CONDA_PREFIX"]), "CONDA_PREFIX")
        if conda.python:
            yield conda
    for folder in (start, *start.parents):
        # access() says no where is_file() would raise: in a folder that this user may not read.
        if os.access(folder / ".venv" / CONFIG, os.R_OK):
            yield VirtualEnvironment(folder / ".venv", ".venv")


def fault(environment: VirtualEnvironment, *, wary: bool = False) -> str:
    """Return why an environment is passed over: its Python is gone; "" if it is not.

    Who is `wary` trusts a `.venv` only where nobody else may have put it there, or change it.
    """
    if wary and environment.where == ".venv":
        from pyman.environments.trust import doubt  # noqa: PLC0415 - only for who is wary

        if why := doubt(environment.path):
            return why
    return "" if environment.python else _loss(environment.path)


def _loss(folder: Path) -> str:
    """Return what is to be said of an environment whose Python is gone."""
    return f"the Python of {folder} is gone: `{renewal(folder)}` makes the environment anew"


def renewal(folder: Path) -> str:
    """Return the command that makes an environment, whose Python is gone, anew: with the same minor version.

    What else it was made with only the tool knows that made it.
    """
    from shlex import quote  # noqa: PLC0415 - hardly ever needed

    settings = pyvenv.settings(folder) or {}
    numbers = (settings.get("version_info") or settings.get("version", "")).split(".")[:2]
    free = "t" if next((folder / "lib").glob("python3.*t"), None) else ""
    request = f"{'.'.join(numbers)}{free} " if all(number.isdigit() for number in numbers) else ""
    if settings.get("uv"):
        return f"uv venv --clear {f'--python {request}' if request else ''}{quote(str(folder))}"
    return f"pyman venv --clear {request}{quote(str(folder))}"


def key_of(environment: VirtualEnvironment, store: Store, target: Target) -> Key | None:
    """Return the key of the Python in an environment; None if its files do not tell it.

    Where it comes from the store, that is the key of the installation it leads to today: what stands in its
    settings was true when it was made, and may have been upgraded since. Else `target` is taken for its own.
    """
    settings = pyvenv.settings(environment.path) or {}
    # On Windows the interpreter of an environment is no link, but its settings tell where its own one is.
    leads = [environment.python, Path(settings["home"]) if settings.get("home") else None]
    keys = (_key_in_store(lead, home) for lead in leads if lead for home in store.homes)
    return next(filter(None, keys), None) or _key_told(environment, settings, target)


def _key_in_store(path: Path, home: Path) -> Key | None:
    try:
        return Key.parse(path.resolve().relative_to(home.resolve()).parts[0])
    except (ValueError, IndexError):
        return None


def _key_told(environment: VirtualEnvironment, settings: Mapping[str, str], target: Target) -> Key | None:
    text = settings.get("version_info") or settings.get("version", "")
    try:
        implementation = Implementation(settings.get("implementation", "cpython").lower())
        version = _version(text)
    except ValueError:
        return None
    free = (environment.path / "lib" / f"python{version.major}.{version.minor}t").is_dir()
    return Key(implementation, version, Variant(freethreaded=free), NO_RELEASE, target.baseline)


def _version(text: str) -> Version:
    """`3.12.1`, and virtualenv's `3.12.1.final.0` and `3.13.0.candidate.1`; ValueError for anything else."""
    numbers, _, serial = text.rpartition(".")
    for stage, letters in (("final", ""), ("alpha", "a"), ("beta", "b"), ("candidate", "rc")):
        if numbers.endswith(f".{stage}"):
            numbers = numbers.removesuffix(f".{stage}")
            return Version.parse(f"{numbers}{letters}{serial if letters else ''}")
    return Version.parse(text)
