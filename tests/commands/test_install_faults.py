"""`pyman install` when something goes wrong: a clear error, the store as before, no rubbish left behind."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman, Result
from tests.support import become
from tests.support.builds import Archive, save, small_archive, write_archive
from tests.support.server import (
    Fault,
    Server,
    cut_body,
    not_found,
    redirect_to,
    stalled_body,
    too_long_length,
    too_short_length,
    unavailable,
    web_page,
    wrong_byte,
)
from tests.support.waiting import wait_for

FOREIGN = "linux-riscv64-gnu"
# What other programs call a build, with an address that tells no release.
ENTRY_WITHOUT_FOLDER = {
    "name": "cpython",
    "os": "linux",
    "libc": "gnu",
    "arch": {"family": "x86_64", "variant": None},
    "major": 3,
    "minor": 13,
    "patch": 5,
    "url": "file",
}
Published = dict[str, bytes | str]
posix = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no such signals or mounts")


@pytest.fixture
def wanted(server: Server, offer: Offer) -> Archive:
    """A build of 3.13 which is offered."""
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN), 300_000)
    offer(archive)
    return archive


@pytest.fixture
def before(pyman: Pyman, server: Server, wanted: Archive, offer: Offer) -> Published:
    """The store with 3.12 in it, which nothing that happens to 3.13 may change."""
    other = small_archive(server.folder, Archive("3.12.11", "20250612", FOREIGN))
    offer(wanted, other)
    pyman("install", "3.12", "--target", FOREIGN)
    return published(pyman)


def published(pyman: Pyman) -> Published:
    """Return all that the store publishes: files with their content, links with what they point at."""
    found: Published = {}
    for entry in sorted(pyman.store.rglob("*")):
        name = entry.relative_to(pyman.store).as_posix()
        if name.startswith("cpython-") and entry.is_symlink():
            found[name] = str(entry.readlink())
        elif name.startswith("cpython-") and entry.is_file():
            found[name] = entry.read_bytes()
    return found


def failing(pyman: Pyman, *args: str, code: int = 1) -> Result:
    """Install 3.13, which must fail with an error that names what to do."""
    result = pyman("install", "3.13", "--target", FOREIGN, *args, code=code)
    lines = result.stderr.splitlines()
    assert any(line.startswith("error: ") for line in lines), result.stderr
    assert any(line.startswith("hint: ") for line in lines), result.stderr
    assert result.stdout == ""
    return result


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (wrong_byte, "sha256"),
        (web_page, 'is a web page, which says "Welcome Please sign in to go on."'),
        (cut_body, ""),
        (too_long_length, ""),
        (too_short_length, ""),
        (not_found, "404"),
        (unavailable, "503"),
    ],
)
def test_server_faults(fault: Fault, message: str, before: Published, wanted: Archive, offer: Offer) -> None:
    pyman, server = offer.pyman, offer.server
    server.spoil(wanted.file, fault)
    result = failing(pyman)
    assert wanted.file.replace("+", "%2B") in result.stderr
    assert message in result.stderr
    assert published(pyman) == before
    server.mend()
    pyman("install", "3.13", "--target", FOREIGN)
    assert wanted.key in pyman.installed()
    assert not pyman.leftovers()


PAGES = {
    "<!-- x --><HTML><style>b {}</style><script>'<p>'</script>\x1b]0;x\x07Sign&nbsp;in": "a web page, "
    'which says "]0;x Sign in"',
    "<html><head></head></html>": "a web page",
    "\ufeff<!doctype html><title>" + "word " * 99: 'a web page, which says "' + "word " * 19 + 'word…"',
    "Your quota is used up.\r\nCome back tomorrow.": "text and no archive, which says "
    '"Your quota is used up. Come back tomorrow."',
    '{"message": "Not found"}': """text and no archive, which says "{"message": "Not found"}\"""",
}


NO_ARCHIVES = {
    gzip.compress(b"<html><title>Sign in</title></html>"): 'a web page, which says "Sign in"',
    b"%PDF-1.7\n\0\1\2": "no archive",
    b"": "empty",
}


def always(page: bytes) -> Fault:
    """Answer with the page, and do not say what it is."""
    return lambda exchange, _: exchange.send_file(page)


