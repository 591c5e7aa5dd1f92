"""Reads a zip archive's members from a file.

The standard library's reader is not used: it loads a directory of any size, believes names up to their first
NUL, takes members that overlap, and lets what says two things about itself pass. This one knows what archives
of builds are made of (files, directories and symbolic links, stored or deflated, in one file of less than
4 GiB) and refuses the rest by name. What it reads is PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7, 4.3.12 and
4.3.16.
"""

import calendar
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from pyman.archive.allowance import Allowance
from pyman.archive.inflate import ZIP
from pyman.archive.member_names import shown
from pyman.archive.tar import DAMAGED, HOSTILE, Kind, Member
from pyman.errors import ArchiveError

_END, _CENTRAL = b"PK\5\6", b"PK\1\2"
# Disks, numbers of members, size and place of the directory, length of the comment.
_END_FIELDS = struct.Struct("<4x4H2LH")
# Flags, method, time, date, checksum, packed and full size, lengths of name, extra field and comment,
# attributes and place; between them versions, the disk and attributes that no Unix knows.
_CENTRAL_FIELDS = struct.Struct("<4s4x4H3L3H4x2L")
# Flags, method, checksum, packed and full size, lengths of name and extra field.
_LOCAL_FIELDS = struct.Struct("<4s2x2H4x3L2H")
_MAX_COMMENT = 0xFFFF
_ZIP64 = {0xFFFF, 0xFFFFFFFF}  # what stands in a field whose value is kept elsewhere, for it is too large
# The largest directory: 65,535 members, more are zip64's, have names of 150 bytes in it.
_MAX_DIRECTORY = 16 << 20
_MAX_TARGET = 1 << 12
_ENCRYPTED = 0x2041  # the data, strongly, and the directory
_LATER = 0x0008  # sizes and checksum stand behind the data
_STORED, _DEFLATED = 0, 8
_PIECE = 1 << 16  # bytes read at once
_BLOCK = 1 << 18  # ... and inflated at once


class _Entry(NamedTuple):
    """One member as the directory describes it."""

    name: bytes
    flags: int
    method: int
    time: int
    date: int
    crc: int
    packed: int
    size: int
    attributes: int
    offset: int


def members(file: BinaryIO, most: int, allowance: Allowance) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Yield each member with the pieces of its data, to be read before the next member is asked for or not.

    The data of every member are inflated and compared with their checksum. Raises ArchiveError for a damaged
    archive, for one that contradicts itself, for members of other kinds, and if more than `most` bytes are
    said to be in it, TooLargeError if more than the `allowance`; OSError if `file` cannot be read.
    """
    directory, start, count = _directory(file)
    entries = list(_entries(directory, count))
    if (size := sum(entry.size for entry in entries)) > most:
        raise ArchiveError(f"The archive inflates to more than {most:,} bytes.", HOSTILE)
    if size > allowance.size:
        raise allowance.refusal()
    places = sorted(entry.offset for entry in entries)
    following = dict(pairwise([*places, start]))
    if len(following) < len(entries):
        raise _damaged("two of its members are at the same place")
    for entry in entries:
        name = _name(entry)
        data = _data(file, entry, name, following[entry.offset])
        yield _member(entry, name, data), data
        for _ in data:
            pass


def _directory(file: BinaryIO) -> tuple[bytes, int, int]:
    """Return the directory, where it begins, and how many members it is said to have."""
    size = file.seek(0, os.SEEK_END)
    tail_at = file.seek(max(0, size - _END_FIELDS.size - _MAX_COMMENT))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + _END_FIELDS.size > len(tail):
        raise ArchiveError("The archive is truncated: it has no directory at its end.", DAMAGED)
    disk, first_disk, here, count, length, start, comment = _END_FIELDS.unpack_from(tail, at)
    if not _ZIP64.isdisjoint((count, length, start)):
        raise ArchiveError("The archive is in zip64 form, for archives larger than builds are.", HOSTILE)
    if (disk, first_disk, here) != (0, 0, count):
        raise _damaged("it is a part of an archive in several files")
    if start + length != tail_at + at or at + _END_FIELDS.size + comment != len(tail):
        raise _damaged("its directory is not where its end says")
    if length > _MAX_DIRECTORY:
        raise ArchiveError(f"The archive's directory has {length:,} bytes.", HOSTILE)
    file.seek(start)
    return file.read(length), start, count


def _entries(directory: bytes, count: int) -> Iterator[_Entry]:
    """Yield what the directory says about each member."""
    at = 0
    for _ in range(count):
        if len(directory) - at < _CENTRAL_FIELDS.size:
            raise _damaged("its directory has fewer members than its end says")
        signature, *fields = _CENTRAL_FIELDS.unpack_from(directory, at)
        *values, name_size, extra, comment, attributes, offset = fields
        if signature != _CENTRAL:
            raise _damaged("its directory holds something that is no member")
        at += _CENTRAL_FIELDS.size
        yield _Entry._make([directory[at : at + name_size], *values, attributes, offset])
        at += name_size + extra + comment
    if at != len(directory):
        raise _damaged("its directory does not end where its end says")


def _name(entry: _Entry) -> str:
    """Return a name as text: ASCII, or UTF-8 whether or not it is flagged so, as for a tar."""
    try:
        return entry.name.decode()
    except UnicodeDecodeError:
        raise _damaged(f"the name {entry.name[:100]!r} is not UTF-8") from None


def _member(entry: _Entry, name: str, data: Iterator[bytes]) -> Member:
    """Return the member that an entry describes; the target of a symbolic link is in its data."""
    kind = _kind(entry, name)
    target = _target(entry, name, data) if kind is Kind.SYMLINK else ""
    if entry.size and kind is Kind.DIRECTORY:
        raise _damaged(f"{shown(name)}, a {kind}, has {entry.size:,} bytes")
    size = entry.size if kind is Kind.FILE else 0
    return Member(name, kind, size, entry.attributes >> 16, _mtime(entry), target)


def _kind(entry: _Entry, name: str) -> Kind:
    """Return what a member is by its Unix mode, if it has one, and by the slash after a directory's name."""
    kind = stat.S_IFMT(entry.attributes >> 16)
    if kind == stat.S_IFLNK:
        return Kind.SYMLINK
    if kind in (0, stat.S_IFDIR) and name.endswith("/"):
        return Kind.DIRECTORY
    if kind in (0, stat.S_IFREG) and not name.endswith("/"):
        return Kind.FILE
    what = f"of the Unix mode {entry.attributes >> 16:o}, which its name does not fit or"
    raise ArchiveError(f"The archive's member {shown(name)} is {what} no build contains.", HOSTILE)


