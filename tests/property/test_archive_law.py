"""Laws: a tar is read as the standard library reads it; whatever it holds, nothing outside is touched."""

import gzip
import io
import os
import random
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hypothesis import given, reject, settings
from hypothesis import strategies as st
from tests.support.archives import (
    DIRECTORY,
    HARDLINK,
    SYMLINK,
    build,
    gz,
    header,
    padded,
    pax,
    with_tarfile,
    zst,
)

from pyman.archive import tar
from pyman.archive.members import Limits
from pyman.archive.tar import Kind, Member
from pyman.archive.unpack import DEFAULT, Unpacked, unpack
from pyman.errors import ArchiveError

LETTERS = st.characters(codec="utf-8", exclude_characters="\0/", exclude_categories=["Cs"])
NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=60), min_size=1, max_size=6).map("/".join)
KINDS = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIRECTORY: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.HARDLINK: tarfile.LNKTYPE,
}


def info(name: str, kind: Kind, mode: int, mtime: int, link: str) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.mtime = KINDS[kind], mode, mtime
    made.linkname = link if kind in (Kind.SYMLINK, Kind.HARDLINK) else ""
    return made


INFOS = st.builds(
    info, NAMES, st.sampled_from(Kind), st.integers(0, 0o7777), st.integers(-(2**40), 2**40), NAMES
)
MEMBERS = st.lists(st.tuples(INFOS, st.binary(max_size=1500)), max_size=6)


def pieces(data: bytes, seed: int) -> Iterator[bytes]:
    """Yield `data` in pieces of random length."""
    lengths = random.Random(seed)  # noqa: S311 - no secret
    while data:
        length = lengths.choice([1, 100, 511, 512, 513, 5000])
        yield data[:length]
        data = data[length:]


def expected(data: bytes) -> list[tuple[Member, bytes]]:
    """Return what the standard library reads."""
    kinds = {raw: kind for kind, raw in KINDS.items()}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:", encoding="utf-8") as archive:
        return [
            (
                Member(m.name, kinds[m.type], m.size, m.mode, int(m.mtime), m.linkname),
                (archive.extractfile(m) or io.BytesIO()).read() if m.isreg() else b"",
            )
            for m in archive
        ]


