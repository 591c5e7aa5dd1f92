"""`pyman dir`."""

import click

from pyman import ui
from pyman.cli import settings


@click.command("dir")
@click.option("--bin", "links", is_flag=True, help="Print the directory of links such as python3.12 instead.")
@click.option("--json", "as_json", is_flag=True, help="Print both as JSON.")
def command(links: bool, as_json: bool) -> None:
    """Print the directory in which Python versions are installed."""
    store, bin_dir = settings.store().home, settings.bin_dir()
    if as_json:
        ui.document({"store": str(store), "bin": str(bin_dir)})
    else:
        ui.data(str(bin_dir if links else store))
