"""Which settings there are: the name in a file, the variable, and what may stand there.

A setting has the name of its variable: `refresh-url` is PYMAN_REFRESH_URL.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from pyman.builds.target import Target
from pyman.errors import UsageError

_PREFIX = "PYMAN_"
_MOST_RETRIES = 999  # as the variable has it
_REFRESH = ("auto", "always", "never")
_NO = ("", "0", "false", "no", "off")


class Setting(NamedTuple):
    """A setting, what it is when nobody says anything, and what reads it in a file.

    `read` returns the value as the variable would have it; ValueError, which says what it should be.
    """

    name: str
    usual: str
    read: Callable[[object], str]

    @property
    def variable(self) -> str:
        """The variable that sets it."""
        return _PREFIX + self.name.upper().replace("-", "_")

    def meaning(self, value: str) -> object:
        """Return what two spellings of one value have in common."""
        if self.read is _flag:
            return is_on(value)
        return hosts_in(value) if self.read in (_hosts, _allowed) else value.strip()

    def plain(self, value: str) -> object:
        """Return a value, as the variable has it, as it stands in a file."""
        if self.read is _flag:
            return is_on(value)
        return sorted(hosts_in(value)) if self.read in (_hosts, _allowed) else value


def is_on(value: str) -> bool:
    """Whether a variable that is set or not is set."""
    return value.strip().lower() not in _NO


def hosts_in(value: str) -> frozenset[str]:
    """Return the hosts that a variable names."""
    return frozenset(value.lower().replace(",", " ").split())


def _text(value: object, what: str) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(what)
    return value.strip()


def _folder(value: object) -> str:
    what = "the path of a folder in full, from / or ~ on, in quotes"
    text = _text(value, what)
    if text and not _is_full(text):
        raise ValueError(what)
    return text


def _place(value: object) -> str:
    what = "a URL, or a path in full, from / or ~ on, in quotes"
    text = _text(value, what)
    if text and "://" not in text and not _is_full(text):
        raise ValueError(what)
    return text


def _is_full(path: str) -> bool:
    """Whether a path means the same wherever pyman is started."""
    from pathlib import Path  # noqa: PLC0415 - only where a file has one

    return path.startswith("~") or Path(path).is_absolute()


def _flag(value: object) -> str:
    if not isinstance(value, bool):
        raise ValueError("true or false")  # noqa: TRY004 - the reader tells of all alike
    return "1" if value else "0"


def _seconds(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ValueError("a number of seconds, such as 10")
    return repr(value)


def _count(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_RETRIES:
        raise ValueError("a whole number, such as 3")
    return str(value)


def _refresh(value: object) -> str:
    if value not in _REFRESH:
        raise ValueError(", ".join(f'"{each}"' for each in _REFRESH))
    return str(value)


def _target(value: object) -> str:
    what = 'a target in quotes, such as "linux-x86_64-musl"'
    text = _text(value, what)
    try:
        return str(Target.parse(text)) if text else ""
    except UsageError:
        raise ValueError(what) from None


def _hosts(value: object) -> str:
    what = 'a list of hosts, such as ["python.example", "*.mirror.example:8443"]'
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(what)
    if any(not each or set(each) & set("/@ ,") for each in value):
        raise ValueError(what)
    return " ".join(value)


def _allowed(value: object) -> str:
    if value == []:
        raise ValueError("a list of one host or more (offline = true opens no connection at all)")
    return _hosts(value)


KNOWN: Mapping[str, Setting] = MappingProxyType(
    {
        each.name: each
        for each in (
            Setting("home", "the user's data folder", _folder),
            Setting("system-home", "none", _folder),
            Setting("bin-dir", "~/.local/bin", _folder),
            Setting("cache-dir", "none", _folder),
            Setting("mirror", "none", _place),
            Setting("metadata", "what is bundled and learned", _place),
            Setting("refresh", "auto", _refresh),
            Setting("refresh-url", "the build project's release index", _place),
            Setting("target", "this machine's", _target),
            Setting("no-project", "false", _flag),
            Setting("auto-install", "false", _flag),
            Setting("offline", "false", _flag),
            Setting("allowed-hosts", "all", _allowed),
            Setting("allow-insecure-host", "this machine alone", _hosts),
            Setting("connect-timeout", "10", _seconds),
            Setting("read-timeout", "30", _seconds),
            Setting("stall-timeout", "60", _seconds),
            Setting("retries", "3", _count),
        )
    }
)
BY_VARIABLE: Mapping[str, Setting] = MappingProxyType({each.variable: each for each in KNOWN.values()})
