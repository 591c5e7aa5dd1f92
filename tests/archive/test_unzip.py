"""Unpacking zip files: as the standard library reads them, and not at all when they are hostile."""

import hashlib
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.archive.test_archive import MIB, cut, in_python, refused, snapshot
from tests.conftest import ELSEWHERE
from tests.support.archives import NAMES, TARGETS, TIME, normal

from pyman.archive.members import Limits
from pyman.archive.unpack import DEFAULT, unpack
from pyman.errors import ArchiveError

TOP = "pypy3.10-v7.3.16-win64"
FILE, FOLDER, LINK = 0o100644, 0o40755, 0o120777
UNIX = 3 << 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One member; what is said of it is the truth unless it is changed in `central` or `local`."""

    name: str | bytes
    data: bytes = b"evil"
    mode: int = FILE
    method: int = 8
    body: bytes | None = None
    """The packed data, if they are not those that belong to `data`."""
    after: bytes = b""
    """What stands behind them."""
    central: dict[str, int | bytes] = field(default_factory=dict)
    local: dict[str, int | bytes] = field(default_factory=dict)

    def fields(self) -> dict[str, int | bytes]:
        """Return what is true of it."""
        body = self.packed()
        true: dict[str, int | bytes] = {"flags": 0x800, "method": self.method, "time": 0, "date": 0x5821}
        true |= {"crc": zlib.crc32(self.data), "packed": len(body), "size": len(self.data)}
        return true | {"name": self.name.encode() if isinstance(self.name, str) else self.name}

    def packed(self) -> bytes:
        """Return the data as they stand in the archive."""
        if self.body is not None:
            return self.body
        return deflated(self.data) if self.method == 8 else self.data


def deflated(data: bytes) -> bytes:
    """Return a raw deflate stream."""
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(data) + packer.flush()


def zipped(entries: Iterable[Entry], before: bytes = b"", comment: bytes = b"", **end: int) -> bytes:
    """Return a zip of the entries; the fields of its end may lie."""
    body, directory, count = bytearray(before), bytearray(), 0
    for entry in entries:
        offset, count = len(body), count + 1
        local = entry.fields() | entry.local
        body += struct.pack("<4sH", b"PK\3\4", 20) + _common(local) + b"\0\0"
        body += _name(local) + entry.packed() + entry.after
        central = {"offset": offset, "mode": entry.mode << 16} | entry.fields() | entry.central
        directory += struct.pack("<4s2H", b"PK\1\2", UNIX | 20, 20) + _common(central)
        directory += struct.pack("<4H2L", 0, 0, 0, 0, central["mode"], central["offset"]) + _name(central)
    truth = {"disk": 0, "first": 0, "here": count, "count": count, "size": len(directory)}
    said = truth | {"offset": len(body), "comment": len(comment)} | end
    return bytes(body + directory) + struct.pack("<4s4H2LH", b"PK\5\6", *said.values()) + comment


def _common(said: dict[str, int | bytes]) -> bytes:
    """Return the fields that a header and the directory both have."""
    keys = ("flags", "method", "time", "date", "crc", "packed", "size")
    return struct.pack("<4H3LH", *(said[key] for key in keys), len(_name(said)))


def _name(said: dict[str, int | bytes]) -> bytes:
    name = said["name"]
    assert isinstance(name, bytes)
    return name


def normal_entries(top: str = TOP, method: int = 8) -> list[Entry]:
    """Return the members of a small build."""
    return [
        Entry(f"{top}/{name}", data, 0o100755 if "bin/" in name else FILE, method)
        for name, data in normal().items()
    ]


def build(*more: Entry) -> bytes:
    return zipped([*normal_entries(), *more])


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """An empty directory with neighbours, two levels below `tmp_path`."""
    (tmp_path / "inside" / "tree").mkdir(parents=True)
    for place in (tmp_path, tmp_path / "inside"):
        (place / "neighbour").write_bytes(b"not to be touched")
    return tmp_path / "inside" / "tree"


class TestNormal:
    @pytest.mark.parametrize("method", [0, 8], ids=["stored", "deflated"])
    @pytest.mark.parametrize("top", ["python", TOP, "graalpy-24.2.2-windows-amd64"])
    @pytest.mark.parametrize("size", [1, 999, 1 << 22])
    def test_tree(self, destination: Path, method: int, top: str, size: int) -> None:
        data = zipped([Entry(f"{top}/", b"", FOLDER), *normal_entries(top, method)])
        result = unpack(cut(data, size), destination)
        assert result[:2] == (len(normal()), sum(map(len, normal().values())))
        files = {path for path in destination.rglob("*") if path.is_file()}
        assert {path.relative_to(destination).as_posix(): path.read_bytes() for path in files} == normal()
        assert {path.stat().st_mtime for path in files} == {TIME}
        if sys.platform != "win32":
            runs = {path.name for path in files if path.stat().st_mode & 0o100}
            assert runs == {"python3.13"}

    def test_as_the_standard_library_writes_it(self, destination: Path) -> None:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            file.mkdir(f"{TOP}/Lib")
            file.writestr(f"{TOP}/Lib/ünï.py", b"x" * MIB)
            file.writestr(f"{TOP}/python.exe", b"MZ")
            file.comment = b"PyPy"
        assert unpack(cut(buffer.getvalue()), destination)[:2] == (2, MIB + 2)
        assert (destination / "Lib" / "ünï.py").read_bytes() == b"x" * MIB

    def test_sizes_that_follow_the_data(self, destination: Path) -> None:
        class Pipe(io.BytesIO):
            def seekable(self) -> bool:
                return False

            def tell(self) -> int:
                raise OSError

        buffer = Pipe()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in normal().items():
                file.writestr(f"{TOP}/{name}", data)
        assert unpack(cut(buffer.getvalue()), destination).files == len(normal())

    def test_symbolic_links(self, destination: Path) -> None:
        links = [
            Entry(f"{TOP}/bin/pypy3", b"python3.13", LINK),
            Entry(f"{TOP}/bin/python", b"./pypy3", LINK, 0),
        ]
        unpack([build(*links)], destination)
        assert (destination / "bin" / "python").read_bytes() == normal()["bin/python3.13"]

    def test_nothing_else_is_left(self, destination: Path) -> None:
        unpack(cut(build()), destination)
        assert {path.name for path in destination.iterdir()} == {"bin", "lib"}

    @pytest.mark.parametrize(("date", "seconds"), [(0, 0), (0x1E01, 0), (0x21, 315_532_800), (0xFFFF, 0)])
    def test_times(self, destination: Path, date: int, seconds: int) -> None:
        unpack([build(replace(Entry(f"{TOP}/old"), central={"date": date}))], destination)
        assert (destination / "old").stat().st_mtime == seconds

    def test_what_deflate_holds_back(self, destination: Path) -> None:
        """Sizes around those of the blocks, at whose ends a decoder may owe output without more input."""
        sizes = [(1 << 18) + more for more in range(-300, 300, 7)]
        unpack([build(*(Entry(f"{TOP}/{size}", bytes(size)) for size in sizes))], destination)
        assert all((destination / str(size)).stat().st_size == size for size in sizes)


EVIL = f"{TOP}/evil"
_OVERLAPS = [Entry(EVIL, bytes(100), method=0), replace(Entry(f"{EVIL}2"), central={"offset": 30})]
MEMBERS: dict[str, tuple[list[Entry], str]] = {
    "encrypted": ([Entry(EVIL, central={"flags": 1}, local={"flags": 1})], "is encrypted"),
    "encrypted, says its header": ([Entry(EVIL, local={"flags": 1})], "disagree"),
    "encrypted strongly": ([Entry(EVIL, central={"flags": 0x41})], "is encrypted"),
    "encrypted directory": ([Entry(EVIL, central={"flags": 0x2000})], "is encrypted"),
    "bzip2": ([Entry(EVIL, method=12)], "method 12"),
    "lzma": ([Entry(EVIL, method=14)], "method 14"),
    "other method in its header": ([Entry(EVIL, local={"method": 0})], "disagree"),
    "other name in its header": ([Entry(EVIL, local={"name": f"{TOP}/good".encode()})], "disagree"),
    "other size in its header": ([Entry(EVIL, local={"size": 5})], "disagree"),
    "other checksum in its header": ([Entry(EVIL, local={"crc": 5})], "disagree"),
    "wrong checksum": ([Entry(EVIL, central={"crc": 5}, local={"crc": 5})], "checksum"),
    "size too small": ([Entry(EVIL, central={"size": 3}, local={"size": 3})], "has not the 3 bytes"),
    "size too large": ([Entry(EVIL, central={"size": 5}, local={"size": 5})], "has not the 5 bytes"),
    "size of nothing": ([Entry(EVIL, central={"size": 0}, local={"size": 0})], "has not the 0 bytes"),
    "stored, size too small": (
        [Entry(EVIL, method=0, central={"size": 3}, local={"size": 3})],
        "has not the 3 bytes",
    ),
    "packed size too small": ([Entry(EVIL, central={"packed": 3}, local={"packed": 3})], "truncated"),
    "packed size too large": (
        [Entry(EVIL, after=b"xx", central={"packed": 8}, local={"packed": 8})],
        "does not belong",
    ),
    "packed size of much": ([Entry(EVIL, central={"packed": 1 << 20})], "disagree"),
    "packed size beyond the directory": (
        [Entry(EVIL, central={"packed": 1 << 20}, local={"packed": 1 << 20})],
        "overlaps",
    ),
    "no deflate stream": ([Entry(EVIL, body=b"\xff" * 9)], "invalid block type"),
    "empty deflate stream": ([Entry(EVIL, body=b"")], "truncated"),
    "two deflate streams": ([Entry(EVIL, body=deflated(b"evil") * 2)], "does not belong"),
    "overlap": (_OVERLAPS, "overlaps"),
    "same place": ([Entry(EVIL), replace(Entry(EVIL), central={"offset": 0})], "same place"),
    "no header at its place": ([Entry(EVIL, central={"offset": 1})], "overlaps"),
    "place beyond the end": ([Entry(EVIL, central={"offset": 0x7FFFFFFF})], "is not where its"),
    "place in the directory": (
        [Entry(EVIL, body=b"PK\3\4", central={"offset": 0x7FFFF})],
        "is not where its",
    ),
    "twice": ([Entry(EVIL), Entry(EVIL)], "already"),
    "file, then below it": ([Entry(EVIL), Entry(f"{EVIL}/x")], "evil/x"),
    "symlink, then below it": ([Entry(EVIL, b"lib", LINK), Entry(f"{EVIL}/x")], "evil"),
    "symlink with a slash": ([Entry(f"{EVIL}/", b"lib", LINK)], "evil/"),
    "target not UTF-8": ([Entry(EVIL, b"\xff", LINK)], "is not UTF-8"),
    "target too large": ([Entry(EVIL, bytes(1 << 20), LINK)], "1,048,576 bytes"),
    "loop": ([Entry(EVIL, b"evil", LINK)], "circle"),
    "chain out": ([Entry(f"{TOP}/lib/up", b"..", LINK), Entry(EVIL, b"lib/up/../x", LINK)], "evil"),
    "folder without a slash": ([Entry(EVIL, b"", FOLDER)], "Unix mode 40755"),
    "file with a slash": ([Entry(f"{EVIL}/", b"x", FILE)], "Unix mode 100644"),
    "folder with data": ([Entry(f"{EVIL}/", b"x", FOLDER)], "has 1 bytes"),
    "character device": ([Entry(EVIL, b"", 0o20644)], "Unix mode 20644"),
    "block device": ([Entry(EVIL, b"", 0o60644)], "Unix mode 60644"),
    "fifo": ([Entry(EVIL, b"", 0o10644)], "Unix mode 10644"),
    "socket": ([Entry(EVIL, b"", 0o140644)], "Unix mode 140644"),
    "name not UTF-8": ([Entry(TOP.encode() + b"/\xff")], "is not UTF-8"),
    "name with NUL": ([Entry(f"{TOP}/ev\0il")], r"ev\x00il"),
    "name empty": ([Entry("")], "''"),
    "another top folder": ([Entry("python/evil")], "is not in pypy3.10-v7.3.16-win64/"),
}
MEMBERS |= {f"name: {what}": ([Entry(name)], repr(name)[1:60].rstrip("'")) for what, name in NAMES.items()}
MEMBERS |= {f"target: {what}": ([Entry(EVIL, to.encode(), LINK)], "evil") for what, to in TARGETS.items()}
GOOD = normal_entries()
FILES: dict[str, tuple[bytes, str]] = {
    "no members": (zipped([], before=b"PK\3\4"), "no file"),
    "no directory": (b"PK\3\4" + bytes(500), "truncated"),
    "end cut": (build()[:-1], "truncated"),
    "comment cut": (zipped(GOOD, comment=b"comment")[:-1], "not where its end says"),
    "garbage after it": (build() + b"garbage", "not where its end says"),
    "comment with an end in it": (zipped(GOOD, comment=b"PK\5\6" + bytes(18)), "damaged"),
    "program before it": (zipped(GOOD, before=b"PK\3\4" + bytes(99), offset=0), "not where its end says"),
    "more members than there are": (zipped(GOOD, count=9, here=9), "fewer members"),
    "fewer members than there are": (zipped(GOOD, count=2, here=2), "does not end where"),
    "directory too small": (zipped(GOOD, size=50), "not where its end says"),
    "zip64 count": (zipped(GOOD, count=0xFFFF, here=0xFFFF), "zip64"),
    "zip64 place": (zipped(GOOD, offset=0xFFFFFFFF), "zip64"),
    "several disks": (zipped(GOOD, disk=1), "several files"),
    "several disks for the directory": (zipped(GOOD, count=9), "several files"),
    "directory of something else": (
        zipped(GOOD).replace(b"PK\1\2", b"PK\1\3"),
        "something that is no member",
    ),
    "folders only": (zipped([Entry(f"{TOP}/", b"", FOLDER)]), "no file"),
    "unknown top folder": (zipped(normal_entries("jython")), "is not in python/"),
}


class TestHostile:
    @pytest.mark.parametrize(("entries", "words"), MEMBERS.values(), ids=MEMBERS.keys())
    def test_members(self, destination: Path, entries: list[Entry], words: str) -> None:
        self.check(refused(build(*entries), destination), words)

    @pytest.mark.parametrize(("data", "words"), FILES.values(), ids=FILES.keys())
    def test_files(self, destination: Path, data: bytes, words: str) -> None:
        self.check(refused(data, destination), words)

    def check(self, error: ArchiveError, words: str) -> None:
        assert words in error.message
        assert error.hint
        assert "\n" not in error.message
        assert len(error.message) < 600

    def test_cut_off_anywhere(self, destination: Path) -> None:
        data = build()
        for length in {*range(4, len(data), 200), *range(4, 40), len(data) - 1, len(data) - 22}:
            tree = destination / str(length)
            tree.mkdir()
            with pytest.raises(ArchiveError):
                unpack([data[:length]], tree)

    def test_bomb_is_refused_before_anything_is_written(self, destination: Path) -> None:
        error = refused(build(Entry(EVIL, bytes(8 * MIB))), destination, Limits(inflated=4 * MIB))
        assert "4,194,304 bytes" in error.message
        assert list(destination.iterdir()) == []

    def test_bomb_that_lies(self, destination: Path) -> None:
        lie: dict[str, int | bytes] = {"size": 4, "crc": zlib.crc32(bytes(4))}
        refused(build(Entry(EVIL, bytes(8 * MIB), central=lie, local=lie)), destination)
        assert sum(path.stat().st_size for path in destination.rglob("*") if path.is_file()) < MIB

    def test_endless_file(self, destination: Path) -> None:
        data = b"PK\3\4" + bytes(5 * MIB)
        assert "4,194,304 bytes" in refused(data, destination, Limits(inflated=4 * MIB)).message

    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            (Limits(members=200), "200 members"),
            (Limits(names=4000), "4,000"),
            (Limits(symlinks=20), "20 symb"),
        ],
    )
    def test_limits(self, destination: Path, limits: Limits, words: str) -> None:
        links = limits.symlinks != DEFAULT.symlinks
        many = [Entry(f"{EVIL}{n}", b"lib", LINK if links else FILE) for n in range(300)]
        assert words in refused(build(*many), destination, limits).message

    def test_large_directory(self, destination: Path) -> None:
        many = [Entry(f"{EVIL}{n}/" + "x" * 60_000) for n in range(300)]
        assert "directory has 18," in refused(build(*many), destination).message

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        places=st.lists(st.integers(0, 10**6), min_size=1, max_size=4),
        change=st.sampled_from(
            [lambda byte: byte ^ 1, lambda byte: byte ^ 0x80, lambda _: 0, lambda _: 0xFF]
        ),
    )
    def test_damage_anywhere(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        places: list[int],
        change: Callable[[int], int],
    ) -> None:
        """Whatever bytes are changed, it is an ArchiveError or unpacks, and nothing is written elsewhere."""
        folder = tmp_path_factory.mktemp("damage")
        tree = folder / "tree"
        tree.mkdir()
        data = bytearray(build(Entry(f"{TOP}/link", b"lib", LINK)))
        for place in places:
            data[place % len(data)] = change(data[place % len(data)])
        try:
            unpack([b"PK\3\4" + bytes(data[4:])], tree)
        except ArchiveError as error:
            assert error.hint  # noqa: PT017 - either outcome is fine
        assert {name.partition("/")[0] for name in snapshot(folder)} == {"tree"}


@pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no such limits or signals")
class TestMemory:
    CODE = """
        import resource
        from pyman.archive.unpack import unpack
        from pyman.errors import ArchiveError
        unit = 1 if sys.platform == "darwin" else 1024
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        def chunks():
            with Path(sys.argv[1]).open("rb") as file:
                while chunk := file.read(65536):
                    yield chunk
        try:
            print(unpack(chunks(), Path(sys.argv[2])).files)
        except ArchiveError as error:
            print(error.message)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit)
    """

    @pytest.mark.parametrize("method", [0, 8])
    def test_large_member(self, destination: Path, method: int) -> None:
        data = bytes(64 * MIB) if method else hashlib.shake_128(b"large").digest(MIB) * 50
        source = destination.parent / "source"
        source.write_bytes(build(Entry(f"{TOP}/large", data, method=method)))
        said, grown = in_python(self.CODE, source, destination).splitlines()
        assert said == str(len(normal()) + 1)
        assert int(grown) < 32 * MIB
