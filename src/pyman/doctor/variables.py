"""The variables of pyman: values that cannot be used, names that mean nothing, and such as contradict."""

import difflib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from pyman.builds.target import Target
from pyman.config.known import hosts_in, is_on
from pyman.config.layers import Layers, origin_of
from pyman.doctor.finding import Finding, Setup, is_folder, put_from, unset, word
from pyman.errors import PymanError
from pyman.network.address import public
from pyman.network.client import refuse_plain_http
from pyman.network.policy import Network
from pyman.refresh.occasions import Mode
from pyman.system.userdirs import given_dir

_OWN = "PYMAN_"
_LIKE = 0.8  # how much of a name must be right for another to be meant
_REFUSED = "pyman cannot use it"
_FOLDERS = ("PYMAN_HOME", "PYMAN_SYSTEM_HOME", "PYMAN_BIN_DIR", "PYMAN_CACHE_DIR")
_OF_NETWORK = (
    "PYMAN_CONNECT_TIMEOUT",
    "PYMAN_READ_TIMEOUT",
    "PYMAN_STALL_TIMEOUT",
    "PYMAN_RETRIES",
)


def unusable(setup: Setup) -> Iterator[Finding]:
    """Values that pyman cannot use."""
    for name, check in _CHECKED.items():
        value = setup.environ.get(name, "")
        try:
            problem = check(name, value, setup.environ) if value else ""
        except PymanError as error:
            problem = f"{error.message}. {error.hint}".rstrip()
        if problem:
            shown = public(value) if "://" in value else value
            told = problem if name in problem else f"{name} is {shown}: {problem}"
            is_variable = origin_of(name, setup.environ) == name
            yield Finding(told.rstrip("."), _REFUSED, unset(name) if is_variable else "pyman config")


def in_files(setup: Setup) -> Iterator[Finding]:
    """What is wrong with the user's file of settings, and with that of the site."""
    for remark in setup.environ.remarks if isinstance(setup.environ, Layers) else ():
        why = "pyman does nothing until it is mended" if remark.fault else "it says nothing to pyman"
        yield Finding(str(remark).rstrip("."), why, f"${{EDITOR:-vi}} {word(remark.path)}")


def misspelled(setup: Setup) -> Iterator[Finding]:
    """Variables that look like pyman's and mean nothing."""
    families = tuple(name for name in setup.known if name.endswith("_"))
    names = sorted(setup.known.difference(families))
    for name in sorted(setup.environ.keys() - setup.known):
        is_like = name.startswith(_OWN) and not name.startswith(families)
        near = difflib.get_close_matches(name, names, 1, _LIKE) if is_like else []
        if near:
            yield Finding(
                f"{name} means nothing to pyman",
                f"if {near[0]} was meant, it is not set by this",
                f"{put_from(near[0], name)}; {unset(name)}",
            )


def contradictory(setup: Setup) -> Iterator[Finding]:
    """Variables of which one makes another idle, or both cannot be meant."""
    for each in _CONTRADICTIONS:
        if each.is_so(setup.environ):
            yield Finding(each.what, each.why, each.command)
    given = setup.environ.get("PYMAN_TARGET", "")
    own = setup.own
    try:
        target = Target.parse(given) if given else own
    except PymanError:
        return  # it is not usable, which is said
    if own and target and target.baseline != own.baseline:
        yield Finding(
            f"PYMAN_TARGET is {given}, and this machine is {own}",
            "what is installed does not run here, and gets no link",
            unset("PYMAN_TARGET"),
        )
    if setup.store and setup.bin_dir and setup.bin_dir.is_relative_to(setup.store.home):
        yield Finding(
            f"the directory of links {setup.bin_dir} is in the store",
            "the store has a place for installations only",
            unset("PYMAN_BIN_DIR"),
        )


def _folder(name: str, value: str, environ: Mapping[str, str]) -> str:
    del environ
    folder = given_dir(value, name)
    return f"{folder} is no folder" if os.access(folder, os.F_OK) and not is_folder(folder) else ""


def _beneath(name: str, value: str, environ: Mapping[str, str]) -> str:
    problem = _folder(name, value, environ)
    return problem or ("" if given_dir(value, name).is_dir() else "there is no such folder")


def _number(name: str, value: str, environ: Mapping[str, str]) -> str:
    del environ
    Network.from_environment({name: value})
    return ""


def _mode(name: str, value: str, environ: Mapping[str, str]) -> str:
    Mode.of(wish=None, environ={name: value})
    del environ
    return ""


def _target(name: str, value: str, environ: Mapping[str, str]) -> str:
    del name, environ
    Target.parse(value)
    return ""


def _file(name: str, value: str, environ: Mapping[str, str]) -> str:
    if "://" in value:
        return _address(name, value, environ)
    return "" if os.access(value, os.R_OK) else "there is no such file, or it cannot be read"


def _place(name: str, value: str, environ: Mapping[str, str]) -> str:
    if "://" in value:
        return _address(name, value, environ)
    return "" if given_dir(value, name).is_dir() else "there is no such folder"


def _address(name: str, value: str, environ: Mapping[str, str]) -> str:
    del name
    refuse_plain_http(value, Network(insecure_hosts=hosts_in(environ.get(_HOSTS, ""))))
    return ""


_HOSTS = "PYMAN_ALLOW_INSECURE_HOST"
_Check = Callable[[str, str, Mapping[str, str]], str]
_CHECKED: dict[str, _Check] = {
    **dict.fromkeys(_FOLDERS, _folder),
    **dict.fromkeys(_OF_NETWORK, _number),
    "PYMAN_SYSTEM_HOME": _beneath,
    "PYMAN_REFRESH": _mode,
    "PYMAN_TARGET": _target,
    "PYMAN_METADATA": _file,
    "PYMAN_REFRESH_URL": _file,
    "PYMAN_MIRROR": _place,
}


class _Contradiction(NamedTuple):
    """Two variables, told as a finding is."""

    is_so: Callable[[Mapping[str, str]], bool]
    what: str
    why: str
    command: str


def _is_offline(environ: Mapping[str, str]) -> bool:
    return is_on(environ.get("PYMAN_OFFLINE", ""))


def _is_always(environ: Mapping[str, str]) -> bool:
    return environ.get("PYMAN_REFRESH", "").strip().lower() == Mode.ALWAYS


_CONTRADICTIONS = (
    _Contradiction(
        lambda environ: _is_offline(environ) and _is_always(environ),
        "PYMAN_OFFLINE is set, and PYMAN_REFRESH is always",
        "newer builds are never looked for",
        unset("PYMAN_OFFLINE"),
    ),
    _Contradiction(
        lambda environ: _is_offline(environ) and "://" in environ.get("PYMAN_MIRROR", ""),
        "PYMAN_OFFLINE is set, and PYMAN_MIRROR is an address",
        "the mirror is never asked",
        unset("PYMAN_OFFLINE"),
    ),
    _Contradiction(
        lambda environ: bool(environ.get("PYMAN_METADATA")) and _is_always(environ),
        "PYMAN_METADATA is set, and PYMAN_REFRESH is always",
        "metadata that are given are never refreshed",
        unset("PYMAN_REFRESH"),
    ),
    _Contradiction(
        lambda environ: bool(environ.get("PYMAN_METADATA") and environ.get("PYMAN_REFRESH_URL")),
        "PYMAN_METADATA and PYMAN_REFRESH_URL are set",
        "what a refresh learns is not used: the metadata are those that are given",
        unset("PYMAN_REFRESH_URL"),
    ),
)