def test_a_page_is_called_that_and_its_words_are_told(pyman: Pyman, wanted: Archive, server: Server) -> None:
    for page, said in (*((page.encode(), said) for page, said in PAGES.items()), *NO_ARCHIVES.items()):
        server.spoil(wanted.file, always(page))
        told = failing(pyman).stderr
        assert f"{quote(wanted.file)} is {said}\n" in told
        assert "A browser shows it" in told
        assert "\x1b" not in told
    mirror = server.folder / wanted.path
    mirror.write_text("Log in", encoding="utf-8")
    server.spoil(wanted.file, web_page)
    told = failing(pyman, "--mirror", str(server.folder)).stderr
    assert told.count("is text and no archive") == 2, "a warning, and in the list of all that failed"
    assert told.count("is a web page") == 1


def test_where_no_digest_is_known_a_page_leads_to_the_next_source(offer: Offer) -> None:
    archive = small_archive(offer.server.folder, Archive("3.13.5", "20250612", FOREIGN))
    offer(replace(archive, sha256=None))
    offer.server.spoil(archive.file, web_page, times=1)
    options = ("--target", FOREIGN, "--allow-unverified", "--mirror", f"{offer.server.url}/mirror")
    told = offer.pyman("install", "3.13", *options).stderr
    assert "warning: " in told
    assert "is a web page" in told
    assert offer.pyman.installed() == [archive.key]


def test_endless_redirects(pyman: Pyman, wanted: Archive, server: Server) -> None:
    server.spoil(wanted.file, redirect_to(f"{server.url}/{wanted.path}"))
    assert "redirect" in failing(pyman).stderr.lower()


def test_no_server(pyman: Pyman, offer: Offer, wanted: Archive) -> None:
    offer.path.write_bytes(offer.path.read_bytes().replace(offer.server.url.encode(), b"http://127.0.0.1:1"))
    assert "127.0.0.1:1" in failing(pyman).stderr
    assert pyman.installed() == []
    assert wanted.file not in pyman.leftovers()


def test_reinstall_that_fails_keeps_what_was_there(pyman: Pyman, before: Published, server: Server) -> None:
    server.spoil(Archive("3.12.11", "20250612", FOREIGN).file, wrong_byte)
    pyman("install", "--reinstall", "3.12", "--target", FOREIGN, code=1)
    assert published(pyman) == before


