"""A fault at one step of a process: before its Nth change of the file system it is killed, or refused it.

An audit hook sees changes however they are made; what it does not see (writes, fsync) is wrapped. Only what
concerns files below one folder counts.
"""

import errno
import os
import signal
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import Any

_CHANGES = {
    "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.mkdir", "os.chmod", "os.utime",
    "os.truncate",
}  # fmt: skip
# How many paths they are told of; what follows may be a number that is no descriptor.
_PATHS = {"os.rename": 2, "os.symlink": 2, "os.link": 2}
# What is reached through ctypes is seen when it is looked up; a kill there is one before it.
_LOOKED_UP = {"renameat2", "renameatx_np", "syncfs"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_WRAPPED = ("write", "pwrite", "fsync", "fdatasync", "sendfile", "copy_file_range")
KILL = "KILL"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens at which step: `KILL` or the name of an errno. `lasting`: all steps after it fail, too."""

    step: int
    what: str
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.what}{' and ever after' if self.lasting else ''} at step {self.step}"


class Steps:
    """Counts the changes below `root` in memory shared with the parent, and does what `fault` says."""

    def __init__(self, root: str, counter: mmap, fault: Fault) -> None:
        self._root = root
        self._counter = counter
        self._fault = fault
        self._lock = threading.Lock()

    def arm(self) -> None:
        """Watch this process from now on."""
        sys.addaudithook(self._hook)
        for name in _WRAPPED:
            if hasattr(os, name):
                setattr(os, name, self._wrapped(getattr(os, name)))

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITING and self._concerns(path):
                self._step(path)
        elif event in _CHANGES and any(map(self._concerns, arguments[: _PATHS.get(event, 1)])):
            self._step(arguments[0])
        elif event == "ctypes.dlsym" and arguments[1] in _LOOKED_UP and self._fault.what == KILL:
            self._step(None)

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(file: int, *rest: Any) -> Any:  # noqa: ANN401 - as many kinds as there are functions
            if stat.S_ISREG(os.fstat(file).st_mode) and file > 2:
                self._step(None)
            return function(file, *rest)

        return counted

    def _concerns(self, path: object) -> bool:
        """Whether a path is below the root; a name relative to a directory's descriptor is taken to be."""
        if isinstance(path, int):
            return stat.S_ISREG(os.fstat(path).st_mode)
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        text = os.fsdecode(path)
        return not text.startswith("/") or text.startswith(self._root)

    def _step(self, path: object) -> None:
        with self._lock:
            count = int.from_bytes(self._counter[:8], "little") + 1
            self._counter[:8] = count.to_bytes(8, "little")
        if count == self._fault.step or (self._fault.lasting and count > self._fault.step):
            self._act(path)

    def _act(self, path: object) -> None:
        if self._fault.what == KILL:
            os.killpg(0, signal.SIGKILL)
        number = getattr(errno, self._fault.what)
        name = path if isinstance(path, str) else None
        raise OSError(number, os.strerror(number), name)
