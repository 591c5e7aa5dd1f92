"""Owner: the process that holds a lock, as others read of it in a file."""

import os
import socket
from pathlib import Path
from typing import NamedTuple, Self

from pyman import groups

_UNKNOWN = "another process"


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

    def write(self, path: Path) -> None:
        """Write the description that `parse` takes; everybody may read it. Raises OSError.

        In the folder of a group all of the group may, whatever the umask. What was there before may be
        another user's: it is not written to but replaced.
        """
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            groups.hand_down(path)
            os.write(file, str(self).encode())
        finally:
            os.close(file)

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
        return Owner.parse(path.read_text(encoding="utf-8")).name
    except (OSError, ValueError):
        return _UNKNOWN


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
