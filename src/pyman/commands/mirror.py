"""`pyman mirror`: a folder from which others install."""

from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue.build import Metadata
from pyman.cli import installing, networking, settings
from pyman.cli.configured import check
from pyman.errors import AbsentError, UsageError
from pyman.exact import locked
from pyman.report import mirror_text, ui
from pyman.requests.request import Request

if TYPE_CHECKING:
    from pyman.catalogue.build import Build
    from pyman.machine.detection import Machine
    from pyman.mirror.mirror_folder import MirrorFolder
    from pyman.mirror.sync import Outcome

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_quiet = click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")


class _Wishes(NamedTuple):
    """What the options of `sync` ask for; the names are those of the options."""

    targets: tuple[str, ...]
    all_targets: bool
    keep_last: int | None
    locked: bool
    lock_file: Path | None
    origin: str | None
    metadata_place: str | None
    mirror: str
    wish: bool | None
    prune: bool
    dry_run: bool
    as_json: bool
    quiet: bool

    @property
    def source(self) -> str:
        """The mirror that archives are looked for in first."""
        return self.origin or self.mirror


@click.group("mirror")
def command() -> None:
    """Fill, check, add to and serve a folder that others install from.

    It has the layout of the release downloads and metadata of its own: any static web server or object store
    serves it, and PYMAN_MIRROR names it. `pyman help mirrors` has recipes.
    """


@command.command("sync")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@click.option(
    "--target", "targets", metavar="TARGET", multiple=True, help="For this target; may be repeated."
)
@click.option("--all-targets", is_flag=True, help="For every target that there are builds for.")
@click.option(
    "--keep-last",
    metavar="N",
    type=click.IntRange(min=1),
    help="Of each minor version and variant only the N newest versions, each in its newest release.",
)
@locked.locked_options
@click.option("--from", "origin", metavar="URL_OR_DIR", help="Another mirror, with metadata of its own.")
@settings.metadata_option
@settings.mirror_option
@networking.network_options
@networking.refresh_option
@click.option("--prune", is_flag=True, help="Remove what this command does not ask for and pyman put there.")
@click.option("--dry-run", is_flag=True, help="Only say how many files and how much it would be.")
@_json
@_quiet
@click.pass_context
def sync_command(
    context: click.Context,
    /,
    folder: Path,
    requests: tuple[str, ...],
    **options: Any,  # noqa: ANN401
) -> None:
    """Bring what is missing into the mirror in DIR.

    For a REQUEST such as 3.13, ">=3.11" or pypy@3.11 it is every build that fits, for this machine's target
    unless others are given. Without one it is all of CPython, free-threaded too, PyPy and GraalPy; debug and
    static builds are for those who ask. What is known to be bad or has no checksum is left out. With --locked
    it is what the lock has, for all its targets.

    Archives are fetched several at once and verified; the metadata come last, so the folder may be served all
    the time. One that was stopped goes on where it was. The exit code is 1 if something could not be had.
    """
    from pyman.mirror.mirror_folder import MirrorFolder

    wishes = _Wishes(**options)
    builds = _builds([Request.parse(each) for each in requests], wishes)
    if wishes.dry_run:
        _rehearse(folder, builds, wishes)
        return
    with MirrorFolder.open(folder, make=True) as mirror:
        outcome = _sync(mirror, builds, wishes)
    mirror_text.outcome(outcome, prune=wishes.prune, as_json=wishes.as_json, quiet=wishes.quiet)
    if outcome.failures:
        context.exit(1)


def _builds(asked: list[Request], wishes: _Wishes) -> "list[Build]":
    """What the mirror is to have: what a lock has, if one is named, else what the requests mean."""
    if lock := locked.named(wishes.locked, wishes.lock_file):
        from pyman.lockfile.standing import narrowed

        if wishes.keep_last or wishes.all_targets:
            raise UsageError("a lock says which builds, for which targets", "Leave the other option out.")
        targets = [Target.parse(each) for each in wishes.targets]
        return [each.build for each in narrowed(lock, asked, targets).locked]
    from pyman.mirror.wanted import wanted

    metadata = _metadata(wishes)
    return wanted(asked, metadata, _machines(wishes, metadata), wishes.keep_last)


