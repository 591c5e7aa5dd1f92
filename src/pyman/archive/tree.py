"""A directory as an archive fills it: files, folders and links, made once each and only inside.

That nothing is written elsewhere rests on three things: names are relative and without `..` (names.py), each
directory on the way to a file was made here by mkdir and so is no link, and symbolic links are made last.
"""

import errno
import os
import sys
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from pyman.archive.written import Written
from pyman.errors import TooLargeError
from pyman.system import groups
from pyman.system.filesystem import reachable

_WINDOWS = os.name == "nt"
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
_FD_TIMES = os.utime in os.supports_fd
# Seconds since 1970 that every file system and the header of a .pyc can hold.
_LATEST = 2**32 - 1
# Where a link cannot be made the file is copied: file systems without links, Windows without the right to.
_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EXDEV}
_PRIVILEGE_NOT_HELD = 1314
_PIECE = 1 << 20
_LONGEST_CHAIN = 8  # links on the way to one file; builds have two


class Tree:
    """The inside of an existing, empty directory. Names are relative to it, with slashes.

    All methods raise OSError as the system does, FileExistsError for what is there already. A file may be
    written in any thread once its name was claimed; all else is for one thread. `room` is how many bytes the
    copies may take that stand for links where none can be made; TooLargeError if they take more.
    """

    def __init__(self, root: Path) -> None:
        self._root = reachable(root)
        self._mode = groups.mode_in(root)
        self._made = {""}
        self._claimed: set[str] = set()
        self.written: dict[str, Written] = {}
        self.room = sys.maxsize

    @property
    def directories(self) -> int:
        """How many directories were made, those that only the names of files imply included."""
        return len(self._made) - 1

    def path(self, name: str) -> str:
        """Return where `name` is on disk."""
        return self._root + (name.replace("/", "\\") if _WINDOWS else name)

    def make_directory(self, name: str) -> None:
        """Make a directory and those above it, as far as they were not made here before."""
        missing = []
        while name not in self._made:
            self._check(name)
            missing.append(name)
            name = name.rpartition("/")[0]
        for directory in reversed(missing):
            path = Path(self.path(directory))
            path.mkdir(0o755)
            if self._mode is not None:
                path.chmod(self._mode)
            self._made.add(directory)

    def claim(self, name: str) -> None:
        """Make room for a file: the directory it is in, and nothing else by its name."""
        self.make_directory(name.rpartition("/")[0])
        self._check(name)
        if name in self._made:
            raise _exists(name)
        self._claimed.add(name)

    def _check(self, name: str) -> None:
        """Raise FileExistsError for a file's name, written or not yet: which came first is then known."""
        if name in self._claimed:
            raise _exists(name)

    def write_file(
        self, name: str, pieces: Iterable[memoryview | bytes], mtime: int, *, executable: bool
    ) -> None:
        """Write and hash a claimed file; of its mode only `executable` is taken over, the umask applies."""
        path = self.path(name)
        time = max(0, min(mtime, _LATEST))
        size, digest = 0, sha256()
        file = os.open(path, _CREATE, 0o755 if executable else 0o644)
        try:
            for piece in pieces:
                size += len(piece)
                digest.update(piece)
                _write(file, piece)
            if _FD_TIMES:
                os.utime(file, (time, time))
        finally:
            os.close(file)
        if not _FD_TIMES:
            os.utime(path, (time, time))
        self.written[name] = Written(size, digest.hexdigest(), time * 1_000_000_000)

    def has_file(self, name: str) -> bool:
        """Tell whether a file of this name is there, or claimed and will be."""
        return name in self._claimed

    def link_file(self, name: str, source: str) -> None:
        """Make the claimed `name` a hard link to the file `source`, which was written before."""
        try:
            os.link(self.path(source), self.path(name))
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._copy(self.path(source), name)
            return
        self.written[name] = self.written[source]

    def make_symlink(self, name: str, target: str) -> None:
        """Make a symbolic link; after it no file may be written. The directory it is in has to be there."""
        path = Path(self.path(name))
        source = os.path.normpath(path.parent / target)
        try:
            path.symlink_to(target.replace("/", os.sep), target_is_directory=Path(source).is_dir())
        except OSError as error:
            if error.errno not in _NO_LINKS and getattr(error, "winerror", 0) != _PRIVILEGE_NOT_HELD:
                raise
            self._copy(source, name)

    def _copy(self, source: str, name: str) -> None:
        """Write `name` with the contents of the file at `source`."""
        with Path(source).open("rb") as file:
            status = os.fstat(file.fileno())
            self.room -= status.st_size
            if self.room < 0:
                raise TooLargeError(
                    "The archive has more links than can be made here, and copies would take too much room.",
                    "No build does: do not trust where this archive came from.",
                )
            pieces = iter(lambda: file.read(_PIECE), b"")
            self.write_file(name, pieces, int(status.st_mtime), executable=bool(status.st_mode & 0o100))

    def symlink_fault(self, name: str) -> str:
        """Follow a symbolic link as the system would; return what is wrong with where it leads, or nothing.

        A link to nothing is let be. To be asked when all links are made, for they lead through each other.
        """
        *here, part = name.split("/")
        ahead = [part]
        followed = 0
        while ahead:
            part = ahead.pop()
            if part in ("", "."):
                continue
            if part == ".." and not here:
                return "leads out of the archive"
            if part == "..":
                here.pop()
            elif target := self._target("/".join((*here, part))):
                followed += 1
                ahead.extend(reversed(target.split("/")))
            else:
                here.append(part)
            if followed > _LONGEST_CHAIN:
                return "leads in a circle"
        return ""

    def _target(self, name: str) -> str:
        """Return where a symbolic link points, nothing for what is no link or not there."""
        try:
            return str(Path(self.path(name)).readlink()).replace(os.sep, "/")
        except OSError:
            return ""


def _exists(name: str) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)


def _write(file: int, data: memoryview | bytes) -> None:
    """Write all of `data`; the system may take less at a time."""
    done = os.write(file, data)
    while done < len(data):
        done += os.write(file, data[done:])
