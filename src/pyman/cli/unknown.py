"""What somebody may have meant who gave a command that pyman does not have."""

import difflib
from collections.abc import Collection

from pyman.errors import UsageError
from pyman.requests.request import is_request

# What other version managers, package managers and shells call the same.
_ELSEWHERE = {
    "add": "install",
    "available": "list",
    "delete": "uninstall",
    "exec": "run",
    "global": "pin --global",
    "info": "explain",
    "local": "pin",
    "ls": "list",
    "remove": "uninstall",
    "rm": "uninstall",
    "shell": "run",
    "update": "upgrade",
    "use": "pin",
    "version": "--version",
    "versions": "list",
    "virtualenv": "venv",
    "where": "find",
    "which": "find",
}


def unknown(name: str, commands: Collection[str]) -> UsageError:
    """Return the error for the command `name`, with the nearest one as its hint."""
    first, space, _ = name.partition(" ")
    if space and first in commands:  # the kernel hands all of it over as one word
        return UsageError(f"there is no command {name!r}", f"In a #! line: `#!/usr/bin/env -S pyman {name}`.")
    near = difflib.get_close_matches(name, [*commands, *_ELSEWHERE], n=1, cutoff=0.7)
    guess = near[0] if near else ""
    guess = _ELSEWHERE.get(guess, guess)
    if not guess and is_request(name):
        guess = f"install {name}"
    hint = f"Did you mean `pyman {guess}`?" if guess else "`pyman --help` lists the commands."
    return UsageError(f"there is no command {name!r}", hint)
