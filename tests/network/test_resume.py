"""A real build over a connection that breaks and stalls: every byte travels once, and is written once."""

import json
import subprocess
import sys
from http import HTTPStatus
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer
from tests.support.builds import Archive
from tests.support.interpreters import TARGET
from tests.support.needs import runs_here
from tests.support.repack import this_target
from tests.support.server import Exchange

PARTS = 6
STALLS_AT = 3
GZIP = b"\x1f\x8b"

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or this_target() != TARGET, reason=f"{ELSEWHERE}the fixtures are for {TARGET}"
)


class Flaky:
    """Sends a sixth of what it promises, then hangs up, but for the one time that it falls silent instead."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sent = 0
        self.answers = 0
        self.copies: list[Path] = []

    def __call__(self, exchange: Exchange, body: bytes) -> None:
        start = int(exchange.headers.get("Range", "bytes=0-").removeprefix("bytes=").removesuffix("-"))
        where = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        status = HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK
        exchange.head(status, len(body) - start, ETag='"one"', **where)
        part = body[start : start + len(body) // PARTS + 1]
        exchange.write(part)
        self.sent += len(part)
        self.answers += 1
        self.copies += copies_of_archives(self.root)
        if self.answers == STALLS_AT:
            exchange.server.owner.closing.wait()
        exchange.close_connection = True


def copies_of_archives(folder: Path) -> list[Path]:
    """Return the files below that begin as a .tar.gz does and are too large for anything else."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size > 1_000_000:
            with path.open("rb") as file:
                found += [path] if file.read(len(GZIP)) == GZIP else []
    return found


def test_a_real_build_over_a_connection_that_breaks_and_stalls(
    offer: Offer, fixtures: Path, tmp_path: Path
) -> None:
    pyman, server = offer.pyman, offer.server
    path = runs_here(fixtures, "3.13.0")
    archive = Archive.of_file(path)
    (server.folder / archive.release).mkdir()
    (server.folder / archive.path).symlink_to(path)
    offer(archive)
    flaky = Flaky(pyman.root)
    server.spoil(archive.file, flaky)
    (temporary := pyman.root / "temporary").mkdir()
    pyman.environment |= {
        "PYMAN_RETRIES": "1",
        "PYMAN_READ_TIMEOUT": "1",
        "TMPDIR": str(temporary),
    }
    pyman("install", archive.version)
    record = json.loads((pyman.store / archive.key / ".pyman.json").read_bytes())
    assert record["sha256"] == archive.sha256
    assert record["archive_size"] == path.stat().st_size == flaky.sent
    assert flaky.answers == PARTS
    assert [asked.headers.get("if-range") for asked in server.asked] == [None, *['"one"'] * (PARTS - 1)]
    assert flaky.copies == copies_of_archives(tmp_path / "user") == []
    python = pyman.bin / "python3.13"
    told = subprocess.run(
        [python, "-c", "import ssl, sys; print(sys.version)"], capture_output=True, check=True
    )
    assert told.stdout.startswith(f"{archive.version} ".encode())
