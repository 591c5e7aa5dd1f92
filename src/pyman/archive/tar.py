"""Reads a tar archive's members from blocks that arrive one after another.

The standard library's reader is not used: it reads extended headers without bound, lets foreign exceptions
out and takes twice the time. This one knows what archives of builds are made of: files, directories and links
in POSIX.1-2017 ustar and pax or with GNU's long names. The rest it refuses by name.
"""

import re
import struct
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from pyman.archive.member_names import shown
from pyman.errors import ArchiveError

DAMAGED = "Try again; if it stays so, the source holds a damaged copy: name another with --mirror."
HOSTILE = "Builds have no such members: do not trust where this archive came from."
# Bytes of an extended header (a long name, PAX records): a name takes a few hundred.
MAX_HEADER = 1 << 20

_SIZE = 512
_ZEROS = bytes(_SIZE)
# name, mode, size, mtime, checksum, type, linkname, magic, prefix; between them owner, version and device.
_FIELDS = struct.Struct("100s8s16x12s12s8s1s100s6s82x155s12x")
_CHECKSUM = slice(148, 156)
_USTAR = b"ustar\0"
_GNU = b"ustar "


class Kind(StrEnum):
    """What a member is; nothing else is let through."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symbolic link"
    HARDLINK = "hard link"


_KINDS = {b"0": Kind.FILE, b"\0": Kind.FILE, b"1": Kind.HARDLINK, b"2": Kind.SYMLINK, b"5": Kind.DIRECTORY}
_REFUSED = {
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a fifo",
    b"7": "a contiguous file",
    b"D": "a GNU directory dump",
    b"M": "a part of a file that began in another archive",
    b"S": "a sparse file",
    b"V": "a volume label",
}
_GNU_LONG = {b"L": "path", b"K": "linkpath"}
# The first byte of a number in base 256, and what it stands for.
_BASE_256 = {0x80: 0, 0xFF: -1}
_PAX_GLOBAL = b"g"
_EXTENSIONS = {*_GNU_LONG, _PAX_GLOBAL, b"x"}
_PAX_KEYS = {b"path", b"linkpath", b"size", b"mtime"}
_PAX_SPARSE, _SPARSE = b"GNU.sparse.", "sparse"
_PAX_LENGTH = re.compile(rb"([1-9][0-9]{0,6}) ")
_PAX_NUMBER = re.compile(r"(-?[0-9]{1,19})(?:\.[0-9]*)?", re.ASCII)


class Member(NamedTuple):
    """One member as its headers describe it. Names are as written, mtime is in seconds, size in bytes."""

    name: str
    kind: Kind
    size: int
    mode: int
    mtime: int
    linkname: str


class _Header(NamedTuple):
    """The fields of one header block that matter here, as they stand in it."""

    name: bytes
    mode: bytes
    size: bytes
    mtime: bytes
    checksum: bytes
    type: bytes
    linkname: bytes
    magic: bytes
    prefix: bytes


class _Cursor:
    """A place in the blocks, from which bytes are taken once."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = memoryview(b"")

    def pieces(self, size: int, of: str) -> Iterator[memoryview]:
        """Yield the next `size` bytes without copying them; ArchiveError if there are fewer."""
        while size:
            while not self._rest:
                block = next(self._blocks, None)
                if block is None:
                    raise ArchiveError(f"The archive ends in the middle of {of}.", DAMAGED)
                self._rest = memoryview(block)
            piece = self._rest[:size]
            self._rest = self._rest[size:]
            size -= len(piece)
            yield piece

    def take(self, size: int, of: str) -> bytes:
        """Return the next `size` bytes."""
        return b"".join(self.pieces(size, of))

    def is_zero_to_end(self) -> bool:
        """Read all that is left and tell whether it is zeros."""
        zero = not bytes(self._rest).strip(b"\0")
        for block in self._blocks:
            zero = zero and not block.strip(b"\0")
        return zero


def members(blocks: Iterable[bytes]) -> Iterator[tuple[Member, Iterator[memoryview]]]:
    """Yield each member with the pieces of its data, to be read before the next member is asked for or not.

    All blocks are read: the archive ends with a block of zeros, after which only zeros may follow. (POSIX
    wants two, but that nothing was cut off the compression has proved.) Raises ArchiveError for a damaged
    archive and for members of other kinds.
    """
    cursor = _Cursor(blocks)
    last = "the archive's start"
    extended: dict[str, str] = {}
    common: dict[str, str] = {}
    while (block := cursor.take(_SIZE, f"a header after {last}")) != _ZEROS:
        try:
            header = _header(block)
            if header.type in _EXTENSIONS:
                _extend(common if header.type == _PAX_GLOBAL else extended, header, cursor)
                continue
            member = _member(header, common | extended)
        except ValueError as error:
            raise ArchiveError(f"The archive is damaged after {last}: {error}.", DAMAGED) from error
        extended.clear()
        last = shown(member.name)
        data = cursor.pieces(member.size, last)
        yield member, data
        for _ in data:
            pass
        cursor.take(-member.size % _SIZE, last)
    if extended or not cursor.is_zero_to_end():
        raise ArchiveError(f"The archive is damaged after {last}: what follows is no member.", DAMAGED)


