"""The user's folders beside the store: what may be forgotten (cache), and what the user settled (config)."""

import sys
from collections.abc import Mapping
from pathlib import Path

from pyman.errors import StoreError


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Return pyman's folder in the user's cache directory; StoreError where there is no home directory."""
    if sys.platform == "linux":
        return _xdg(environ, "XDG_CACHE_HOME", ".cache")
    from platformdirs import user_cache_path  # noqa: PLC0415 - only where the answer is not one line

    return user_cache_path("pyman", appauthor=False)


def config_dir(environ: Mapping[str, str]) -> Path:
    """Return pyman's folder in the user's configuration; StoreError where there is no home directory."""
    if sys.platform == "linux":
        return _xdg(environ, "XDG_CONFIG_HOME", ".config")
    from platformdirs import user_config_path  # noqa: PLC0415 - only where the answer is not one line

    return user_config_path("pyman", appauthor=False)


def home_dir() -> Path | None:
    """Return the user's home directory; None where it cannot be told."""
    try:
        return Path.home()
    except RuntimeError:
        return None


def _xdg(environ: Mapping[str, str], name: str, usual: str) -> Path:
    """What platformdirs answers on Linux, without the 10 ms that it costs at every start."""
    given = environ.get(name, "").strip()
    if given:
        return Path(given) / "pyman"
    home = home_dir()
    if not home:
        raise StoreError("cannot find the home directory of this user", f"Set HOME or {name}.")
    return home / usual / "pyman"