def test_one_of_several_fails(pyman: Pyman, wanted: Archive, server: Server, offer: Offer) -> None:
    other = small_archive(server.folder, Archive("3.12.11", "20250612", FOREIGN))
    offer(wanted, other)
    server.spoil(wanted.file, not_found)
    result = failing(pyman, "3.12")
    assert pyman.installed() == [other.key]
    assert f"Installed {other.key}" in result.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html><title>Sign in</title>",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b'"text"',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"format": 2, "builds": {}}',
        b'{"format": 1, "origin": "x", "builds": []}',
        b'{"format": 1, "origin": 1, "builds": {"linux-riscv64-gnu": [["cpython-3.13.5+20250612", 1, 2]]}}',
        b'{"format": 1, "origin": "x", "builds": {"linux-riscv64-gnu": [["cpython-x+1", "file", "0"]]}}',
        b'{"format": 1, "origin": "x", "builds": {"linux-riscv64-gnu": {"a": 1}}}',
        b'{"format": 1, "origin": "x", "builds": {"linux-riscv64-gnu": [1]}}',
        b'{"entry": {"name": "cpython"}}',
        b'{"entry": 1}',
        json.dumps({"entry": ENTRY_WITHOUT_FOLDER}).encode(),
    ],
)
def test_garbage_metadata(content: bytes, pyman: Pyman, tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    path.write_bytes(content)
    assert str(path) in failing(pyman, "--metadata", str(path)).stderr
    assert pyman.installed() == []


def test_garbage_metadata_from_a_server(pyman: Pyman, server: Server) -> None:
    server.spoil("metadata.json", web_page)
    url = f"{server.url}/metadata.json"
    assert url in failing(pyman, "--metadata", url).stderr


def test_digest_that_is_none(pyman: Pyman, wanted: Archive, offer: Offer) -> None:
    offer(replace(wanted, sha256="not a digest"))
    failing(pyman)
    assert pyman.installed() == []


def test_metadata_that_is_not_there(pyman: Pyman, server: Server, tmp_path: Path) -> None:
    failing(pyman, "--metadata", str(tmp_path / "none.json"))
    assert "404" in failing(pyman, "--metadata", f"{server.url}/none.json").stderr


@pytest.mark.parametrize(
    "member", ["../outside", "/outside", "python/../../outside", "python/bin/../../../outside"]
)
def test_archive_that_reaches_outside(member: str, pyman: Pyman, server: Server, offer: Offer) -> None:
    hostile = Archive("3.13.5", "20250612", FOREIGN)
    offer(write_archive(server.folder, hostile, {"python/bin/python3.13": b"#!", member: b"hostile"}))
    failing(pyman)
    assert pyman.installed() == []
    assert not list(pyman.root.rglob("outside"))


def test_archive_that_is_none(pyman: Pyman, server: Server, offer: Offer) -> None:
    offer(save(server.folder, Archive("3.13.5", "20250612", FOREIGN), b"this is no tar file" * 1000))
    failing(pyman)
    assert pyman.installed() == []


@posix
def test_full_disk(pyman: Pyman, wanted: Archive, server: Server, offer: Offer) -> None:
    large = small_archive(server.folder, replace(wanted, version="3.13.6"), 8_000_000)
    with small_disk(pyman.store):
        offer(wanted)
        pyman("install", "3.13", "--target", FOREIGN)
        kept = published(pyman)
        offer(large)
        result = pyman("install", "3.13.6", "--target", FOREIGN, code=1)
        assert "No space left on device" in result.stderr
        assert "hint: " in result.stderr
        assert published(pyman) == kept
        pyman("install", "--reinstall", "3.13", "--target", FOREIGN, code=1)
        assert published(pyman) == kept
        offer(wanted)
        pyman("install", "--reinstall", "3.13", "--target", FOREIGN)
        assert not pyman.leftovers()


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a disk of 4 MB at `folder` while the block runs."""
    if sys.platform == "win32" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("a small disk can only be mounted by root")
    folder.mkdir(parents=True, exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs", str(folder)]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted: {done.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@posix
def test_unwritable_store(pyman: Pyman, before: Published, server: Server) -> None:
    asked = len(server.asked)
    with unwritable(pyman.store, pyman):
        assert str(pyman.store) in failing(pyman).stderr
        result = pyman("uninstall", "3.12", code=1)
        assert "error: " in result.stderr
        assert pyman("list", "--only-installed", "3.12").stdout
    assert published(pyman) == before
    assert len(server.asked) == asked


@posix
def test_store_that_cannot_be_made(pyman: Pyman, wanted: Archive) -> None:
    with unwritable(pyman.root, pyman):
        assert str(pyman.store) in failing(pyman).stderr
    assert not pyman.store.exists()
    pyman.store.write_bytes(b"a file")
    assert str(pyman.store) in failing(pyman).stderr
    assert wanted.key not in pyman.installed()


@contextmanager
def unwritable(folder: Path, pyman: Pyman) -> Iterator[None]:
    """Take away the right to write in `folder`, and from root the power to do so all the same."""
    if sys.platform != "win32" and os.geteuid() == 0:
        pyman.prefix = become.without(become.WRITING)
    places = [folder, *(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())]
    for place in places:
        place.chmod(0o555)
    try:
        yield
    finally:
        for place in places:
            place.chmod(0o755)
        pyman.prefix = ()


@posix
@pytest.mark.parametrize(
    ("name", "codes"),
    [("SIGINT", {130}), ("SIGTERM", {143, -15}), ("SIGHUP", {129, -1}), ("SIGKILL", {-9})],
    ids=str,
)
@pytest.mark.usefixtures("usual_hangup")
def test_stopped_in_the_middle(
    name: str, codes: set[int], before: Published, wanted: Archive, offer: Offer
) -> None:
    pyman, server = offer.pyman, offer.server
    server.spoil(wanted.file, stalled_body, times=1)
    process = pyman.start("install", "3.13", "--target", FOREIGN)
    wait_for(lambda: bool(pyman.leftovers()) and bool(server.count(wanted.file)), seconds=20)
    process.send_signal(getattr(signal, name))
    _, told = process.communicate(timeout=20)
    assert process.returncode in codes, told
    assert "Traceback" not in told
    assert published(pyman) == before
    pyman("install", "3.13", "--target", FOREIGN)
    assert not pyman.leftovers()


def test_record_of_another_program_does_no_harm(pyman: Pyman, before: Published) -> None:
    (key,) = pyman.installed()
    (pyman.store / key / ".pyman.json").write_text("garbage", encoding="utf-8")
    (pyman.store / "cpython-nonsense").mkdir()
    (pyman.store / "cpython-3.11.1+20230116-linux-x86_64-gnu").write_text("a file", encoding="utf-8")
    listed = pyman("list", "--only-installed", "--json").json
    assert [row["key"] for row in listed["installed"]] == [key]
    assert json.dumps(sorted(before)).count(key) > 1
