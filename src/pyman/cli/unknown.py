"""What somebody may have meant who gave a command that pyman does not have, or an empty text."""

import difflib
from collections.abc import Collection, Sequence

import click

from pyman.cli.configured import is_setting
from pyman.errors import UsageError
from pyman.requests.request import Request, is_request

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


def refuse_empty(command: click.Command, above: click.Context, words: Sequence[str]) -> None:
    """Raise UsageError for what is given to the command as empty text, mostly by a variable that is not set.

    A path would be the current folder, a digest would not be compared. What is a setting as well may be
    empty, which means that there is none. The words of another program are that program's, and commands that
    are hidden are called by scripts of pyman's own.
    """
    context = click.Context(command, above, resilient_parsing=True, **command.context_settings)
    given, rest, _ = command.make_parser(context).parse_args(list(words))
    for parameter in () if command.hidden else command.params:
        if _is_empty(given.get(parameter.name or "")) and not is_setting(parameter):
            _refuse(parameter)
    inner = command.get_command(context, rest[0]) if isinstance(command, click.Group) and rest else None
    if inner:
        refuse_empty(inner, context, rest[1:])


def _is_empty(value: object) -> bool:
    return "" in value if isinstance(value, list | tuple) else value == ""


def _refuse(parameter: click.Parameter) -> None:
    name = parameter.human_readable_name.strip("[].")
    if name == "REQUEST" or parameter.metavar == "REQUEST":
        Request.parse("")  # has a hint of its own
    if isinstance(parameter, click.Option):
        name = max(parameter.opts, key=len)
    elif parameter.type is click.UNPROCESSED or " " in name:
        return  # what each word is the command knows
    raise UsageError(f"{name} is empty", "Is a variable not set? Give it a value, or leave it out.")
