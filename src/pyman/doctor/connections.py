"""What connections would be made with: certificates and proxies. None is made."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pyman.doctor.finding import Finding, Setup, put_from, unset
from pyman.network.address import public
from pyman.network.client import BUNDLES, FOLDER

_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_KINDS = ("http", "https")
_USUAL = "http://proxy.example.org:3128"


def certificates(setup: Setup) -> Iterator[Finding]:
    """Variables that name certificates which are not there, or cannot be read."""
    for name in (*BUNDLES, FOLDER):
        value = setup.environ.get(name)
        why = _useless(value, is_folder=name == FOLDER) if value else ""
        if why:
            yield Finding(
                f"{name} names {value}: {why}",
                "pyman trusts no host then, nor do pip and others",
                unset(name),
            )


def _useless(value: str, *, is_folder: bool) -> str:
    """Why these certificates cannot be used; "" where they can."""
    places = [Path(each) for each in value.split(os.pathsep)] if is_folder else [Path(value)]
    if not any(place.exists() for place in places):
        return "there is nothing"
    if is_folder or places[0].is_dir():
        return ""
    try:
        ssl.create_default_context(cafile=value)
    except OSError as error:  # SSLError is one
        return f"no certificates can be read from it ({error.strerror or error})"
    return ""


def proxies(setup: Setup) -> Iterator[Finding]:
    """Variables that name no proxy, or two which differ."""
    for name in _PROXIES:
        values = {each: setup.environ[each] for each in (name.lower(), name) if setup.environ.get(each)}
        for variable, value in values.items():
            if why := _no_proxy(value):
                yield Finding(
                    f"{variable} is {public(value)}: {why}",
                    f"no connection can be made. A proxy is named as {_USUAL}",
                    unset(variable),
                )
        if len(set(values.values())) > 1:
            yield Finding(
                f"{name.lower()} and {name} name different proxies",
                "some programs take the one, some the other; pyman takes that in small letters",
                put_from(name, name.lower()),
            )


def _no_proxy(value: str) -> str:
    """Why a value is no proxy; "" where it is one."""
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme.startswith("socks"):
        return "pyman speaks to no SOCKS proxy"
    if parts.scheme not in _KINDS:
        return f"{parts.scheme} is no kind of proxy"
    return "" if host else "it names no host"
