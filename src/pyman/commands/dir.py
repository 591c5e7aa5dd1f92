"""`pyman dir`."""

import click

from pyman.cli import settings
from pyman.errors import PymanError
from pyman.report import ui


@click.command("dir")
@click.option("--bin", "links", is_flag=True, help="Print the directory of links such as python3.12 instead.")
@click.option("--system", is_flag=True, help="Print the system store, PYMAN_SYSTEM_HOME, instead.")
@click.option("--json", "as_json", is_flag=True, help="Print all as JSON.")
def command(links: bool, system: bool, as_json: bool) -> None:
    """Print the directory in which Python versions are installed."""
    store, bin_dir = settings.store(), settings.bin_dir()
    beneath = str(store.beneath.home) if store.beneath else None
    if as_json:
        ui.document({"store": str(store.home), "bin": str(bin_dir), "system": beneath})
    elif not system:
        ui.data(str(bin_dir if links else store.home))
    elif beneath:
        ui.data(beneath)
    else:
        raise PymanError("there is no system store", "PYMAN_SYSTEM_HOME names one.")
