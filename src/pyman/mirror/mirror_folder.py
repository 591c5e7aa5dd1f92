"""The folder of a mirror, held open: what is in it, and what its metadata say of that.

    <mirror>/download-metadata.json   which builds are here, in pyman's own form: replaced last, by a rename
             vulnerabilities.json     the list that `pyman refresh` takes with it
             {release}/{file}         the archives, as the release downloads have them
             .pyman/                  the lock, and what is still coming

The metadata are the record of the mirror: each row ends in the size of its archive, and in the head stands
under `mirror` which of the files pyman found there (`found`), which builds were added by hand (`added`), and
which files no row names any more (`leaving`, with their digests). All else is a bystander's. No link is
followed, and none is put there.
"""

import errno
import json
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import file_digest
from io import BufferedRandom, BufferedReader
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple, Self

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue.build import Build
from pyman.catalogue.own_form import WholeMetadata
from pyman.errors import MetadataError, PymanError, StoreError
from pyman.locking import locks
from pyman.network.download import LARGEST_DOCUMENT
from pyman.release_index import document
from pyman.system.filesystem import flush_file
from pyman.system.folder import Folder

WORK = ".pyman"
_MARK = "mirror"
_COMING = ".part"
_CHECK = "Check the free space and the permissions there."


class Contents(NamedTuple):
    """What the metadata of a mirror say; `sizes` in bytes. A path is `{release}/{file}`."""

    builds: dict[Key, Build]
    sizes: dict[Key, int]
    found: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    leaving: dict[str, str] = {}  # noqa: RUF012 - never changed in place

    def document(self) -> bytes:
        """Return the file that says so."""
        mark = {"found": sorted(self.found), "added": sorted(self.added), "leaving": self.leaving}
        return document.render(self.builds.values(), self.sizes, **{_MARK: mark})


