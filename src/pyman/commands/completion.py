"""`pyman completion`."""

import click
from click.shell_completion import ShellComplete, get_completion_class

from pyman.cli import complete, powershell
from pyman.report import ui


@click.command("completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    bash        in ~/.bashrc:  eval "$(pyman completion bash)"  (bash 4.4 or later)
    zsh         in ~/.zshrc, after compinit:  eval "$(pyman completion zsh)"
    fish        pyman completion fish > ~/.config/fish/completions/pyman.fish
    powershell  in $PROFILE:  pyman completion powershell | Out-String | Invoke-Expression
    """  # noqa: D301 - the character itself tells click to leave the lines as they are
    powershell.register()
    completer = get_completion_class(shell)
    assert completer  # noqa: S101 - the choice above names only shells that click knows
    # Not its own source(): for bash that starts a bash, only to warn of versions before 4.4.
    script = ShellComplete.source(completer(context.find_root().command, {}, "pyman", complete.VARIABLE))
    ui.data(script.strip())
