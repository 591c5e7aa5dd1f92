"""The file that `-o` names: a link stays one, and what is no regular file is refused at once."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.server import Server

ARM = "linux-aarch64-musl"
FOR_ARM = ("3.13", "--target", ARM)
WRITERS = {
    "bundle": ("bundle", *FOR_ARM),
    "lock": ("lock", *FOR_ARM),
    "script": ("lock", "--format", "sh", *FOR_ARM),
    "dockerfile": ("lock", "--format", "dockerfile", *FOR_ARM),
}


@pytest.fixture
def kinds(tmp_path: Path) -> dict[str, Path]:
    """What is no regular file, by what it is called."""
    if sys.platform == "win32":
        pytest.skip(f"{ELSEWHERE}no pipes among files")
    folder = tmp_path / "kinds"
    folder.mkdir()
    places = {name: folder / name for name in ("pipe", "folder", "socket")}
    os.mkfifo(places["pipe"])
    places["folder"].mkdir()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(places["socket"]))  # the path of a socket may have 100 bytes
    if os.geteuid() == 0:
        places["device"] = folder / "device"
        os.mknod(places["device"], stat.S_IFCHR | 0o666, os.makedev(1, 3))
    return places


@pytest.mark.parametrize("writer", ["bundle", "lock", "script"])
def test_what_is_no_file_is_refused_and_stays(
    writer: str, kinds: dict[str, Path], pyman: Pyman, offer: Offer, server: Server
) -> None:
    offer(small_archive(server.folder, Archive("3.13.7", "20250818", ARM)))
    link = pyman.work / "link"
    link.symlink_to(kinds["pipe"])
    for kind, place in (*kinds.items(), ("pipe", link)):
        before = os.lstat(place)
        error, hint = pyman(*WRITERS[writer], "-o", place, code=1).stderr.splitlines()
        assert error == f"error: cannot write {place}: it is a {kind}, no regular file"
        assert "another file" in hint
        assert os.lstat(place)[:3] == before[:3]
    assert server.asked == []
    assert {each.name for each in link.parent.iterdir()} == {"link"}


@pytest.mark.parametrize("writer", ["bundle", "lock", "script"])
def test_a_link_stays_one(writer: str, pyman: Pyman, offer: Offer, server: Server, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip(f"{ELSEWHERE}not everybody may make links")
    offer(small_archive(server.folder, Archive("3.13.7", "20250818", ARM)))
    link, there = pyman.work / "link", tmp_path / "there" / "file"
    there.parent.mkdir()
    link.symlink_to(there)
    for _ in range(2):
        pyman(*WRITERS[writer], "-o", "link")
        assert link.readlink() == there
        assert there.stat().st_size
    assert {each.name for each in (*link.parent.iterdir(), *there.parent.iterdir())} == {"link", "file"}
    link.unlink()
    link.symlink_to("link")
    assert "error: cannot write link: " in pyman(*WRITERS[writer], "-o", "link", code=1).stderr
    assert link.is_symlink()


def test_the_fetcher_asks_nobody_for_what_it_cannot_write(kinds: dict[str, Path], server: Server) -> None:
    for source, output in (("--index", "--output"), ("--vulnerabilities", "--vulnerabilities-output")):
        done = subprocess.run(
            [sys.executable, "-m", "pyman.metadata_fetcher", source, server.url, output, kinds["pipe"]],
            capture_output=True,
            encoding="utf-8",
            timeout=30,
            check=False,
        )
        assert f"error: cannot write {kinds['pipe']}: it is a pipe" in done.stderr
        assert done.returncode == 1
    assert server.asked == []


def test_a_dash_is_standard_output(pyman: Pyman, offer: Offer, server: Server) -> None:
    offer(small_archive(server.folder, Archive("3.13.7", "20250818", ARM)))
    for writer in ("script", "dockerfile"):
        printed = pyman(*WRITERS[writer], "-o", "-")
        assert printed.stdout == pyman(*WRITERS[writer]).stdout
    for writer in ("bundle", "lock"):
        error, hint = pyman(*WRITERS[writer], "-o", "-", code=2).stderr.splitlines()
        assert "standard output" in error
        assert "./-" in hint
    assert list(pyman.work.iterdir()) == []
    for command in WRITERS.values():
        pyman(*command, "-o", "./-")
        (pyman.work / "-").unlink()
