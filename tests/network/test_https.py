"""Certificates, proxies and credentials, as a user meets them; and no secret in anything that is printed."""

import json
import shutil
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from threading import Event

import pytest
from tests.conftest import Pyman, Result
from tests.support.builds import Archive, own_form, small_archive
from tests.support.proxy import proxying
from tests.support.server import CERTIFICATES, Server, redirect_to, serving, unavailable, wrong_byte

from pyman.errors import FetchError
from pyman.network.download import downloading
from pyman.network.policy import Network

FOREIGN = "linux-riscv64-gnu"
AUTHORITY = str(CERTIFICATES / "authority.pem")
BUNDLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
SECRET = "s3cret"  # noqa: S105 - what must not be printed


@pytest.fixture(autouse=True)
def no_certificates_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BUNDLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Server]:
    """A release host that speaks https."""
    folder = tmp_path / "secure"
    folder.mkdir()
    with serving(folder, secure=True) as running:
        yield running


@pytest.fixture
def wanted(pyman: Pyman, secure: Server, tmp_path: Path) -> Archive:
    """A build for another target, which is offered by https."""
    archive = small_archive(secure.folder, Archive("3.13.5", "20250612", FOREIGN))
    (tmp_path / "metadata.json").write_bytes(own_form([archive], secure.url))
    pyman.environment["PYMAN_METADATA"] = str(tmp_path / "metadata.json")
    return archive


def install(pyman: Pyman, *args: str, code: int = 0, **variables: str) -> Result:
    return pyman("install", "3.13", "--target", FOREIGN, *args, code=code, env=variables)


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def test_an_unknown_authority(pyman: Pyman, wanted: Archive, secure: Server) -> None:
    told = install(pyman, code=1).stderr
    assert secure.url in told
    assert f"{wanted.file.replace('+', '%2B')}: certificate signed by unknown authority" in told
    assert "hint: Set SSL_CERT_FILE" in told
    assert secure.asked == []


def test_a_certificate_is_not_asked_for_twice(secure: Server) -> None:
    stopped = Event()
    stopped.set()  # so that waiting for another try would be a CancelledError
    with (
        pytest.raises(FetchError, match="unknown authority"),
        downloading(f"{secure.url}/x", stopped, Network(retries=50)),
    ):
        pass


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_authorities_that_variables_name(name: str, pyman: Pyman, wanted: Archive, tmp_path: Path) -> None:
    place = AUTHORITY
    if name == "SSL_CERT_DIR":
        folder = tmp_path / "authorities"
        folder.mkdir()
        shutil.copyfile(AUTHORITY, folder / "d312d040.0")  # the name is what `openssl rehash` gives it
        place = str(folder)
    pyman.environment[name] = place
    install(pyman)
    assert pyman.installed() == [wanted.key]


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR"])
def test_authorities_that_are_not_there(name: str, pyman: Pyman, wanted: Archive) -> None:
    pyman.environment[name] = str(pyman.root / "none")
    told = install(pyman, code=1).stderr
    assert f"cannot read the certificates {pyman.root / 'none'}: " in told
    assert f"Check {name}." in told
    assert wanted.key not in pyman.installed()


def test_a_certificate_of_another_host(pyman: Pyman, wanted: Archive, secure: Server) -> None:
    mirror = secure.url.replace("localhost", "127.0.0.1")
    told = install(pyman, "--mirror", mirror, SSL_CERT_FILE=AUTHORITY).stderr
    assert f"warning: {mirror}/{wanted.path.replace('+', '%2B')}: certificate refused: " in told
    assert "trying the next source" in told
    assert pyman.installed() == [wanted.key]


def test_a_redirect_from_https_to_http_is_not_followed(
    pyman: Pyman, wanted: Archive, secure: Server, server: Server
) -> None:
    shutil.copytree(secure.folder, server.folder, dirs_exist_ok=True)
    secure.spoil(wanted.file, redirect_to(f"{server.url}/{wanted.path}"))
    told = install(pyman, "--allow-insecure-host", "127.0.0.1", code=1, SSL_CERT_FILE=AUTHORITY).stderr
    assert f"leads from https to {server.url}" in told
    assert server.asked == []
    assert pyman.installed() == []


def test_through_a_proxy_with_a_password(pyman: Pyman, wanted: Archive, secure: Server) -> None:
    with proxying(port_of(secure)) as proxy:
        url = f"http://user:{SECRET}@{proxy.address}"
        result = install(pyman, HTTPS_PROXY=url, SSL_CERT_FILE=AUTHORITY)
        assert proxy.asked == [(f"localhost:{port_of(secure)}", "Basic dXNlcjpzM2NyZXQ=")]
    assert pyman.installed() == [wanted.key]
    assert SECRET not in result.stderr


