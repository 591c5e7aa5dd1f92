"""A shell on a terminal of its own, in which a test types: each line is followed by a prompt."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

_PATIENCE = 60.0  # seconds, on a machine that does other things too
_ENTER = b"\r"
_CURSOR = b"\x1b[6n"  # nushell asks where the cursor is, and waits for an answer
_CONTROL = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_=>])|\r")


class Interactive:
    """A shell to type into; to be closed.

    `say` is a format that makes its shell print two texts as one, as soon as it has come to the line. A shell
    that throws away what is typed before it asks where the cursor is has to be `waited_for`.

    `raw` is all that came.
    """

    def __init__(
        self,
        command: list[str],
        variables: Mapping[str, str],
        cwd: Path,
        say: str,
        *,
        waited_for: bool = False,
    ) -> None:
        self._say = say
        self._waited_for = waited_for
        self._asked, self._answered = 0, 0
        self._count = 0
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
        self.process = subprocess.Popen(
            command,
            env={**variables, "TERM": "dumb"},
            cwd=cwd,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - nothing else runs here meanwhile
        )
        os.close(theirs)
        self._raw = self.raw = b""
        try:
            self.type("")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the shell, by closing its terminal."""
        os.close(self._ours)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGHUP)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(_PATIENCE)

    def type(self, line: str | bytes) -> str:
        """Type a line, and return what was shown until the next line was taken."""
        text = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line
        for each in text.split(b"\n"):
            self._write(each + _ENTER)
        self._count += 1
        mark = f"{self._count}is-done"
        # The two halves are never beside each other but where they are printed.
        self._write(self._say.format(f"<{mark[:3]}", f"{mark[3:]}>").encode() + _ENTER)
        return self._until(f"<{mark}>".encode())

    def _write(self, data: bytes) -> None:
        end = time.monotonic() + _PATIENCE
        while self._waited_for and self._asked <= self._answered and time.monotonic() < end:
            self._answer(1.0)
        self._answered = self._asked
        while data:
            self._answer(0.0)
            _, ready, _ = select.select([], [self._ours], [], 0.2)
            if ready:
                data = data[os.write(self._ours, data[:200]) :]

    def _until(self, mark: bytes) -> str:
        end = time.monotonic() + _PATIENCE
        while mark not in (shown := _CONTROL.sub(b"", self._raw)):
            if time.monotonic() > end or not self._answer(1.0):
                raise AssertionError(f"{mark!r} did not come; what came is {shown!r}")
        before, _, rest = shown.partition(mark)
        self._raw = rest
        return before.decode("utf-8", "surrogateescape")

    def _answer(self, seconds: float) -> bool:
        """Read what is there, at most for so long; False once nobody has the other end open."""
        ready, _, _ = select.select([self._ours], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self._ours, 65536)
        except OSError:
            return False
        self._raw += data
        self.raw += data
        for _ in range(data.count(_CURSOR)):
            self._asked += 1
            os.write(self._ours, b"\x1b[1;1R")
        return bool(data)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
