"""Program: what an ELF executable says about the system it was made for.

Only the header, the program headers and the loader's name are read, at most MAX_BYTES whatever they claim.
The layout is the System V gABI's, chapters 4 and 5, as elf(5) shows it.
"""

import os
import struct
from typing import BinaryIO, NamedTuple

from pyman.system import regular_file

EM_386 = 3
EM_PPC64 = 21
EM_S390 = 22
EM_ARM = 40
EM_X86_64 = 62
EM_AARCH64 = 183
EM_RISCV = 243
EF_ARM_ABI_FLOAT_HARD = 0x400

MAX_BYTES = 12 * 1024
_HEADER_BYTES = 64
_MOST_SEGMENTS = 128  # a real program has about thirteen
_LONGEST_PATH = 4096  # PATH_MAX: the kernel refuses a longer loader's name too
_EXECUTABLE_TYPES = (2, 3)  # ET_EXEC, and ET_DYN: position-independent executables
_PT_INTERP = 3


class Program(NamedTuple):
    """An executable's header: `machine` is its EM_ number, `flags` its EF_ ones, `bits` 32 or 64.

    `interpreter` is the path of its loader (PT_INTERP), None in a static program.
    """

    machine: int
    bits: int
    little_endian: bool
    flags: int
    interpreter: str | None


# By the first six bytes: bits, little endian, and how to unpack type, machine, the program headers' offset,
# flags, their size and number from the header; type, offset and size in the file from a program header.
_LAYOUTS = {
    b"\x7fELF\x01\x01": (32, True, struct.Struct("<16xHH8xI4xI2xHH"), struct.Struct("<II8xI12x")),
    b"\x7fELF\x01\x02": (32, False, struct.Struct(">16xHH8xI4xI2xHH"), struct.Struct(">II8xI12x")),
    b"\x7fELF\x02\x01": (64, True, struct.Struct("<16xHH12xQ8xI2xHH"), struct.Struct("<I4xQ16xQ16x")),
    b"\x7fELF\x02\x02": (64, False, struct.Struct(">16xHH12xQ8xI2xHH"), struct.Struct(">I4xQ16xQ16x")),
}


def read_program(path: str | os.PathLike[str]) -> Program | None:
    """Return the program at `path`; None if it cannot be read, is no ELF executable or is damaged."""
    try:
        with open(path, "rb", buffering=0, opener=regular_file.opened) as file:
            return program_in(file)
    except (OSError, ValueError):
        return None


def program_in(file: BinaryIO) -> Program | None:
    """Return the program that `file`, which is unbuffered and seekable, holds; None if it is none."""
    try:
        head = _read_at(file, 0, _HEADER_BYTES)
        return _parse(file, head) if head[:6] in _LAYOUTS else None
    except (OSError, OverflowError, ValueError, struct.error):
        return None


def _parse(file: BinaryIO, head: bytes) -> Program | None:
    bits, little_endian, header, segment_header = _LAYOUTS[head[:6]]
    kind, machine, offset, flags, size, number = header.unpack_from(head)
    if kind not in _EXECUTABLE_TYPES or size != segment_header.size or number > _MOST_SEGMENTS:
        return None
    segments = segment_header.iter_unpack(_read_at(file, offset, size * number))
    found = next((segment for segment in segments if segment[0] == _PT_INTERP), None)
    interpreter = _path_at(file, found[1], found[2]) if found else None
    return Program(machine, bits, little_endian, flags, interpreter)


def _path_at(file: BinaryIO, offset: int, size: int) -> str:
    if size > _LONGEST_PATH:
        raise ValueError("the loader's name is too long")
    text, end, _ = _read_at(file, offset, size).partition(b"\0")
    path = text.decode()
    if not path or not end or not path.isprintable():  # it will stand in messages
        raise ValueError("the loader's name is no path")
    return path


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) < size:
        raise ValueError("the file is cut")
    return data
