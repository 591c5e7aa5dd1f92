"""Archives that were downloaded before, each under its sha256: `<folder>/archives/<sha256>`.

An archive is copied while it is downloaded, under a name of its own, and gets its final one once its digest
has matched. Nothing is trusted for its name: what is read from here is hashed as what comes from any source.
So there is no fsync, and two processes that store the same archive need not know of each other.

What a killed process leaves is swept by the next one that stores something: the writer of an unfinished copy
holds a lock on it, which ends with the process.
"""

import errno
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import BinaryIO, NamedTuple

from pyman import fetch, groups
from pyman.errors import FetchError
from pyman.fetch import Download

if sys.platform != "win32":
    import fcntl

_DIGEST = re.compile("[0-9a-f]{64}")
_UNFINISHED = ".part"
_DAY = 24 * 60 * 60.0
_ROOM = 8  # times an archive's size must be free: it is being unpacked, perhaps on the same disk


class Cache(NamedTuple):
    """A folder of archives; None is a cache which has nothing and keeps nothing."""

    folder: Path | None

    def find(self, sha256: str | None) -> Path | None:
        """Return where the archive is, or what stands in its place; None if it is not here."""
        path = self._path(sha256)
        return path if path and os.path.lexists(path) else None

    @contextmanager
    def opened(self, path: Path, cancelled: Event) -> Iterator[Download]:
        """Give the bytes of an archive that was found; FetchError if they cannot be read."""
        if not _is_file(path):
            raise FetchError(f"{path} is no file")
        with fetch.download(path.as_uri(), cancelled) as download:
            yield download

    def drop(self, path: Path) -> None:
        """Remove what was found there, if that is possible."""
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()

    @contextmanager
    def keeping(self, download: Download, sha256: str | None, warn: Callable[[str], None]) -> Iterator[None]:
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
        if self.folder is None or not _DIGEST.fullmatch(digest):
            return None
        return self.folder / "archives" / digest


class _Copy:
    """A file that is being written beside its final place; no file any more once that has failed."""

    def __init__(self, final: Path, size: int | None, warn: Callable[[str], None]) -> None:
        self._final = final
        self._warn = warn
        self._path = final.with_name(f"{final.name}.{os.urandom(8).hex()}{_UNFINISHED}")
        self._file: BinaryIO | None = None
        with self._giving_up():
            for folder in (final.parent.parent, final.parent):
                if not folder.exists():
                    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
                    groups.hand_down(folder)
            _sweep(final.parent)
            if _ROOM * (size or 0) > shutil.disk_usage(final.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._file = _created(self._path)

    def write(self, chunk: bytes) -> None:
        """Add a chunk."""
        if self._file:
            with self._giving_up():
                self._file.write(chunk)

    def end(self, *, keep: bool) -> None:
        """Give the file its final name, or remove it."""
        if self._file:
            with self._giving_up():
                self._file.close()  # first: Windows renames nothing that is open
                if keep:
                    _rename(self._path, self._final)
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
            with suppress(OSError):
                self._path.unlink()


def _is_file(path: Path) -> bool:
    """Whether it is a file itself: a link would lead elsewhere, and a pipe would be waited for."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _created(path: Path) -> BinaryIO:
    """A new file which others may read and nobody but its owner write, locked as long as it is open."""
    file = open(path, "xb", opener=partial(os.open, mode=0o644))  # noqa: SIM115 - the caller closes it
    if sys.platform != "win32":
        groups.hand_down(path)
        with suppress(OSError):  # a network file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return file


def _rename(path: Path, final: Path) -> None:
    try:
        path.replace(final)
    except FileNotFoundError:
        pass  # swept between two steps of ours: nothing is kept this time
    except PermissionError:
        # On Windows: another process has stored the same archive meanwhile, and it is being read.
        if not final.is_file():
            raise


def _sweep(folder: Path) -> None:
    for path in folder.glob(f"*{_UNFINISHED}"):
        with suppress(OSError):
            if _is_abandoned(path):
                path.unlink()


def _is_abandoned(path: Path) -> bool:
    """Whether nobody is writing there any more; OSError if that cannot be told."""
    if sys.platform == "win32":
        return True  # a file that somebody has open cannot be removed there
    # For writing, which NFS wants of an exclusive lock.
    file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # no locks here
        return time.time() - os.fstat(file).st_mtime > _DAY
    finally:
        os.close(file)
    return True
