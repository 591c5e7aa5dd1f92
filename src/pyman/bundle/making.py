"""Makes a bundle of a lock: what is locked is gathered, and put into one file, in one step."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from pyman.bundle import bundle_form
from pyman.bundle.bundle_form import Entry
from pyman.bundle.gathering import Gathering, Watcher
from pyman.bundle.licence_texts import licence_texts
from pyman.catalogue.own_form import BUNDLED
from pyman.lockfile import lock_writer
from pyman.lockfile.lock import Lock
from pyman.lockfile.lock_place import NAME
from pyman.network.address import public
from pyman.network.policy import Network
from pyman.release_index import document
from pyman.system import whole_file


class Means(NamedTuple):
    """What a bundle is made with: a mirror that is asked first ("" for none), and who is told."""

    mirror: str
    network: Network
    watcher: Watcher


def make(lock: Lock, more: Sequence[Entry], path: Path, means: Means) -> int:
    """Write the bundle of what is locked, and of `more`, to `path`, and return its size in bytes.

    FetchError for an archive that no source gave, PymanError where it cannot be written; what was at `path`
    is then as it was. A symbolic link stays one: its target is written.
    """
    real = whole_file.place(path)
    try:
        work = Path(mkdtemp(prefix=f".{real.name}.", dir=real.parent))
    except OSError as error:
        raise whole_file.cannot_write(path, error) from None
    try:
        found = Gathering(work, *means).gather([each.build for each in lock.locked])
        sized = [each._replace(size=found[each.key].stat().st_size) for each in lock.locked]
        entries = [*_documents(lock._replace(locked=tuple(sized))), *more]
        for each in lock.locked:
            archive = found[each.key]
            entries += licence_texts(each.key, archive)
            entries.append(Entry(f"{each.key.release}/{each.build.file_name}", archive))
        waiting = work / "bundle"
        with waiting.open("wb") as file:
            bundle_form.write(entries, file)
        size = waiting.stat().st_size
        os.replace(waiting, real)  # noqa: PTH105 - beside its one use
    except OSError as error:
        raise whole_file.cannot_write(path, error) from None
    else:
        return size
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _documents(lock: Lock) -> list[Entry]:
    # Whoever gets the bundle need not know what an address has that is secret.
    builds = [each.build._replace(url=public(each.build.url)) for each in lock.locked]
    return [
        bundle_form.marker(),
        Entry(BUNDLED, document.render(builds)),
        Entry(NAME, lock_writer.rendered(lock).encode()),
    ]
