r"""Interpreters in the Windows registry, PEP 514: `Software\Python\<company>\<tag>\InstallPath`."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

_ROOT = "Software\\Python"
_LAUNCHER = "pylauncher"  # the one company which PEP 514 says is none


class Registry(Protocol):
    """A view of the registry, as far as PEP 514 needs it; all is text, what is not there is empty."""

    def keys(self, path: str) -> list[str]:
        """Return the names of the keys below `path`."""
        ...

    def value(self, path: str, name: str) -> str:
        """Return a value of the key at `path`; the name "" is that of its default value."""
        ...


def registered(views: list[Registry] | None = None) -> Iterator[str]:
    """Yield the paths of interpreters that are registered, those of the user before those of the machine."""
    for view in _views() if views is None else views:
        for company in view.keys(_ROOT):
            if company.lower() != _LAUNCHER:
                for tag in reversed(view.keys(f"{_ROOT}\\{company}")):
                    yield from _executable(view, f"{_ROOT}\\{company}\\{tag}\\InstallPath")


def _executable(view: Registry, path: str) -> Iterator[str]:
    executable = view.value(path, "ExecutablePath")
    folder = view.value(path, "").rstrip("\\")
    if executable or folder:
        yield executable or f"{folder}\\python.exe"


def _views() -> list[Registry]:
    """The user's registry, the machine's, and what of the machine's 32-bit programs see."""
    if sys.platform != "win32":
        return []
    import winreg  # noqa: PLC0415 - exists only there

    class View:
        """One root key with the flags of one view."""

        def __init__(self, root: int, flags: int) -> None:
            self._root = root
            self._flags = winreg.KEY_READ | flags

        def keys(self, path: str) -> list[str]:
            names: list[str] = []
            with suppress(OSError), winreg.OpenKey(self._root, path, 0, self._flags) as key:
                count, _, _ = winreg.QueryInfoKey(key)
                names += (winreg.EnumKey(key, index) for index in range(count))
            return names

        def value(self, path: str, name: str) -> str:
            with suppress(OSError), winreg.OpenKey(self._root, path, 0, self._flags) as key:
                return str(winreg.QueryValueEx(key, name)[0])
            return ""

    machine = winreg.HKEY_LOCAL_MACHINE
    return [
        View(winreg.HKEY_CURRENT_USER, 0),
        View(machine, winreg.KEY_WOW64_64KEY),
        View(machine, winreg.KEY_WOW64_32KEY),
    ]
