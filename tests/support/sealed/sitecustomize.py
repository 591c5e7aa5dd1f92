"""Loaded by every Python that the tests start: it refuses the network and the real home directory.

With `PYMAN_TEST_NO_SOCKETS` it refuses every socket.

An audit hook sees what a monkeypatch would miss, and it cannot be taken out again. What it refuses it also
notes in the file `PYMAN_TEST_REFUSED`, since a program may swallow the error.

It imports nothing that Python has not loaded by then: `tempfile` alone took a fifth of a short run of pyman.
"""

import os
import sys

_HOME = os.environ.get("PYMAN_TEST_REAL_HOME", "")
_NOTES = os.environ.get("PYMAN_TEST_REFUSED", "")
_LOOPBACK = {"127.0.0.1", "::1", "localhost", "", "0.0.0.0", None}  # noqa: S104 - nothing is bound to it
_CHANGES = {"mkdir", "rename", "remove", "rmdir", "symlink", "link", "truncate", "chmod"}
_CHANGED_ARGUMENTS = {"rename": slice(0, 2), "symlink": slice(1, 2), "link": slice(1, 2)}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _allowed_places() -> tuple[str, ...]:
    """Places which may well lie in the home directory: the checkout, the environment, temporary files."""
    names = ("PYMAN_TEST_CHECKOUT", "PYMAN_TEST_TEMPORARY", "TMPDIR", "TEMP", "TMP")
    places = [*map(os.environ.get, names), sys.prefix, sys.base_prefix]
    return tuple(os.path.realpath(place) for place in [*places, *sys.path] if place)


def _refuse(what: str) -> None:
    if _NOTES:
        with open(_NOTES, "a", encoding="utf-8") as notes:  # noqa: PTH123 - pathlib loads a lot
            notes.write(f"{what}\n")
    raise PermissionError(f"the tests are sealed: {what}")


def _check_path(path: object, what: str) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        return
    try:
        place = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - Path.absolute keeps `..`
    except FileNotFoundError:
        return  # of a name in a folder that is held open, while the current folder is gone
    if _is_in(place, (_HOME,)) and not _is_in(place, _ALLOWED):
        _refuse(f"{what} of {place} in the real home directory")


def _is_in(place: str, folders: tuple[str, ...]) -> bool:
    return any(place == folder or place.startswith(folder + os.sep) for folder in folders)


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open":
        path, mode, flags = arguments
        writes = isinstance(flags, int) and flags & _WRITING
        if path != _NOTES and _HOME and (writes or (isinstance(mode, str) and set(mode) & set("wax+"))):
            _check_path(path, "writing")
    elif event.startswith("os.") and (what := event[3:]) in _CHANGES and _HOME:
        for path in arguments[_CHANGED_ARGUMENTS.get(what, slice(0, 1))]:
            _check_path(path, what)
    elif event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in _LOOPBACK:
            _refuse(f"a connection to {address[0]}")
    elif event == "socket.__new__" and os.environ.get("PYMAN_TEST_NO_SOCKETS"):
        _refuse("a socket")
    elif event == "socket.getaddrinfo" and arguments[0] not in _LOOPBACK:
        _refuse(f"a look-up of {arguments[0]!r}")


_ALLOWED = _allowed_places()
sys.addaudithook(_watch)
