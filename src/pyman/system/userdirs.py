"""The user's folders: what is kept (data), what may be forgotten (cache), what the user settled (config)."""

import sys
from collections.abc import Mapping
from pathlib import Path

from pyman.errors import PymanError, StoreError, UsageError


def data_dir(environ: Mapping[str, str]) -> Path:
    """Return pyman's folder in the user's data directory; StoreError where there is no home directory."""
    if sys.platform == "linux":
        return _xdg(environ, "XDG_DATA_HOME", ".local/share")
    from platformdirs import user_data_path  # noqa: PLC0415 - only where the answer is not one line

    return user_data_path("pyman", appauthor=False)


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


def home_dir() -> Path:
    """Return the user's home directory; StoreError where it cannot be told."""
    try:
        return Path.home()
    except RuntimeError:
        raise StoreError(
            "cannot find the home directory of this user", "Set HOME, or PYMAN_HOME and PYMAN_BIN_DIR."
        ) from None


def current_dir(what_for: str = "") -> Path:
    """Return the current folder; PymanError, which says `what_for` it is needed, where it is gone."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        needed = f": {what_for} is told from it" if what_for else ""
        raise PymanError(
            f"the current folder is gone, somebody has removed it{needed}",
            'Change to one that exists: `cd ~`, or `cd "$PWD"` if it was made again.',
        ) from None


def given_dir(text: str, setting: str) -> Path:
    """Return the absolute path of a folder that a setting names; UsageError for `~nobody/x`.

    PymanError for a relative one where the current folder is gone.
    """
    try:
        path = Path(text).expanduser()
        if not path.is_absolute():
            current_dir(f"{setting}={text}")
        return path.absolute()
    except RuntimeError:
        raise UsageError(
            f"{setting} begins with ~, and there is no such home directory: {text}", "Give the path in full."
        ) from None


def _xdg(environ: Mapping[str, str], name: str, usual: str) -> Path:
    """What platformdirs answers on Linux, without the 10 ms that it costs at every start."""
    given = environ.get(name, "").strip()
    return (Path(given) if given else home_dir() / usual) / "pyman"