def _target(entry: _Entry, name: str, data: Iterator[bytes]) -> str:
    """Return where a symbolic link points."""
    if entry.size > _MAX_TARGET:
        raise _damaged(f"the target of {shown(name)} has {entry.size:,} bytes")
    try:
        return b"".join(data).decode()
    except UnicodeDecodeError:
        raise _damaged(f"the target of {shown(name)} is not UTF-8") from None


def _mtime(entry: _Entry) -> int:
    """Return the time in seconds, 0 if there is none; it has no zone, and is taken for UTC everywhere."""
    year, month, day = 1980 + (entry.date >> 9), entry.date >> 5 & 15, entry.date & 31
    hour, minute, second = entry.time >> 11, entry.time >> 5 & 63, (entry.time & 31) * 2
    if not 1 <= month <= 12:  # noqa: PLR2004
        return 0
    return calendar.timegm((year, month, day, hour, minute, second))


def _data(file: BinaryIO, entry: _Entry, name: str, end: int) -> Iterator[bytes]:
    """Yield the data of a member, which must not go beyond `end`, and check their size and checksum."""
    file.seek(_place(file, entry, name, end))
    crc, size = 0, 0
    for piece in _inflated(file, entry, name):
        crc, size = zlib.crc32(piece, crc), size + len(piece)
        if size > entry.size:
            break
        yield piece
    if size != entry.size:
        raise _damaged(f"{shown(name)} has not the {entry.size:,} bytes that are said to be in it")
    if crc != entry.crc:
        raise _damaged(f"the checksum of {shown(name)} is wrong")


def _place(file: BinaryIO, entry: _Entry, name: str, end: int) -> int:
    """Return where the data of a member begin; the header before them must say what the directory says."""
    if entry.flags & _ENCRYPTED:
        raise ArchiveError(f"The archive's member {shown(name)} is encrypted.", HOSTILE)
    file.seek(entry.offset)
    header = file.read(_LOCAL_FIELDS.size)
    if len(header) < _LOCAL_FIELDS.size or not header.startswith(ZIP):
        raise _damaged(f"{shown(name)} is not where its directory says")
    _, flags, method, *sums, name_size, extra = _LOCAL_FIELDS.unpack(header)
    secret = flags & _ENCRYPTED
    is_same = (secret, method, file.read(name_size)) == (0, entry.method, entry.name)
    if not is_same or not (flags & _LATER or sums == [entry.crc, entry.packed, entry.size]):
        raise _damaged(f"its directory and the header of {shown(name)} disagree")
    place = entry.offset + _LOCAL_FIELDS.size + int(name_size) + int(extra)
    if place + entry.packed > end:
        raise _damaged(f"{shown(name)} overlaps what follows it")
    return place


def _inflated(file: BinaryIO, entry: _Entry, name: str) -> Iterator[bytes]:
    """Yield what is in the packed data of a member, from where `file` stands."""
    packed = _packed(file, entry.packed)
    if entry.method == _STORED:
        return packed
    if entry.method == _DEFLATED:
        return _inflate(packed, name)
    raise ArchiveError(
        f"The archive's member {shown(name)} is compressed by method {entry.method}, not deflated.", HOSTILE
    )


def _packed(file: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = file.read(min(size, _PIECE))
        if not piece:
            raise _damaged("it became shorter while it was read")
        size -= len(piece)
        yield piece


def _inflate(packed: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Yield the blocks of one deflated stream, which must be all that is in `packed`."""
    decoder = zlib.decompressobj(-zlib.MAX_WBITS)
    data = b""
    while not decoder.eof:
        given = data or next(packed, b"")
        try:
            block = decoder.decompress(given, _BLOCK)
        except zlib.error as error:
            raise _damaged(f"{shown(name)}: {error}") from error
        # Without input it still gives what it holds back; if that is nothing, the stream has no end.
        if not (block or given or decoder.eof):
            raise _damaged(f"{shown(name)} is truncated")
        data = decoder.unconsumed_tail
        if block:
            yield block
    if decoder.unused_data or next(packed, b""):
        raise _damaged(f"{shown(name)} is followed by what does not belong to it")


def _damaged(why: str) -> ArchiveError:
    return ArchiveError(f"The archive is damaged: {why}.", DAMAGED)
