"""The archive cache, `PYMAN_CACHE_DIR`: what is kept, what is taken from it, and what is done with damage."""

import gzip
import os
import shutil
import stat
import sys
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from threading import Event, Thread

import pytest
from tests.commands.test_install_faults import small_disk, unwritable
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.server import Exchange, Server, cut_body, slow, stalled_body, wrong_byte
from tests.support.waiting import wait_for

from pyman.network.cache_folder import Archives

FOREIGN = "linux-riscv64-gnu"
OFFLINE = {"PYMAN_OFFLINE": "1", "PYMAN_TEST_NO_SOCKETS": "1"}
posix = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no such permissions or mounts")


@pytest.fixture
def cache(pyman: Pyman) -> Path:
    """The folder of cached archives, which does not exist yet."""
    pyman.environment["PYMAN_CACHE_DIR"] = str(pyman.root / "cache")
    return pyman.root / "cache" / "archives"


@pytest.fixture
def wanted(server: Server, offer: Offer) -> Archive:
    """A build of 3.13 for another target, which is offered."""
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN), 300_000)
    offer(archive)
    return archive


def install(pyman: Pyman, *args: str, code: int = 0, offline: bool = False) -> str:
    """Install the newest 3.13 and return what was said."""
    env = OFFLINE if offline else {}
    return pyman("install", "3.13", "--target", FOREIGN, *args, code=code, env=env).stderr


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def test_nothing_is_kept_unless_it_is_wanted(pyman: Pyman, wanted: Archive) -> None:
    install(pyman, "--reinstall")
    assert {entry.name for entry in pyman.root.iterdir()} == {"home", "bin", "work", "store"}
    assert wanted.key in pyman.installed()


def test_what_was_downloaded_serves_reinstalls_and_other_stores_offline(
    pyman: Pyman, cache: Path, wanted: Archive, server: Server
) -> None:
    assert "Downloading" in install(pyman)
    assert kept(cache) == [wanted.sha256]
    assert (cache / str(wanted.sha256)).read_bytes() == (server.folder / wanted.path).read_bytes()
    told = install(pyman, "--reinstall", offline=True)
    assert f"Installing {wanted.key} from the cache (" in told
    assert "Downloading" not in told
    shutil.rmtree(pyman.store)
    assert f"from {cache / str(wanted.sha256)}" in install(pyman, "--dry-run", offline=True)
    install(pyman, offline=True)
    assert pyman.installed() == [wanted.key]
    assert server.count(wanted.file) == 1


def test_a_real_build_from_the_cache_runs(
    pyman: Pyman, cache: Path, real: list[Archive], offer: Offer
) -> None:
    offer(real[0])
    request = real[0].version
    pyman("install", request)
    shutil.rmtree(pyman.store)
    assert "from the cache" in pyman("install", request, env=OFFLINE).stderr
    done = pyman("run", request, "-c", "import sys, zlib; print(sys.prefix)", env=OFFLINE)
    assert Path(done.stdout.strip()).resolve() == (pyman.store / real[0].key).resolve()
    assert kept(cache) == [real[0].sha256]


def truncate(entry: Path, _: Path) -> None:
    os.truncate(entry, 1000)


def empty(entry: Path, _: Path) -> None:
    entry.write_bytes(b"")


