r"""The user's own PATH on Windows, `Path` in `HKEY_CURRENT_USER\Environment`: every shell there reads it."""

import ntpath
import sys
from dataclasses import dataclass

from pyman.errors import StoreError

_KEY = "Environment"
_NAME = "Path"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the registry: its text, and its type, which says whether `%NAMES%` in it are expanded."""

    text: str
    type: int


def with_directory(path: str, directory: str) -> str:
    """Return `path` with `directory` first, or as it is when `directory` is on it."""
    wanted = _same(directory)
    if any(_same(entry) == wanted for entry in path.split(";")):
        return path
    return f"{directory};{path}" if path else directory


def _same(directory: str) -> str:
    """One spelling for all that Windows takes for the same directory."""
    return ntpath.normcase(ntpath.expandvars(directory.strip().strip('"'))).rstrip("\\")


def read() -> Value:
    """Return the user's PATH, empty when there is none; StoreError when it cannot be read."""
    if sys.platform != "win32":
        raise _failed("read", "this is not Windows")
    import winreg  # noqa: PLC0415 - exists only there

    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _KEY) as key:
            return Value(*winreg.QueryValueEx(key, _NAME))
    except FileNotFoundError:
        return Value("", winreg.REG_EXPAND_SZ)
    except OSError as error:
        raise _failed("read", str(error)) from None


def write(value: Value) -> None:
    """Make `value` the user's PATH and tell running programs; StoreError when it cannot be written."""
    if sys.platform != "win32":
        raise _failed("write", "this is not Windows")
    import winreg  # noqa: PLC0415 - exists only there

    try:
        with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, _KEY, 0, winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, _NAME, 0, value.type, value.text)
    except OSError as error:
        raise _failed("write", str(error)) from None
    _announce()


def _announce() -> None:
    """Send WM_SETTINGCHANGE, upon which Explorer gives the new PATH to what it starts."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - costs time, and is needed only there

        broadcast, setting_change, abort_if_hung, milliseconds = 0xFFFF, 0x001A, 0x0002, 2000
        ctypes.windll.user32.SendMessageTimeoutW(
            broadcast, setting_change, 0, "Environment", abort_if_hung, milliseconds, None
        )


def _failed(verb: str, why: str) -> StoreError:
    return StoreError(
        f"cannot {verb} Path in HKEY_CURRENT_USER\\{_KEY}: {why}",
        "Put the directory that `pyman dir --bin` prints on PATH in the system's settings.",
    )
