"""The program that makes an environment: the Python's own `venv`, or virtualenv where it is asked for."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from errno import ENOSPC
from pathlib import Path
from typing import NamedTuple

from pyman.errors import PymanError
from pyman.system import processes

_SECONDS = 900.0  # pip may be fetched
_LATE = 5.0
_ROOM = 1024 * 1024  # bytes; less than that free on the disk, and that is the reason
# The user's settings of virtualenv that would undo what was asked for here.
_OVERRIDDEN = {"VIRTUALENV_CLEAR", "VIRTUALENV_DISCOVERY", "VIRTUALENV_PYTHON", "__PYVENV_LAUNCHER__"}
_SYSTEM_ERROR = re.compile(r"\[Errno \d+\] ")
_PIP = "--without-pip makes one without pip"


class Wishes(NamedTuple):
    """What is handed on to the program."""

    prompt: str | None = None
    without_pip: bool = False
    upgrade_deps: bool = False
    system_site_packages: bool = False


def by_venv(python: Path, folder: Path, wishes: Wishes) -> list[str]:
    """Return the command line of `venv`. Isolated: no file here, nor a variable, takes a module's place."""
    options = _common(wishes) + (["--upgrade-deps"] if wishes.upgrade_deps else [])
    return [str(python), "-I", "-m", "venv", *options, str(folder)]


def by_virtualenv(python: Path, folder: Path, wishes: Wishes, *, offline: bool) -> list[str]:
    """Return the command line of virtualenv: that on PATH, else that Python's own. PymanError for none."""
    options = _common(wishes) + (["--download"] if wishes.upgrade_deps else [])
    if offline:
        options.append("--no-periodic-update")
    return [*_virtualenv(python), "--quiet", *options, "--python", str(python), str(folder)]


def run(command: Sequence[str], python: Path, folder: Path, say: Callable[[str], None]) -> None:
    """Make the environment; PymanError, which says why, if that fails. `say` is told if it takes long."""
    try:
        with processes.started(command, env=_variables(os.environ)) as program:
            out, err = program.output(_SECONDS, _LATE, lambda: say(f"Making {folder} …"))
            code = program.code
    except subprocess.TimeoutExpired:
        raise PymanError(f"cannot make {folder}: it took more than {_SECONDS:.0f} s") from None
    except OSError as error:
        raise PymanError(f"cannot run {command[0]}: {error.strerror}") from None
    if code:
        raise _failure(python, folder, (out + b"\n" + err).decode(errors="replace"))


def _common(wishes: Wishes) -> list[str]:
    options = [f"--prompt={wishes.prompt}"] if wishes.prompt is not None else []
    options += ["--without-pip"] if wishes.without_pip else []
    return options + (["--system-site-packages"] if wishes.system_site_packages else [])


def _virtualenv(python: Path) -> list[str]:
    program = shutil.which("virtualenv")
    if program:
        return [program]
    if _can(python, "import virtualenv"):
        return [str(python), "-I", "-m", "virtualenv"]
    raise PymanError(
        f"there is no virtualenv on PATH, nor in {python}",
        "`pipx install virtualenv` or `uv tool install virtualenv` brings it; without --virtualenv the "
        "Python makes the environment by itself.",
    )


def _failure(python: Path, folder: Path, output: str) -> PymanError:
    """Return the error for what went wrong; what the program says last is mostly the reason."""
    if shutil.disk_usage(folder).free < _ROOM:
        return PymanError(
            f"cannot make {folder}: {os.strerror(ENOSPC)}", "Make room, or name another folder."
        )
    if not _can(python, "import venv"):
        return PymanError(f"{python} has no module venv", _of_distribution("--virtualenv does without it"))
    if not _can(python, "import ensurepip; ensurepip.version()"):
        return PymanError(f"{python} has no pip to put into an environment", _of_distribution(_PIP))
    if "pip was left out" in output or "pip is not in this Python" in output:
        return PymanError(
            f"{python} has no pip to put into an environment: it was left out, or removed",
            f"{_PIP}; `pyman install --reinstall --keep pip` brings it back.",
        )
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = _SYSTEM_ERROR.sub("", lines[-1].removeprefix("Error: ")) if lines else "it says nothing"
    return PymanError(f"cannot make {folder}: {reason}", f"{python} was asked to.")


def _of_distribution(otherwise: str) -> str:
    return f"{otherwise}. Debian and Ubuntu have it in a package of its own: `apt install python3-venv`."


def _can(python: Path, code: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - the Python that was found
            [python, "-I", "-c", code],
            env=_variables(os.environ),
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _variables(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name not in _OVERRIDDEN}
