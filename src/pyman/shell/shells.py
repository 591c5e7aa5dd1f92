"""Shells: the files they read when they start, and the lines which put a directory on their PATH.

Which shell the user has, `ancestors` finds out; how a file is changed, `startup_file` knows.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pyman.errors import UsageError

_ZSH_SECONDS = 5.0
# PowerShell takes these for a single quote, too.
_POWERSHELL_QUOTES = "'\u2018\u2019\u201a\u201b"


class Shell(StrEnum):
    """Shells whose start-up files pyman can write; `sh` stands for dash, ksh and BusyBox, too."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    NUSHELL = "nushell"
    POWERSHELL = "powershell"
    SH = "sh"


_PROGRAMS = {name.value: name for name in Shell} | {
    "nu": Shell.NUSHELL,
    "pwsh": Shell.POWERSHELL,
    "ash": Shell.SH,
    "busybox": Shell.SH,
    "dash": Shell.SH,
    "ksh": Shell.SH,
    "ksh93": Shell.SH,
    "mksh": Shell.SH,
}


def of_program(path: str) -> Shell | None:
    """Return the shell which the program `path` is: `/bin/zsh`, `-bash`, `pwsh.exe`; None if it is none."""
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    return _PROGRAMS.get(name.removeprefix("-").removesuffix(".exe"))


def startup_files(shell: Shell, home: Path, environ: Mapping[str, str]) -> list[Path]:
    """Return the files to write so that every new `shell` of the user at `home` reads the lines."""
    config = _config_home(home, environ)
    match shell:
        case Shell.BASH:
            return [home / ".bashrc", _bash_login_file(home)]
        case Shell.ZSH:
            # Not .zshenv: macOS reorders PATH after it, and who sets ZDOTDIR there has the others elsewhere.
            return [(_zdotdir(environ) or home) / ".zshrc"]
        case Shell.FISH:
            return [config / "fish" / "conf.d" / "pyman.fish"]
        case Shell.NUSHELL:
            return [_nushell_folder(home, environ) / "config.nu"]
        case Shell.POWERSHELL:
            return [config / "powershell" / "profile.ps1"]
        case Shell.SH:
            return [home / ".profile"]


def path_lines(shell: Shell, directory: Path) -> tuple[str, ...]:
    """Return the lines which put `directory` first on PATH unless it is on it.

    UsageError for a directory that cannot stand on PATH.
    """
    place = str(directory)
    if not can_stand_on_path(place):
        raise UsageError(
            f"{place!r} cannot stand on PATH: it has a {os.pathsep!r} or a control character in its name",
            "Choose another directory with PYMAN_BIN_DIR.",
        )
    name = word(shell, place)
    match shell:
        case Shell.FISH:
            return (f"if not contains -- {name} $PATH", f"    set -gx PATH {name} $PATH", "end")
        case Shell.NUSHELL:
            rest = f"split row (char esep) | where $it != {name}"
            return (f"$env.PATH = ($env.PATH | {rest} | prepend {name})",)
        case Shell.POWERSHELL:
            separator = "[IO.Path]::PathSeparator"
            return (
                f"if (@($env:PATH -split {separator}) -cnotcontains {name}) {{",
                f"    $env:PATH = {name} + {separator} + $env:PATH",
                "}",
            )
        case Shell.BASH | Shell.ZSH | Shell.SH:
            return (
                'case ":${PATH}:" in',
                f"    *:{name}:*) ;;",
                f'    *) export PATH={name}"${{PATH:+:${{PATH}}}}" ;;',
                "esac",
            )


def word(shell: Shell, text: str) -> str:
    """Return `text` as one word of `shell`."""
    match shell:
        case Shell.FISH:
            return _in_single_quotes(text, {"\\": r"\\", "'": r"\'"})
        case Shell.NUSHELL:
            return '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'
        case Shell.POWERSHELL:
            return _in_single_quotes(text, {quote: 2 * quote for quote in _POWERSHELL_QUOTES})
        case Shell.BASH | Shell.ZSH | Shell.SH:
            return quoted(text)


def quoted(text: str) -> str:
    """Return `text` as one word of a POSIX shell."""
    return _in_single_quotes(text, {"'": r"'\''"})


def can_stand_on_path(directory: str) -> bool:
    """Whether PATH can name the directory: it has no way to quote the separator."""
    return os.pathsep not in directory and not any(ord(char) < ord(" ") for char in directory)


def _in_single_quotes(text: str, escapes: Mapping[str, str]) -> str:
    return "'" + "".join(escapes.get(char, char) for char in text) + "'"


def _bash_login_file(home: Path) -> Path:
    """The first of these that exists is the only one which a login shell reads; `.profile` hides no other."""
    names = (".bash_profile", ".bash_login", ".profile")
    return next((home / name for name in names if os.path.lexists(home / name)), home / ".profile")


def _config_home(home: Path, environ: Mapping[str, str]) -> Path:
    given = Path(environ.get("XDG_CONFIG_HOME", ""))
    return given if given.is_absolute() else home / ".config"


def _nushell_folder(home: Path, environ: Mapping[str, str]) -> Path:
    if sys.platform == "darwin" and not environ.get("XDG_CONFIG_HOME"):
        return home / "Library" / "Application Support" / "nushell"
    return _config_home(home, environ) / "nushell"


def _zdotdir(environ: Mapping[str, str]) -> Path | None:
    """Where zsh has its files; zsh is asked, since `~/.zshenv` mostly sets it without exporting it."""
    try:
        done = subprocess.run(
            ["zsh", "-c", 'print -r -- "${ZDOTDIR-}"'],  # noqa: S607 - the one that the user's PATH names
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ZSH_SECONDS,
            check=False,
        )
        lines = os.fsdecode(done.stdout).splitlines()
    except (OSError, subprocess.SubprocessError):
        lines = []
    # The last line is the answer: what stands before it was printed by the user's own files.
    folder = Path((lines or [""])[-1] or environ.get("ZDOTDIR", ""))
    return folder if folder.is_absolute() else None
