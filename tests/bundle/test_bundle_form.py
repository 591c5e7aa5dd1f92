"""A bundle can be made in one way only: whatever is changed in it, or cut off it, it is refused."""

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyman.bundle import bundle_form
from pyman.bundle.bundle_form import Entry
from pyman.bundle.bundle_reader import Bundle
from pyman.errors import ArchiveError, NewerFormError

NAME = "20250612/cpython-3.13.5+20250612-x86_64-unknown-linux-musl-install_only_stripped.tar.gz"
ENTRIES = [Entry(NAME, b"archive" * 300), Entry("pyman.lock", b"lock\n"), bundle_form.marker()]


def made(entries: list[Entry]) -> bytes:
    out = io.BytesIO()
    bundle_form.write(entries, out)
    return out.getvalue()


WHOLE = made(ENTRIES)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle") / "python.tar"


def test_it_is_a_tar_like_any_other_and_always_the_same(path: Path) -> None:
    assert made(ENTRIES[::-1]) == WHOLE
    with tarfile.open(fileobj=io.BytesIO(WHOLE)) as tar:
        assert tar.getnames() == ["SHA256SUMS", "bundle.json", "pyman.lock", NAME]
        assert {(each.mtime, each.uid, each.uname, each.mode) for each in tar} == {(315532800, 0, "", 0o644)}
    path.write_bytes(WHOLE)
    assert Bundle.open(path).read("pyman.lock") == b"lock\n"


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed_wherever_it_is(path: Path, place: int, change: int) -> None:
    path.write_bytes(WHOLE[:place] + bytes([WHOLE[place] ^ change]) + WHOLE[place + 1 :])
    with pytest.raises(ArchiveError, match="is no whole bundle"):
        Bundle.open(path)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_is_noticed(path: Path, end: int) -> None:
    path.write_bytes(WHOLE[:end])
    with pytest.raises(ArchiveError, match="is no whole bundle"):
        Bundle.open(path)


@pytest.mark.parametrize("more", [b"\0", b"x" * 512, WHOLE])
def test_what_follows_is_noticed(path: Path, more: bytes) -> None:
    path.write_bytes(WHOLE + more)
    with pytest.raises(ArchiveError, match="it does not end where it should"):
        Bundle.open(path)


@pytest.mark.parametrize("name", ["../x", "/x", "a/./b", "a//b", "C:x"])
def test_a_name_that_leads_elsewhere_is_none(path: Path, name: str) -> None:
    path.write_bytes(made([*ENTRIES, Entry(name, b"x")]))
    with pytest.raises(ArchiveError, match="SHA256SUMS was changed"):
        Bundle.open(path)


def test_a_later_form(path: Path) -> None:
    path.write_bytes(made([*ENTRIES[:2], Entry("bundle.json", b'{"format": 2}\n')]))
    with pytest.raises(NewerFormError):
        Bundle.open(path)
