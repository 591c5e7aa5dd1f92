"""ELF executables made by hand, as small as they may be: header, two program headers, the loader's name."""

import struct

# Elf32_Ehdr and Elf64_Ehdr, Elf32_Phdr and Elf64_Phdr as elf(5) has them, field by field.
_IDENT = b"\x7fELF"
_EHDR = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
_PHDR = {32: "IIIIIIII", 64: "IIQQQQQQ"}
ET_DYN = 3
_PT_LOAD, _PT_INTERP = 1, 3


def elf_file(  # noqa: PLR0913  # the fields of a header
    machine: int = 62,
    bits: int = 64,
    *,
    little_endian: bool = True,
    flags: int = 0,
    interpreter: str | None = None,
    kind: int = ET_DYN,
) -> bytes:
    """Return an executable; without `interpreter` it is a static one."""
    order = "<" if little_endian else ">"
    path = b"" if interpreter is None else interpreter.encode() + b"\0"
    ehdr, phdr = struct.Struct(order + _EHDR[bits]), struct.Struct(order + _PHDR[bits])
    ident = _IDENT + bytes([bits // 32, 1 if little_endian else 2, 1]) + bytes(9)
    start = len(ident) + ehdr.size
    number = 1 if interpreter is None else 2
    name_at = start + number * phdr.size
    header = ehdr.pack(kind, machine, 1, 0, start, 0, flags, start, phdr.size, number, 0, 0, 0)
    segments = [(_PT_LOAD, 0, name_at), (_PT_INTERP, name_at, len(path))][:number]
    return ident + header + b"".join(_segment(phdr, bits, *segment) for segment in segments) + path


def _segment(phdr: struct.Struct, bits: int, kind: int, offset: int, size: int) -> bytes:
    if bits == 32:
        return phdr.pack(kind, offset, 0, 0, size, size, 4, 1)
    return phdr.pack(kind, 4, offset, 0, 0, size, size, 1)
