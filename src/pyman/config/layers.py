"""Who has the say: an option, a variable, the user's file, the site's file, in this order.

What the site has fixed nobody else sets: a variable or a user's file that differs is passed over with a word,
an option that differs is refused, for it was typed to have its way. It keeps people from mistakes, and is no
lock: whoever may run programs may run others.

Where there is no file the environment itself is what counts, and all it costs is two questions to the system.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyman.errors import StoreError, UsageError
from pyman.system.userdirs import config_dir

if TYPE_CHECKING:
    from pyman.config.config_file import ConfigFile, Remark

NAME = "config.toml"
_ETC = Path("/etc/pyman")
SITE_VARIABLE = "PYMAN_SITE_CONFIG"
_Warn = Callable[[str], None]
_Stamp = tuple[int, ...]


class Said(NamedTuple):
    """A value of a setting as its variable would have it, and who says so."""

    value: str
    origin: str


class Layers(Mapping[str, str]):
    """The environment as it would be if what the files say stood in it.

    `warn` is told what is passed over. `files` are those that were read, the user's first.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        user: "ConfigFile | None" = None,
        site: "ConfigFile | None" = None,
        warn: _Warn = lambda _: None,
    ) -> None:
        self._environ = environ
        self.files = [each for each in (user, site) if each]
        self._fixed = site.fixed if site else frozenset[str]()
        self._site = site
        self._warn = warn

    def __getitem__(self, variable: str) -> str:
        return self._value(variable)[0]

    def __iter__(self) -> Iterator[str]:
        from pyman.config.known import BY_VARIABLE  # noqa: PLC0415 - see `of`

        return iter(dict.fromkeys([*self._environ, *(name for name in BY_VARIABLE if name in self)]))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def remarks(self) -> "list[Remark]":
        """What is wrong with the files."""
        return [remark for file in self.files for remark in file.remarks]

    def said(self, name: str) -> list[Said]:
        """Return all who say something of the setting `name`, the one that counts first."""
        from pyman.config.known import KNOWN  # noqa: PLC0415 - see `of`

        variable = KNOWN[name].variable
        said = [Said(self._environ[variable], variable)] if self._environ.get(variable) else []
        said += [
            Said(entry.value, f"{file.path}, line {entry.line}")
            for file in self.files
            if (entry := file.entries.get(name))
        ]
        if name in self._fixed and self._site:
            own = self._site.entries.get(name)
            first = [said.pop()] if own else [Said("", str(self._site.path))]
            return [*first, *said]
        return said

    def is_fixed(self, name: str) -> bool:
        """Whether the site has fixed it."""
        return name in self._fixed

    def _value(self, variable: str) -> Said:
        from pyman.config.known import BY_VARIABLE  # noqa: PLC0415 - see `of`

        setting = BY_VARIABLE.get(variable)
        if not setting:
            return Said(self._environ[variable], variable)
        said = self.said(setting.name)
        if not said:
            raise KeyError(variable)
        if self.is_fixed(setting.name):
            for other in said[1:]:
                if setting.meaning(other.value) != setting.meaning(said[0].value):
                    where = said[0].origin
                    self._warn(f"{setting.name} is fixed in {where}: what {other.origin} says is passed over")
        return said[0]


def environ(environ: Mapping[str, str] = os.environ, warn: _Warn = lambda _: None) -> Mapping[str, str]:
    """Return the environment with what the files of the user and of the site say in it.

    UsageError, which names file and line, where one of them has a fault.
    """
    found = of(environ, warn)
    if isinstance(found, Layers):
        for remark in found.remarks:
            if remark.fault:
                raise remark.error
            warn(str(remark))
    return found


def of(environ: Mapping[str, str], warn: _Warn = lambda _: None) -> Mapping[str, str]:
    """Return the same, whatever is wrong with the files; the environment itself where there are none."""
    user, site = _stamped(user_path(environ)), _stamped(site_path(environ), is_site=True)
    if not user and not site:
        return environ
    # Only where there is a file is loaded what reads it.
    return Layers(environ, user and _read(*user, is_site=False), site and _read(*site, is_site=True), warn)


def origin_of(variable: str, environ: Mapping[str, str]) -> str:
    """Return who says what counts for a variable, as it stands in a message: the variable, or a file."""
    if isinstance(environ, Layers):
        with suppress(KeyError):
            return environ._value(variable).origin  # noqa: SLF001 - of this module
    return variable


def check_option(option: str, value: str, name: str, environ: Mapping[str, str]) -> None:
    """Raise UsageError if an option gives the setting `name` another value than the site has fixed."""
    if not isinstance(environ, Layers) or not environ.is_fixed(name):
        return
    from pyman.config.known import KNOWN  # noqa: PLC0415 - see `of`

    fixed = environ.said(name)[0]
    if KNOWN[name].meaning(value) != KNOWN[name].meaning(fixed.value):
        raise UsageError(
            f"{option} is not allowed: {name} is fixed in {fixed.origin}",
            f"Leave {option} out; `pyman config` shows what is fixed.",
        )


def user_path(environ: Mapping[str, str]) -> Path | None:
    """Return where the user's file is; None where there is no home directory."""
    try:
        return config_dir(environ) / NAME
    except StoreError:
        return None


def site_path(environ: Mapping[str, str]) -> Path:
    """Return where the site's file is: that in /etc, and only where there is none what a variable names.

    So no variable undoes what the administrator has fixed, and who is none can have a site's file.
    """
    usual = Path(environ.get("PROGRAMDATA", "C:/ProgramData"), "pyman") if os.name == "nt" else _ETC
    given = environ.get(SITE_VARIABLE)
    return Path(given) if given and not os.path.lexists(usual / NAME) else usual / NAME


def _stamped(path: Path | None, *, is_site: bool = False) -> tuple[Path, _Stamp] | None:
    """The path and what tells the file from an earlier one; None if there is none.

    A folder of the user's that cannot be looked into is somebody else's, as after `sudo -u`.
    """
    if path is None:
        return None
    try:
        found = os.stat(path)  # noqa: PTH116 - at every start
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        if not is_site:
            return None
        raise UsageError(
            f"cannot read the settings {path}: {error.strerror}", "Ask the administrator to open it."
        ) from None
    return path, (found.st_mtime_ns, found.st_size, found.st_ino)


@cache
def _read(path: Path, stamp: _Stamp, *, is_site: bool) -> "ConfigFile":
    del stamp
    from pyman.config.config_file import read  # noqa: PLC0415 - tomllib, where there is something to read

    return read(path, is_site=is_site)
