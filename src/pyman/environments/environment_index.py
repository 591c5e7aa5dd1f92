"""The index of a store: where the virtual environments are that pyman has met and that use it.

It is a folder with small files, each of which holds the path of one environment, or the paths of those that
were found in one folder, parted by NUL. Nobody locks it. What is in it is only ever a hint where to look.
"""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import ENOTDIR
from pathlib import Path

from pyman.environments.entrances import read
from pyman.environments.pyvenv import CONFIG
from pyman.system import groups, regular_file

_NAME = ".environments"
_MOST = 1000
_LARGEST = 1024 * 1024
_OURS = re.compile(r"[0-9a-f]{16}")
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def note(store_home: Path, environment: Path) -> None:
    """Put an environment into the index of the store if it uses it; silent when that cannot be done.

    The index keeps to 1000 files: those of environments that are gone make room, then the oldest ones.
    """
    with suppress(OSError, ValueError):
        path = Path(os.path.realpath(environment))
        if read(store_home, path):
            with _opened(store_home, make=True) as index:
                index.put(str(path), [str(path)])


def note_all(store_home: Path, environments: Iterable[Path]) -> None:
    """Put environments that use the store into its index, one file for all in one folder; silent as `note`.

    What the index has already is not written again.
    """
    beside: dict[str, list[str]] = {}
    for path in map(str, environments):
        beside.setdefault(os.path.split(path)[0], []).append(path)
    missing = set().union(*beside.values()) - set(paths(store_home))
    with suppress(OSError, ValueError):
        if missing:
            with _opened(store_home, make=True) as index:
                for folder, those in beside.items():
                    if not missing.isdisjoint(those):
                        index.put(those[0] if len(those) == 1 else folder, those)


def paths(store_home: Path) -> list[str]:
    """Return where environments were met, each once, in full; they may be gone, or use the store no more."""
    try:
        with _opened(store_home, make=False) as index:
            return list(dict.fromkeys(path for name in index.names() for path in index.noted(name)))
    except OSError:
        return []


def fault(store_home: Path) -> tuple[Path, str] | None:
    """Return what is in the place of the index and why it cannot be read; None if it can, or is not yet."""
    try:
        with _opened(store_home, make=False):
            return None
    except OSError as error:
        place = store_home / _NAME
        # Where nothing is there, or the store itself is closed or none, others say so.
        return (place, error.strerror or str(error)) if os.path.lexists(place) else None


class _Index:
    """The folder, held open where the system can: a link that takes its place meanwhile leads nowhere."""

    def __init__(self, folder: Path, descriptor: int | None) -> None:
        self._folder = folder
        self._descriptor = descriptor

    def names(self) -> list[str]:
        """The names of its files; whatever else is there is not the index's."""
        return [name for name in os.listdir(self._place) if _OURS.fullmatch(name)]  # noqa: PTH208 - descriptor

    def noted(self, name: str) -> list[str]:
        """The paths in one of its files; none where that is damaged."""
        try:
            if self._is_foreign(name):
                return []
            data = regular_file.whole(self._folder / name, _LARGEST)
        except OSError:
            return []
        return list(filter(os.path.isabs, os.fsdecode(data).split("\0")))

    def put(self, about: str, noted: Iterable[str]) -> None:
        """Write the file about an environment or a folder of them, whole; OSError if that cannot be done."""
        name = _file_name(about)
        if self._is_foreign(name):
            return
        content = os.fsencode("\0".join(noted))
        if os.fsencode("\0".join(self.noted(name))) == content:
            follow = os.utime not in os.supports_follow_symlinks
            os.utime(self._at(name), dir_fd=self._descriptor, follow_symlinks=follow)
            return
        self._make_room()
        waiting = f".{name}.{os.getpid()}"
        with suppress(FileNotFoundError):
            os.unlink(self._at(waiting), dir_fd=self._descriptor)
        file = os.open(self._at(waiting), _NEW, 0o644, dir_fd=self._descriptor)
        try:
            shared = groups.mode_for(os.stat(self._place))  # noqa: PTH116 - a descriptor
            if shared is not None:
                os.fchmod(file, shared & groups.WITHOUT_EXECUTION)
            os.write(file, content)
        finally:
            os.close(file)
        where = self._descriptor
        os.replace(self._at(waiting), self._at(name), src_dir_fd=where, dst_dir_fd=where)

    def _make_room(self) -> None:
        names = self.names()
        if len(names) < _MOST:
            return
        there = []
        for name in names:
            if any(Path(path, CONFIG).exists() for path in self.noted(name)):
                there.append(name)
            else:
                self._remove(name)
        for name in sorted(there, key=lambda each: self._status(each).st_mtime_ns)[: len(there) - _MOST + 1]:
            self._remove(name)

    def _remove(self, name: str) -> None:
        if not self._is_foreign(name):
            os.unlink(self._at(name), dir_fd=self._descriptor)

    def _is_foreign(self, name: str) -> bool:
        """Whether what has the name of a file of the index is something else, which stays."""
        try:
            return not stat.S_ISREG(self._status(name).st_mode)
        except FileNotFoundError:
            return False

    def _status(self, name: str) -> os.stat_result:
        return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)

    @property
    def _place(self) -> Path | int:
        return self._folder if self._descriptor is None else self._descriptor

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else str(self._folder / name)


@contextmanager
def _opened(store_home: Path, *, make: bool) -> Iterator[_Index]:
    """Give the index; OSError where there is none, or something else has its name."""
    folder = store_home / _NAME
    if make:
        with suppress(FileExistsError):
            folder.mkdir(0o755)
            groups.hand_down(folder)
    if os.open not in os.supports_dir_fd:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(folder))
        yield _Index(folder, None)
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield _Index(folder, descriptor)
    finally:
        os.close(descriptor)


def _file_name(path: str) -> str:
    """A file name for a path: FNV-1a, 64 bits. hashlib would cost `pyman find` 5 ms, and nobody is fooled."""
    value = 0xCBF29CE484222325
    for byte in os.fsencode(path):
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return f"{value:016x}"
