"""Install names of Mach-O libraries, written into small ones that are made here."""

import io
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import ELSEWHERE

from pyman.prepare import install_name, macho

OLD = "@executable_path/../lib/libpython3.12.dylib"
SHORT = "/p/lib/libpython3.12.dylib"
LONG = "/Users/somebody/Library/Application Support/pyman/cpython-3.12.9/lib/libpython3.12.dylib"
X86_64, ARM64 = 0x01000007, 0x0100000C
ID_DYLIB, SEGMENT_64, SEGMENT, CODE_SIGNATURE, LOAD_DYLIB = 0xD, 0x19, 0x1, 0x1D, 0xC
CONTENT = b"machine code"


def library(  # noqa: PLR0913 - each is what one test is about
    *,
    cpu: int = X86_64,
    order: str = "<",
    bits: int = 64,
    room: int = 256,
    signed: bool = False,
    kind: int = 6,
) -> bytes:
    """Return a library whose content begins `room` bytes after its load commands."""
    align = bits // 8
    name = OLD.encode() + b"\0"
    name = name.ljust(-(-len(name) // align) * align, b"\0")
    commands = [struct.pack(f"{order}6I", ID_DYLIB, 24 + len(name), 24, 2, 0x30C0000, 0x30C0000) + name]
    commands.append(struct.pack(f"{order}6I", LOAD_DYLIB, 32, 24, 2, 1, 1) + b"/usr/l\0\0")
    if signed:
        commands.append(struct.pack(f"{order}4I", CODE_SIGNATURE, 16, 0x1000, 16))
    header_size, segment_size = (32, 72 + 80) if bits == 64 else (28, 56 + 68)
    size = sum(map(len, commands)) + segment_size
    offset = header_size + size + room
    if bits == 64:
        segment = struct.pack(
            f"{order}2I16s4Q4I", SEGMENT_64, segment_size, b"__TEXT", 0, 0, 0, 0, 5, 5, 1, 0
        )
        section = struct.pack(f"{order}16s16s2Q8I", b"__text", b"__TEXT", 0, 12, offset, 0, 0, 0, 0, 0, 0, 0)
        magic = 0xFEEDFACF
    else:
        segment = struct.pack(f"{order}2I16s4I4I", SEGMENT, segment_size, b"__TEXT", 0, 0, 0, 0, 5, 5, 1, 0)
        section = struct.pack(f"{order}16s16s2I7I", b"__text", b"__TEXT", 0, 12, offset, 0, 0, 0, 0, 0, 0)
        magic = 0xFEEDFACE
    assert len(segment + section) == segment_size
    commands.insert(0, segment + section)
    header = struct.pack(f"{order}7I", magic, cpu, 3, kind, len(commands), size, 0).ljust(header_size, b"\0")
    return header + b"".join(commands) + bytes(room) + CONTENT


def fat(*slices: bytes, wide: bool = False) -> bytes:
    """Return a file with several slices, each at a multiple of 4096."""
    table, body = b"", b""
    for index, each in enumerate(slices):
        offset = 4096 * (index + 1)
        entry = (X86_64, 3, offset, len(each), 12)
        table += struct.pack(">2I2Q2I", *entry, 0) if wide else struct.pack(">5I", *entry)
        body = body.ljust(4096 * index, b"\0") + each
    head = struct.pack(">2I", 0xCAFEBABF if wide else 0xCAFEBABE, len(slices)) + table
    return head.ljust(4096, b"\0") + body


def renamed(data: bytes, name: str) -> bytes:
    """Return the file with its new name; it must have room for it."""
    renaming = macho.renaming(io.BytesIO(data), name)
    assert renaming
    changed = bytearray(data)
    for offset, edit in renaming.edits:
        changed[offset : offset + len(edit)] = edit
    assert len(changed) == len(data)
    return bytes(changed)


def name_in(data: bytes, start: int = 0) -> str:
    """Return the install name, read by other code than that which writes it."""
    order = "<" if data[start] in (0xCF, 0xCE) else ">"
    bits = 64 if 0xCF in (data[start], data[start + 3]) else 32
    count, size = struct.unpack_from(f"{order}2I", data, start + 16)
    at = first = start + (32 if bits == 64 else 28)
    name = ""
    for _ in range(count):
        kind, length = struct.unpack_from(f"{order}2I", data, at)
        if kind == ID_DYLIB:
            name = data[at + 24 : at + length].rstrip(b"\0").decode()
        assert length % (bits // 8) == 0
        at += length
    assert at == first + size
    return name


@pytest.mark.parametrize("name", [SHORT, OLD, LONG])
@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_names_of_every_length(name: str, bits: int, order: str) -> None:
    data = library(bits=bits, order=order)
    changed = renamed(data, name)
    assert name_in(data) == OLD
    assert name_in(changed) == name
    assert changed.endswith(CONTENT)
    assert b"/usr/l\0\0" in changed


def test_no_room_for_a_longer_name() -> None:
    data = library(room=8)
    assert macho.renaming(io.BytesIO(data), LONG) is None
    assert name_in(renamed(data, SHORT)) == SHORT


def test_room_that_is_not_empty_is_not_taken() -> None:
    data = library().replace(bytes(100) + CONTENT, b"\1" * 100 + CONTENT)
    assert macho.renaming(io.BytesIO(data), LONG + "x" * 150) is None


@pytest.mark.parametrize("bits", [32, 64])
def test_fat_files(bits: int) -> None:
    data = fat(library(), library(cpu=ARM64, signed=True), wide=bits == 64)
    changed = renamed(data, LONG)
    assert [name_in(changed, 4096), name_in(changed, 8192)] == [LONG, LONG]


@pytest.mark.parametrize(
    ("data", "signed"),
    [
        (library(), "as it is"),
        (library(signed=True), "anew"),
        (library(cpu=ARM64), "anew"),
        (fat(library(), library(cpu=ARM64)), "anew"),
    ],
)
def test_what_has_to_be_signed_anew(data: bytes, signed: str) -> None:
    renaming = macho.renaming(io.BytesIO(data), LONG)
    assert renaming
    assert renaming.signed is (signed == "anew")


def test_the_same_name_changes_nothing() -> None:
    renaming = macho.renaming(io.BytesIO(library(signed=True)), OLD)
    assert renaming == macho.Renaming((), signed=False)


@pytest.mark.parametrize(
    "data", [library(kind=2), b"", b"\xca\xfe\xba\xbe\0\0\0\x37" + bytes(99), b"\x7fELF"]
)
def test_what_is_no_library(data: bytes) -> None:
    assert macho.renaming(io.BytesIO(data), LONG) is None


@settings(deadline=None)
@given(st.binary() | st.builds(bytes.__add__, st.sampled_from([library()[:4], fat()[:8]]), st.binary()))
def test_any_bytes_are_a_library_or_none(data: bytes) -> None:
    macho.renaming(io.BytesIO(data), LONG)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_library_never_raises(data: st.DataObject) -> None:
    whole = bytearray(data.draw(st.sampled_from([library(), library(bits=32), fat(library(cpu=ARM64))])))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    renaming = macho.renaming(io.BytesIO(cut), LONG)
    for offset, edit in renaming.edits if renaming else ():
        assert offset >= 0
        assert offset + len(edit) <= len(cut)


def test_in_a_tree(tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip(ELSEWHERE + "codesign would refuse these")
    (tmp_path / "lib").mkdir()
    plain, signed, copy = (
        tmp_path / "lib" / f"{name}.dylib" for name in ("libpython3.12", "libpython3", "x")
    )
    plain.write_bytes(library())
    signed.write_bytes(library(cpu=ARM64))
    copy.hardlink_to(plain)
    install_name.settle(tmp_path, Path("/store/a b"))
    assert name_in(plain.read_bytes()) == "/store/a b/lib/libpython3.12.dylib"
    assert name_in(signed.read_bytes()) == OLD  # it would no longer start: nothing can sign it here
    assert name_in(copy.read_bytes()) == OLD
    assert len(list((tmp_path / "lib").iterdir())) == 3
