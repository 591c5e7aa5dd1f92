"""Network: how patient and how strict downloads are."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Self

from pyman.config.known import hosts_in, is_on
from pyman.config.layers import origin_of
from pyman.errors import UsageError
from pyman.system.userdirs import given_dir

_ALLOWED = "PYMAN_ALLOWED_HOSTS"


class Network(NamedTuple):
    """Settings of downloads; times in seconds.

    `connect` and `read` are how long to wait for a connection and for the next byte, `stall` is in how long
    a body must bring at least 64 KiB. `retries` is how often one source is asked again without progress.
    `offline` opens no socket. `insecure_hosts` may be spoken to by plain http; loopback always may.
    `cache_dir` is where archives are kept, by their digest; None: nowhere. `allowed_hosts` are all that may
    be connected to, None: all may, and `allowed_by` is who says so.
    """

    connect: float = 10.0
    read: float = 30.0
    stall: float = 60.0
    retries: int = 3
    offline: bool = False
    insecure_hosts: frozenset[str] = frozenset()
    cache_dir: Path | None = None
    allowed_hosts: frozenset[str] | None = None
    allowed_by: str = ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Return what the PYMAN_… variables say; UsageError for a value that is not of its kind."""
        return cls(
            _seconds(environ, "PYMAN_CONNECT_TIMEOUT", cls().connect),
            _seconds(environ, "PYMAN_READ_TIMEOUT", cls().read),
            _seconds(environ, "PYMAN_STALL_TIMEOUT", cls().stall),
            _count(environ, "PYMAN_RETRIES", cls().retries),
            is_on(environ.get("PYMAN_OFFLINE", "")),
            hosts_in(environ.get("PYMAN_ALLOW_INSECURE_HOST", "")),
            _folder(environ, "PYMAN_CACHE_DIR"),
            hosts_in(environ.get(_ALLOWED, "")) or None,
            origin_of(_ALLOWED, environ) if environ.get(_ALLOWED) else "",
        )

    def allows(self, host: str, port: int | None) -> bool:
        """Whether a connection to that host may be opened: it is named, or as `*.` a domain it is in."""
        if self.allowed_hosts is None:
            return True
        host = host.lower()
        domains = {host, *(f"*.{host.split('.', n)[n]}" for n in range(1, host.count(".") + 1))}
        return bool(self.allowed_hosts & {*domains, *(f"{each}:{port}" for each in domains)})


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "").strip()
    try:
        seconds = float(text or default)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise UsageError(
            f"{name} is not a number of seconds: {text!r}", f"Set it to a number such as {default:g}."
        )
    return seconds


def _folder(environ: Mapping[str, str], name: str) -> Path | None:
    text = environ.get(name, "").strip()
    return given_dir(text, name) if text else None


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, "").strip() or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= 3):  # noqa: PLR2004 - nobody waits for a thousand
        raise UsageError(
            f"{name} is not a number of times: {text!r}", f"Set it to a number such as {default}."
        )
    return int(text)
