"""What is entered in the Windows registry (PEP 514); on Windows it is entered, and read by other means."""

import sys
from pathlib import Path, PureWindowsPath

import pytest
from tests.conftest import ELSEWHERE

from pyman.builds.key import Key
from pyman.store import windows_registry
from pyman.store.installations import Installation

COMPANY = r"Software\Python\pyman"
KEY = Key.parse("cpython-3.13.2+20250409-windows-x86_64-none")


def test_entries(tmp_path: Path) -> None:
    assert windows_registry.entries(Installation(KEY, tmp_path)) == {
        COMPANY: {"DisplayName": "pyman"},
        rf"{COMPANY}\3.13.2-20250409-x86_64": {
            "DisplayName": "Python 3.13.2 (64bit, pyman)",
            "Version": "3.13.2",
            "SysVersion": "3.13",
            "SysArchitecture": "64bit",
        },
        rf"{COMPANY}\3.13.2-20250409-x86_64\InstallPath": {
            "": str(PureWindowsPath(tmp_path)),
            "ExecutablePath": str(PureWindowsPath(tmp_path) / "python.exe"),
            "WindowedExecutablePath": str(PureWindowsPath(tmp_path) / "pythonw.exe"),
        },
    }


def test_every_installation_has_a_tag_of_its_own() -> None:
    names = [
        "cpython-3.13.2+20250409-windows-x86_64-none",
        "cpython-3.13.2+20250409-windows-i686-none",
        "cpython-3.13.2+20250409-windows-aarch64-none",
        "cpython-3.13.2+20250415-windows-x86_64-none",
        "cpython-3.13.2+freethreaded+20250409-windows-x86_64-none",
        "cpython-3.13.2+freethreaded+debug+20250409-windows-x86_64-none",
        "cpython-3.13.3+20250409-windows-x86_64-none",
    ]
    tags = [windows_registry.tag(Key.parse(name)) for name in names]
    assert len(set(tags)) == len(names)
    assert all(tag.replace(".", "").replace("-", "").replace("_", "").isalnum() for tag in tags)


def test_elsewhere_nothing_is_done(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip(ELSEWHERE + "this is Windows")
    windows_registry.remember(Installation(KEY, tmp_path))
    windows_registry.forget(KEY)


def test_on_windows(tmp_path: Path) -> None:
    if sys.platform != "win32":
        pytest.skip(ELSEWHERE + "this is not Windows")
    import winreg  # noqa: PLC0415 - exists only there

    windows_registry.remember(Installation(KEY, tmp_path))
    place = rf"{COMPANY}\3.13.2-20250409-x86_64\InstallPath"
    assert winreg.QueryValue(winreg.HKEY_CURRENT_USER, place) == str(tmp_path)
    windows_registry.forget(KEY)
    with pytest.raises(FileNotFoundError):
        winreg.QueryValue(winreg.HKEY_CURRENT_USER, place)
    windows_registry.forget(KEY)
