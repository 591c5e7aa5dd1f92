"""`python -m pyman.bootstrap`: make what is copied to a machine that has nothing."""

import os
import sys
from pathlib import Path

import click

from pyman.bootstrap import platforms, release
from pyman.bootstrap.own_interpreter import Shelf
from pyman.bootstrap.portables import Order
from pyman.bootstrap.release import Wanted
from pyman.builds.target import Target
from pyman.catalogue import origins
from pyman.errors import PymanError, UsageError
from pyman.machine import detection
from pyman.network.policy import Network
from pyman.requests.request import Request

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
# The first day that a zip archive can tell, for who does not set SOURCE_DATE_EPOCH.
_FIRST_DAY = 315_532_800


@click.command(name="python -m pyman.bootstrap", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--target", "targets", multiple=True, metavar="TARGET", help="Make the portable pyman for TARGET."
)
@click.option("--all", "everything", is_flag=True, help="Make it for every target that is released.")
@click.option(
    "--archive",
    "archives",
    multiple=True,
    type=_FILE,
    help="Make it of this archive, for the target in its name, in place of a download.",
)
@click.option("--python", "request", default="latest", show_default=True, help="Which Python it runs on.")
@click.option("--out", type=_FOLDER, default="dist", show_default=True, help="Where what is made goes.")
@click.option("--wheels", type=_FOLDER, help="A folder of wheels to take in place of the package index.")
@click.option(
    "--compile-with", type=_FILE, help="The interpreter that makes the bytecode; else one is found."
)
@click.option("--url", default="", help="The address of the folder where this release can be had.")
@click.option("--newest-url", help="The address where the newest release can be had; --url unless given.")
@click.option("--mirror", envvar="PYMAN_MIRROR", default="", help="Where interpreters are looked for first.")
@click.option("--metadata", "place", envvar="PYMAN_METADATA", help="Metadata in place of the bundled ones.")
def main(  # noqa: PLR0913 - one parameter an option
    *,
    targets: tuple[str, ...],
    everything: bool,
    archives: tuple[Path, ...],
    request: str,
    out: Path,
    wheels: Path | None,
    compile_with: Path | None,
    url: str,
    newest_url: str | None,
    mirror: str,
    place: str | None,
) -> None:
    """Make the portable pyman, pyman.pyz and install.sh.

    Without a target or an archive the portable pyman is for this machine. SHA256SUMS covers all that is in
    the folder. SOURCE_DATE_EPOCH is the time of all that is made: the same again gives the same bytes.
    """
    try:
        network = Network.from_environment(os.environ)
        shelf = Shelf(origins.load(place, lambda: network), mirror, network)
        order = Order(wheels, _time(), url.rstrip("/"), (newest_url or url).rstrip("/"))
        chosen = platforms.RELEASED if everything else tuple(map(Target.parse, targets))
        if not chosen and not archives:
            chosen = (detection.detect().target,)
        wanted = Wanted(chosen, archives, Request.parse(request), compile_with)
        release.make(wanted, shelf, order, out, told)
    except PymanError as error:
        told(f"error: {error.message}")
        if error.hint:
            told(f"hint: {error.hint}")
        sys.exit(error.exit_code)


def _time() -> int:
    """Return the time of all that is made, in seconds since 1970; UsageError if the variable has none."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if text and not (text.isascii() and text.isdigit()):
        raise UsageError(f"SOURCE_DATE_EPOCH is not a number of seconds: {text!r}", "date +%s prints one.")
    return max(int(text or _FIRST_DAY), _FIRST_DAY)


def told(text: str) -> None:
    """Say how it goes."""
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