def turn_a_bit(entry: Path, _: Path) -> None:
    content = bytearray(entry.read_bytes())
    content[len(content) // 2] ^= 1
    entry.write_bytes(content)


def append(entry: Path, _: Path) -> None:
    entry.write_bytes(entry.read_bytes() + b"more")


def lead_elsewhere(entry: Path, elsewhere: Path) -> None:
    if sys.platform == "win32":
        pytest.skip(ELSEWHERE + "a link takes rights that not everybody has")
    elsewhere.write_bytes(entry.read_bytes())
    entry.unlink()
    entry.symlink_to(elsewhere)


def lead_nowhere(entry: Path, elsewhere: Path) -> None:
    if sys.platform == "win32":
        pytest.skip(ELSEWHERE + "a link takes rights that not everybody has")
    entry.unlink()
    entry.symlink_to(elsewhere / "nowhere")


def make_a_folder(entry: Path, _: Path) -> None:
    entry.unlink()
    (entry / "folder").mkdir(parents=True)
    (entry / "folder" / "file").write_bytes(b"")


def make_a_pipe(entry: Path, _: Path) -> None:
    if sys.platform == "win32":
        pytest.skip(ELSEWHERE + "no pipes among files")
    entry.unlink()
    os.mkfifo(entry)


def put_another_archive(entry: Path, _: Path) -> None:
    entry.write_bytes(gzip.compress(b"another archive, with its own digest"))


@pytest.mark.parametrize("damage", [truncate, empty, turn_a_bit, append, put_another_archive])
def test_a_damaged_entry_is_dropped_and_the_next_source_taken(
    damage: Callable[[Path, Path], None], pyman: Pyman, cache: Path, wanted: Archive
) -> None:
    install(pyman)
    entry = cache / str(wanted.sha256)
    sound = entry.read_bytes()
    damage(entry, entry)
    shutil.rmtree(pyman.store)
    told = install(pyman)
    assert "warning: the cached archive is damaged and was dropped: " in told
    assert str(entry.name) in told
    assert f"Installed {wanted.key}" in told
    assert entry.read_bytes() == sound
    assert kept(cache) == [wanted.sha256]
    assert not pyman.leftovers()


def picture(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return kind and contents of all that is below a folder, and where its links lead."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(place, name)
            mode = path.lstat().st_mode
            content = os.fsencode(path.readlink()) if path.is_symlink() else b""
            found[str(path)] = (mode, path.read_bytes() if stat.S_ISREG(mode) else content)
    return found


@pytest.mark.parametrize("foreign", [lead_elsewhere, lead_nowhere, make_a_folder, make_a_pipe])
def test_what_pyman_did_not_make_stays(
    foreign: Callable[[Path, Path], None], pyman: Pyman, cache: Path, wanted: Archive, tmp_path: Path
) -> None:
    install(pyman)
    foreign(cache / str(wanted.sha256), tmp_path / "elsewhere")
    before = picture(cache), picture(tmp_path / "elsewhere")
    told = install(pyman, "--reinstall")
    assert "warning: cannot keep the archive in " in told
    assert "which pyman did not make" in told
    assert f"Installed {wanted.key}" in told
    assert not pyman.leftovers()
    pyman("prune", "--cache", "--yes")
    assert (picture(cache), picture(tmp_path / "elsewhere")) == before


@posix
def test_a_folder_of_archives_that_is_a_link(
    pyman: Pyman, cache: Path, wanted: Archive, offer: Offer, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    for name in ("0" * 64, f"{'0' * 64}.{'0' * 16}.part", "x.part"):
        (victim / name).write_bytes(b"not pyman's")
    cache.parent.mkdir()
    cache.symlink_to(victim)
    before = picture(victim)
    assert "it is a link" in install(pyman)
    assert pyman.installed() == [wanted.key]
    shutil.copyfile(offer.server.folder / wanted.path, victim / str(wanted.sha256))
    before = picture(victim)
    when = (victim / str(wanted.sha256)).stat().st_mtime_ns
    assert "Downloading" in install(pyman, "--reinstall")
    assert (victim / str(wanted.sha256)).stat().st_mtime_ns == when
    assert "it is a link" in pyman("prune", "--cache", "--yes", code=1).stderr
    assert picture(victim) == before


@posix
def test_only_unfinished_archives_are_swept(pyman: Pyman, cache: Path, wanted: Archive) -> None:
    cache.mkdir(parents=True)
    mine = cache / f"{wanted.sha256}.{'0' * 16}.part"
    mine.write_bytes(b"x")
    for name in ("x.part", f"{wanted.sha256}.part", "folder.part", f"{'1' * 64}.{'1' * 16}.part"):
        (cache / name).symlink_to(mine) if name.startswith("1") else (cache / name).write_bytes(b"x")
    before = kept(cache)
    install(pyman)
    assert kept(cache) == sorted([*(set(before) - {mine.name}), str(wanted.sha256)])
    if os.geteuid() == 0:
        mine.write_bytes(b"x")
        os.chown(mine, 12345, 12345)
        (cache / str(wanted.sha256)).unlink()
        install(pyman, "--reinstall")
        assert mine.exists()


def test_a_damaged_entry_offline(pyman: Pyman, cache: Path, wanted: Archive) -> None:
    install(pyman)
    turn_a_bit(cache / str(wanted.sha256), cache)
    told = install(pyman, "--reinstall", offline=True, code=1)
    assert "is damaged" in told
    assert f"{wanted.path.replace('+', '%2B')} would have been fetched" in told
    assert kept(cache) == []
    assert pyman.installed() == [wanted.key]


@pytest.mark.parametrize("fault", [wrong_byte, cut_body])
def test_only_what_has_its_digest_is_kept(
    fault: Callable[[Exchange, bytes], None], pyman: Pyman, cache: Path, wanted: Archive, server: Server
) -> None:
    server.spoil(wanted.file, fault)
    install(pyman, code=1)
    assert kept(cache) == []


def test_a_broken_connection_makes_one_sound_entry(
    pyman: Pyman, cache: Path, wanted: Archive, server: Server
) -> None:
    pyman.environment["PYMAN_RETRIES"] = "1"
    server.spoil(wanted.file, cut_body, times=1)
    install(pyman)
    assert server.asked[-1].headers["range"]
    assert (cache / str(wanted.sha256)).read_bytes() == (server.folder / wanted.path).read_bytes()


def test_what_has_no_digest_or_is_a_local_file_is_not_kept(
    pyman: Pyman, cache: Path, wanted: Archive, server: Server, offer: Offer
) -> None:
    install(pyman, "--mirror", str(server.folder))
    assert kept(cache) == []
    offer(replace(wanted, sha256=None))
    install(pyman, "--reinstall", "--allow-unverified")
    assert server.count(wanted.file) == 1
    assert kept(cache) == []


def test_a_digest_that_is_a_path_stays_inside(
    pyman: Pyman, cache: Path, wanted: Archive, offer: Offer
) -> None:
    outside = "../" * 21 + "x"
    assert len(outside) == 64
    offer(replace(wanted, sha256=outside))
    install(pyman, code=1)
    assert kept(cache) == []


@posix
def test_a_cache_that_may_only_be_read(pyman: Pyman, cache: Path, wanted: Archive, offer: Offer) -> None:
    install(pyman)
    other = small_archive(offer.server.folder, replace(wanted, version="3.13.6"))
    offer(wanted, other)
    with unwritable(cache.parent, pyman):
        assert "from the cache" in pyman("install", "3.13.5", "--reinstall", "--target", FOREIGN).stderr
        told = pyman("install", "3.13.6", "--target", FOREIGN).stderr
    assert f"warning: cannot keep the archive in {cache}: Permission denied" in told
    assert pyman.installed() == [wanted.key, other.key]
    assert kept(cache) == [wanted.sha256]


def test_a_cache_that_is_no_folder(pyman: Pyman, cache: Path, wanted: Archive) -> None:
    cache.parent.write_bytes(b"a file")
    told = install(pyman)
    assert told.count("warning: cannot keep the archive") == 1
    assert pyman.installed() == [wanted.key]


@posix
@pytest.mark.parametrize("told_size", [True, False])
def test_a_full_disk_below_the_cache(told_size: bool, pyman: Pyman, cache: Path, offer: Offer) -> None:  # noqa: FBT001
    large = small_archive(offer.server.folder, Archive("3.13.5", "20250612", FOREIGN), 8_000_000)
    offer(large)
    if not told_size:
        offer.server.spoil(large.file, without_length)
    with small_disk(cache.parent):
        told = install(pyman)
        assert kept(cache) == []
    assert told.count(f"warning: cannot keep the archive in {cache}: No space left on device") == 1
    assert pyman.installed() == [large.key]


def without_length(exchange: Exchange, body: bytes) -> None:
    """Send the body until the connection ends, its length untold."""
    exchange.send_response(HTTPStatus.OK)
    exchange.send_header("Connection", "close")
    exchange.end_headers()
    exchange.write(body)
    exchange.close_connection = True


@posix
def test_nobody_else_may_write_what_is_kept(pyman: Pyman, cache: Path, wanted: Archive) -> None:
    before = os.umask(0)
    try:
        install(pyman)
    finally:
        os.umask(before)
    for path in (cache.parent, cache, cache / str(wanted.sha256)):
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@posix
def test_what_a_killed_process_left_is_swept_and_what_a_living_one_writes_is_not(
    pyman: Pyman, cache: Path, wanted: Archive, offer: Offer
) -> None:
    other = small_archive(offer.server.folder, replace(wanted, version="3.12.11"), 200_000)
    offer(wanted, other)
    offer.server.spoil(other.file, stalled_body)
    with pyman.start("install", "3.12", "--target", FOREIGN) as living:
        wait_for(lambda: len(kept(cache)) == 1, seconds=20)
        (own,) = kept(cache)
        pyman.environment["PYMAN_HOME"] = str(pyman.root / "other store")
        with pyman.start("install", "3.12", "--target", FOREIGN) as killed:
            wait_for(lambda: len(kept(cache)) == 2, seconds=20)
            killed.kill()
        install(pyman)
        assert kept(cache) == sorted([own, str(wanted.sha256)])
        living.terminate()
    assert kept(cache) == [wanted.sha256]


def test_processes_that_store_the_same_archive_at_once(
    pyman: Pyman, cache: Path, wanted: Archive, offer: Offer
) -> None:
    offer.server.spoil(wanted.file, slow)
    running = []
    for number in range(3):
        pyman.environment["PYMAN_HOME"] = str(pyman.root / f"store {number}")
        running.append(pyman.start("install", "3.13", "--target", FOREIGN))
    for process in running:
        told = process.communicate(timeout=60)[1]
        assert process.returncode == 0, told
        assert "warning" not in told
    assert (cache / str(wanted.sha256)).read_bytes() == (offer.server.folder / wanted.path).read_bytes()
    assert kept(cache) == [wanted.sha256]


@pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}no locks: what is open cannot be removed")
def test_what_has_just_been_begun_is_not_swept(tmp_path: Path) -> None:
    """Two downloads at once: each sweeps before it begins, perhaps between two steps of the other."""
    done = Event()

    def sweep() -> None:
        with Archives(tmp_path) as folder:
            while not done.is_set():
                folder.sweep()

    sweeper = Thread(target=sweep)
    sweeper.start()
    try:
        with Archives(tmp_path) as folder:
            for number in range(300):
                name = f"{number:064x}"
                with folder.create(f"{name}.{number:016x}.part"):
                    folder.finish(f"{name}.{number:016x}.part", name)
    finally:
        done.set()
        sweeper.join()
    assert len(list(tmp_path.iterdir())) == 300
