"""`pyman lock`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from pyman.cli import here, networking, settings
from pyman.errors import UsageError
from pyman.exact import locked, relocking
from pyman.lockfile import lock_reader, settling
from pyman.lockfile.lock import Lock
from pyman.lockfile.lock_place import NAME
from pyman.report import ui
from pyman.requests.request import Request
from pyman.system.userdirs import current_dir

_FORMATS = ("toml", "sh", "dockerfile")
_PRINTED = "-"


class _Wishes(NamedTuple):
    """What the options ask for; the names are those of the options."""

    targets: tuple[str, ...]
    output: str | None
    form: str
    lock_file: Path | None
    metadata_place: str | None
    mirror: str
    wish: bool | None
    dry_run: bool
    as_json: bool
    quiet: bool

    @property
    def sources(self) -> relocking.Sources:
        """Where builds are looked for."""
        return relocking.Sources(self.metadata_place, self.mirror, self.wish)


@click.command("lock")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@click.option(
    "--target",
    "targets",
    metavar="TARGET",
    multiple=True,
    help="Lock for TARGET; several may be given.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(),
    help="Write FILE, not pyman.lock; with --format, - is standard output, as without it.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="toml",
    help="Print a script, or lines of a Dockerfile, made of the lock.",
)
@click.option(
    "--lock-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The lock of which --format makes something.",
)
@settings.metadata_option
@settings.mirror_option
@networking.network_options
@networking.refresh_option
@click.option("--dry-run", is_flag=True, help="Only say what would be locked.")
@click.option("--json", "as_json", is_flag=True, help="Print what changed as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
@click.pass_context
def command(context: click.Context, /, requests: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401
    """Write down which builds the REQUESTs get: url, size and sha256, for one target or several.

    The lock is pyman.lock in the current folder. What it has already stays as long as it is asked for:
    `pyman upgrade --lock` moves it. Without a REQUEST or a --target those of the lock that is there count,
    else those of the version file, or the newest, and this machine. `pyman install --locked` installs exactly
    what it has.

    --format sh prints a script which puts the build for the machine it runs on into a prefix, without pyman;
    --format dockerfile prints ADD lines with the digests. They write no lock.
    """
    del context
    wishes = _Wishes(**options)
    asked = [Request.parse(text) for text in requests]
    if wishes.form == "toml":
        _write(asked, wishes)
    else:
        _form(asked, wishes)


def _write(asked: Sequence[Request], wishes: _Wishes) -> None:
    """Settle the lock, write it and say what changed."""
    if wishes.lock_file:
        raise UsageError("--lock-file goes with --format", "-o names the file that is written.")
    path = settings.output(wishes.output) if wishes.output else _place(is_new=bool(asked))
    before = lock_reader.read(path) if path.exists() else None
    asked = asked or (before.requests if before else here.asked((), project=True))
    targets = wishes.targets or tuple(map(str, before.to if before else ()))
    lock = relocking.settled(asked, settings.machines(targets), before, wishes.sources)
    changes = settling.changes(before, lock)
    written = not wishes.dry_run and relocking.write(lock, before, path, wishes.sources)
    if not wishes.quiet:
        relocking.tell(changes)
        ui.note(_outcome(path, written=written, dry_run=wishes.dry_run))
    if wishes.as_json:
        relocking.print_json(path, changes, dry_run=wishes.dry_run)


def _form(asked: Sequence[Request], wishes: _Wishes) -> None:
    """Print what is made of a lock, or write it into a file."""
    path = settings.output(wishes.output) if wishes.output not in (None, _PRINTED) else None
    text = _made(_source(asked, wishes), wishes.form)
    if path:
        relocking.put(path, text)
    else:
        ui.data(text.rstrip("\n"))


def _place(*, is_new: bool) -> Path:
    """Where the lock is, or is to be: a wish is for this folder, else the lock that counts is meant."""
    here = current_dir("the lock")
    found = None if is_new else lock_reader.nearest(here)
    return found.path if found else here / NAME


def _source(asked: Sequence[Request], wishes: _Wishes) -> Lock:
    """The lock of which something else is made: of a file, or settled for that alone."""
    if not asked:
        lock = locked.named(locked=True, file=wishes.lock_file)
        assert lock  # noqa: S101 - or there was an error
        return lock
    if wishes.lock_file:
        raise UsageError("a REQUEST and --lock-file exclude each other", "Give one of them.")
    return relocking.settled(asked, settings.machines(wishes.targets), None, wishes.sources)


def _made(lock: Lock, form: str) -> str:
    """What is made of a lock; what cannot be in it is said."""
    from pyman.lockfile import dockerfile_form, shell_form

    render = shell_form.render if form == "sh" else dockerfile_form.render
    text, left_out = render(lock)
    for each in left_out:
        ui.warning(each)
    return text


def _outcome(path: Path, *, written: bool, dry_run: bool) -> str:
    if dry_run:
        return f"Nothing was written to {path}"
    return f"Wrote {path}" if written else f"{path} is up to date."
