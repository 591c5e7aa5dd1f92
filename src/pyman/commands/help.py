"""`pyman help`."""

import difflib

import click

from pyman.errors import UsageError
from pyman.report import manual, ui


@click.command("help", context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False, metavar="[COMMAND|TOPIC]")
@click.pass_context
def command(context: click.Context, name: str | None) -> None:
    """Show the help of pyman, of a command, or a text on a topic.

    Without a name the commands and topics are listed.
    """
    root = context.find_root()
    if not name:
        ui.data(root.get_help())
    elif name in manual.TOPICS:
        for line in manual.lines(name):
            # click takes the colour out where nobody would see it.
            click.echo(click.style(line.text, bold=True) if line.is_heading else line.text)
    else:
        _show_command(root, name)


def _show_command(root: click.Context, name: str) -> None:
    assert isinstance(root.command, click.Group)  # noqa: S101 - it is what runs commands
    near = difflib.get_close_matches(name, [*root.command.list_commands(root), *manual.TOPICS], n=1)
    if near and near[0] in manual.TOPICS:
        raise UsageError(f"there is no topic {name!r}", f"Did you mean `pyman help {near[0]}`?")
    _, found, _ = root.command.resolve_command(root, [name])
    if found:
        with click.Context(found, info_name=name, parent=root) as shown:
            ui.data(found.get_help(shown))
