"""Archives made byte by byte: normal ones, and hostile ones that no ordinary tool would write.

`HOSTILE` is the corpus: each entry is what is wrong with an archive, its bytes, and what the error must name.
"""

import bz2
import gzip
import io
import sys
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TIME = 1_704_067_200
BLOCK = 512
END = bytes(2 * BLOCK)
DIRECTORY, SYMLINK, HARDLINK = b"5", b"2", b"1"
LONG = "long/" * 300


def extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack one of our own archives as it is: Python 3.11.2 has no filters, later ones warn without."""
    archive.extraction_filter = lambda member, _: member
    archive.extractall(folder)  # noqa: S202 - its own filter stands above


@dataclass(frozen=True, slots=True)
class Hostile:
    """An archive that must be refused, and words of which the message must have each."""

    data: bytes
    words: tuple[str, ...]


def header(  # noqa: PLR0913 - a header block has that many fields
    name: bytes,
    kind: bytes = b"0",
    *,
    size: bytes | int = 0,
    mode: bytes | int = 0o644,
    mtime: bytes | int = TIME,
    link: bytes = b"",
    prefix: bytes = b"",
    magic: bytes = b"ustar\x0000",
    checksum: int | None = None,
) -> bytes:
    """Return one header block; numbers may be given as the bytes of their field, the checksum may lie."""
    fields = [name.ljust(100, b"\0"), _octal(mode, 8), _octal(0, 8), _octal(0, 8), _octal(size, 12)]
    fields += [_octal(mtime, 12), b" " * 8, kind, link.ljust(100, b"\0"), magic, bytes(64), bytes(16)]
    block = b"".join([*fields, prefix.ljust(155, b"\0")]).ljust(BLOCK, b"\0")
    assert len(block) == BLOCK
    total = sum(block) if checksum is None else checksum
    return block[:148] + b"%06o\0 " % total + block[156:]


def _octal(value: bytes | int, width: int) -> bytes:
    return value if isinstance(value, bytes) else b"%0*o\0" % (width - 1, value)


def padded(data: bytes) -> bytes:
    """Return `data` filled up with zeros to whole blocks."""
    return data + bytes(-len(data) % BLOCK)


def member(name: str, data: bytes = b"", kind: bytes = b"0", *, link: str = "", mode: int = 0o644) -> bytes:
    """Return one member; a name or target that does not fit into a header is given in a PAX header."""
    long = {"path": name, "linkpath": link}
    records = {key: text for key, text in long.items() if len(text.encode()) > 100}
    raw, target = name.encode()[:100], link.encode()[:100]
    before = pax(records) if records else b""
    return before + header(raw, kind, size=len(data), mode=mode, link=target) + padded(data)


def symlink(name: str, target: str) -> bytes:
    """Return a symbolic link."""
    return member(name, b"", SYMLINK, link=target)


def hardlink(name: str, target: str) -> bytes:
    """Return a hard link."""
    return member(name, b"", HARDLINK, link=target)


def pax(records: dict[str, str] | bytes, kind: bytes = b"x") -> bytes:
    """Return a PAX header with these records, or with these bytes in their place."""
    if isinstance(records, dict):
        records = b"".join(record(key.encode(), value.encode()) for key, value in records.items())
    return header(b"PaxHeaders/x", kind, size=len(records)) + padded(records)


def record(key: bytes, value: bytes) -> bytes:
    """Return one PAX record, whose length counts its own digits."""
    rest = b" %s=%s\n" % (key, value)
    length = len(rest) + 1
    while len(b"%d" % length) + len(rest) != length:
        length += 1
    return b"%d" % length + rest


def gnu_long(name: bytes, kind: bytes = b"L") -> bytes:
    """Return a GNU header for a long name (L) or a long target (K)."""
    data = name + b"\0"
    return header(b"././@LongLink", kind, size=len(data), magic=b"ustar  \0") + padded(data)


def tar(*members: bytes, end: bytes = END) -> bytes:
    """Return a whole tar."""
    return b"".join(members) + end


def gz(data: bytes) -> bytes:
    """Return `data` as one gzip member, the same bytes every time."""
    return gzip.compress(data, 1, mtime=0)


def bz(data: bytes) -> bytes:
    """Return `data` as one bzip2 stream."""
    return bz2.compress(data, 1)


def zst(data: bytes) -> bytes:
    """Return `data` as one zstd frame."""
    return zstd.compress(data)


def zst_window(data: bytes, log: int) -> bytes:
    """Return a zstd frame which asks for a window of 2**log bytes."""
    # The compressor lowers a window that the data do not need; this frame's header is written here: magic, a
    # descriptor without any flag, the window, then the data as one uncompressed, last block.
    size = len(data) << 3 | 1
    return b"\x28\xb5\x2f\xfd\x00" + bytes([log - 10 << 3]) + size.to_bytes(3, "little") + data


def bomb(size: int) -> bytes:
    """Return a gzip file of a few kilobytes from which `size` zeros come."""
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(1 << 20)
    return b"".join(packer.compress(piece) for _ in range(size >> 20)) + packer.flush()


def normal() -> dict[str, bytes]:
    """Return the files of a small build, by their names in the tree."""
    noise = zlib.compress(repr([n * n for n in range(4000)]).encode())
    return {
        "bin/python3.13": b"#!/bin/sh\n",
        "lib/python3.13/os.py": b'"""os"""\n',
        "lib/python3.13/empty.py": b"",
        "lib/python3.13/exact.bin": noise[:BLOCK],
        "lib/python3.13/large.bin": noise,
    }


def build(*more: bytes, top: str = "python", before: Iterable[bytes] = ()) -> bytes:
    """Return the tar of a small build below the folder `top`, with `more` members at its end."""
    files = (
        member(f"{top}/{name}", data, mode=0o755 if "bin/" in name else 0o644)
        for name, data in normal().items()
    )
    return tar(*before, *files, *more)


def _extra(*members: bytes, words: str | tuple[str, ...]) -> Hostile:
    return Hostile(gz(build(*members)), (words,) if isinstance(words, str) else words)


def _named(name: str, kind: bytes = b"0") -> Hostile:
    """An archive with a member of this name, which the message shows (its start, if it is long)."""
    return _extra(member(name, b"" if kind != b"0" else b"evil", kind), words=repr(name)[1:60].rstrip("'"))


NAMES = {
    "absolute": "/tmp/evil",  # noqa: S108 - a name in an archive, nothing is made there
    "absolute below python": "/python/evil",
    "double slash": "python//evil",
    "parent": "../evil",
    "parent inside": "python/../../evil",
    "parent that stays inside": "python/lib/../evil",
    "parent at the end": "python/lib/..",
    "dot": "python/./evil",
    "dot first": "./python/evil",
    "drive": "C:/evil",
    "drive relative": "C:evil",
    "backslash": "python\\..\\..\\evil",
    "backslash drive": "C:\\evil",
    "unc": "\\\\host\\share\\evil",
    "newline": "python/ev\nil",
    "escape": "python/ev\x1b[2Jil",
    "delete": "python/ev\x7fil",
    "right to left": "python/ev\u202eil",
    "long part": "python/" + "n" * 256,
    "long part in bytes": "python/" + "é" * 128,
    "long name": "python/" + LONG + "evil",
    "deep": "python/" + "d/" * 100 + "evil",
    "outside": "evil",
    "outside beside": "pythonic/evil",
    "other case": "Python/evil",
    "file with a slash": "python/evil/",
}
TARGETS = {
    "absolute": "/etc/passwd",
    "parent": "../../evil",
    "parent through a folder": "lib/../../evil",
    "deep parent": "./" + "../" * 20 + "etc/passwd",
    "backslash": "..\\..\\evil",
    "drive": "C:/evil",
    "newline": "ev\nil",
    "empty": "",
    "long": "l" * 300,
    "endless": "lib/../" * 100 + "evil",
}
_KINDS = {
    "character device": b"3",
    "block device": b"4",
    "fifo": b"6",
    "contiguous file": b"7",
    "sparse file": b"S",
    "unknown type b'Q'": b"Q",
    "volume label": b"V",
    "another archive": b"M",
    "directory dump": b"D",
    "unknown type b'X'": b"X",
}
_LINKS = {
    "below a symlink": ((symlink("python/evil", "lib"), member("python/evil/x", b"x")), "python/evil"),
    "before its symlink": ((member("python/evil/x", b"x"), symlink("python/evil", "lib")), "python/evil"),
    "symlink twice": ((symlink("python/evil", "lib"), symlink("python/evil", "bin")), "python/evil"),
    "symlink over a file": ((symlink("python/bin/python3.13", "x"),), "python/bin/python3.13"),
    "symlink over its own folder": ((symlink("python/lib", "bin"),), "python/lib"),
    "symlink over the root": ((symlink("python", "bin"),), "python"),
    "chain out": (
        (symlink("python/lib/up", ".."), symlink("python/evil", "lib/up/../x")),
        "python/evil",
    ),
    "chain out and in again": (
        (symlink("python/lib/a/up", "../.."), symlink("python/lib/a/evil", "up/../tree/bin")),
        "python/lib/a/evil",
    ),
    "long chain": (
        tuple(symlink(f"python/evil{n}", f"evil{n + 1}") for n in range(20)),
        "python/evil0",
    ),
    "loop": ((symlink("python/evil", "evil2"), symlink("python/evil2", "evil")), "python/evil"),
    "loop of one": ((symlink("python/evil", "evil"),), "python/evil"),
    "loop of folders": ((symlink("python/lib/evil", "../lib/evil/x"),), "python/lib/evil"),
    "hard link out": ((hardlink("python/evil", "../../etc/passwd"),), "python/evil"),
    "hard link out of the tree": ((hardlink("python/evil", "python/../../../etc/passwd"),), "python/evil"),
    "hard link absolute": ((hardlink("python/evil", "/etc/passwd"),), "python/evil"),
    "hard link beside": ((hardlink("python/evil", "other/file"),), "python/evil"),
    "hard link to nothing": ((hardlink("python/evil", "python/none"),), "python/evil"),
    "hard link to later": ((hardlink("python/evil", "python/z"), member("python/z", b"z")), "python/evil"),
    "hard link to itself": ((hardlink("python/evil", "python/evil"),), "python/evil"),
    "hard link to a folder": ((hardlink("python/evil", "python/lib"),), "python/evil"),
    "hard link to the root": ((hardlink("python/evil", "python"),), "python/evil"),
    "hard link through a symlink": (
        (symlink("python/up", "lib"), hardlink("python/evil", "python/up/python3.13/os.py")),
        "python/evil",
    ),
    "hard link to a symlink": (
        (symlink("python/up", "bin/python3.13"), hardlink("python/evil", "python/up")),
        "python/evil",
    ),
    "hard link twice": (
        (hardlink("python/evil", "python/bin/python3.13"),) * 2,
        "python/evil",
    ),
    "file twice": ((member("python/evil", b"1"), member("python/evil", b"2")), "python/evil"),
    "file, then folder": ((member("python/evil", b"1"), member("python/evil/", b"", DIRECTORY)), "evil"),
    "file, then below it": ((member("python/evil", b"1"), member("python/evil/x", b"")), "python/evil/x"),
    "folder, then file": ((member("python/evil/", b"", DIRECTORY), member("python/evil", b"")), "evil"),
    "root as a file": ((member("python", b"x"),), "'python'"),
}
_EVIL = header(b"python/evil", size=4) + padded(b"evil")
_HEADERS = {
    "PAX path out": (pax({"path": "../evil"}) + _EVIL, "../evil"),
    "PAX path absolute": (pax({"path": "/evil"}) + _EVIL, "/evil"),
    "PAX path with NUL": (pax({"path": "python/ev\0il"}) + _EVIL, r"ev\x00il"),
    "PAX path empty": (pax({"path": ""}) + _EVIL, "''"),
    "PAX path twice": (pax(record(b"path", b"python/a") + record(b"path", b"python/b")) + _EVIL, "twice"),
    "PAX path in two headers": (pax({"path": "python/a"}) + pax({"path": "python/b"}) + _EVIL, "twice"),
    "PAX path beside a GNU name": (gnu_long(b"python/a") + pax({"path": "python/b"}) + _EVIL, "twice"),
    "PAX path not UTF-8": (pax(record(b"path", b"python/\xff")) + _EVIL, "UTF-8"),
    "PAX linkpath out": (
        pax({"linkpath": "../../evil"}) + header(b"python/evil", SYMLINK, link=b"lib"),
        "../../evil",
    ),
    "PAX size larger": (pax({"size": "99999999999"}) + _EVIL, "python/evil"),
    "PAX size smaller": (pax({"size": "0"}) + _EVIL, "checksum"),
    "PAX size negative": (pax({"size": "-4"}) + _EVIL, "python/evil"),
    "PAX size in words": (pax({"size": "four"}) + _EVIL, "four"),
    "PAX size of many digits": (pax({"size": "9" * 5000}) + _EVIL, "number"),
    "PAX size in other digits": (pax({"size": "٤"}) + _EVIL, "number"),
    "PAX mtime in words": (pax({"mtime": "nan"}) + _EVIL, "nan"),
    "PAX sparse 0.0": (pax({"GNU.sparse.size": "9", "GNU.sparse.offset": "0"}) + _EVIL, "sparse"),
    "PAX sparse 1.0": (
        pax({"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x"}) + _EVIL,
        "sparse",
    ),
    "PAX record too long": (pax(b"99 path=python/a\n") + _EVIL, "PAX"),
    "PAX record too short": (pax(b"5 path=python/a\n") + _EVIL, "PAX"),
    "PAX record of no length": (pax(b"0 path=python/a\n") + _EVIL, "PAX"),
    "PAX record negative": (pax(b"-9 path=python/a\n") + _EVIL, "PAX"),
    "PAX record of many digits": (pax(b"9" * 5000) + _EVIL, "PAX"),
    "PAX record without end": (pax(b"17 path=python/ab") + _EVIL, "PAX"),
    "PAX record without value": (pax(b"8 path\n\n") + _EVIL, "PAX"),
    "PAX garbage after a record": (pax(record(b"comment", b"x") + b"garbage") + _EVIL, "PAX"),
    "PAX header too large": (header(b"x", b"x", size=1 << 30) + _EVIL, "1,073,741,824"),
    "PAX header at the end": (pax({"path": "python/a"}), "no member"),
    "PAX global path": (pax({"path": "python/a"}, b"g") + _EVIL, "global"),
    "PAX global size": (pax({"size": "0"}, b"g") + _EVIL, "global"),
    "PAX global linkpath": (pax({"linkpath": "/etc"}, b"g") + _EVIL, "global"),
    "PAX global sparse": (pax({"GNU.sparse.major": "1"}, b"g") + _EVIL, "global"),
    "GNU name out": (gnu_long(b"../evil") + _EVIL, "../evil"),
    "GNU name with NUL": (gnu_long(b"python/ev\0il") + _EVIL, r"ev\x00il"),
    "GNU name empty": (gnu_long(b"") + _EVIL, "''"),
    "GNU name twice": (gnu_long(b"python/a") + gnu_long(b"python/b") + _EVIL, "twice"),
    "GNU name too large": (header(b"x", b"L", size=1 << 30) + _EVIL, "1,073,741,824"),
    "GNU name at the end": (gnu_long(b"python/a"), "no member"),
    "GNU target out": (
        gnu_long(b"../../evil", b"K") + header(b"python/evil", SYMLINK, link=b"lib"),
        "../../evil",
    ),
    "prefix out": (header(b"evil", prefix=b"python/../.."), "python/../../evil"),
    "name not UTF-8": (header(b"python/\xff"), "UTF-8"),
    "name empty": (header(b""), "''"),
    "wrong checksum": (header(b"python/evil", checksum=1), "checksum"),
    "other magic": (header(b"python/evil", magic=b"mystery!"), "ustar"),
    "no magic": (header(b"python/evil", magic=bytes(8)), "ustar"),
    "size larger": (header(b"python/evil", size=1 << 30) + padded(b"evil"), "python/evil"),
    "size huge": (header(b"python/evil", size=b"\x80" + b"\x7f" * 11), "python/evil"),
    "size negative": (header(b"python/evil", size=b"\xff" * 12), "python/evil"),
    "size not octal": (header(b"python/evil", size=b"00000000999\0"), "large.bin"),
    "size with a sign": (header(b"python/evil", size=b"-0000000004\0"), "number"),
    "size with an underscore": (header(b"python/evil", size=b"0000_000004\0"), "number"),
    "size of a folder": (header(b"python/evil/", DIRECTORY, size=4) + padded(b"evil"), "python/evil"),
    "size of a symlink": (header(b"python/evil", SYMLINK, size=4, link=b"x") + padded(b"evil"), "evil"),
    "size of a hard link": (
        header(b"python/evil", HARDLINK, size=4, link=b"python/bin/python3.13") + padded(b"evil"),
        "python/evil",
    ),
    "data where a header should be": (b"garbage!" * 64, "large.bin"),
}
_TOPS = {
    "of nobody's": (gz(build(top="jython-2.7")), "is not in python/"),
    "another one after it": (
        gz(build(member("pypy3.9-v7.3.16/evil"), top="pypy3.10-v7.3.16")),
        "pypy3.9-v7.3.16/evil",
    ),
    "python after it": (gz(build(member("python/evil"), top="pypy3.10-v7.3.16")), "python/evil"),
    "a file beside it": (gz(build(member("evil"), top="graalpy-25.0.1")), "is not in graalpy-25.0.1/"),
    "a link out of it": (gz(build(symlink("pypy3.10/evil", "../x"), top="pypy3.10")), "pypy3.10/evil"),
    "a file": (gz(tar(member("pypy3.10", b"x"))), "'pypy3.10'"),
    "of another case": (gz(build(top="PyPy3.10")), "is not in python/"),
}
_FILES = {
    "nothing at all": (b"", "empty"),
    "end of a zip": (b"PK\5\6" + bytes(18), "zip"),
    "web page": (b"\n<!DOCTYPE html><title>Log in</title>", "web page"),
    "JSON": (b'{"message": "Not found"}', "JSON"),
    "xz": (b"\xfd7zXZ\0" + bytes(64), "xz"),
    "bzip2 that is none": (b"BZh9" + bytes(64), "damaged"),
    "bzip2 cut off": (bz(build())[:-4], "truncated"),
    "bzip2 with a wrong checksum": (bz(build())[:-4] + bytes(4), "damaged"),
    "garbage after bzip2": (bz(build()) + b"garbage", "damaged"),
    "padding after bzip2": (bz(build()) + bytes(512), "damaged"),
    "gzip after bzip2": (bz(build()) + gz(b""), "damaged"),
    "many bzip2 streams": (bz(build()) + bz(b"") * 10_001, "10,000"),
    "tar not compressed": (build(), "70 79 74 68 6f 6e"),
    "one byte": (b"\x1f", "1f"),
    "gzip of nothing": (gz(b""), "ends"),
    "gzip of zeros only": (gz(tar()), "python/"),
    "gzip of text": (gz(b"this is no tar " * 100), "number"),
    "no end": (gz(build()[: -len(END)]), "large.bin"),
    "member after the end": (gz(build() + member("python/evil", b"x")), "large.bin"),
    "member after one zero block": (gz(tar(build()[: -len(END)], bytes(BLOCK), _EVIL)), "large.bin"),
    "garbage after gzip": (gz(build()) + b"garbage", "damaged"),
    "garbage after padding": (gz(build()) + bytes(2000) + b"garbage", "damaged"),
    "garbage after zstd": (zst(build()) + b"garbage", "damaged"),
    "padding after zstd": (zst(build()) + bytes(512), "damaged"),
    "gzip with a wrong checksum": (gz(build())[:-8] + bytes(8), "damaged"),
    "gzip cut in its header": (gz(build())[:6], "truncated"),
    "zstd after gzip": (gz(build()) + zst(b""), "damaged"),
    "zstd with a huge window": (zst_window(build()[:BLOCK], 31), "memory"),
    "zstd with a window of 256 MiB": (zst_window(build()[:BLOCK], 28), "memory"),
    "many gzip members": (gz(build()) + gz(b"") * 10_001, "10,000"),
    "folders only": (
        gz(tar(member("python/", b"", DIRECTORY), member("python/lib/", b"", DIRECTORY))),
        "no file",
    ),
    "full without a tree": (
        gz(tar(member("python/PYTHON.json", b"{}"), member("python/build/x.o", b"x"))),
        "python/install",
    ),
    "full with an outsider": (gz(build(member("evil", b"x"), top="python/install")), "evil"),
}


def _corpus() -> dict[str, Hostile]:
    corpus = {f"name: {what}": _named(name) for what, name in NAMES.items()}
    corpus |= {f"folder: {what}": _named(name, DIRECTORY) for what, name in NAMES.items() if name[-1] != "/"}
    corpus |= {
        f"symlink: {what}": _extra(symlink("python/evil", target), words="python/evil")
        for what, target in TARGETS.items()
    }
    corpus |= {
        f"kind: {what}": _extra(member("python/evil", b"", kind), words=("python/evil", what))
        for what, kind in _KINDS.items()
    }
    corpus |= {f"link: {what}": _extra(*parts, words=word) for what, (parts, word) in _LINKS.items()}
    corpus |= {f"header: {what}": _extra(data, words=word) for what, (data, word) in _HEADERS.items()}
    corpus |= {f"top folder: {what}": Hostile(data, (word,)) for what, (data, word) in _TOPS.items()}
    return corpus | {f"file: {what}": Hostile(data, (word,)) for what, (data, word) in _FILES.items()}


HOSTILE = _corpus()


def with_tarfile(format_: int, members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Return the tar that the standard library writes, in one of its three formats."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format_, encoding="utf-8") as file:
        for info, data in members:
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
