"""`--offline` and `--allow-insecure-host`: what a command may open connections to.

Both add to what the variables say. They are kept with click's context, for a connection is opened far below
the command which was given them, if at all: `find` opens one only for the hint of an error.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyman.cli.configured import check, environ

if TYPE_CHECKING:
    from pyman.network.policy import Network

_Command = TypeVar("_Command", bound=Callable[..., Any])
_OFFLINE = "pyman.offline"
_STAYS = "pyman.stays_offline"
_HOSTS = "pyman.insecure_hosts"


def network_options(command: _Command) -> _Command:
    """`--offline` and `--allow-insecure-host`, which the command itself is not handed: see `network`."""
    offline = click.option(
        "--offline",
        is_flag=True,
        expose_value=False,
        callback=_keep(_OFFLINE),
        help="Open no connection; what would have to be fetched is an error.",
    )
    hosts = click.option(
        "--allow-insecure-host",
        metavar="HOST",
        multiple=True,
        expose_value=False,
        callback=_keep(_HOSTS),
        help="Speak plain http to HOST; may be given more than once.",
    )
    return offline(hosts(command))


def refresh_option(command: _Command) -> _Command:
    """`--refresh` and `--no-refresh`: whether newer builds are looked for first."""
    return click.option(
        "--refresh/--no-refresh",
        "wish",
        default=None,
        help="Look for builds newer than this pyman first, or never (PYMAN_REFRESH).",
    )(command)


def network() -> "Network":
    """Return what variables and options say; UsageError for a variable that cannot be understood."""
    from pyman.network.policy import Network

    offline, hosts = _given()
    said = Network.from_environment(environ())
    if offline:
        check("--offline", "1", "offline")
    if hosts:
        check("--allow-insecure-host", " ".join([*said.insecure_hosts, *hosts]), "allow-insecure-host")
    return said._replace(
        offline=said.offline or offline,
        insecure_hosts=said.insecure_hosts | {host.strip().lower() for host in hosts},
    )


def stay_offline(context: click.Context) -> None:
    """Open no connection, as if `--offline` had been given."""
    context.meta[_STAYS] = True


def handed_on() -> list[str]:
    """Return the options as they were given, for a command that this one runs."""
    offline, hosts = _given()
    return [*(["--offline"] if offline else []), *(f"--allow-insecure-host={host}" for host in hosts)]


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    def callback(context: click.Context, parameter: click.Parameter, value: Any) -> None:  # noqa: ANN401
        del parameter
        context.meta[name] = value

    return callback


def _given() -> tuple[bool, tuple[str, ...]]:
    context = click.get_current_context(silent=True)  # there is none while a shell completes
    meta = context.meta if context else {}
    return meta.get(_OFFLINE, False) or meta.get(_STAYS, False), meta.get(_HOSTS, ())
