"""Decompresses gzip, bzip2 and zstd as the bytes arrive, in blocks of bounded size."""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

from pyman.archive.tar import DAMAGED, HOSTILE
from pyman.errors import ArchiveError

try:
    # The same interface at twice the speed. It is an extension module: a static Python cannot load it.
    from zlib_ng import zlib_ng as zlib
except ImportError:
    import zlib  # type: ignore[no-redef]

# Bytes of a whole archive after decompression, far above the largest builds.
MAX_INFLATED = 8 << 30
# The largest zstd window is 2**27 bytes = 128 MiB: what level 22 uses, the highest, and what the zstd program
# takes without being told to. The window is memory that the archive asks for, so a larger one is refused.
MAX_WINDOW_LOG = 27
# Streams (gzip members, zstd frames) in one archive; published ones have one. Each costs time, however small.
MAX_STREAMS = 10_000
# How often a document may have been packed: by its author, and by a server.
MAX_PACKINGS = 2
# Bytes of a block: what comes of one piece of the network's. The fewer are handed over, the less do threads
# wait for the interpreter's lock: with half as many bytes an archive took a tenth longer.
BLOCK = 1 << 20

ZIP = b"PK\3\4"  # unzip reads those

_GZIP = b"\x1f\x8b\x08"
_BZIP2 = b"BZh"
_ZSTD = b"\x28\xb5\x2f\xfd"
# What archives begin with, and what their names end in.
ENDINGS = {_GZIP: "tar.gz", _BZIP2: "tar.bz2", _ZSTD: "tar.zst", ZIP: "zip"}
_OTHERS = {
    b"PK": "is an empty zip file, or a part of one",
    b"\xfd7zXZ": "is compressed with xz",
    b"<": "is a web page or XML, perhaps a proxy's log-in page",
    b"{": "is JSON, perhaps a server's error message",
}
FORMATS = "A build is a .tar.gz, .tar.bz2, .tar.zst or .zip."
_NO_DOCUMENT = "No metadata are so large: look at what is served there, or name another source."
_OTHER = "Look at what the source serves at that address, or name another source with --mirror."


class _Decoder(Protocol):
    """Decompresses one stream of a format, and keeps the input that it had no room to decompress."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gzip:
    """zlib's decoder for one gzip member, made to look like zstd's."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)


def blocks(chunks: Iterable[bytes], at_most: int = MAX_INFLATED) -> Iterator[bytes]:
    """Yield what `chunks` hold when decompressed, in blocks of at most BLOCK bytes.

    Every chunk yields a block, though it may be empty: so who takes the blocks can stop whatever comes in.

    The formats are told apart by their first bytes. Several streams of one in a row are one archive, as each
    of them defines it. Raises ArchiveError for anything else, for damaged or truncated data, for what follows
    the last stream (zeros after gzip are padding, as gzip itself has it), and when more than `at_most` bytes
    come out.
    """
    start, chunks = peek(iter(chunks))
    if start.startswith(_GZIP):
        # The stub of zlib_ng has an instance there.
        inflated = _decode(chunks, _Gzip, zlib.error, padding=b"\0")  # type: ignore[arg-type]
    elif start.startswith(_BZIP2):
        inflated = _bzip2(chunks)
    elif start.startswith(_ZSTD):
        inflated = _zstd(chunks)
    else:
        raise ArchiveError(
            f"The archive {_looks_like(start)}, not a .tar.gz, .tar.bz2, .tar.zst or .zip.", _OTHER
        )
    total = 0
    for block in inflated:
        total += len(block)
        if total > at_most:
            raise ArchiveError(f"The archive inflates to more than {at_most:,} bytes.", HOSTILE)
        yield block


def ending(start: bytes) -> str:
    """Return what the name of an archive that begins so ends in; it has been unpacked, so it is one."""
    return next(ending for magic, ending in ENDINGS.items() if start.startswith(magic))


def is_archive(start: bytes) -> bool:
    """Whether data that start so are in one of the formats that archives have."""
    return start.startswith(tuple(ENDINGS))


def plain(chunks: Iterator[bytes], at_most: int, packings: int = MAX_PACKINGS) -> Iterator[bytes]:
    """Yield a document as it was before it was packed, perhaps twice: a server may pack as well.

    Raises ArchiveError for damaged data, and when more than `at_most` bytes come out.
    """
    start, chunks = peek(chunks)
    if packings and start.startswith((_GZIP, _BZIP2, _ZSTD)):
        # By a block more, so that it is not said of an archive, but below.
        yield from plain(blocks(chunks, at_most + BLOCK), at_most, packings - 1)
        return
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > at_most:
            raise ArchiveError(f"It is longer than {at_most:,} bytes.", _NO_DOCUMENT)
        yield chunk


def peek(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return enough first bytes to tell formats apart, if there are so many, and all the chunks."""
    start = b""
    for chunk in chunks:
        start += chunk
        if len(start) >= len(_ZSTD):
            break
    return start, chain((start,), chunks)


def objection(start: bytes) -> str:
    """Say what data are that no archive of a build begins with; nothing of one that may be."""
    return "" if is_archive(start) else _looks_like(start)


def _looks_like(start: bytes) -> str:
    """Say what data with this start is."""
    if not start:
        return "is empty"
    for magic, description in _OTHERS.items():
        if start.lstrip().startswith(magic):
            return description
    return f"begins with the bytes {start[:8].hex(' ')}"


def _decode(
    chunks: Iterator[bytes], new: Callable[[], _Decoder], foreign: type[Exception], padding: bytes = b""
) -> Iterator[bytes]:
    """Yield the blocks of all streams; what a decoder raises for bad data is `foreign`."""
    decoder, streams = new(), 1
    for chunk in chunks:
        data = chunk
        while data or not (decoder.eof or decoder.needs_input):
            if decoder.eof:
                data = data.lstrip(padding)
                if not data:
                    yield b""
                    break
                decoder, streams = new(), streams + 1
                if streams > MAX_STREAMS:
                    raise ArchiveError(
                        f"The archive has more than {MAX_STREAMS:,} compressed streams.", HOSTILE
                    )
            try:
                block = decoder.decompress(data, BLOCK)
            except foreign as error:
                raise ArchiveError(f"The archive is damaged: {error}.", DAMAGED) from error
            data = decoder.unused_data
            yield block
    if not decoder.eof:
        raise ArchiveError("The archive is truncated: its compressed data have no end.", DAMAGED)


def _bzip2(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks of all bzip2 streams."""
    # Imported here, for few archives need it and it is not in every Python.
    try:
        import bz2  # noqa: PLC0415
    except ImportError as error:
        raise ArchiveError(
            "The archive is compressed with bzip2, which this Python cannot read.",
            "Run pyman with a Python that has the module bz2.",
        ) from error
    return _decode(chunks, bz2.BZ2Decompressor, OSError)


def _zstd(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks of all zstd frames."""
    # Imported here, for few archives need it and it is not in every Python.
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415
        else:
            from backports import zstd  # noqa: PLC0415
    except ImportError as error:
        raise ArchiveError(
            "The archive is compressed with zstd, which this Python cannot read.",
            "Install backports.zstd, or run pyman with a Python that has compression.zstd.",
        ) from error
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}
    return _decode(chunks, lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError)
