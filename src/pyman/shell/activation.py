"""What a shell evaluates so that `python` is the project's: its hook, with what only pyman knows in it.

The texts are in `hooks`, one a shell; `posix.sh` is what sh, bash and zsh have in common. In each, `@NAME@`
stands for a value, which is put there quoted as that shell quotes.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from pyman.project.pins import NAMES, OTHERS
from pyman.remembered.ground import VARIABLES
from pyman.shell.shells import Shell, quoted, word
from pyman.system.script_parts import assembled

_FILES = {
    Shell.BASH: "bash.bash",
    Shell.FISH: "fish.fish",
    Shell.NUSHELL: "nushell.nu",
    Shell.POWERSHELL: "powershell.ps1",
    Shell.SH: "sh.sh",
}
# A login file of bash is read by other shells too, and by bash after the other one; that of sh by bash.
_TESTS = {
    Shell.BASH: '[ -n "${BASH_VERSION-}" ] && [ -z "${__pyman_pwd+x}" ] && ',
    Shell.SH: '[ -z "${BASH_VERSION-}${ZSH_VERSION-}" ] && ',
}
_NOBODY = -1


class Surroundings(NamedTuple):
    """What a hook has to know: the folders of answers and of stamps, the user's own pin, the stores.

    `program` is pyman itself, None if it has no file of its own that could be run.
    """

    answers: Path
    stamps: Path
    own_pin: Path
    stores: tuple[Path, ...]
    program: Path | None


def text(shell: Shell, around: Surroundings) -> str:
    """Return what `shell` is to evaluate."""
    if shell is not Shell.ZSH:
        return _filled(assembled(f"shell/hooks/{_FILES[shell]}"), shell, around)
    # Functions keep the options under which they were defined, whatever a user has set; no alias is meant.
    common, own = (
        _filled(assembled(f"shell/hooks/{name}"), shell, around) for name in ("posix.sh", "zsh.zsh")
    )
    return f"emulate sh -o no_aliases -c {quoted(common)}\nemulate zsh -o no_aliases -c {quoted(own)}\n"


def lines(shell: Shell, around: Surroundings, program: str) -> tuple[str, ...]:
    """Return the lines of a start-up file that have the shell evaluate it, where somebody types in it.

    `program` is pyman as the shell finds it. nushell evaluates nothing: what it is to run stands in the file.
    """
    name = program if program.isalnum() else word(shell, program)
    match shell:
        case Shell.NUSHELL:
            return tuple(text(shell, around).splitlines())
        case Shell.FISH:
            return (
                f"if status is-interactive; and type -q {name}",
                f"    {name} activate fish | source",
                "end",
            )
        case Shell.POWERSHELL:
            return (
                f"if (Get-Command {name} -ErrorAction Ignore) {{",
                f"    & {name} activate powershell | Out-String | Invoke-Expression",
                "}",
            )
        case _:
            return (
                f"if {_TESTS.get(shell, '')}command -v {name} >/dev/null; then",
                f'    case $- in *i*) eval "$({name} activate {shell})" ;; esac',
                "fi",
            )


def own_group() -> int:
    """Return the group that has no member but this user, as many systems make one for each; else -1."""
    if sys.platform == "win32":
        return _NOBODY
    import grp  # noqa: PLC0415 - exists only there
    import pwd  # noqa: PLC0415 - the same

    try:
        me = pwd.getpwuid(os.geteuid())
        group = grp.getgrgid(me.pw_gid)
    except KeyError:
        return _NOBODY
    alone = group.gr_name == me.pw_name and not {*group.gr_mem} - {me.pw_name}
    return group.gr_gid if alone else _NOBODY


def _filled(template: str, shell: Shell, around: Surroundings) -> str:
    for name, value in _values(shell, around).items():
        template = template.replace(f"@{name}@", value)
    return template


def _values(shell: Shell, around: Surroundings) -> Mapping[str, str]:
    said: Callable[[object], str] = lambda value: word(shell, str(value))  # noqa: E731
    between = ", " if shell is Shell.POWERSHELL else " "
    return {
        "NAMES": between.join(map(said, (*NAMES, *OTHERS))),
        "STORES": between.join(map(said, around.stores)),
        "GROUND": _ground(shell),
        "EXE": said(around.program or ""),
        "ANSWERS": said(around.answers),
        "STAMPS": said(around.stamps),
        "OWN_PIN": said(around.own_pin),
        "UID": str(os.geteuid()) if sys.platform != "win32" else "0",
        "GID": str(own_group()),
    }


def _ground(shell: Shell) -> str:
    """The first line of what answers rest on, as the shell says it; that of nushell says it itself."""
    names = (*VARIABLES, "HOME")
    match shell:
        case Shell.FISH:
            return "|".join(f"${name}" for name in names)
        case Shell.NUSHELL:
            return " ".join(names)
        case Shell.POWERSHELL:
            return "|".join(f"${{env:{name}}}" for name in names)
        case _:
            return "|".join(f"${{{name}-}}" for name in names)
