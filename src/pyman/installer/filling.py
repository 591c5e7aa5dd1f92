"""What fills a staged tree: an archive, or a folder with a Python in it; and what the record tells of that.

Of a file or folder here only its name is told: its path is nobody's business who reads the store.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pyman import __version__
from pyman.archive import unpack
from pyman.archive.unpack import Unpacked
from pyman.catalogue.build import Build
from pyman.errors import ArchiveError, FetchError, TooLargeError
from pyman.installer.finishing import Finish
from pyman.installer.reporter import Reporter
from pyman.network.address import public
from pyman.prepare import former_place
from pyman.reading.source import Stream
from pyman.store.installations import Installation
from pyman.store.record import FORM, RECORD


class Filling(NamedTuple):
    """What was put into a tree, and what is known of its origin."""

    unpacked: Unpacked
    facts: dict[str, Any]


def of_archive(build: Build, stream: Stream, tree: Path, reporter: Reporter, writers: int) -> Filling:
    """Unpack an archive as it comes, and compare its digest.

    Raises ArchiveError, FetchError for what is the source's fault, and StoreError.
    """
    try:
        unpacked = stream.unpack(tree, lambda count: reporter.received(build.key, count), writers)
    except TooLargeError as error:
        if build.sha256 and stream.sha256 == build.sha256.lower():
            raise
        raise FetchError(f"{public(stream.url)}: {error.message}", error.hint) from None
    except ArchiveError:
        # Damage on the way is the source's fault, not the archive's: the digest tells.
        stream.check()
        raise
    stream.check()
    return Filling(unpacked, _facts(build, stream))


def of_folder(build: Build, folder: Path, tree: Path, told: Callable[[int], None], writers: int) -> Filling:
    """Copy a tree, which may have been installed somewhere before; raises as `unpack.take_over` does."""
    unpacked = unpack.take_over(folder, tree, told, frozenset([RECORD]), writers)
    former_place.forget(tree, Installation(build.key, tree).standard_library)
    # A folder has no digest to compare.
    return Filling(unpacked, {"folder": folder.name, "sha256": None, "verified": False})


def record(build: Build, filling: Filling, finish: Finish) -> dict[str, Any]:
    """Return the record of an installation, but for the list of its files.

    In that of one which is to be reproducible is nothing that another install has different.
    """
    is_same = finish.made_with.reproducible
    now = finish.epoch if is_same else int(time.time())
    return {
        "key": str(build.key),  # first: whoever lists the store reads no further
        "form": FORM,
        **(_same(build, filling.facts) if is_same else filling.facts),
        "size": filling.unpacked.size,
        **({} if now is None else {"installed_at": datetime.fromtimestamp(now, UTC).isoformat()}),
        "pyman": __version__,
    }


def _same(build: Build, facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts as they are from every source that has the build."""
    if not build.url:
        return facts
    return {
        name: public(build.url) if name == "url" else fact for name, fact in facts.items() if name != "file"
    }


def _facts(build: Build, stream: Stream) -> dict[str, Any]:
    """Return where an archive came from that was read to its end: `url`, or the name of a `file`."""
    url = build.url if build.local else stream.url
    return {
        **({"url": public(url)} if url else {}),
        **({"file": build.local.name} if build.local else {}),
        "sha256": stream.sha256,
        "verified": build.sha256 is not None,
        "archive_size": stream.received,
    }
