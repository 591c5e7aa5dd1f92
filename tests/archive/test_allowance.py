"""An archive may unpack to 20 times its size and 64 MiB: what is not verified does not fill the disk."""

import errno
import hashlib
import io
import os
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Offer, Pyman, fixture_archive
from tests.support.archives import bz, gz, hardlink, member, tar, zst
from tests.support.builds import Archive, small_archive
from tests.support.server import Exchange, serving

from pyman.archive.unpack import unpack
from pyman.errors import ArchiveError, TooLargeError

FOREIGN = "linux-riscv64-gnu"
MIB = 1 << 20
SPARE = 64 * MIB
PYTHON = "python/bin/python3.13"
Pack = Callable[[dict[str, bytes]], bytes]


def tarred(compress: Callable[[bytes], bytes]) -> Pack:
    return lambda files: compress(tar(*(member(name, data) for name, data in files.items())))


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


def several(compress: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Compress in many streams, one after the other."""
    return lambda data: b"".join(compress(data[at : at + MIB]) for at in range(0, len(data), MIB))


PACKS: dict[str, Pack] = {
    "gz": tarred(gz),
    "bz2": tarred(bz),
    "zst": tarred(zst),
    "gz-streams": tarred(several(gz)),
    "zst-frames": tarred(several(zst)),
    "zip": zipped,
}
packs = pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)


def cut(data: bytes, size: int = 100_000) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def written(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def noise(size: int) -> bytes:
    return hashlib.shake_128(b"noise").digest(size)


@packs
def test_more_is_refused_before_it_is_written(pack: Pack, tmp_path: Path) -> None:
    data = pack({PYTHON: b"", "python/zeros": bytes(100 * MIB)})
    assert len(data) < MIB
    with pytest.raises(TooLargeError) as caught:
        unpack(cut(data), tmp_path)
    assert f"{20 * len(data) + SPARE:,} bytes, 20 times its size and 64 MiB" in caught.value.message
    assert caught.value.hint
    assert written(tmp_path) <= 20 * len(data) + SPARE


@packs
@pytest.mark.parametrize("first", ["zeros", "noise"])
def test_what_is_allowed_is_unpacked_whichever_part_comes_first(
    pack: Pack, first: str, tmp_path: Path
) -> None:
    parts = {"python/zeros": bytes(100 * MIB), "python/noise": noise(3 * MIB)}
    files = {PYTHON: b"", f"python/{first}": parts[f"python/{first}"]} | parts
    unpacked = unpack(cut(pack(files)), tmp_path)
    assert unpacked.size == 103 * MIB
    assert (tmp_path / "noise").read_bytes() == parts["python/noise"]
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "zeros", "noise"}


@packs
def test_the_part_that_has_come_allows_what_is_written_of_it(pack: Pack, tmp_path: Path) -> None:
    """However much follows: the rest is kept as it comes, which is its own size."""
    data = pack({PYTHON: b"", "python/zeros": bytes(200 * MIB), "python/noise": noise(3 * MIB)})
    with pytest.raises(TooLargeError):
        unpack(cut(data), tmp_path)
    assert written(tmp_path) <= 20 * len(data) + SPARE


@settings(max_examples=15, deadline=None)
@given(
    name=st.sampled_from(["gz", "zst", "zip"]),
    parts=st.lists(st.tuples(st.booleans(), st.integers(0, 40)), min_size=1, max_size=4),
    size=st.sampled_from([1000, 70_000, 1 << 20]),
)
def test_its_size_alone_decides(
    name: str, parts: list[tuple[bool, int]], size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    files = {PYTHON: b""} | {
        f"python/{number}": noise(length << 16) if is_noise else bytes(length * MIB)
        for number, (is_noise, length) in enumerate(parts)
    }
    data, folder = PACKS[name](files), tmp_path_factory.mktemp("tree")
    inside = sum(map(len, files.values()))
    whole = inside if name == "zip" else len(tar(*(member(n, d) for n, d in files.items())))
    try:
        unpacked = unpack(cut(data, size), folder)
    except TooLargeError:
        assert whole > 20 * len(data) + SPARE
        assert written(folder) <= 20 * len(data) + SPARE
    else:
        assert unpacked.size == inside
        assert whole <= 20 * len(data) + SPARE
    finally:
        shutil.rmtree(folder)


def test_copies_that_stand_for_links_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a file may not have so many links (65,000 on ext4), or none at all."""

    def no_link(*_: object) -> None:
        raise OSError(errno.EMLINK, os.strerror(errno.EMLINK))

    monkeypatch.setattr(os, "link", no_link)
    links = [hardlink(f"python/{number}", "python/zeros") for number in range(10)]
    whole = gz(tar(member(PYTHON), member("python/zeros", bytes(8 * MIB)), *links[:6]))
    (tmp_path / "good").mkdir()
    assert unpack(cut(whole), tmp_path / "good").files
    assert written(tmp_path / "good") == 56 * MIB
    bomb = gz(tar(member(PYTHON), member("python/zeros", bytes(8 * MIB)), *links))
    (tmp_path / "bad").mkdir()
    with pytest.raises(TooLargeError, match="copies"):
        unpack(cut(bomb), tmp_path / "bad")
    assert written(tmp_path / "bad") <= 20 * len(bomb) + SPARE


def test_folders_and_empty_files_count(tmp_path: Path) -> None:
    """Each takes a block of the disk, though nothing is in it. The last name may make 64 at once."""
    folders = [member(f"python/{number}/" + "d/" * 60 + "x") for number in range(600)]
    data = gz(tar(member(PYTHON), *folders))
    with pytest.raises(ArchiveError, match="members"):
        unpack(cut(data), tmp_path)
    entries = sum(len(names) + len(files) for _, names, files in os.walk(tmp_path))
    assert (entries - 64) * 4096 <= 20 * len(data) + SPARE


def test_real_builds_are_far_from_it(fixtures: Path, tmp_path: Path) -> None:
    for version in ("3.12.1", "3.13.0"):
        path, tree = fixture_archive(fixtures, f"cpython-{version}+"), tmp_path / version
        tree.mkdir()
        assert unpack(cut(path.read_bytes()), tree).size < 10 * path.stat().st_size


@contextmanager
def watched(folder: Path) -> Iterator[list[int]]:
    """Look all the time how many bytes are on the disk below `folder`; the largest number is the last."""
    largest, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.005):
            found = 0
            for place, _, files in os.walk(folder):
                for name in files:
                    try:
                        found += os.stat(os.path.join(place, name)).st_size  # noqa: PTH116, PTH118
                    except OSError:
                        continue
            largest[0] = max(largest[0], found)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield largest
    finally:
        done.set()
        thread.join()


