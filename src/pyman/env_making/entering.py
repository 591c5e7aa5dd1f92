"""How an environment is entered: the line for a shell, if the environment has what that shell needs."""

import os
from collections.abc import Mapping
from pathlib import Path

from pyman.errors import UsageError
from pyman.shell import ancestors, shells
from pyman.shell.shells import Shell

# The word before the file, and the file; what virtualenv and venv call it.
_SCRIPTS = {
    Shell.BASH: ("source ", ("activate",)),
    Shell.ZSH: ("source ", ("activate",)),
    Shell.SH: (". ", ("activate",)),
    Shell.FISH: ("source ", ("activate.fish",)),
    Shell.NUSHELL: ("overlay use ", ("activate.nu",)),
    Shell.POWERSHELL: ("& ", ("Activate.ps1", "activate.ps1")),
}


def line(folder: Path, shown: str, environ: Mapping[str, str]) -> str:
    """Return what the user types to enter the environment, called `shown`; empty where it cannot be told."""
    try:
        shell = ancestors.user_shell(environ)
    except UsageError:
        shell = Shell.SH
    before, names = _SCRIPTS[shell]
    scripts = "Scripts" if os.name == "nt" else "bin"
    for name in names:
        if (folder / scripts / name).is_file():
            path = os.path.join(shown, scripts, name)  # noqa: PTH118 - Path would drop ./ from it
            return before + (path if path.isascii() and _is_plain(path) else shells.quoted(path))
    return ""


def _is_plain(path: str) -> bool:
    return all(char.isalnum() or char in "/._-+\\:" for char in path)
