"""Settings as the commands have them: from variables and from the files of the user and of the site.

An option that is a setting as well is made by `setting_option`: what it is when nobody gives it stands there,
and what the site has fixed it may not change.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from pyman.config import layers
from pyman.report import ui

_Command = TypeVar("_Command", bound=Callable[..., Any])
_told: set[str] = set()


def environ() -> Mapping[str, str]:
    """Return the environment with what the files say in it; UsageError where one of them has a fault."""
    return layers.environ(os.environ, warn_once)


def check(option: str, value: str, name: str) -> None:
    """Raise UsageError if an option gives a setting another value than the site has fixed."""
    layers.check_option(option, value, name, environ())


def setting_option(option: str, name: str, **more: Any) -> Callable[[_Command], _Command]:  # noqa: ANN401
    """Return the click option that gives the setting `name` for one command."""
    return click.option(*option.split(), cls=_Option, setting=name, **more)


def is_setting(parameter: click.Parameter) -> bool:
    """Whether an option gives a setting; as empty text it says that there is none."""
    return isinstance(parameter, _Option)


def warn_once(text: str) -> None:
    """Say something the user should know: once, however often it is come upon."""
    if text not in _told:
        _told.add(text)
        ui.warning(text)


class _Option(click.Option):
    def __init__(self, *args: Any, setting: str, **more: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, envvar=f"PYMAN_{setting.upper().replace('-', '_')}", **more)
        self._setting = setting

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        del ctx
        return environ().get(str(self.envvar)) or None

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        value, source = super().consume_value(ctx, opts)
        if source is ParameterSource.COMMANDLINE and not ctx.resilient_parsing:
            check(self.opts[0], "1" if value is True else value or "", self._setting)
        return value, source
