"""Finding: something that is wrong. Setup: what is looked at. And how the commands that mend are spelled."""

import os
import shlex
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pyman.builds.target import Target
from pyman.errors import PymanError
from pyman.machine import detection
from pyman.store.installations import Look, Store, default_bin, user_store


class Finding(NamedTuple):
    """What is wrong, why that matters, and the command that mends it, for a POSIX shell or PowerShell."""

    what: str
    why: str
    command: str


@dataclass(frozen=True)
class Setup:
    """What is looked at. What cannot be told, as a setting is not usable, is None: another check says so.

    `known` are the variables that mean something to pyman; one that ends in `_` is a beginning of several.
    """

    environ: Mapping[str, str]
    known: frozenset[str]

    @cached_property
    def store(self) -> Store | None:
        """The user's store."""
        with suppress(PymanError):
            return user_store(self.environ)
        return None

    @cached_property
    def bin_dir(self) -> Path | None:
        """The directory of links."""
        with suppress(PymanError):
            return default_bin(self.environ)
        return None

    @cached_property
    def own(self) -> Target | None:
        """The target of this machine, whatever the variables say."""
        with suppress(PymanError):
            return detection.detect().target
        return None

    @cached_property
    def look(self) -> Look:
        """What is in the user's own store; nothing where that cannot be read."""
        with suppress(PymanError):
            return self.store.look() if self.store else Look([], [])
        return Look([], [])

    @property
    def path(self) -> list[str]:
        """The folders of PATH."""
        return self.environ.get("PATH", "").split(os.pathsep)


def word(text: object) -> str:
    """Return a text as one word of the user's shell."""
    return "'" + str(text).replace("'", "''") + "'" if os.name == "nt" else shlex.quote(str(text))


def unset(name: str) -> str:
    """Return the command that takes a variable away."""
    return f"Remove-Item Env:{name}" if os.name == "nt" else f"unset {name}"


def put(name: str, value: object) -> str:
    """Return the command that gives a variable a value."""
    return f"$env:{name} = {word(value)}" if os.name == "nt" else f"export {name}={word(value)}"


def put_from(name: str, other: str) -> str:
    """Return the command that gives a variable the value of another, which is not shown: it may be secret."""
    return f"$env:{name} = $env:{other}" if os.name == "nt" else f'export {name}="${other}"'


def moved_aside(path: Path) -> str:
    """Return the command that gives something another name, under which it is in nobody's way."""
    return f"mv {word(path)} {word(f'{path}.aside')}"


def taken_over(path: Path) -> str:
    """Return the command that makes a folder the user's own, or lets the user write to it again."""
    if os.name == "posix" and os.access(path, os.F_OK) and path.stat().st_uid == os.geteuid():
        return f"chmod u+rwx {word(path)}"
    return f'sudo chown -R "$(id -un)" {word(path)}'


def is_file(path: Path) -> bool:
    """Whether there is a file; OSError where that cannot be told, in each version of Python."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is a folder, as far as this user may look."""
    with suppress(OSError, ValueError):
        return path.is_dir()
    return False


def is_writable(folder: Path) -> bool:
    """Whether something can be made in a folder, which need not be there yet."""
    place = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    return os.access(place, os.W_OK | os.X_OK) and is_folder(place)