def _metadata(wishes: _Wishes) -> Metadata:
    """What the other mirror has, if it says so; else what is known, after a look for what is newer."""
    if wishes.origin is None:
        settings.refresher(wishes.wish, wishes.metadata_place, wishes.mirror).before_newest()
        return settings.load_metadata(wishes.metadata_place)
    from pyman.catalogue.origins import parse
    from pyman.catalogue.sources import below
    from pyman.network.address import public
    from pyman.network.download import read_url
    from pyman.release_index.document import NAME

    check("--from", wishes.origin, "mirror")
    place = below(wishes.origin, NAME)
    try:
        return parse(read_url(place, networking.network()), public(place))
    except AbsentError:
        ui.note(f"{public(place)} is not there: what pyman knows of is looked for")
        return settings.load_metadata(wishes.metadata_place)


def _machines(wishes: _Wishes, metadata: Metadata) -> "list[Machine]":
    return settings.machines(map(str, metadata.targets()) if wishes.all_targets else wishes.targets)


def _sync(mirror: "MirrorFolder", builds: "list[Build]", wishes: _Wishes) -> "Outcome":
    from pyman.catalogue import vulnerabilities
    from pyman.mirror.fetching import Fetcher
    from pyman.mirror.sync import Sync

    stopped = Event()
    with installing.reporter(quiet=wishes.quiet) as reporter, mirror.locked(ui.note, stopped):
        fetcher = Fetcher(mirror, wishes.source, networking.network(), reporter, stopped)
        warnings = vulnerabilities.document(settings.store().homes)
        return Sync(mirror, fetcher, mirror.contents()).run(builds, warnings, prune=wishes.prune)


def _rehearse(folder: Path, builds: "list[Build]", wishes: _Wishes) -> None:
    from pyman.mirror.estimate import estimate
    from pyman.mirror.mirror_folder import MirrorFolder
    from pyman.mirror.sync import Need, need

    found = Need(builds, [], [])
    if folder.exists():
        with MirrorFolder.open(folder) as mirror:
            found = need(mirror, mirror.contents(), builds)
    guess = estimate(found.missing, wishes.source, networking.network())
    mirror_text.rehearsal(found, guess, prune=wishes.prune, as_json=wishes.as_json)


@command.command("check")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@_json
@click.pass_context
def check_command(context: click.Context, folder: Path, as_json: bool) -> None:
    """Verify the mirror in DIR: every size and digest, and the metadata themselves.

    What else is there is named, and is no fault. The exit code is 1 if anything is wrong or missing.
    """
    from pyman.mirror.inspection import inspect
    from pyman.mirror.mirror_folder import MirrorFolder

    with MirrorFolder.open(folder) as mirror:
        here = mirror.contents()
        if not here.builds:
            raise UsageError(f"{folder} has no metadata of a mirror", "`pyman mirror sync` fills one.")
        found = inspect(mirror, here)
    mirror_text.inspected(found, as_json=as_json)
    if found.faults:
        context.exit(1)


@command.command("add")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("source", metavar="ARCHIVE|PREFIX", type=click.Path(exists=True, path_type=Path))
@click.option("--as", "name", metavar="KEY", required=True, help="What it is called in full.")
@_json
def add_command(folder: Path, source: Path, name: str, as_json: bool) -> None:
    """Publish a build of your own in the mirror in DIR.

    KEY names it in full, its release is a date: cpython-3.13.5+20261127-linux-x86_64-gnu. An ARCHIVE
    is taken as it is. An installation at PREFIX is packed: the same bytes for the same tree, no bytecode.
    Either is unpacked first and, where it is for this machine, started. A sync never removes it.
    """
    from pyman.mirror.mirror_folder import MirrorFolder
    from pyman.mirror.publishing import publish

    try:
        key = Key.parse(name)
    except ValueError:
        example = "It is such as cpython-3.13.5+20261127-linux-x86_64-gnu, the release being a date."
        raise UsageError(f"not the name of a build: {name}", example) from None
    with MirrorFolder.open(folder, make=True) as mirror, mirror.locked(ui.note, Event()):
        done = publish(mirror, source, key, settings.load_metadata(None))
    if as_json:
        ui.document({"key": str(key), "path": done.path, "sha256": done.build.sha256, "bytes": done.size})
    else:
        verb = "Is there already" if done.before else "Published"
        ui.note(f"{verb}: {key}, {done.path} ({ui.size(done.size)}, sha256 {done.build.sha256})")


@command.command("serve")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@_quiet
def serve_command(folder: Path, port: int, host: str, quiet: bool) -> None:
    """Serve the mirror in DIR, to try it out; ^C ends it.

    It is not for production: it speaks plain http, and is one process. `pyman help mirrors` has what is.
    """
    from pyman.mirror.http_server import MirrorServer

    with MirrorServer(folder, host, port, (lambda _: None) if quiet else ui.note) as server:
        ui.note(f"Serving {folder} at {server.url}, not for production (`pyman help mirrors` has what is)")
        server.serve_forever()
