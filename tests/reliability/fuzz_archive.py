"""Coverage-guided fuzzing of all that reads an archive, with atheris (on Linux).

    pip install atheris && python -m tests.reliability.fuzz_archive -max_total_time=600

Options are those of libFuzzer; a folder keeps what it finds interesting, else a temporary one does. It begins
with the archives of tests.support.archives. An input's first byte says how the rest is wrapped: hardly any
mutation gets through the checksums of gzip and tar, and what must hold is the law of tests/property.
"""

import contextlib
import gzip
import importlib
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO

from tests.reliability.fuzzing import Target, fuzz
from tests.support import archives

BLOCK = 512
_CHECKSUM = slice(148, 156)
_MAGIC = slice(257, 262)
_MODULES = [
    "pyman.archive.unpack",
    "pyman.archive.tar",
    "pyman.archive.unzip",
    "pyman.archive.inflate",
    "pyman.archive.member_names",
    "pyman.archive.tree",
]


def with_checksums(tar: bytes) -> bytes:
    """Return `tar` with the checksum put right in every block that looks like a header."""
    blocks = [bytearray(tar[at : at + BLOCK]) for at in range(0, len(tar), BLOCK)]
    for block in blocks:
        if len(block) == BLOCK and block[_MAGIC] == b"ustar":
            block[_CHECKSUM] = b" " * 8
            block[_CHECKSUM] = b"%06o\0 " % sum(block)
    return b"".join(blocks)


def _wrapped(data: bytes) -> bytes:
    """Return the archive that an input stands for."""
    kind, rest = data[:1], data[1:]
    if kind == b"t":
        return gzip.compress(with_checksums(rest), 0, mtime=0)
    if kind == b"e":  # with an end, so that the archive is whole if its members are
        return gzip.compress(with_checksums(rest + bytes(-len(rest) % BLOCK + 2 * BLOCK)), 0, mtime=0)
    return rest


def seeds() -> Iterator[bytes]:
    """Yield what fuzzing begins with: the hostile corpus and sound archives, tars without their gzip."""
    sound = [pack(archives.build()) for pack in (archives.gz, archives.zst, archives.bz)]
    for data in [*(each.data for each in archives.HOSTILE.values()), *sound, sound_zip()]:
        yield b"r" + data
        with contextlib.suppress(OSError, EOFError, ValueError):
            tar = gzip.decompress(data)
            yield b"t" + tar
            # Without the long stretches of zeros, in which no mutation means anything.
            yield b"e" + tar.rstrip(b"\0")


def sound_zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("pypy3.11-v7/bin/pypy3", b"#!/bin/sh\n")
        file.writestr("pypy3.11-v7/lib/os.py", b"x = 1\n" * 100)
    return buffer.getvalue()


def _load() -> Target:
    law = importlib.import_module("tests.property.test_archive_law").unpacked_or_refused

    def target(data: bytes) -> None:
        law(_wrapped(data))

    return target


if __name__ == "__main__":
    sys.exit(fuzz(_MODULES, seeds(), _load))
