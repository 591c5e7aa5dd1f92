"""Locks for file systems that have none, such as some NFS: files that say who wants to hold what.

A process claims a name by a file of its own, and holds it if it then finds no other's claim there. Of two
that claim at once, the later sees the claim of the earlier; where both see each other, both withdraw and try
again after a while of random length. No claim has a name that was there before, so whoever finds that its
owner is gone may take it away: nobody ever takes away another claim by mistake.

The owner of a claim touches it every few seconds. It is gone if it was a process of this system that has
ended, or if its claim was not touched for a minute: processes of other systems cannot be seen. One that was
asleep so long, and wakes, has lost its lock without knowing it.

Needed of the file system: what was made in a directory is seen by whoever looks into it later. Processes that
can lock and processes that cannot do not see each other.
"""

import errno
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from threading import Event, Thread

from pyman.locking.owner import Owner, name_in
from pyman.system.folder import Folder

_LEASE = 60.0  # seconds
_BEATS = 6  # in one lease
_END = ".claim"
_FULL_NAME = re.compile(r".+\.[0-9a-f]{16}\.claim", re.ASCII)


class Claim:
    """A lock like filelock's, which can be had by one process and one thread of it at a time.

    `lease` is after how many seconds without a sign of life an owner counts as gone.
    """

    def __init__(self, folder: Path, name: str, lease: float = _LEASE) -> None:
        self._folder = folder
        self._name = name
        self._lease = lease
        self._file = folder
        self._released = Event()
        self._seen: dict[str, tuple[int, float]] = {}

    def acquire(self) -> bool:
        """Try to get the lock, and tell whether it is held. Raises OSError."""
        if self._others():
            return False
        self._file = self._folder / f"{self._name}.{os.urandom(8).hex()}{_END}"
        held = False
        try:
            with Folder.open(self._folder) as folder:
                Owner.here().write(folder, self._file.name)
            held = not self._others() and self._file.exists()
        finally:
            if not held:
                self._withdraw()
        if held:
            Thread(target=self._stay_alive, daemon=True).start()
        return held

    def release(self) -> None:
        """Give the lock back."""
        self._released.set()
        self._withdraw()

    def owner(self) -> str:
        """Return what the process that holds it is called in a message."""
        return next(map(name_in, self._others()), name_in(self._file))

    def _others(self) -> list[Path]:
        """The claims of others that count."""
        return [path for path in self._claims() if path != self._file and not self._is_void(path)]

    def _claims(self) -> Iterator[Path]:
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(_END) and entry.name.rsplit(".", 2)[0] == self._name:
                    yield Path(entry.path)

    def _withdraw(self) -> None:
        with suppress(FileNotFoundError), Folder.open(self._folder) as folder:
            folder.unlink(self._file.name)

    def _is_void(self, path: Path) -> bool:
        """Whether a claim was withdrawn, its owner is gone, or it is none; pyman's own is then taken away."""
        try:
            # Over NFS only what is opened is sure to be up to date.
            with Folder.open(self._folder) as folder, folder.opened(path.name) as file:
                status = os.fstat(file)
                text = os.read(file, 200).decode("utf-8", "replace") if S_ISREG(status.st_mode) else None
        except FileNotFoundError:
            return True
        except PermissionError:  # another member of a group has just made it
            text, status = "", path.lstat()
        except OSError as error:
            if error.errno == errno.ELOOP:  # a link: pyman makes none
                return True
            raise
        if text is None:
            return True
        if not _is_gone(text) and not self._is_silent(path.name, status.st_mtime_ns):
            return False
        if _is_description(text) or _FULL_NAME.fullmatch(path.name):
            with suppress(FileNotFoundError), Folder.open(self._folder) as folder:
                folder.unlink(path.name)
        return True

    def _is_silent(self, name: str, touched: int) -> bool:
        """Whether a claim was not touched for the lease, by this process' clock: those of systems differ."""
        now = time.monotonic()
        before = self._seen.get(name)
        if before is None or before[0] != touched:
            self._seen[name] = touched, now
            return False
        return now - before[1] >= self._lease

    def _stay_alive(self) -> None:
        while not self._released.wait(self._lease / _BEATS):
            with suppress(OSError):
                os.utime(self._file)


def _is_description(text: str) -> bool:
    try:
        return bool(Owner.parse(text))
    except ValueError:
        return False


def _is_gone(text: str) -> bool:
    try:
        return Owner.parse(text).is_gone
    except ValueError:  # not written yet
        return False
