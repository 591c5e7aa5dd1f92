"""How much an archive may unpack to: a multiple of its own size, whatever a server says that is.

What is unpacked is not verified yet, and a few kilobytes can stand for any number of bytes. So no more is let
through than what has come of the archive allows. If one wants more, the rest of it is waited for, and kept in
a file meanwhile: its size decides, and no header has to be believed.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import BinaryIO, Self

from pyman.errors import TooLargeError

# Builds unpack to 3 to 8 times their size. The rest is for what is small: 64 MiB are no danger to a disk.
_TIMES = 20
_SPARE = 64 << 20
# What a file, a folder or a link takes on most disks, however little is in it.
_ENTRY = 4096
_PIECE = 1 << 18  # bytes that are read again at once
_HINT = "No build does: do not trust where this archive came from."


class Allowance:
    """What an archive may unpack to of which `received` bytes have come; where some are `given`, those."""

    def __init__(self, received: int = 0, given: int | None = None) -> None:
        self.received = received
        self.given = given

    @property
    def size(self) -> int:
        """So many bytes."""
        return _TIMES * self.received + _SPARE if self.given is None else self.given

    @property
    def entries(self) -> int:
        """So many files, folders and links."""
        return self.size // _ENTRY if self.given is None else sys.maxsize

    def refusal(self) -> TooLargeError:
        """Return the error for an archive, all of which has come, that wants more."""
        return TooLargeError(
            f"The archive of {self.received:,} bytes unpacks to more than {self.size:,} bytes, "
            f"{_TIMES} times its size and {_SPARE >> 20} MiB.",
            _HINT,
        )


class Supply(Allowance):
    """The chunks of an archive, counted as they are taken; a context manager. `folder` has the file, if any.

    Iterating raises what the chunks raise, and OSError.
    """

    def __init__(self, chunks: Iterable[bytes], folder: Path, given: int | None = None) -> None:
        super().__init__(given=given)
        self._chunks = iter(chunks)
        self._folder = folder
        self._ahead: BinaryIO | None = None
        self._taken = 0  # of the file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ahead:
            self._ahead.close()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._again() or self._next():
            yield chunk

    def covering(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the blocks which the chunks decompress to; TooLargeError instead of one that is too much."""
        total = 0
        for block in blocks:
            total += len(block)
            while total > self.size:
                chunk = self._next()
                if not chunk:
                    raise self.refusal()
                self._keep(chunk)
            yield block

    def _next(self) -> bytes:
        """Return the next chunk that comes, b"" after the last."""
        chunk = next(filter(None, self._chunks), b"")
        self.received += len(chunk)
        return chunk

    def _keep(self, chunk: bytes) -> None:
        if not self._ahead:
            self._ahead = TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed with the supply
        self._ahead.seek(0, 2)
        self._ahead.write(chunk)

    def _again(self) -> bytes:
        """Return what waits in the file, a piece of it."""
        if not self._ahead:
            return b""
        self._ahead.seek(self._taken)
        piece = self._ahead.read(_PIECE)
        self._taken += len(piece)
        return piece
