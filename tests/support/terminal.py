"""A terminal of its own for a run of pyman, and its screen as people would see it."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Callable
from dataclasses import dataclass

import pyte
from tests.conftest import Pyman

_PIECE = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """What a run showed: each picture of the screen, the last one, the bytes that came, its exit code."""

    pictures: list[list[str]]
    raw: bytes
    code: int

    @property
    def last(self) -> list[str]:
        """The lines on the screen at the end."""
        return self.pictures[-1]


class Terminal:
    """A pseudo-terminal with a screen; its size can be changed while something runs in it."""

    def __init__(self, columns: int, rows: int = 40) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._ours, self._theirs = pty.openpty()
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int = 40) -> None:
        """Change its size, as whoever pulls at the window's corner does."""
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def run(
        self, pyman: Pyman, *args: str, env: dict[str, str], look: Callable[[list[str]], None] | None = None
    ) -> Shown:
        """Run pyman in it, and `look` at each picture of the screen that comes about."""
        variables = {name: value for name, value in pyman.variables().items() if name != "COLUMNS"}
        process = subprocess.Popen(
            pyman.command(*args),
            env=variables | {"TERM": "xterm-256color"} | env,
            cwd=pyman.work,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
        )
        os.close(self._theirs)
        pictures, raw = [], b""
        try:
            while data := self._read():
                raw += data
                self._stream.feed(data)
                pictures.append([line.rstrip() for line in self.screen.display if line.strip()])
                if look:
                    look(pictures[-1])
        finally:
            os.close(self._ours)
        return Shown(pictures, raw, process.wait(60))

    def _read(self) -> bytes:
        """What comes next; nothing once nobody has the other end open."""
        try:
            return os.read(self._ours, _PIECE)
        except OSError:
            return b""
