"""Law: whatever a file holds, reading it as ELF does not raise and reads a bounded number of bytes."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.elf_files import elf_file

from pyman.machine.elf import MAX_BYTES, Program, program_in, read_program

HEAD_BYTES = 64 + 2 * 56
EXTREMES = [
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
    b"\xff" * 7 + b"\x7f",
    b"\x80" + bytes(7),
    bytes(8),
    b"\x40" + bytes(3),
]
ARGUMENTS = st.fixed_dictionaries(
    {
        "machine": st.integers(0, 0xFFFF),
        "bits": st.sampled_from([32, 64]),
        "little_endian": st.booleans(),
        "flags": st.integers(0, 0xFFFFFFFF),
        "interpreter": st.none()
        | st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=300).map("/lib/{}".format),
    }
)


class Counting(io.BytesIO):
    """A file in memory which adds up how many bytes it was asked for."""

    asked = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "everything was asked for"
        self.asked += size
        return super().read(size)


def read_bounded(data: bytes) -> Program | None:
    file = Counting(data)
    program = program_in(file)
    assert file.asked <= MAX_BYTES
    return program


@given(ARGUMENTS)
def test_what_is_written_is_read(arguments: dict[str, Any]) -> None:
    assert read_bounded(elf_file(**arguments)) == Program(**arguments)


@given(st.binary(max_size=400) | st.binary(max_size=400).map(b"\x7fELF\x02\x01".__add__))
def test_any_bytes(data: bytes) -> None:
    read_bounded(data)


@given(
    ARGUMENTS,
    st.lists(
        st.tuples(st.integers(6, HEAD_BYTES), st.binary(min_size=1, max_size=8) | st.sampled_from(EXTREMES)),
        min_size=1,
        max_size=6,
    ),
    st.binary(max_size=100),
)
def test_damaged_headers(arguments: dict[str, Any], damages: list[tuple[int, bytes]], rest: bytes) -> None:
    data = bytearray(elf_file(**arguments) + rest)
    for place, damage in damages:
        data[place : place + len(damage)] = damage
    read_bounded(bytes(data))


@given(ARGUMENTS, st.integers(129, 0xFFFF))
def test_more_program_headers_than_a_program_has(arguments: dict[str, Any], number: int) -> None:
    data = bytearray(elf_file(**arguments))
    place = 44 if arguments["bits"] == 32 else 56  # e_phnum
    data[place : place + 2] = number.to_bytes(2, "little" if arguments["little_endian"] else "big")
    assert read_bounded(bytes(data)) is None


@given(ARGUMENTS, st.data())
def test_a_cut_file_is_no_program(arguments: dict[str, Any], data: st.DataObject) -> None:
    whole = elf_file(**arguments)
    assert read_bounded(whole[: data.draw(st.integers(0, len(whole) - 1))]) is None


@given(place=st.integers(0, 1023), damage=st.binary(min_size=1, max_size=8) | st.sampled_from(EXTREMES))
def test_a_real_program_damaged(place: int, damage: bytes) -> None:
    head = bytearray(Path(sys.executable).read_bytes()[:4096])
    head[place : place + len(damage)] = damage
    read_bounded(bytes(head))


@given(data=st.binary(max_size=200))
def test_any_file(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any-elf"
    path.write_bytes(data)
    assert read_program(path) == read_bounded(data)
