"""`pyman self`: the pyman that runs, where it is a portable one."""

import sys
from pathlib import Path

import click

from pyman import __version__
from pyman.cli import settings
from pyman.cli.networking import network, network_options
from pyman.errors import PymanError
from pyman.portable import whereabouts
from pyman.report import ui


@click.group("self")
def command() -> None:
    """Update or remove this pyman, if it is a portable one.

    A portable pyman is one with an interpreter of its own, as install.sh brings it.
    """


@command.command("update")
@click.option(
    "--from", "origin", metavar="URL_OR_DIR", help="Where to look, in place of where this pyman came from."
)
@click.option("--dry-run", is_flag=True, help="Tell what would be done and change nothing.")
@network_options
def update_command(origin: str | None, dry_run: bool) -> None:
    """Replace this pyman with the newest one.

    It is verified, put in place in one step, and taken back if it does not start.
    """
    from pyman.portable import place, update

    root = _root("update")
    address = update.origin_of(root, origin)
    offer = update.newest(update.listed(address, network()), address, str(place.described(root)["target"]))
    if not update.is_newer(offer, __version__):
        ui.note(f"pyman {__version__} is the newest")
    elif dry_run:
        ui.note(f"Would replace pyman {__version__} in {root} with {offer.version}")
    else:
        update.update(root, offer, address, network())
        ui.note(f"Replaced pyman {__version__} in {root} with {offer.version}")


@command.command("uninstall")
@click.option("--dry-run", is_flag=True, help="Tell what would be removed and change nothing.")
def uninstall_command(dry_run: bool) -> None:
    """Remove this pyman. The Python versions that it has installed stay."""
    from pyman.portable import place, remove

    root = _root("remove")
    staying = _staying()
    if dry_run:
        place.check_alone(root)
        ui.note(f"Would remove {root}")
    else:
        for gone in remove.remove(root):
            ui.note(f"Removed {gone}")
    for line in staying:
        ui.note(line)


@command.command("place", hidden=True)
@click.option("--to", required=True, type=click.Path(path_type=Path), help="The folder that it moves to.")
@click.option("--bin", "bin_dir", type=click.Path(path_type=Path), help="The folder for the command.")
@click.option("--origin", default="", help="Where newer ones can be had.")
@click.option("--sha256", default="", help="The digest of the archive that it was unpacked from.")
def place_command(to: Path, bin_dir: Path | None, origin: str, sha256: str) -> None:
    """Move this pyman to where it is to be; install.sh does."""
    from pyman.portable import place
    from pyman.system.userdirs import given_dir

    root, target = _root("move"), given_dir(str(to), "--to")
    link = bin_dir and given_dir(str(bin_dir), "--bin") / Path(place.LAUNCHER).name
    if origin and "://" not in origin:
        origin = str(given_dir(origin, "--origin"))
    if link:
        place.check_command(link, target)
    if not (target.exists() and root.samefile(target)):
        place.publish(root, target, {"origin": origin, "sha256": sha256, "command": link and str(link)})
    if link:
        place.link_command(link, target)


def _root(verb: str) -> Path:
    root = whereabouts.root()
    if root is None:
        raise PymanError(f"cannot {verb} this pyman: it is not a portable one", _instead(verb))
    if sys.platform == "win32":
        raise PymanError(
            f"cannot {verb} this pyman while it runs from {root}",
            "Windows keeps programs that run: end it, then unpack a new archive or delete the folder.",
        )
    return root


def _instead(verb: str) -> str:
    """What does it for a pyman that was installed as a package, or is one file."""
    what = "upgrade" if verb == "update" else "uninstall"
    prefix = Path(sys.prefix).as_posix()
    if not Path(__file__).is_file():
        return f"It is one file, {sys.argv[0]}: " + (
            "put a newer one in its place." if what == "upgrade" else "delete it."
        )
    if "/pipx/venvs/" in prefix:
        return f"`pipx {what} pyman-cli` does."
    if "/uv/tools/" in prefix:
        return f"`uv tool {what} pyman-cli` does."
    option = "install --upgrade" if what == "upgrade" else "uninstall"
    return f"It is a package in {sys.prefix}: `{sys.executable} -m pip {option} pyman-cli` does."


def _staying() -> list[str]:
    """What pyman has made that is not removed with it."""
    try:
        store = settings.store()
    except PymanError:  # there is no home directory, and so nothing in it
        return []
    count = len(store.installations())
    what = f"{count} Python version{'s' * (count != 1)} in {store.home}"
    if not count and not store.home.exists():
        return []
    return [f"What stays: {what}, and the links to them in {settings.bin_dir()}. They go on working."]
