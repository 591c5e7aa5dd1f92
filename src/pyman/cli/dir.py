"""`pyman dir`."""

import click

from pyman import ui
from pyman.cli import settings


@click.command("dir")
@click.option("--bin", "links", is_flag=True, help="Print the directory of links such as python3.12 instead.")
def command(links: bool) -> None:
    """Print the directory in which Python versions are installed."""
    ui.data(str(settings.bin_dir() if links else settings.store().home))