def lies_about_its_length(exchange: Exchange, body: bytes) -> None:
    """Promise 3 GB, send the bomb, and hang up."""
    exchange.head(HTTPStatus.OK, 3_000_000_000)
    exchange.write(body)
    exchange.close_connection = True


def says_no_length(exchange: Exchange, body: bytes) -> None:
    exchange.send_response(HTTPStatus.OK)
    exchange.send_header("Connection", "close")
    exchange.end_headers()
    exchange.write(body)
    exchange.close_connection = True


FAULTS = {"honest": None, "lies": lies_about_its_length, "silent": says_no_length}


@pytest.fixture
def offered(offer: Offer) -> Archive:
    """A sound build, at its own source."""
    archive = small_archive(offer.server.folder, Archive("3.13.5", "20250612", FOREIGN))
    offer(archive)
    return archive


@pytest.mark.parametrize(
    ("pack", "fault"),
    [*((pack, "honest") for pack in PACKS.values()), (PACKS["gz"], "lies"), (PACKS["zst"], "silent")],
    ids=[*PACKS, "gz-lies", "zst-silent"],
)
def test_the_next_source_is_taken(
    pack: Pack, fault: str, offered: Archive, pyman: Pyman, tmp_path: Path
) -> None:
    place = tmp_path / "mirror" / offered.path
    place.parent.mkdir(parents=True)
    place.write_bytes(pack({PYTHON: b"", "python/zeros": bytes(200 * MIB)}))
    limit = 20 * place.stat().st_size + SPARE
    with serving(tmp_path / "mirror") as mirror, watched(pyman.store) as largest:
        if how := FAULTS[fault]:
            mirror.spoil(offered.file, how)
        result = pyman("install", "3.13", "--target", FOREIGN, "--mirror", mirror.url)
    (warning,) = (line for line in result.stderr.splitlines() if line.startswith("warning: "))
    assert mirror.url in warning
    assert "trying the next source" in warning
    if fault != "lies":
        assert "20 times its size and 64 MiB" in warning
    assert pyman.installed() == [offered.key]
    assert not pyman.leftovers()
    assert largest[0] <= limit + place.stat().st_size


def test_a_bomb_at_the_only_source(offered: Archive, pyman: Pyman, offer: Offer) -> None:
    place = offer.server.folder / offered.path
    place.write_bytes(PACKS["gz"]({PYTHON: b"", "python/zeros": bytes(100 * MIB)}))
    pyman.environment["PYMAN_CACHE_DIR"] = str(pyman.root / "cache")
    result = pyman("install", "3.13", "--target", FOREIGN, code=1)
    assert "20 times its size and 64 MiB" in result.stderr
    assert "hint: " in result.stderr
    assert pyman.installed() == []
    assert not pyman.leftovers()
    assert list((pyman.root / "cache" / "archives").iterdir()) == []


def test_a_bomb_whose_digest_is_published_or_unknown(offer: Offer, pyman: Pyman) -> None:
    for digest in ("its own", None):
        archive = small_archive(offer.server.folder, Archive("3.13.5", "20250612", FOREIGN))
        place = offer.server.folder / archive.path
        place.write_bytes(PACKS["gz"]({PYTHON: b"", "python/zeros": bytes(100 * MIB)}))
        sha256 = Archive.of_file(place).sha256 if digest else None
        offer(Archive("3.13.5", "20250612", FOREIGN, sha256=sha256))
        result = pyman("install", "3.13", "--target", FOREIGN, "--allow-unverified", code=1)
        assert "20 times its size and 64 MiB" in result.stderr
        assert "hint: " in result.stderr
        assert not pyman.leftovers()
