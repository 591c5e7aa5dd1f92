"""Which archives of the cache are still wanted, and which can go. Changes nothing.

Wanted are those of what is installed, and those that an install or an upgrade would take: the newest known
builds. What is superseded, in no metadata, damaged or was never finished can go, and if the rest is to be
smaller still, what was not used for the longest time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from pyman.builds.key import Key
from pyman.catalogue.build import Build, Metadata
from pyman.network.cache_folder import DIGEST, Archives
from pyman.store.installations import Installation, Store
from pyman.upkeep.conditions import Successors


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the cache: its name, size in bytes, when it was used (ns), and the build that it is of.

    `stays` and `why` say what becomes of it; `stamp` tells it from another that takes its place.
    """

    name: str
    size: int
    used: int
    stamp: tuple[int, ...]
    key: Key | None
    stays: bool
    why: str
    is_installed: bool = False
    is_own: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """What decides: the archives of what is installed, and the builds that are known, by their digest."""

    installed: Mapping[str, Key]
    known: Mapping[str, Build]
    newer: Callable[[Key], Key | None]

    @classmethod
    def by(cls, store: Store, metadata: Metadata, found: Successors, names: Iterable[str]) -> "Wanted":
        """Return what decides on files of these names; MetadataError where the metadata are damaged."""
        records = ((str(each.record().get("sha256")).lower(), each.key) for each in store.visible())
        wanted = {name for name in names if DIGEST.fullmatch(name)}
        known = {
            build.sha256.lower(): build
            for target in (metadata.targets() if wanted else ())
            for build in found.at(target)
            if build.sha256 and build.sha256.lower() in wanted
        }

        def newer(key: Key) -> Key | None:
            newest = found.of(Installation(key, store.path_of(key)))
            return newest[0].key if newest else None

        return cls(dict(records), known, newer)


def entries(folder: Archives, wanted: Wanted, at_most: int | None) -> list[Entry]:
    """Return what becomes of each file in the folder, so that at most so many bytes of pyman's stay.

    Raises OSError if the folder cannot be read.
    """
    abandoned = set(folder.abandoned())
    found = [each for name in folder.names() if (each := _entry(folder, name, wanted, abandoned))]
    return found if at_most is None else list(_shrunk(found, at_most))


def remove(folder: Archives, entry: Entry) -> bool:
    """Remove a file that can go, and return whether that was done; not if it is another one by now."""
    try:
        return _stamp(folder, entry.name) == entry.stamp and folder.remove(entry.name)
    except FileNotFoundError:
        return False


def _entry(folder: Archives, name: str, wanted: Wanted, abandoned: set[str]) -> Entry | None:
    try:
        status, is_own = folder.status(name), folder.is_own(name)
    except FileNotFoundError:
        return None  # gone meanwhile
    build, installed = wanted.known.get(name), wanted.installed.get(name)
    key = installed or (build.key if build else None)
    entry = Entry(name, status.st_size, status.st_mtime_ns, _stamp(folder, name), key, stays=True, why="")
    if name in abandoned:
        return replace(entry, stays=False, why="it was never finished")
    if not is_own or not DIGEST.fullmatch(name):
        return replace(entry, why=_foreign(folder, name), is_own=False)
    stays, why = _fate(key, wanted, is_installed=bool(installed))
    if stays and (fault := _fault(folder, name)):
        stays, why = fault
    return replace(entry, stays=stays, why=why, is_installed=bool(installed))


def _foreign(folder: Archives, name: str) -> str:
    if name.endswith(".part") and folder.is_own(name):
        return "it is being written, or not pyman's"
    return "another user's" if DIGEST.fullmatch(name) and folder.is_file(name) else "not made by pyman"


def _fate(key: Key | None, wanted: Wanted, *, is_installed: bool) -> tuple[bool, str]:
    if is_installed:
        return True, "it is installed"
    if key is None:
        return False, "no build that is known has this archive"
    if newer := wanted.newer(key):
        return False, f"superseded by {newer}"
    return True, "the newest that is known"


def _fault(folder: Archives, name: str) -> tuple[bool, str] | None:
    """Return what is to be done with a file that is not what it is called, and why; None if it is."""
    try:
        is_sound = folder.is_sound(name)
    except OSError as error:
        return True, f"it cannot be read: {error.strerror}"
    return None if is_sound else (False, "it is damaged")


def _shrunk(found: Iterable[Entry], at_most: int) -> Iterator[Entry]:
    """Let go what was not used for longest, of what is installed last, until the rest is small enough."""
    found = list(found)
    here = [each for each in found if each.stays and each.is_own]
    left, going = sum(each.size for each in here), set()
    for each in sorted(here, key=lambda each: (each.is_installed, each.used)):
        if left <= at_most:
            break
        going.add(each.name)
        left -= each.size
    for each in found:
        yield replace(each, stays=False, why="it was not used for longest") if each.name in going else each


def _stamp(folder: Archives, name: str) -> tuple[int, ...]:
    status = folder.status(name)
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
