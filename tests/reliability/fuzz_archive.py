"""Coverage-guided fuzzing of all that reads an archive, with atheris (on Linux).

    pip install atheris && python -m tests.reliability.fuzz_archive -max_total_time=600

Options are those of libFuzzer; a folder keeps what it finds interesting, else a temporary one does. It begins
with the archives of tests/archives.py. An input's first byte says how the rest is wrapped, for hardly any
mutation gets through the checksums of gzip and tar, and what must hold is the law of tests/property.
"""

import contextlib
import gzip
import hashlib
import importlib
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from tests import archives

BLOCK = 512
_CHECKSUM = slice(148, 156)
_MAGIC = slice(257, 262)
_MODULES = ["pyman.archive", "pyman.tar", "pyman.unzip", "pyman.inflate", "pyman.names", "pyman.tree"]


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


def write_seeds(folder: Path) -> None:
    """Write what fuzzing begins with: the hostile corpus and sound archives, tars without their gzip."""
    whole = [archives.gz(archives.build()), archives.zst(archives.build()), archives.bz(archives.build())]
    for data in [*(each.data for each in archives.HOSTILE.values()), *whole, sound_zip()]:
        seeds = [b"r" + data]
        with contextlib.suppress(OSError, EOFError, ValueError):
            # Without the long stretches of zeros, in which no mutation means anything.
            tar = gzip.decompress(data)
            seeds += [b"t" + tar, b"e" + tar.rstrip(b"\0")]
        for seed in seeds:
            if len(seed) < 1 << 17:
                (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def sound_zip() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("pypy3.11-v7/bin/pypy3", b"#!/bin/sh\n")
        file.writestr("pypy3.11-v7/lib/os.py", b"x = 1\n" * 100)
    return buffer.getvalue()


def _target(law: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        law(_wrapped(data))

    return target


def _atheris() -> ModuleType:
    try:
        return importlib.import_module("atheris")
    except ModuleNotFoundError:
        sys.exit("atheris is missing: pip install atheris")


def _fuzz(seeds: str) -> NoReturn:
    """Fuzz until the options of libFuzzer say that it is enough; this ends the process."""
    atheris = _atheris()
    with atheris.instrument_imports(include=_MODULES):
        for name in _MODULES:
            importlib.import_module(name)
    law = importlib.import_module("tests.property.test_archive_law")
    options = [each for each in sys.argv[1:] if each.startswith("-")]
    folders = [each for each in sys.argv[1:] if not each.startswith("-")]
    # What is found is written to the first folder; those that follow are only read.
    command = [sys.argv[0], "-max_len=65536", *options, *folders, seeds]
    atheris.Setup(command, _target(law.unpacked_or_refused))
    atheris.Fuzz()
    sys.exit()


def main() -> int:
    """Fuzz in a process of its own, for its end is none that cleans up; returns its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        write_seeds(Path(folder))
        child = os.fork()
        if child == 0:
            _fuzz(folder)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
