"""Runs a command with a Python first on PATH, in the place of pyman's own process where that can be."""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from errno import ENOEXEC
from pathlib import Path
from typing import NamedTuple

from pyman.errors import PymanError
from pyman.system.userdirs import cache_dir

NOT_FOUND = 127
NOT_EXECUTABLE = 126
_SCRIPTS = (".py", ".pyw", ".pyz")


class Python(NamedTuple):
    """The Python to run with: its path, its minor version such as `3.12`, and its environment if any."""

    path: Path
    minor: str
    environment: Path | None


class CommandError(PymanError):
    """A command that cannot be started; ends with the exit code that a shell would give."""

    def __init__(self, message: str, hint: str, code: int) -> None:
        super().__init__(message, hint)
        self.code = code


def is_program(name: str) -> bool:
    """Whether a program on PATH has that name."""
    if sys.platform == "win32":  # where it may lack its ending
        return bool(_which(name, None))
    places = (os.path.join(folder, name) for folder in os.get_exec_path())  # noqa: PTH118 - tried at each run
    return any(os.access(place, os.X_OK) and not os.path.isdir(place) for place in places)  # noqa: PTH112


def command_line(command: Sequence[str], python: Python) -> list[str]:
    """Return what to start: options, nothing and Python files are for the interpreter itself."""
    if not command or command[0].startswith("-"):
        return [str(python.path), *command]
    name = command[0]
    if name.endswith(_SCRIPTS) and Path(name).is_file():
        return [str(python.path), *command]
    if name in _names(python):
        return [str(python.path), *command[1:]]
    return list(command)


def environment(python: Python, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables to run with: that Python first on PATH, and `VIRTUAL_ENV` if it is in one."""
    variables = dict(environ)
    folders = [str(_folder_of_names(python, environ)), str(python.path.parent), environ.get("PATH", "")]
    variables["PATH"] = os.pathsep.join(dict.fromkeys(filter(None, folders)))
    variables.pop("VIRTUAL_ENV", None)
    if python.environment and (python.environment / "pyvenv.cfg").exists():
        variables["VIRTUAL_ENV"] = str(python.environment)
    return variables


def execute(line: Sequence[str], variables: Mapping[str, str]) -> int:
    """Become the command; where that cannot be, run it and return its exit code. Raises CommandError."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        return _run(line, variables) if sys.platform == "win32" else _become(line, variables)
    except (FileNotFoundError, NotADirectoryError):
        raise _not_found(line[0], variables) from None
    except OSError as error:
        why = "it has no #! line" if error.errno == ENOEXEC else error.strerror
        raise CommandError(f"cannot run {line[0]}: {why}", "", NOT_EXECUTABLE) from None


def _become(line: Sequence[str], variables: Mapping[str, str]) -> int:
    # Python ignores these two, and what is ignored stays so across exec: `yes | head` would not end quietly.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(line[0], list(line), dict(variables))  # noqa: S606 - to run what the user names is the purpose


def _run(line: Sequence[str], variables: Mapping[str, str]) -> int:
    import subprocess  # noqa: PLC0415 - for Windows alone

    program = _which(line[0], variables["PATH"])
    if not program:
        raise FileNotFoundError
    # ^C is the command's to handle; pyman waits for it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return subprocess.call([program, *line[1:]], env=dict(variables))  # noqa: S603 - the same


def _not_found(name: str, variables: Mapping[str, str]) -> CommandError:
    found = _which(name, variables.get("PATH"))
    if found:
        hint = "Was it made for another C library, or by an interpreter that has moved?"
        return CommandError(
            f"cannot run {found}: its loader or its #! line's program is missing", hint, NOT_FOUND
        )
    return CommandError(
        f"command not found: {name}", "It is neither on PATH nor beside that Python.", NOT_FOUND
    )


def _which(name: str, path: str | None) -> str | None:
    from shutil import which  # noqa: PLC0415 - with what compresses, which no other run needs

    return which(name, path=path)


def _names(python: Python) -> tuple[str, ...]:
    names = ("python", "python3", f"python{python.minor}")
    return (
        tuple(f"{name}{end}" for name in names for end in ("", ".exe")) if sys.platform == "win32" else names
    )


def _folder_of_names(python: Python, environ: Mapping[str, str]) -> Path:
    """A folder in which `python` and `python3` are this Python: its own, else one of links in the cache.

    In `/usr/bin` they are missing, or another version.
    """
    own = python.path.parent
    has_names = all(_is_same(own / name, python.path) for name in ("python", "python3"))
    # An environment is known by the place of its interpreter, which a link from elsewhere would hide.
    if has_names or python.environment or sys.platform == "win32":
        return own
    folder = cache_dir(environ) / "names" / str(python.path).replace("-", "--").replace("/", "-")
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        for name in _names(python):
            if not _is_same(folder / name, python.path):
                waiting = folder / f".{name}.{os.getpid()}"
                waiting.symlink_to(python.path)
                waiting.replace(folder / name)
    return folder


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