@given(
    MEMBERS, st.sampled_from([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.integers()
)
@settings(deadline=None)
def test_reads_what_the_standard_library_reads(
    members: list[tuple[tarfile.TarInfo, bytes]], form: int, seed: int
) -> None:
    try:
        data = with_tarfile(form, [(m, content if m.isreg() else b"") for m, content in members])
    except ValueError:  # ustar has no room for it
        reject()
    read = [
        (member, b"".join(content) if seed % 3 else None)
        for member, content in tar.members(pieces(data, seed))
    ]
    wanted = expected(data)
    # The standard library takes the slash from a directory's name.
    plain = [Member(m.name.rstrip("/") if m.kind is Kind.DIRECTORY else m.name, *_rest(m)) for m, _ in read]
    assert plain == [
        Member(m.name.rstrip("/") if m.kind is Kind.DIRECTORY else m.name, *_rest(m)) for m, _ in wanted
    ]
    if seed % 3:
        assert [content for _, content in read] == [content for _, content in wanted]


def _rest(member: Member) -> tuple[Kind, int, int, int, str]:
    return member.kind, member.size, member.mode, member.mtime, member.linkname


# Parts of names that collide, climb and hide; few, so that members meet each other.
PARTS = st.sampled_from(
    [
        "python",
        "install",
        "lib",
        "bin",
        "a",
        "b",
        "A",
        "..",
        ".",
        "",
        "C:",
        "\\",
        "..\\..",
        "\n",
        "é",
        "PYTHON.json",
    ]
)
EVIL_NAMES = st.one_of(
    st.lists(PARTS, max_size=5).map("/".join),
    st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map(lambda parts: "python/" + "/".join(parts)),
)
TARGETS = st.one_of(
    st.lists(PARTS, max_size=5).map("/".join),
    st.lists(st.sampled_from(["..", "a", "b", "outside"]), min_size=1, max_size=6).map("/".join),
    EVIL_NAMES,
)
TYPES = st.sampled_from(
    [b"0", b"0", SYMLINK, SYMLINK, HARDLINK, DIRECTORY, b"\0", b"3", b"6", b"S", b"x", b"g", b"L"]
)
RAW = st.builds(
    lambda name, kind, link, data, mode: (
        header(name.encode()[:100], kind, size=len(data), link=link.encode()[:100], mode=mode) + padded(data)
    ),
    EVIL_NAMES,
    TYPES,
    TARGETS,
    st.just(b"") | st.binary(max_size=600),
    st.integers(0, 0o7777),
)
RECORDS = st.dictionaries(
    st.sampled_from(["path", "linkpath", "size", "mtime", "GNU.sparse.name", "comment"]), TARGETS, max_size=3
)
ANY_MEMBER = st.one_of(RAW, RAW, RAW, st.builds(pax, RECORDS), st.binary(max_size=700).map(padded))


def attempt(data: bytes, chunk: int, tree: Path, limits: Limits = DEFAULT) -> Unpacked | None:
    """Unpack; None if the archive was refused, as only ArchiveError may tell."""
    try:
        return unpack((data[at : at + chunk] for at in range(0, len(data), chunk)), tree, limits)
    except ArchiveError:
        return None


def unpacked_or_refused(data: bytes, chunk: int = 700) -> None:
    """Unpack; whatever comes of it, the neighbours are untouched and no link leads out."""
    with tempfile.TemporaryDirectory() as folder:
        outer = Path(folder).resolve()
        (outer / "outside").write_bytes(b"mine")
        tree = outer / "inside" / "tree"
        tree.mkdir(parents=True)
        result = attempt(data, chunk, tree)
        if result:
            _check_tree(tree, result)
        assert (outer / "outside").read_bytes() == b"mine"
        assert (outer / "outside").stat().st_nlink == 1
        assert {path.name for path in outer.iterdir()} == {"outside", "inside"}
        assert [path.name for path in (outer / "inside").iterdir()] == ["tree"]


def _check_tree(tree: Path, result: Unpacked) -> None:
    found = [Path(place, name) for place, folders, files in os.walk(tree) for name in (*folders, *files)]
    assert all(path.resolve().is_relative_to(tree) for path in found)
    files = [path for path in found if path.is_file() and not path.is_symlink()]
    assert result.files <= len(files)
    assert not [path for path in files if path.stat().st_mode & 0o7022]


@given(st.lists(ANY_MEMBER, max_size=8), st.booleans())
@settings(max_examples=300, deadline=None)
def test_random_archives(members: list[bytes], zstd: bool) -> None:  # noqa: FBT001 - hypothesis hands it over
    unpacked_or_refused((zst if zstd else gz)(build(*members)))


@given(st.lists(st.tuples(st.sampled_from("abcd"), TARGETS), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_random_links(links: list[tuple[str, str]]) -> None:
    members = [header(f"python/{name}".encode(), SYMLINK, link=target.encode()) for name, target in links]
    nested = [header(f"python/d/{name}".encode(), SYMLINK, link=target.encode()) for name, target in links]
    unpacked_or_refused(gz(build(*members, *nested)))


@given(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=8), st.booleans())
@settings(max_examples=150, deadline=None)
def test_damaged_archives(at: int, wrong: bytes, zstd: bool) -> None:  # noqa: FBT001 - hypothesis hands it over
    data = (zst if zstd else gz)(build())
    place = at % len(data)
    unpacked_or_refused(data[:place] + wrong + data[place + len(wrong) :])


@given(st.integers(0, 1 << 30), st.binary(min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_damaged_tars(at: int, wrong: bytes) -> None:
    data = build()
    place = at % len(data)
    unpacked_or_refused(gz(data[:place] + wrong + data[place + len(wrong) :]))


@given(st.binary(max_size=3000), st.sampled_from([b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"]))
@settings(max_examples=150, deadline=None)
def test_random_bytes(data: bytes, magic: bytes) -> None:
    unpacked_or_refused(magic + data)
    unpacked_or_refused(gzip.compress(data, mtime=0))


@given(st.lists(RAW, min_size=1, max_size=5), st.integers(1, 50))
@settings(max_examples=50, deadline=None)
def test_small_limits(members: list[bytes], limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        limits = Limits(limit, limit, limit, inflated=limit * 1000)
        result = attempt(gz(build(*members)), 700, Path(folder), limits)
        assert not result or result.size <= limit * 1000
