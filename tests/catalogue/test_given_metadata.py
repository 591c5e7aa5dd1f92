"""Metadata given as a URL: kept in the user's cache, asked for once an hour at most."""

import gzip
import json
import stat
import sys
from pathlib import Path

import pytest
from tests.conftest import Pyman
from tests.support.builds import Archive, own_form
from tests.support.server import Exchange, Server, not_found, versioned, web_page

FOREIGN = "linux-riscv64-gnu"
NAME = "given.json"
OLD, NEW = (Archive(version, "20250317", FOREIGN) for version in ("3.12.1", "3.12.2"))


@pytest.fixture
def given(pyman: Pyman, server: Server) -> Path:
    """A document with OLD in it at a URL, which pyman is given."""
    path = server.folder / NAME
    path.write_bytes(own_form([OLD]))
    server.spoil(NAME, versioned)
    url = f"{server.url}/{NAME}".replace("://", "://user:secret@")
    pyman.environment |= {"PYMAN_METADATA": url, "PYMAN_TARGET": FOREIGN}
    return path


def versions(pyman: Pyman, *args: str) -> list[str]:
    return [row["version"] for row in pyman("list", "--only-available", "--json", *args).json["available"]]


def copies(pyman: Pyman) -> list[Path]:
    return list((pyman.home / ".cache" / "pyman" / "metadata").iterdir())


def an_hour_later(pyman: Pyman) -> None:
    for path in copies(pyman):
        head, _, rest = path.read_bytes().partition(b"\n")
        told = json.loads(head)
        earlier = json.dumps(told | {"asked": told["asked"] - 3600}).encode()
        path.write_bytes(earlier + b"\n" + rest)


def test_it_is_asked_for_once_an_hour(pyman: Pyman, given: Path, server: Server) -> None:
    assert versions(pyman) == versions(pyman) == ["3.12.1"]
    assert server.count(NAME) == 1
    an_hour_later(pyman)
    assert versions(pyman) == ["3.12.1"]
    assert "if-none-match" in server.asked[-1].headers
    assert versions(pyman) == ["3.12.1"]
    assert server.count(NAME) == 2
    an_hour_later(pyman)
    given.write_bytes(own_form([NEW]))
    assert versions(pyman) == ["3.12.2"]


@pytest.mark.usefixtures("given")
def test_it_serves_offline(pyman: Pyman, server: Server) -> None:
    assert "offline" in pyman("list", "--offline", code=1).stderr
    versions(pyman)
    an_hour_later(pyman)
    assert versions(pyman, "--offline") == ["3.12.1"]
    assert server.count(NAME) == 1


@pytest.mark.usefixtures("given")
def test_it_serves_where_its_source_does_not(pyman: Pyman, server: Server) -> None:
    server.spoil(NAME, not_found)
    assert "answered 404" in pyman("list", code=1).stderr
    server.spoil(NAME, versioned)
    versions(pyman)
    server.spoil(NAME, not_found)
    an_hour_later(pyman)
    done = pyman("list", "--only-available")
    assert "3.12.1" in done.stdout
    assert "answered 404" in done.stderr
    assert "what it had at" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.usefixtures("given")
def test_what_is_no_metadata_is_not_kept(pyman: Pyman, server: Server) -> None:
    server.spoil(NAME, lambda exchange, _: exchange.send_file(b"[]"))
    assert "is not usable download metadata" in pyman("list", code=1).stderr
    server.spoil(NAME, web_page)
    assert 'is a web page, which says "Welcome ' in pyman("list", code=1).stderr
    server.spoil(NAME, versioned)
    assert versions(pyman) == ["3.12.1"]
    server.spoil(NAME, packed_page)
    an_hour_later(pyman)
    done = pyman("list", "--only-available")
    assert "3.12.1" in done.stdout
    assert 'is a web page, which says "Log in"; what it had at' in done.stderr


def packed_page(exchange: Exchange, _: bytes) -> None:
    """As a proxy answers that packs its pages, and does not say what they are."""
    exchange.send_file(gzip.compress(b"<html><body>Log in"))


@pytest.mark.usefixtures("given")
def test_a_damaged_copy_is_asked_for_anew(pyman: Pyman, server: Server) -> None:
    versions(pyman)
    (copy,) = copies(pyman)
    assert b"secret" not in copy.read_bytes()
    if sys.platform != "win32":
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    told, _, document = copy.read_bytes().partition(b"\n")
    no_time = json.dumps(json.loads(told) | {"asked": 1e300}).encode() + b"\n" + document
    for damage in (b"", b"{}\n{}", no_time, copy.read_bytes()[:-3]):
        copy.write_bytes(damage)
        assert versions(pyman) == ["3.12.1"]
    assert server.count(NAME) == 5
