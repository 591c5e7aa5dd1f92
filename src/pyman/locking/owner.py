"""Owner: the process that holds a lock, as others read of it in a file."""

import os
import socket
import stat
from pathlib import Path
from typing import NamedTuple, Self

from pyman.system.folder import Folder

_UNKNOWN = "another process"
_LONGEST = 2000  # bytes of a description


class Owner(NamedTuple):
    """A process: its number, the system which numbers its processes, and what that is called."""

    pid: int
    system: str
    host: str

    @classmethod
    def here(cls) -> Self:
        """Return this process."""
        return cls(os.getpid(), _system(), socket.gethostname())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the process that is described by `text`; ValueError if that is no description."""
        pid, system, host = text.splitlines()
        if not pid.isdecimal() or not 0 < int(pid) < 2**31:
            raise ValueError(pid)
        return cls(int(pid), system, host)

    def __str__(self) -> str:
        return f"{self.pid}\n{self.system}\n{self.host}\n"

    def write(self, folder: Folder, name: str) -> None:
        """Write the description that `parse` takes to a new file; everybody may read it. Raises OSError."""
        folder.make_file(name, str(self).encode())

    def replace(self, folder: Folder, name: str) -> bool:
        """Do so in place of an earlier description; False, and nothing done, if something else is there.

        An empty file is one that a process died over. Raises OSError.
        """
        found = folder.status(name)
        if found:
            is_begun = stat.S_ISREG(found.st_mode) and not found.st_size
            if not is_begun and read(folder, name) is None:
                return False
            folder.unlink(name)
        self.write(folder, name)
        return True

    @property
    def is_gone(self) -> bool:
        """Whether it has certainly come to an end; of other systems nothing is known."""
        if os.name != "posix" or self.system != _system():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:  # it belongs to somebody else
            return False
        return _is_zombie(self.pid)

    @property
    def name(self) -> str:
        """What it is called in a message."""
        if self.is_gone:
            return _UNKNOWN
        return f"{_UNKNOWN} (pid {self.pid}{'' if self.system == _system() else f' on {self.host}'})"


def name_in(path: Path) -> str:
    """Return what the process that the file describes is called in a message."""
    try:
        with Folder.open(path.parent) as folder:
            owner = read(folder, path.name)
    except OSError:
        return _UNKNOWN
    return owner.name if owner else _UNKNOWN


def read(folder: Folder, name: str) -> Owner | None:
    """Return the process that a file describes; None if it is no such file."""
    try:
        return Owner.parse(folder.read(name, _LONGEST).decode())
    except (OSError, ValueError):
        return None


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and nobody has asked how yet: in a container that may take for ever."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]  # the name before it may hold anything


def _system() -> str:
    """What tells this system, until it is started again, from others that share a file system with it.

    Two containers of one host have one boot id, and each its own numbers of processes.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except (OSError, ValueError):  # not Linux, or no /proc
        return socket.gethostname()
