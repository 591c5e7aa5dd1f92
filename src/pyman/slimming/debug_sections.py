"""Takes the debug sections out of ELF programs and shared libraries, as `strip --strip-debug` does.

They stand behind all that is loaded when a program runs, and nothing of that is moved: what stays behind it
(the table of symbols, names) and the table of sections move up. A section keeps its number, which symbols
name it by; that of one which is gone has the type SHT_NULL. What is laid out in another way stays as it is,
and so does what is no ELF. The layout is that of the System V gABI, chapter 4, as elf(5) shows it.
"""

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

_DEBUG = re.compile(rb"(\.rela?)?(\.debug_.*|\.zdebug_.*|\.gnu\.debuglto_.*|\.gdb_index)")
_LOADABLE_TYPES = (2, 3)  # ET_EXEC, and ET_DYN
_NOBITS, _ALLOC = 8, 2
_HEADER_BYTES = 64
_LARGEST_ALIGNMENT = 4096  # bytes; that of what is not loaded is 1 to 8
_MOST = 1000  # headers of segments or sections; libraries have fewer than a hundred


class _Layout(NamedTuple):
    """How headers of one word size and byte order are unpacked.

    `header`: type, offsets of the tables of segments and sections, size and number of each one's entries, and
    which section has the names. `segment`: offset, size in the file. `section`: name, type, flags, address,
    offset, size, link, info, alignment, size of an entry. `place` is where the header has the offset of the
    table of sections.
    """

    header: struct.Struct
    segment: struct.Struct
    section: struct.Struct
    place: int
    offset: struct.Struct


def _layouts() -> Iterator[tuple[bytes, _Layout]]:
    for number, order in ((b"\1", "<"), (b"\2", ">")):
        yield (
            b"\x7fELF\1" + number,
            _Layout(
                struct.Struct(order + "16xH10xII6xHHHHH"),
                struct.Struct(order + "4xI8xI12x"),
                struct.Struct(order + "10I"),
                32,
                struct.Struct(order + "I"),
            ),
        )
        yield (
            b"\x7fELF\2" + number,
            _Layout(
                struct.Struct(order + "16xH14xQQ6xHHHHH"),
                struct.Struct(order + "8xQ16xQ16x"),
                struct.Struct(order + "IIQQQQIIQQ"),
                40,
                struct.Struct(order + "Q"),
            ),
        )


_LAYOUTS = dict(_layouts())


@dataclass(frozen=True, slots=True)
class _Section:
    """The fields of a section's header that matter, and all of them."""

    name: bytes
    fields: tuple[int, ...]

    @property
    def is_loaded(self) -> bool:
        return bool(self.fields[2] & _ALLOC)

    @property
    def is_debug(self) -> bool:
        return not self.is_loaded and bool(_DEBUG.fullmatch(self.name))

    @property
    def offset(self) -> int:
        return self.fields[4]

    @property
    def size(self) -> int:
        """How many bytes of the file it has."""
        return 0 if self.fields[1] == _NOBITS else self.fields[5]

    @property
    def end(self) -> int:
        return self.offset + self.size

    def moved(self, offset: int) -> "_Section":
        return _Section(self.name, (*self.fields[:4], offset, *self.fields[5:]))


def strip(path: Path) -> int:
    """Take the debug sections out of the file; returns how many bytes shorter it is. Raises OSError."""
    with path.open("r+b") as file:
        try:
            return _strip(file, path.stat().st_size)
        except (ValueError, OverflowError, struct.error):
            return 0  # no ELF, or damaged, or not laid out as it is known


def _strip(file: BinaryIO, size: int) -> int:
    layout = _LAYOUTS.get(_read(file, 0, 6))
    if not layout:
        return 0
    head = layout.header.unpack_from(_read(file, 0, min(size, _HEADER_BYTES)))
    kind, segments_at, table_at, segment_size, segments, section_size, number, names = head
    fits = (segment_size, section_size) == (layout.segment.size, layout.section.size)
    if kind not in _LOADABLE_TYPES or not fits or max(segments, number) > _MOST or not number > names:
        return 0
    sections = _sections(file, layout, table_at, number, names)
    if not any(section.is_debug and section.size for section in sections):
        return 0
    table = _read(file, segments_at, segments * segment_size)
    ends = [offset + length for offset, length in layout.segment.iter_unpack(table)]
    ends += [segments_at + len(table), *(section.end for section in sections if section.is_loaded)]
    loaded = max(ends)
    behind = [section for section in sections if not section.is_loaded and section.size]
    last = max(table_at + number * section_size, *(section.end for section in sections))
    aligned = all(section.fields[8] <= _LARGEST_ALIGNMENT for section in behind)
    if min(table_at, *(section.offset for section in behind)) < loaded or last != size or not aligned:
        return 0
    return size - _rewrite(file, layout, sections, loaded)


def _sections(file: BinaryIO, layout: _Layout, at: int, number: int, names: int) -> list[_Section]:
    rows = [*layout.section.iter_unpack(_read(file, at, number * layout.section.size))]
    texts = _read(file, rows[names][4], rows[names][5])
    return [_Section(texts[row[0] :].partition(b"\0")[0], row) for row in rows]


def _rewrite(file: BinaryIO, layout: _Layout, sections: list[_Section], end: int) -> int:
    """Write what stays behind `end`, and the table; returns the new size of the file."""
    kept = {
        number: _read(file, section.offset, section.size)
        for number, section in enumerate(sections)
        if section.size and not section.is_loaded and not section.is_debug
    }
    rows = [_Section(b"", (0,) * 10) if section.is_debug else section for section in sections]
    file.seek(end)
    for number in sorted(kept, key=lambda number: sections[number].offset):
        _align(file, sections[number].fields[8])
        rows[number] = rows[number].moved(file.tell())
        file.write(kept[number])
    _align(file, layout.offset.size)
    table_at = file.tell()
    file.write(b"".join(layout.section.pack(*row.fields) for row in rows))
    size = file.tell()
    file.truncate(size)
    file.seek(layout.place)
    file.write(layout.offset.pack(table_at))
    return size


def _align(file: BinaryIO, alignment: int) -> None:
    file.write(bytes(-file.tell() % max(1, alignment)))


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    if offset + size > os.fstat(file.fileno()).st_size:
        raise ValueError("the file is cut")
    file.seek(offset)
    return file.read(size)
