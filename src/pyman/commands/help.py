"""`pyman help`."""

import click

from pyman.report import ui


@click.command("help", context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False, metavar="[COMMAND]")
@click.pass_context
def command(context: click.Context, name: str | None) -> None:
    """Show the help of pyman, or of a command."""
    root = context.find_root()
    if not name:
        ui.data(root.get_help())
        return
    assert isinstance(root.command, click.Group)  # noqa: S101 - it is what runs commands
    _, found, _ = root.command.resolve_command(root, [name])
    if found:
        with click.Context(found, info_name=name, parent=root) as shown:
            ui.data(found.get_help(shown))