class MirrorFolder:
    """An open folder of a mirror; use it in `with`. What the system refuses is a PymanError."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.path = folder.path

    @classmethod
    def open(cls, path: Path, *, make: bool = False) -> Self:
        """Open the folder, which is made if it may be; PymanError where there is none."""
        with told("open the mirror", path):
            if make:
                path.mkdir(parents=True, exist_ok=True)
            return cls(Folder.open(path.absolute(), follow=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.close()

    @contextmanager
    def locked(self, tell: Callable[[str], None], cancelled: Event) -> Iterator[None]:
        """Be the one process that changes the mirror; if it has to wait, `tell` is told for whom."""
        with told("make", self.path / WORK):
            self._make(self._folder, WORK)
        with locks.held(self.path / WORK, _MARK, partial(self._wait, tell), cancelled):
            yield

    def _wait(self, tell: Callable[[str], None], owner: str) -> None:
        tell(f"Waiting for {owner} that is changing {self.path}")

    def contents(self) -> Contents:
        """Return what the metadata say, nothing where there are none; MetadataError if no mirror has such."""
        name = self.path / document.NAME
        try:
            with self._file(self._folder, document.NAME) as file:
                data = file.read(LARGEST_DOCUMENT)
        except FileNotFoundError:
            return Contents({}, {})
        except OSError as error:
            raise MetadataError(f"cannot read {name}: {error.strerror}", "Check what is there.") from None
        try:
            return _contents(json.loads(data), str(name))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            hint = "Move it away, or choose another folder: it is not replaced."
            raise MetadataError(f"{name} is not the metadata of a mirror that pyman made", hint) from None

    def publish(self, name: str, data: bytes) -> None:
        """Replace a file at the root in one step."""
        waiting = f".{name}.{os.urandom(8).hex()}.part"
        with told("write", self.path / name):
            try:
                with os.fdopen(self._folder.create(waiting), "wb") as file:
                    file.write(data)
                    flush_file(file)
                self._folder.replace(waiting, name)
            finally:
                with suppress(OSError):
                    self._folder.unlink(waiting)

    def size(self, path: str) -> int | None:
        """Return the bytes of the regular file at a path; None if there is none, -1 for anything else."""
        release, name = _parts(path)
        try:
            with self._folder.inner(release) as folder:
                found = folder.status(name)
        except FileNotFoundError:
            return None
        except OSError:
            return -1
        if found is None:
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else -1

    def sha256(self, path: str) -> str:
        """Return the digest of the regular file at a path; OSError if it cannot be read."""
        release, name = _parts(path)
        with self._folder.inner(release) as folder, self._file(folder, name) as file:
            return file_digest(file, "sha256").hexdigest()

    def begin(self, name: str) -> BufferedRandom:
        """Open what is coming, to be read from its beginning and then to be added to. Raises OSError."""
        with self._folder.inner(WORK) as work:
            if work.status(name) is None:
                work.make_file(name, b"")
            with work.opened(name) as file:
                is_file = stat.S_ISREG(os.fstat(file).st_mode)
            if not is_file:
                raise OSError(errno.EINVAL, "it is no file", os.fspath(work.path / name))
            flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            place = name if work.descriptor is not None else os.fspath(work.path / name)
            return os.fdopen(os.open(place, flags, dir_fd=work.descriptor), "r+b")

    def sweep(self, keep: Collection[str] = ()) -> None:
        """Remove what was coming and is wanted no more."""
        with suppress(OSError), self._folder.inner(WORK) as work:
            for name in work.names():
                if name not in keep and name.endswith(_COMING) and Key.find(name.removesuffix(_COMING)):
                    work.unlink(name)

    def place(self, name: str, path: str) -> None:
        """Give what has come its place; what pyman had there before is gone. Raises OSError."""
        release, final = _parts(path)
        self._make(self._folder, release)
        with self._folder.inner(WORK) as work, self._folder.inner(release) as folder:
            if os.name == "nt" and folder.status(final):
                folder.unlink(final)
            work.rename(name, folder, final)

    def remove(self, path: str) -> None:
        """Remove a file, and the folder it was in if nothing else is there. Raises OSError."""
        release, name = _parts(path)
        with self._folder.inner(release) as folder:
            folder.unlink(name)
            is_empty = not folder.names()
        if is_empty:
            self._folder.remove_empty(release)

    def others(self, known: Callable[[str], bool]) -> list[str]:
        """Return what is in the mirror and not `known` by its path, links too."""
        with told("read the mirror", self.path):
            own = (document.NAME, WORK)
            names = [name for name in self._folder.names() if name not in own]
            return [path for name in names for path in self._below(name) if not known(path)]

    def _below(self, name: str) -> Iterator[str]:
        if not self._folder.has_folder(name):
            yield name
            return
        with self._folder.inner(name) as folder:
            yield from (f"{name}/{each}" for each in folder.names())

    @staticmethod
    def _make(folder: Folder, name: str) -> None:
        if folder.status(name) is None:
            with suppress(FileExistsError):
                folder.make_folder(name, 0o755)

    @contextmanager
    def _file(self, folder: Folder, name: str) -> Iterator[BufferedReader]:
        with folder.opened(name) as descriptor, os.fdopen(descriptor, "rb", closefd=False) as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is no file", os.fspath(folder.path / name))
            yield file


def part_of(key: Key) -> str:
    """Return what a build is called in the mirror's `.pyman` while it is coming."""
    return f"{key}{_COMING}"


def path_of(build: Build) -> str:
    """Return where a mirror has a build; MetadataError for a file name that would lead elsewhere."""
    name = build.file_name
    if not name or name.startswith(".") or set(name) & set("/\\\0:") or not name.isprintable():
        raise MetadataError(f"{build.key} has a file name that a mirror cannot have: {name!r}")
    return f"{build.key.release}/{name}"


@contextmanager
def told(verb: str, path: Path) -> Iterator[None]:
    """Raise what the system refuses as a StoreError that says what was being done."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {verb} {path}: {error.strerror or error}", _CHECK) from None
    except ValueError as error:
        raise PymanError(f"cannot {verb} {path}: {error}", "Check the path.") from None


def _parts(path: str) -> tuple[str, str]:
    release, _, name = path.partition("/")
    return release, name


def _contents(found: dict[str, Any], name: str) -> Contents:
    metadata = WholeMetadata(found, name)
    builds = {each.key: each for target in metadata.targets() for each in metadata.builds(target)}
    sizes = {
        Key.of_build(row[0], Target.parse(target)): int(row[3])
        for target, rows in found["builds"].items()
        for row in rows
    }
    mark = found[_MARK]
    return Contents(builds, sizes, frozenset(mark["found"]), frozenset(mark["added"]), dict(mark["leaving"]))
