"""The bytes of a part of a local file, as if they were one of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import BinaryIO

from pyman.errors import FetchError
from pyman.network.address import CHECK
from pyman.network.download import Download
from pyman.system import regular_file

_PIECE = 256 * 1024


@contextmanager
def reading_part(path: Path, offset: int, size: int, cancelled: Event) -> Iterator[Download]:
    """Give `size` bytes of the file at `path` from `offset` on; FetchError where they cannot be read."""
    try:
        file = open(path, "rb", opener=regular_file.opened)  # noqa: SIM115 - closed below
    except OSError as error:
        raise FetchError(f"cannot read {path}: {error.strerror or error}", CHECK) from None
    with file:
        yield Download(path.as_uri(), size, _pieces(file, offset, size), sha256(), cancelled)


def _pieces(file: BinaryIO, offset: int, left: int) -> Iterator[bytes]:
    try:
        file.seek(offset)
        while left and (piece := file.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece
    except OSError as error:
        raise FetchError(f"cannot read {file.name}: {error.strerror or error}", CHECK) from None