@pytest.mark.parametrize("excepted", ["localhost", "*", "other.example,localhost"])
def test_past_the_proxy(excepted: str, pyman: Pyman, wanted: Archive) -> None:
    install(pyman, HTTPS_PROXY="http://127.0.0.1:9", NO_PROXY=excepted, SSL_CERT_FILE=AUTHORITY)
    assert pyman.installed() == [wanted.key]


@pytest.mark.parametrize(
    ("refusal", "hint"),
    [(HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, "into HTTPS_PROXY"), (HTTPStatus.FORBIDDEN, "network")],
)
def test_a_proxy_that_makes_no_tunnel(
    refusal: HTTPStatus, hint: str, pyman: Pyman, wanted: Archive, secure: Server
) -> None:
    with proxying(port_of(secure), refusal) as proxy:
        url = f"http://user:{SECRET}@{proxy.address}"
        told = install(pyman, code=1, HTTPS_PROXY=url, SSL_CERT_FILE=AUTHORITY).stderr
        assert f"{refusal} {refusal.phrase} (through the proxy http://{proxy.address})" in told
    assert secure.url in told
    assert hint in told
    assert SECRET not in told
    assert wanted.key not in pyman.installed()


@pytest.mark.parametrize(
    "proxy", ["socks5://user:s3cret@127.0.0.1:9", "ftp://127.0.0.1:9", "http://user:s3cret/@127.0.0.1:9"]
)
def test_a_proxy_that_is_none(proxy: str, pyman: Pyman, wanted: Archive) -> None:
    told = install(pyman, code=2, HTTPS_PROXY=proxy).stderr
    assert "cannot use the proxy" in told
    assert SECRET not in told
    assert wanted.key not in pyman.installed()


@pytest.mark.parametrize("given", ["mirror", "netrc"])
def test_credentials_are_used_and_nowhere_printed(
    given: str, pyman: Pyman, wanted: Archive, secure: Server, server: Server
) -> None:
    """On the way through warnings, retries, a dry run, the record and JSON."""
    shutil.copytree(secure.folder, server.folder, dirs_exist_ok=True)
    server.spoil(wanted.file, unavailable, times=1)
    server.spoil(wanted.file, wrong_byte, times=1)
    mirror = f"{server.url}/?sig={SECRET}"
    if given == "mirror":
        mirror = mirror.replace("//", f"//user:{SECRET}@", 1)
    else:
        netrc = pyman.home / ".netrc"
        netrc.write_text(f"machine 127.0.0.1 login user password {SECRET}\n", encoding="utf-8")
        netrc.chmod(0o600)
    pyman.environment |= {"PYMAN_MIRROR": mirror, "PYMAN_RETRIES": "1", "SSL_CERT_FILE": AUTHORITY}
    results = [
        install(pyman, "--dry-run", "--verbose", "--json"),
        install(pyman, "--verbose", "--json"),
        install(pyman, "--verbose", "--json", "--reinstall"),
    ]
    assert "has sha256" in results[1].stderr  # the mirror's, before the next source was taken
    assert {asked.headers["authorization"] for asked in server.asked} == {"Basic dXNlcjpzM2NyZXQ="}
    assert all(asked.path == f"/{wanted.path.replace('+', '%2B')}?sig={SECRET}" for asked in server.asked)
    assert all("authorization" not in asked.headers for asked in secure.asked)
    record = (pyman.store / wanted.key / ".pyman.json").read_text(encoding="utf-8")
    assert json.loads(record)["url"] == f"{server.url}/{wanted.path.replace('+', '%2B')}"
    assert SECRET not in record + "".join(each.stdout + each.stderr for each in results)


@pytest.mark.parametrize(
    "command",
    [("list", "--show-urls"), ("list", "--json"), ("explain", "3.13"), ("explain", "3.13", "--json")],
)
def test_credentials_in_the_metadata_are_not_printed(
    command: tuple[str, ...], pyman: Pyman, wanted: Archive, tmp_path: Path
) -> None:
    path = tmp_path / "metadata.json"
    path.write_bytes(own_form([wanted], f"https://user:{SECRET}@mirror.example"))
    result = pyman(*command, "--target", FOREIGN)
    assert "https://mirror.example/" in result.stdout
    assert SECRET not in result.stdout + result.stderr


@pytest.mark.parametrize("mirror", [f"https://user:{SECRET}/x@127.0.0.1:9", f"https://{SECRET}:x/@h"])
def test_a_mirror_whose_password_breaks_its_address(mirror: str, pyman: Pyman, wanted: Archive) -> None:
    told = install(pyman, "--mirror", mirror, SSL_CERT_FILE=AUTHORITY).stderr
    assert SECRET not in told
    assert pyman.installed() == [wanted.key]