def _header(block: bytes) -> _Header:
    """Return the fields of a header block; ValueError if it is none."""
    header = _Header._make(_FIELDS.unpack(block))
    # The checksum field itself counts as eight spaces.
    if sum(block) - sum(block[_CHECKSUM]) + 8 * 0x20 != _number(header.checksum):
        raise ValueError("the checksum of a header is wrong")
    if header.magic not in (_USTAR, _GNU):
        raise ValueError("a header is neither ustar nor GNU")
    return header


def _number(field: bytes) -> int:
    """Return a number written in octal digits, or in base 256 as GNU tar does where those do not suffice."""
    if field[0] in _BASE_256:
        return int.from_bytes(field[1:], "big") + _BASE_256[field[0]] * (1 << 8 * len(field[1:]))
    digits = field.rstrip(b"\0 ").lstrip(b" ")
    if digits.strip(b"01234567"):  # int() would also take signs and underscores
        raise ValueError(f"a header has {field!r} where a number should be")
    return int(digits or b"0", 8)


def _text(raw: bytes) -> str:
    """Return a name as text. Names that are not UTF-8 mean something else on every machine: ValueError."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ValueError(f"the name {raw[:100]!r} is not UTF-8") from None


def _extend(extended: dict[str, str], header: _Header, cursor: _Cursor) -> None:
    """Read an extension header and add what it says, about the next member or about all, to `extended`."""
    size = _number(header.size)
    if not 0 <= size <= MAX_HEADER:
        raise ValueError(f"an extended header of {size:,} bytes")
    data = cursor.take(size, "an extended header")
    cursor.take(-size % _SIZE, "an extended header")
    is_long_name = header.type in _GNU_LONG
    records = [(_GNU_LONG[header.type], data.removesuffix(b"\0"))] if is_long_name else _pax(data)
    for key, value in records:
        if header.type == _PAX_GLOBAL and key != "mtime":
            raise ValueError(f"a global header gives every member the same {key}")
        if header.type != _PAX_GLOBAL and key in extended and key != _SPARSE:
            # Two names for one member are there to be read differently by different readers.
            raise ValueError(f"an extended header gives {key} twice")
        extended[key] = _text(value)


def _pax(data: bytes) -> Iterator[tuple[str, bytes]]:
    r"""Yield the records of a PAX header that matter here: `"%d %s=%s\n"`, where %d counts all its bytes."""
    at = 0
    while at < len(data):
        length = _PAX_LENGTH.match(data, at)
        end = at + int(length[1]) if length else at
        record = data[length.end() : end] if length else b""
        key, equals, value = record[:-1].partition(b"=")
        if not equals or not record.endswith(b"\n") or end > len(data):
            raise ValueError("a PAX record is damaged")
        if key.startswith(_PAX_SPARSE):
            yield _SPARSE, b""
        elif key in _PAX_KEYS:
            yield key.decode(), value
        at = end


def _member(header: _Header, extended: dict[str, str]) -> Member:
    """Return the member that a header describes together with the extended headers before it."""
    name = extended["path"] if "path" in extended else _name(header)
    kind = _KINDS.get(header.type)
    if not kind or _SPARSE in extended:
        what = "a sparse file" if kind else _REFUSED.get(header.type, f"of the unknown type {header.type!r}")
        raise ArchiveError(f"The archive's member {shown(name)} is {what}, which no build contains.", HOSTILE)
    size = _integer(extended["size"]) if "size" in extended else _number(header.size)
    if size < 0 or (size and kind is not Kind.FILE):
        raise ValueError(f"{shown(name)}, a {kind}, has {size:,} bytes")
    mtime = _integer(extended["mtime"]) if "mtime" in extended else _number(header.mtime)
    linkname = extended["linkpath"] if "linkpath" in extended else _text(_field(header.linkname))
    return Member(name, kind, size, _number(header.mode), mtime, linkname)


def _name(header: _Header) -> str:
    """Return the name in a header; only ustar has a prefix, GNU tar keeps other things in its place."""
    prefix = _field(header.prefix) if header.magic == _USTAR else b""
    name = _field(header.name)
    return _text(prefix + b"/" + name if prefix else name)


def _field(field: bytes) -> bytes:
    """Return a text field without the NULs that fill it up."""
    return field.partition(b"\0")[0]


def _integer(text: str) -> int:
    """Return a PAX number, without its fraction of a second."""
    found = _PAX_NUMBER.fullmatch(text)
    if not found:
        raise ValueError(f"{text[:40]!r} is not a number")
    return int(found[1])
