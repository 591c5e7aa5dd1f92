"""`--offline` and `--allow-insecure-host`, and the variables of the same meaning, on the command line."""

import re
from collections.abc import Sequence

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, own_form, small_archive
from tests.support.server import Server, not_found

FOREIGN = "linux-riscv64-gnu"
GITHUB = "https://github.com/astral-sh/python-build-standalone/releases/download"
NO_SOCKETS = {"PYMAN_TEST_NO_SOCKETS": "1"}
# Each command that may open a connection for the metadata, whose address is in PYMAN_METADATA.
COMMANDS = [
    ("install", "3.13"),
    ("list",),
    ("explain", "3.13"),
    ("outdated",),
    ("run", "3.99", "-V"),
    ("pin", "--resolved", "3.99"),
]


@pytest.fixture
def archive(server: Server, offer: Offer) -> Archive:
    """A build of 3.13 for another target, which is offered."""
    made = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN))
    offer(made)
    return made


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_offline_no_metadata_are_fetched(command: Sequence[str], pyman: Pyman) -> None:
    url = "http://127.0.0.1:9/metadata.json"
    variables = NO_SOCKETS | {"PYMAN_METADATA": url.replace("//", "//user:s3cret@")}
    name, *rest = command
    told = pyman(name, "--offline", *rest, code=1, env=variables).stderr
    assert told == pyman(*command, code=1, env=variables | {"PYMAN_OFFLINE": "1"}).stderr
    assert "hint: Leave --offline out and PYMAN_OFFLINE unset" in told
    assert f"{url} would have been fetched" in told
    assert "s3cret" not in told


@pytest.mark.parametrize("offline", [[], ["--offline"]], ids=["no answer", "offline"])
def test_without_a_network_the_error_says_which_ways_there_are(
    offline: list[str], pyman: Pyman, offer: Offer
) -> None:
    offer.path.write_bytes(own_form([Archive("3.13.5", "20250612", FOREIGN)], "http://127.0.0.1:9"))
    pyman.environment["PYMAN_METADATA"] = str(offer.path)
    (hint,) = re.findall(
        "^hint: .*", pyman("install", "3.13", "--target", FOREIGN, *offline, code=1).stderr, re.MULTILINE
    )
    for way in ("--mirror URL", "--mirror DIR", "PYMAN_CACHE_DIR", "`pyman help mirrors`"):
        assert way in hint


def test_who_answers_is_no_missing_network(archive: Archive, server: Server, pyman: Pyman) -> None:
    server.spoil(archive.file, not_found)
    told = pyman("install", "3.13", "--target", FOREIGN, code=1).stderr
    assert "without a network" not in told.lower()
    assert "PYMAN_MIRROR name another source" in told


def test_offline_find_is_content_with_what_is_there(pyman: Pyman) -> None:
    variables = NO_SOCKETS | {"PYMAN_METADATA": "http://127.0.0.1:9/metadata.json"}
    told = pyman("find", "--offline", "3.99", code=1, env=variables).stderr
    assert "no Python found" in told
    assert "--offline" in told


def test_offline_the_error_names_every_source(pyman: Pyman, offer: Offer) -> None:
    archive = Archive("3.13.5", "20250612", FOREIGN)
    offer.path.write_bytes(own_form([archive], GITHUB))
    pyman.environment["PYMAN_METADATA"] = str(offer.path)
    mirror = "https://user:s3cret@mirror.example/pbs"
    options = ("--target", FOREIGN, "--mirror", mirror, "--offline")
    told = pyman("install", "3.13", *options, code=1, env=NO_SOCKETS).stderr
    assert re.findall(r"offline: (https://\S+) would", told) == [
        f"{base}/{archive.path.replace('+', '%2B')}"
        for base in (
            "https://mirror.example/pbs",
            "https://releases.astral.sh/github/python-build-standalone/releases/download",
            GITHUB,
        )
    ]
    assert "warning:" not in told
    assert "s3cret" not in told
    assert pyman.installed() == []


def test_offline_a_folder_will_do(pyman: Pyman, server: Server, archive: Archive) -> None:
    pyman("install", "3.13", "--target", FOREIGN, "--offline", "--mirror", server.folder, env=NO_SOCKETS)
    assert pyman.installed() == [archive.key]


def test_offline_run_hands_the_option_on(pyman: Pyman, server: Server, offer: Offer) -> None:
    offer(archive := Archive("3.99.1", "20250612", FOREIGN))
    told = pyman("run", "--offline", "3.99", "-V", code=1, env=NO_SOCKETS | {"PYMAN_TARGET": FOREIGN}).stderr
    assert archive.file.replace("+", "%2B") in told
    assert server.asked == []


def test_offline_upgrade(pyman: Pyman, archive: Archive, offer: Offer) -> None:
    pyman("install", "3.13", "--target", FOREIGN)
    newer = small_archive(offer.server.folder, Archive("3.13.6", "20250701", FOREIGN))
    offer(archive, newer)
    asked = len(offer.server.asked)
    told = pyman("upgrade", "--offline", code=1, env=NO_SOCKETS).stderr
    assert newer.file.replace("+", "%2B") in told
    assert len(offer.server.asked) == asked
    assert pyman.installed() == [archive.key]


@pytest.mark.parametrize("command", [("install", "3.13"), ("list",), ("run", "3.99", "-V")], ids=" ".join)
def test_plain_http_is_allowed_by_an_option(command: Sequence[str], pyman: Pyman, server: Server) -> None:
    name, *rest = command
    variables = {"PYMAN_METADATA": "http://mirror.invalid/none.json", "http_proxy": server.url}
    refused = pyman(name, *rest, code=2, env=variables).stderr
    assert "plain http" in refused
    assert "--allow-insecure-host mirror.invalid or PYMAN_ALLOW_INSECURE_HOST=mirror.invalid" in refused
    told = pyman(name, "--allow-insecure-host", "mirror.invalid", *rest, code=1, env=variables).stderr
    assert f"answered 404 Not Found (through the proxy {server.url})" in told


@pytest.mark.parametrize("host", ["mirror.invalid", "MIRROR.invalid:{port}", "elsewhere"])
def test_insecure_hosts_by_name_and_port(host: str, pyman: Pyman, server: Server, archive: Archive) -> None:
    # A proxy is the way to a host by name without a look-up: the server plays it, for plain http.
    port = server.url.rpartition(":")[2]
    server.spoil(archive.file, lambda exchange, _: exchange.send_file(content))
    content = (server.folder / archive.path).read_bytes()
    result = pyman(
        "install",
        "3.13",
        "--target",
        FOREIGN,
        "--mirror",
        f"http://mirror.invalid:{port}",
        "--allow-insecure-host=other.invalid",
        f"--allow-insecure-host={host.format(port=port)}",
        code=2 if host == "elsewhere" else 0,
        env={"http_proxy": server.url},
    )
    assert ("plain http" in result.stderr) == (host == "elsewhere")
    assert pyman.installed() == ([] if host == "elsewhere" else [archive.key])


def test_a_metadata_document_that_fails_hints_at_no_mirror(pyman: Pyman, server: Server) -> None:
    for url in (f"{server.url}/none.json", "http://127.0.0.1:9/none.json"):
        told = pyman("list", "--metadata", url, code=1).stderr
        assert "--metadata" in told
        assert "mirror" not in told.lower()
