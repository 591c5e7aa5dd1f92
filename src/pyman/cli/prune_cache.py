"""`pyman prune --cache`."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from pyman.cli import networking, removing, settings
from pyman.errors import StoreError, UsageError
from pyman.network.cache import Cache
from pyman.network.cache_folder import Archives
from pyman.report import ui
from pyman.upkeep import cache_upkeep
from pyman.upkeep.cache_upkeep import Entry, Wanted
from pyman.upkeep.conditions import Successors

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?) ?([kmgt]?)(i?)b?", re.IGNORECASE | re.ASCII)
_POWERS = ["", "k", "m", "g", "t"]
_HINT = "Look at what is there, or set PYMAN_CACHE_DIR to another folder."


def size_of(text: str) -> int:
    """Return the bytes in `500MB`, `2 GiB` or `1000000`; UsageError for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        raise UsageError(f"not a size: {text}", "A number with or without a unit: 500MB, 2GiB, 0.")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** _POWERS.index(found[2].lower()))


class How(NamedTuple):
    """What the options say: whether to ask, only to tell, to print JSON, and to tell less."""

    yes: bool
    dry_run: bool
    as_json: bool
    quiet: bool


def run(context: click.Context, metadata_place: str | None, max_size: str | None, how: How) -> None:
    """Say what of the cache can go and what stays, ask, and remove it."""
    at_most = None if max_size is None else size_of(max_size)
    archives = Cache(networking.network().cache_dir).archives
    if archives is None:
        ui.note("There is no cache: PYMAN_CACHE_DIR is not set.")
    going, staying = _plan(archives, metadata_place, at_most) if archives else ([], [])
    asks = not (how.yes or how.dry_run)
    if asks or not how.quiet:
        _describe(going, staying, dry_run=how.dry_run)
    if going and asks and not _agreed(going):
        ui.note("Nothing was removed.")
        context.exit(1)
    if archives and going and not how.dry_run:
        going = _remove(archives, going, quiet=how.quiet)
    if how.as_json:
        ui.document(_document(archives, going, staying) | {"dry_run": how.dry_run})


def _plan(archives: Path, metadata_place: str | None, at_most: int | None) -> tuple[list[Entry], list[Entry]]:
    """Return what can go and what stays."""
    metadata = settings.load_metadata(metadata_place)
    found = Successors(metadata, settings.own_machine())
    try:
        with Archives(archives) as folder:
            wanted = Wanted.by(settings.store(), metadata, found, folder.names())
            entries = cache_upkeep.entries(folder, wanted, at_most)
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise StoreError.of("read the cache", archives, error, _HINT) from None
    return [each for each in entries if not each.stays], [each for each in entries if each.stays]


def _describe(going: Sequence[Entry], staying: Sequence[Entry], *, dry_run: bool) -> None:
    for each in staying:
        ui.note(f"Kept {_named(each)}: {each.why}")
    for each in going:
        ui.note(f"{'Would remove' if dry_run else 'Not wanted:'} {_named(each)}: {each.why}")
    if going:
        ui.note(f"Together {ui.size(_size(going))}; {ui.size(_size(staying))} stay.")
    else:
        ui.note("Nothing to prune.")


def _agreed(going: Sequence[Entry]) -> bool:
    count = len(going)
    what = "this file" if count == 1 else f"these {count} files"
    return removing.agreed(f"Remove {what} from the cache and free {ui.size(_size(going))}?")


def _remove(archives: Path, going: Sequence[Entry], *, quiet: bool) -> list[Entry]:
    """Remove what can go, and return what was removed."""
    try:
        with Archives(archives) as folder:
            gone = [each for each in going if cache_upkeep.remove(folder, each)]
    except OSError as error:
        raise StoreError.of("remove archives from", archives, error, _HINT) from None
    if not quiet:
        ui.note(f"Removed {len(gone)} file{'' if len(gone) == 1 else 's'} and freed {ui.size(_size(gone))}")
    return gone


def _named(entry: Entry) -> str:
    return f"{entry.key or entry.name} ({ui.size(entry.size)})"


def _size(entries: Sequence[Entry]) -> int:
    return sum(each.size for each in entries)


def _document(archives: Path | None, going: Sequence[Entry], staying: Sequence[Entry]) -> dict[str, object]:
    def rows(entries: Sequence[Entry]) -> list[dict[str, object]]:
        return [
            {
                "key": str(each.key) if each.key else None,
                "path": str(archives / each.name) if archives else None,
                "size": each.size,
                "why": each.why,
            }
            for each in entries
        ]

    return {
        "cache": str(archives) if archives else None,
        "removed": rows(going),
        "size": _size(going),
        "kept": rows(staying),
        "kept_size": _size(staying),
    }
