"""What `pyman config` and `pyman explain` tell of settings: each value, and where it came from."""

import os
from typing import Any, NamedTuple

from pyman.config import layers
from pyman.config.known import KNOWN, Setting
from pyman.config.layers import Layers, Said
from pyman.network.address import public


class Told(NamedTuple):
    """A setting: all who say something of it, the one that counts first, and whether it is fixed."""

    setting: Setting
    said: list[Said]
    fixed: bool

    @property
    def value(self) -> str:
        """What counts, as people read it; nothing secret is in it."""
        return _shown(self.setting, self.said[0].value) if self.said else ""

    @property
    def origin(self) -> str:
        """Who says so."""
        return f"{self.said[0].origin}{', fixed' if self.fixed else ''}" if self.said else "nobody set it"

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "name": self.setting.name,
            "variable": self.setting.variable,
            "value": self._plain(self.said[0]) if self.said else None,
            "origin": self.said[0].origin if self.said else None,
            "fixed": self.fixed,
            "passed_over": [{"value": self._plain(each), "origin": each.origin} for each in self.said[1:]],
        }

    def _plain(self, said: Said) -> object:
        plain = self.setting.plain(said.value)
        return _shown(self.setting, said.value) if isinstance(plain, str) else plain


def told() -> list[Told]:
    """Return all settings; UsageError where the site's file may not be read."""
    found = layers.of(os.environ)
    here = found if isinstance(found, Layers) else Layers(found)
    return [Told(each, here.said(each.name), here.is_fixed(each.name)) for each in KNOWN.values()]


def _shown(setting: Setting, value: str) -> str:
    plain = setting.plain(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    return public(value) if "://" in value else value
