"""Folder: a directory that is held open, so that what is done in it is done in it and nowhere else.

Names are those of its entries, never paths. Where the system has descriptors of directories (`openat` and its
kin, POSIX.1-2008) a folder that is open stays what it is, whatever takes its place meanwhile, and no link is
followed. Where it has none (Windows), links and junctions are looked for before a path is used.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from pyman.system import filesystem, groups
from pyman.system.regular_file import ITSELF

_ANCHORED = (
    os.name == "posix"
    and hasattr(os, "O_NOFOLLOW")
    and {os.open, os.stat, os.mkdir, os.rename, os.unlink, os.rmdir, os.readlink} <= os.supports_dir_fd
    and os.scandir in os.supports_fd
)
_UTIME_FOLLOWS = os.utime not in os.supports_follow_symlinks  # where it cannot do else
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
# By this attribute Windows tells junctions and all else that leads elsewhere (winnt.h).
_REPARSE_POINT = 0x400
_ANY_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)
FOLDER = _ANY_FOLDER | _NOFOLLOW
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_BINARY", 0)


class Folder:
    """An open directory, to be closed: use it in `with`. All methods raise OSError as the system does."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self.descriptor = descriptor

    @classmethod
    def open(cls, path: Path, *, follow: bool = False) -> Self:
        """Open the directory at `path`; NotADirectoryError if it is a link, unless that may be followed."""
        if not _ANCHORED:
            if not path.is_dir() or not (follow or is_real(path)):
                raise _no_folder(path)
            return cls(path, None)
        with _as_no_folder(path):
            return cls(path, os.open(path, _ANY_FOLDER if follow else FOLDER))

    def inner(self, name: str) -> "Folder":
        """Open a directory in this one; NotADirectoryError if it is a link."""
        path = self.path / name
        if self.descriptor is None:
            return Folder.open(path)
        with _as_no_folder(path):
            return Folder(path, os.open(name, FOLDER, dir_fd=self.descriptor))

    def close(self) -> None:
        """Let go of it."""
        descriptor, self.descriptor = self.descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def names(self) -> list[str]:
        """Return what is in it, in order."""
        return sorted(os.listdir(self._itself))  # noqa: PTH208 - of a descriptor

    def own_status(self) -> os.stat_result:
        """Return what the directory itself is."""
        return os.stat(self._itself)  # noqa: PTH116 - of a descriptor

    def status(self, name: str) -> os.stat_result | None:
        """Return what an entry is, a link itself; None if there is none."""
        try:
            return os.stat(self._at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def has_folder(self, name: str) -> bool:
        """Whether there is a directory of that name, and no link to one."""
        if self.descriptor is None:
            return is_real(self.path / name)
        found = self.status(name)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def link_target(self, name: str) -> str:
        """Return where a link (on Windows also a junction) points; empty for anything else."""
        try:
            return os.readlink(self._at(name), dir_fd=self.descriptor)
        except (OSError, ValueError):
            return ""

    def make_folder(self, name: str, mode: int = 0o777) -> None:
        """Make a directory."""
        os.mkdir(self._at(name), mode, dir_fd=self.descriptor)
        shared = self._shared()
        if shared is not None:
            with self.inner(name) as made:
                made.set_mode(shared)

    def make_file(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Make a file which was not there before, whole or not at all."""
        try:
            with os.fdopen(self.create(name, mode), "wb") as opened:
                opened.write(data)
        except FileExistsError:
            raise
        except OSError:
            with suppress(OSError):
                self.unlink(name)
            raise

    def create(self, name: str, mode: int = 0o644) -> int:
        """Make a file which was not there before, and return a descriptor to write to it."""
        file = os.open(self._at(name), _MAKE, mode, dir_fd=self.descriptor)
        shared = self._shared()
        if shared is not None:
            os.fchmod(file, shared & groups.WITHOUT_EXECUTION)
        return file

    def _shared(self) -> int | None:
        """The mode of what is made here, where the directory is a group's."""
        return groups.mode_for(self.own_status())

    @contextmanager
    def opened(self, name: str) -> Iterator[int]:
        """Give the descriptor of a file, to be read; it may be no regular one."""
        file = os.open(self._at(name), ITSELF, dir_fd=self.descriptor)
        try:
            yield file
        finally:
            os.close(file)

    def read(self, name: str, most: int) -> bytes:
        """Return the first bytes of a regular file; OSError for anything else."""
        with self.opened(name) as file:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError(errno.EINVAL, "it is no file", os.fspath(self.path / name))
            return os.read(file, most)

    def set_mode(self, mode: int) -> None:
        """Give the directory itself a mode."""
        os.chmod(self._itself, mode)  # noqa: PTH101 - of a descriptor

    def set_group(self, group: int) -> None:
        """Give the directory itself to a group."""
        os.chown(self._itself, -1, group)

    def set_mode_of(self, name: str, mode: int) -> None:
        """Give a file that was just made a mode."""
        if self.descriptor is None:
            (self.path / name).chmod(mode)
            return
        with self.opened(name) as file:
            os.fchmod(file, mode)

    def set_time(self, seconds: int) -> None:
        """Let the directory itself have been changed at that time."""
        os.utime(self._itself, (seconds, seconds))

    def unlink(self, name: str) -> None:
        """Remove a file or a link."""
        path = self._at(name)
        if self.descriptor is None and Path(path).is_dir():
            Path(path).rmdir()  # takes a junction away, and nothing of what it points at
        else:
            os.unlink(path, dir_fd=self.descriptor)

    def remove_empty(self, name: str) -> None:
        """Remove an empty directory."""
        os.rmdir(self._at(name), dir_fd=self.descriptor)

    def rename(self, name: str, to: "Folder", new_name: str) -> None:
        """Move an entry to a folder on the same file system."""
        os.rename(
            self._at(name),
            to._at(new_name),  # noqa: SLF001 - of the same class
            src_dir_fd=self.descriptor,
            dst_dir_fd=to.descriptor,
        )

    def replace(self, name: str, new_name: str, to: "Folder | None" = None) -> None:
        """Give an entry, here or in another folder, a name that another one may have, which is then gone."""
        to = to or self
        there = to._at(new_name)  # noqa: SLF001 - of the same class
        os.replace(self._at(name), there, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)

    def touch(self, name: str, seconds: int | None = None) -> None:
        """Let an entry, a link itself, have been changed now, or so many seconds after 1970 began."""
        times = None if seconds is None else (seconds, seconds)
        os.utime(self._at(name), times, dir_fd=self.descriptor, follow_symlinks=_UTIME_FOLLOWS)

    def exchange(self, name: str, other: "Folder", other_name: str) -> bool:
        """Let two entries change places in one step; False, and nothing done, where that cannot be."""
        if self.descriptor is None or other.descriptor is None:
            return False
        return filesystem.exchange(name, other_name, self.descriptor, other.descriptor)

    def walk(self) -> Iterator[tuple[str, os.stat_result, int]]:
        """Yield all that is below, through no link: name, status, and descriptor of the folder it is in."""
        for _, folders, files, folder in os.fwalk(".", dir_fd=self.descriptor):
            for name in (*folders, *files):
                yield name, os.stat(name, dir_fd=folder, follow_symlinks=False), folder

    @property
    def _itself(self) -> Path | int:
        return self.path if self.descriptor is None else self.descriptor

    def _at(self, name: str) -> str:
        if not name or "/" in name or os.sep in name or name in (".", ".."):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
        return name if self.descriptor is not None else os.fspath(self.path / name)


def is_real(path: Path) -> bool:
    """Whether there is a directory at `path` itself: neither a symbolic link nor a junction leads to it."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(found.st_mode) and not getattr(found, "st_file_attributes", 0) & _REPARSE_POINT


@contextmanager
def _as_no_folder(path: Path) -> Iterator[None]:
    """Say of a link that it is no directory, as Linux does; others say that there are too many links."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _no_folder(path) from None
        raise


def _no_folder(path: Path) -> NotADirectoryError:
    return NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))
