"""The shell that pyman was started from: one of its ancestors, where the system tells them."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pyman.errors import UsageError
from pyman.shell.shells import Shell, of_program

_PROC = Path("/proc")
_DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Process:
    """A process as `/proc` tells it: its program's name, and its parent, process group and session by id."""

    name: str
    parent: int
    group: int
    session: int


def user_shell(environ: Mapping[str, str]) -> Shell:
    """Return the shell that the user types in; UsageError when it cannot be told or is not known.

    That is the interactive shell which pyman was started from, else `SHELL`, else the user's login shell.
    """
    if sys.platform == "win32":
        return Shell.POWERSHELL
    found = interactive_shell(chain(os.getpid()))
    if found:
        return found
    program = environ.get("SHELL") or _login_shell()
    shell = of_program(program)
    if not shell:
        raise UsageError(
            f"pyman does not know the shell {program}" if program else "cannot tell which shell you use",
            f"Name one with --shell ({', '.join(Shell)}), or put the directory on PATH yourself.",
        )
    return shell


def interactive_shell(processes: Iterator[Process]) -> Shell | None:
    """Return the nearest shell with job control among the ancestors of the first process; None without one.

    Such a shell gives each command that it starts a process group of its own, in its own session. A script's
    shell leaves its commands in its own group: it is not what the user types in.
    """
    below = next(processes, None)
    for process in processes:
        if not below or process.session != below.session:
            return None
        shell = of_program(process.name)
        if shell and process.group != below.group:
            return shell
        below = process
    return None


def chain(pid: int, proc: Path = _PROC) -> Iterator[Process]:
    """Yield the process `pid` and its ancestors, nearest first, as far as they can be seen."""
    for _ in range(_DEEPEST):
        process = _read(proc / str(pid) / "stat")
        if not process:
            return
        yield process
        pid = process.parent


def _read(stat: Path) -> Process | None:
    """Read `/proc/<pid>/stat`, proc(5): `pid (name) state ppid pgrp session …`; a name may hold anything."""
    try:
        text = stat.read_text(encoding="utf-8", errors="replace")
        head, _, rest = text.rpartition(")")
        _, parent, group, session = rest.split()[:4]
        return Process(head.partition("(")[2], int(parent), int(group), int(session))
    except (OSError, ValueError):
        return None


def _login_shell() -> str:
    if sys.platform == "win32":
        return ""
    import pwd  # noqa: PLC0415 - exists only there

    try:
        return pwd.getpwuid(os.getuid()).pw_shell
    except KeyError:
        return ""
