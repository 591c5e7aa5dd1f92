"""What has to be written into a Mach-O library so that it goes by another install name.

The layout is that of Apple's <mach-o/loader.h> and <mach-o/fat.h>. Only headers and load commands are read.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_DYLIB = 6
_ID_DYLIB = 0xD
_CODE_SIGNATURE = 0x1D
_ARM64 = 0x0100000C
_MOST_COMMANDS_BYTES = 1 << 20
_MOST_SLICES = 16
_LARGEST_COMMAND = 1 << 16


@dataclass(frozen=True, slots=True)
class Layout:
    """How the structures of one word size and byte order are unpacked."""

    order: str
    header: struct.Struct
    segment_command: int
    segment: struct.Struct  # number of sections
    section: struct.Struct  # offset in the file, which begins where load commands must end
    align: int


def _layouts(order: str) -> Iterator[tuple[bytes, Layout]]:
    """Header: cputype, filetype, number and bytes of the commands."""
    header = struct.Struct(order + "4xI4xIII4x")
    header64 = struct.Struct(order + "4xI4xIII8x")
    section, section64 = struct.Struct(order + "40xI24x"), struct.Struct(order + "48xI28x")
    segment, segment64 = struct.Struct(order + "48xI4x"), struct.Struct(order + "64xI4x")
    yield struct.pack(order + "I", 0xFEEDFACE), Layout(order, header, 0x1, segment, section, 4)
    yield struct.pack(order + "I", 0xFEEDFACF), Layout(order, header64, 0x19, segment64, section64, 8)


_LAYOUTS = dict([*_layouts("<"), *_layouts(">")])
# By magic: how each slice's offset is found in its entry of a fat file's table.
_FAT = {b"\xca\xfe\xba\xbe": struct.Struct(">8xI8x"), b"\xca\xfe\xba\xbf": struct.Struct(">8xQ16x")}


@dataclass(frozen=True, slots=True)
class Renaming:
    """Bytes to write, by their offsets, and whether the file has to be signed anew after that."""

    edits: tuple[tuple[int, bytes], ...]
    signed: bool


def renaming(file: BinaryIO, name: str) -> Renaming | None:
    """Return how the library in `file` comes to be called `name`, each slice of a fat one.

    None if `file` is no Mach-O library, is damaged, or has no room for that name. Raises OSError.
    """
    try:
        slices = [_slice(file, offset, name.encode("utf-8", "surrogateescape")) for offset in _offsets(file)]
    except (ValueError, OverflowError, struct.error):
        return None
    edits = tuple(edit for each in slices for edit in each.edits)
    return Renaming(edits, any(each.signed for each in slices))


def _offsets(file: BinaryIO) -> list[int]:
    magic = _read(file, 0, 4)
    if magic not in _FAT:
        return [0]
    entry = _FAT[magic]
    (count,) = struct.unpack(">I", _read(file, 4, 4))
    if not 0 < count <= _MOST_SLICES:
        raise ValueError("not a fat file: a Java class begins in the same way")
    return [offset for (offset,) in entry.iter_unpack(_read(file, 8, count * entry.size))]


def _slice(file: BinaryIO, start: int, name: bytes) -> Renaming:
    layout = _LAYOUTS.get(_read(file, start, 4))
    if not layout:
        raise ValueError("not Mach-O")
    cpu, kind, count, size = layout.header.unpack(_read(file, start, layout.header.size))
    if kind != _DYLIB or size > _MOST_COMMANDS_BYTES:
        raise ValueError("not a library")
    first = start + layout.header.size
    commands = _commands(_read(file, first, size), count, layout)
    before = b"".join(commands)
    after = b"".join(_renamed(command, name, layout) for command in commands)
    if after == before:
        return Renaming((), signed=False)
    grown = len(after) - len(before)
    if grown:
        _check_room(file, first + size, grown, start + _first_section(commands, layout))
    size_edit = (start + 20, struct.pack(layout.order + "I", size + grown))
    signed = cpu == _ARM64 or any(_kind(command, layout) == _CODE_SIGNATURE for command in commands)
    return Renaming((size_edit, (first, after)), signed)


def _commands(data: bytes, count: int, layout: Layout) -> list[bytes]:
    """Return the load commands; ValueError unless they are those of one library and fill `data`."""
    found = []
    at = 0
    for _ in range(count):
        (size,) = struct.unpack_from(layout.order + "I", data, at + 4)
        if size < 8 or at + size > len(data):  # noqa: PLR2004 - what each command begins with
            raise ValueError("a damaged load command")
        found.append(data[at : at + size])
        at += size
    if at != len(data) or sum(_kind(command, layout) == _ID_DYLIB for command in found) != 1:
        raise ValueError("not the load commands of a library")
    return found


def _kind(command: bytes, layout: Layout) -> int:
    return int.from_bytes(command[:4], "little" if layout.order == "<" else "big")


def _renamed(command: bytes, name: bytes, layout: Layout) -> bytes:
    """Return a command as it is, the one with the install name with `name` in it; never shorter."""
    if _kind(command, layout) != _ID_DYLIB:
        return command
    fixed = struct.Struct(layout.order + "III")
    kind, size, place = fixed.unpack_from(command)
    old = command[place:].partition(b"\0")[0]
    if not fixed.size <= place <= size or b"\0" in name or len(name) > _LARGEST_COMMAND:
        raise ValueError("a damaged name")
    if old == name:
        return command
    longer = -(-(place + len(name) + 1) // layout.align) * layout.align
    size = max(size, longer)
    return (fixed.pack(kind, size, place) + command[fixed.size : place] + name).ljust(size, b"\0")


def _first_section(commands: list[bytes], layout: Layout) -> int:
    """Return where the first byte of content is: load commands may grow as far as that."""
    offsets = []
    for command in commands:
        if _kind(command, layout) == layout.segment_command:
            (count,) = layout.segment.unpack_from(command)
            table = command[layout.segment.size :][: count * layout.section.size]
            offsets += [offset for (offset,) in layout.section.iter_unpack(table) if offset]
    return min(offsets, default=0)


def _check_room(file: BinaryIO, end: int, count: int, limit: int) -> None:
    if end + count > limit or _read(file, end, count).strip(b"\0"):
        raise ValueError("no room for a longer name")


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) < size:
        raise ValueError("the file is cut")
    return data
