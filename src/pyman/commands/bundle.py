"""`pyman bundle`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pyman.builds.target import Target
from pyman.cli import installing, networking, settings
from pyman.errors import UsageError
from pyman.exact import locked, relocking
from pyman.lockfile import lock_reader, standing
from pyman.lockfile.lock import Lock
from pyman.network.policy import Network
from pyman.report import ui
from pyman.requests.request import Request
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.bundle.bundle_form import Entry


class _Wishes(NamedTuple):
    """What the options ask for; the names are those of the options."""

    targets: tuple[str, ...]
    locked: bool
    lock_file: Path | None
    output: str
    with_pyman: bool
    pyman: str | None
    metadata_place: str | None
    mirror: str
    wish: bool | None
    dry_run: bool
    as_json: bool
    quiet: bool


@click.command("bundle")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@click.option(
    "--target", "targets", metavar="TARGET", multiple=True, help="For TARGET; several may be given."
)
@locked.locked_options
@click.option("-o", "--output", metavar="FILE", type=click.Path(), default="python.tar", show_default=True)
@click.option("--with-pyman", is_flag=True, help="Take pyman along: the portable one, and install.sh.")
@click.option(
    "--pyman", metavar="URL_OR_DIR", help="The same, from there, not from where this pyman came from."
)
@settings.metadata_option
@settings.mirror_option
@networking.network_options
@networking.refresh_option
@click.option("--dry-run", is_flag=True, help="Only say what would be in it.")
@click.option("--json", "as_json", is_flag=True, help="Print what is in it as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def command(requests: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401
    """Put builds into one file, for where there is no network.

    It has their archives, metadata, a lock and the licence texts, for this machine or the targets that are
    named. The builds are those of the REQUESTs, or with --locked, and where nothing is named, those of the
    lock. The same builds make the same file, byte for byte. `pyman install --from FILE` installs from it.
    """
    wishes = _Wishes(**options)
    path = settings.output(wishes.output)
    lock = _lock([Request.parse(text) for text in requests], wishes)
    if wishes.dry_run:
        for each in lock.locked:
            ui.note(f"Would put {each.key} into {path}")
    else:
        _make(lock, path, wishes)
    if wishes.as_json:
        ui.document(
            {
                "file": os.fspath(path),
                "dry_run": wishes.dry_run,
                "builds": [{"key": str(each.key), "sha256": each.build.sha256} for each in lock.locked],
            }
        )


def _lock(asked: Sequence[Request], wishes: _Wishes) -> Lock:
    """What is to be in it."""
    lock = locked.named(wishes.locked, wishes.lock_file)
    if not lock and not asked:
        lock = lock_reader.nearest(current_dir("the lock"))
        if not lock:
            raise UsageError("nothing to bundle", "Name a version: `pyman bundle 3.13`.")
    if lock:
        return standing.narrowed(lock, asked, [Target.parse(text) for text in wishes.targets])
    sources = relocking.Sources(wishes.metadata_place, wishes.mirror, wishes.wish)
    return relocking.settled(asked, settings.machines(wishes.targets), None, sources)


def _make(lock: Lock, path: Path, wishes: _Wishes) -> None:
    from pyman.bundle import making

    network = networking.network()
    more = _companions(lock, wishes, network) if wishes.with_pyman or wishes.pyman else []
    with installing.reporter(quiet=wishes.quiet) as reporter:
        size = making.make(lock, more, path, making.Means(wishes.mirror, network, reporter))
    if not wishes.quiet:
        for each in lock.locked:
            ui.note(f"Put {each.key} into it")
        ui.note(f"Wrote {path} ({ui.size(size)})")


def _companions(lock: Lock, wishes: _Wishes, network: Network) -> Sequence["Entry"]:
    """Pyman itself, from where `pyman self update` would look."""
    from pyman.bundle.companions import companions
    from pyman.portable import update, whereabouts

    root = whereabouts.root()
    if not root and not wishes.pyman:
        raise UsageError(
            "this pyman does not know where a portable one can be had",
            "Name the address or the folder of a release with --pyman.",
        )
    origin = update.origin_of(root or Path(), wishes.pyman)
    return companions((each.key.target for each in lock.locked), origin, network)
