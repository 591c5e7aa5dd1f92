"""Archives that were downloaded before, each under its sha256: `<folder>/archives/<sha256>`.

An archive is copied while it is downloaded, under a name of its own, and gets its final one once its digest
has matched. Nothing is trusted for its name: what is read from here is hashed as what comes from any source.
So there is no fsync, and two processes that store the same archive need not know of each other.

What a killed process leaves is swept by the next one that stores something: the writer of an unfinished copy
holds a lock on it, which ends with the process. What pyman did not make stays (`cache_folder` knows it).
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from pyman.errors import FetchError
from pyman.network.cache_folder import DIGEST, Archives
from pyman.system import groups

if TYPE_CHECKING:
    from pyman.network.download import Download

_ROOM = 8  # times an archive's size must be free: it is being unpacked, perhaps on the same disk


class Cache(NamedTuple):
    """A folder of archives; None is a cache which has nothing and keeps nothing."""

    folder: Path | None

    @property
    def archives(self) -> Path | None:
        """Where the archives are."""
        return self.folder / "archives" if self.folder else None

    def find(self, sha256: str | None) -> Path | None:
        """Return where the archive is; None if it is not here, or something else stands in its place."""
        path = self._path(sha256)
        return path if path and _is_file(path) and not path.parent.is_symlink() else None

    def touch(self, path: Path) -> None:
        """Note that an archive which was found is of use."""
        with suppress(OSError), Archives(path.parent) as folder:
            folder.touch(path.name)

    @contextmanager
    def opened(self, path: Path, cancelled: Event) -> "Iterator[Download]":
        """Give the bytes of an archive that was found; FetchError if they cannot be read."""
        from pyman.network.download import downloading  # noqa: PLC0415 - not needed to look for one

        self.touch(path)
        with downloading(path.as_uri(), cancelled) as download:
            yield download

    def drop(self, path: Path) -> bool:
        """Remove an archive that was found, and return whether that was possible."""
        try:
            with Archives(path.parent) as folder:
                return folder.remove(path.name)
        except OSError:
            return False

    def damaged(self, path: Path, error: FetchError) -> FetchError:
        """Remove an archive that was found and gave that error; returns the error that says so."""
        gone = "was dropped" if self.drop(path) else "cannot be dropped"
        return FetchError(f"the cached archive is damaged and {gone}: {error.message}")

    @contextmanager
    def keeping(
        self, download: "Download", sha256: str | None, warn: Callable[[str], None]
    ) -> Iterator[None]:
        """Copy what passes through `download` meanwhile, and keep it if it has that digest.

        Local files are not copied, nor what has no digest. A cache that cannot be written is a warning.
        """
        path = self._path(sha256)
        if not path or download.url.startswith("file:"):
            yield
            return
        copy = _Copy(path, download.size, warn)
        download.copy_to(copy.write)
        try:
            yield
        finally:
            copy.end(keep=download.sha256 == path.name)

    def _path(self, sha256: str | None) -> Path | None:
        digest = (sha256 or "").lower()
        return self.archives / digest if self.archives and DIGEST.fullmatch(digest) else None


class _Copy:
    """A file that is being written beside its final place; no file any more once that has failed."""

    def __init__(self, final: Path, size: int | None, warn: Callable[[str], None]) -> None:
        self._final = final
        self._warn = warn
        self._name = f"{final.name}.{os.urandom(8).hex()}.part"
        self._folder: Archives | None = None
        self._file: BinaryIO | None = None
        with self._giving_up():
            for folder in (final.parent.parent, final.parent):
                if not folder.exists():
                    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
                    groups.hand_down(folder)
            self._folder = Archives(final.parent)
            self._folder.sweep()
            if _ROOM * (size or 0) > shutil.disk_usage(final.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._file = self._folder.create(self._name)

    def write(self, chunk: bytes) -> None:
        """Add a chunk."""
        if self._file:
            with self._giving_up():
                self._file.write(chunk)

    def end(self, *, keep: bool) -> None:
        """Give the file its final name, or remove it."""
        if self._file and self._folder:
            with self._giving_up():
                self._file.close()  # first: Windows renames nothing that is open
                if keep:
                    self._folder.finish(self._name, self._final.name)
        self._remove()

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        """Say what went wrong, and be without the file from then on."""
        try:
            yield
        except OSError as error:
            self._warn(f"cannot keep the archive in {self._final.parent}: {error.strerror or error}")
            self._remove()

    def _remove(self) -> None:
        if self._file:
            with suppress(OSError):  # what could not be written is still in its buffer
                self._file.close()
            self._file = None
            if self._folder:
                with suppress(OSError):
                    self._folder.remove(self._name)
        if self._folder:
            self._folder.close()
            self._folder = None


def _is_file(path: Path) -> bool:
    """Whether it is a file itself: a link would lead elsewhere, and a pipe would be waited for."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False
