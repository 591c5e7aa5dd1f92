r"""The entries in the Windows registry by which the `py` launcher and editors find installations (PEP 514).

They are the user's own, below HKEY_CURRENT_USER\Software\Python\pyman. On other systems nothing is done.
"""

import sys
from collections.abc import Mapping
from pathlib import PureWindowsPath

from pyman.builds.key import Implementation, Key
from pyman.builds.target import Arch, Os
from pyman.errors import PymanError
from pyman.store.installations import Installation

_COMPANY = r"Software\Python\pyman"
_BITS = {Arch.I686: "32bit", Arch.ARMV7: "32bit"}

Entries = Mapping[str, Mapping[str, str]]
"""Values by name (the default value's is empty), by the key that they stand in."""


def tag(key: Key) -> str:
    """Return the tag of an installation, `py -V:pyman/3.13.2-20250409-x86_64`: of no two is it the same."""
    parts = (key.version, str(key.variant).replace("+", "-"), key.release, key.target.arch_name)
    name = "-".join(str(part) for part in parts if str(part))
    return name if key.implementation is Implementation.CPYTHON else f"{key.implementation}-{name}"


def entries(installation: Installation) -> Entries:
    """Return the entries of an installation, as PEP 514 names them."""
    key = installation.key
    place = PureWindowsPath(installation.path)
    program = place / installation.executable.relative_to(installation.path)
    bits = _BITS.get(key.target.arch, "64bit")
    variant = f", {key.variant}" if str(key.variant) else ""
    return {
        _COMPANY: {"DisplayName": "pyman"},
        _tag_key(key): {
            "DisplayName": f"Python {key.version} ({bits}{variant}, pyman)",
            "Version": str(key.version),
            "SysVersion": f"{key.version.major}.{key.version.minor}",
            "SysArchitecture": bits,
        },
        _install_key(key): {
            "": str(place),
            "ExecutablePath": str(program),
            "WindowedExecutablePath": str(program.with_name(program.name.replace("python", "pythonw", 1))),
        },
    }


def remember(installation: Installation) -> None:
    """Enter an installation. PymanError when the registry cannot be written; it works without the entry."""
    if installation.key.target.os is Os.WINDOWS:
        _change(written=entries(installation), deleted=())


def forget(key: Key) -> None:
    """Take the entries of an installation away, if there are any. PymanError when that cannot be done."""
    if key.target.os is Os.WINDOWS:
        _change(written={}, deleted=(_install_key(key), _tag_key(key)))


def _tag_key(key: Key) -> str:
    return rf"{_COMPANY}\{tag(key)}"


def _install_key(key: Key) -> str:
    return rf"{_tag_key(key)}\InstallPath"


def _change(written: Entries, deleted: tuple[str, ...]) -> None:
    """Do it: the only place that touches the registry."""
    if sys.platform != "win32":
        return
    import winreg  # noqa: PLC0415 - exists only there

    user = winreg.HKEY_CURRENT_USER
    try:
        for name, values in written.items():
            with winreg.CreateKeyEx(user, name, 0, winreg.KEY_WRITE) as key:
                for value, text in values.items():
                    winreg.SetValueEx(key, value, 0, winreg.REG_SZ, text)
        for name in deleted:
            try:
                winreg.DeleteKey(user, name)
            except FileNotFoundError:
                continue
    except OSError as error:
        raise PymanError(f"cannot change the registry: {error}", "Install with --no-registry.") from None
