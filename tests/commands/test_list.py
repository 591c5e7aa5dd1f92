"""`pyman list`: what is installed and what can be."""

import subprocess
from typing import Any

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.repack import this_target
from tests.support.server import Server

FOREIGN = "linux-riscv64-gnu"
OTHER = "macos-aarch64-none"
OFFERED = [
    Archive("3.14.0rc1", "20250818", FOREIGN),
    Archive("3.13.5", "20250818", FOREIGN),
    Archive("3.13.5", "20250818", FOREIGN, "freethreaded"),
    Archive("3.13.5", "20250818", FOREIGN, "debug"),
    Archive("3.13.5", "20250818", FOREIGN, "static"),
    Archive("3.13.5", "20250612", FOREIGN),
    Archive("3.13.4", "20250610", FOREIGN),
    Archive("3.8.20", "20241016", FOREIGN),
    Archive("3.13.5", "20250818", OTHER),
]


@pytest.fixture
def offered(pyman: Pyman, offer: Offer) -> None:
    """Offer the builds above to a pyman which works for their target."""
    offer(*OFFERED)
    pyman.environment["PYMAN_TARGET"] = FOREIGN


@pytest.fixture
def one_installed(pyman: Pyman, offered: None, server: Server, offer: Offer) -> str:
    """Install 3.13.4; returns its key."""
    assert offered is None
    archives = [small_archive(server.folder, a) if a.version == "3.13.4" else a for a in OFFERED]
    offer(*archives)
    pyman("install", "3.13.4", "--no-bin")
    return OFFERED[6].key


def keys(rows: list[dict[str, Any]]) -> list[str]:
    return [row["key"] for row in rows]


def indices(rows: list[dict[str, Any]]) -> list[int]:
    """Return which of OFFERED are in the rows, in their order."""
    offered = [archive.key for archive in OFFERED]
    return [offered.index(key) for key in keys(rows)]


@pytest.mark.usefixtures("offered")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], {0, 1, 2, 7}),
        (["3.13"], {1, 2}),
        (["3.13.4"], {6}),
        (["3.13t"], {2}),
        (["3.13d"], {3}),
        (["3.13+static"], {4}),
        (["3.12"], set()),
        (["--all-versions"], {0, 1, 2, 3, 4, 6, 7}),
        (["--all-builds"], {0, 1, 2, 3, 4, 5, 6, 7}),
        (["--all-targets", "3.13"], {1, 2, 8}),
        (["--target", OTHER], {8}),
        (["--only-installed"], set()),
    ],
)
def test_available(arguments: list[str], expected: set[int], pyman: Pyman) -> None:
    listed = pyman("list", "--json", *arguments).json
    assert set(indices(listed["available"])) == expected
    assert len(listed["available"]) == len(expected)
    assert listed["installed"] == []


@pytest.mark.usefixtures("offered")
def test_newest_first(pyman: Pyman) -> None:
    rows = pyman("list", "--json", "--all-builds").json["available"]
    assert indices(rows)[0] == 0
    assert indices(rows)[-2:] == [6, 7]


def test_json(pyman: Pyman, one_installed: str, server: Server) -> None:
    listed = pyman("list", "--json", "--all-builds").json
    assert set(listed) == {"target", "installed", "available", "bystanders"}
    assert listed["target"] == FOREIGN
    (row,) = listed["installed"]
    facts = {
        "key": one_installed,
        "implementation": "cpython",
        "version": "3.13.4",
        "variant": "default",
        "release": "20250610",
        "target": FOREIGN,
        "end_of_life": "2029-10-31",
    }
    assert {name: row[name] for name in facts if name != "end_of_life"} == {
        name: value for name, value in facts.items() if name != "end_of_life"
    }
    assert row["end_of_life"].startswith("2029-10")
    assert row["path"] == str(pyman.store / one_installed)
    assert row["executable"] == str(pyman.store / one_installed / "bin" / "python3.13")
    available = {row["key"]: row for row in listed["available"]}[OFFERED[2].key]
    assert available["variant"] == "freethreaded"
    assert available["sha256"] == "0" * 64
    assert available["url"] == f"{server.url}/{OFFERED[2].path.replace('+', '%2B')}"


def test_table(pyman: Pyman, one_installed: str) -> None:
    result = pyman("list", "--all-versions")
    rows = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert str(pyman.store / one_installed) in rows[one_installed]
    assert "end of life" in rows[OFFERED[7].key]
    assert "end of life" not in rows[OFFERED[1].key]
    assert {OFFERED[index].key for index in (2, 3, 4)} <= rows.keys()
    assert result.stderr == ""


def test_only_installed_and_only_available(pyman: Pyman, one_installed: str) -> None:
    assert pyman("list", "--only-installed").stdout.split()[0] == one_installed
    assert len(pyman("list", "--only-installed").stdout.splitlines()) == 1
    assert str(pyman.store) not in pyman("list", "--only-available").stdout
    assert "error: " in pyman("list", "--only-installed", "--only-available", code=2).stderr


@pytest.mark.usefixtures("offered")
def test_show_urls(pyman: Pyman, server: Server) -> None:
    assert server.url not in pyman("list").stdout
    assert f"{server.url}/{OFFERED[1].path.replace('+', '%2B')}" in pyman("list", "--show-urls").stdout


def test_request_that_is_none(pyman: Pyman) -> None:
    lines = pyman("list", "three", code=2).stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("hint: ")


def test_bundled_metadata(pyman: Pyman) -> None:
    listed = pyman("list", "--json", "--only-available", env={"PYMAN_TARGET": "linux-x86_64-musl"}).json
    rows = listed["available"]
    assert {"3.12", "3.13"} <= {row["version"].rpartition(".")[0] for row in rows}
    assert all(row["key"].endswith("-linux-x86_64-musl") for row in rows)
    assert all(int(row["release"]) >= 20250311 for row in rows)
    assert all(len(row["sha256"]) == 64 for row in rows)


def test_finds_the_target_of_this_machine(pyman: Pyman) -> None:
    assert pyman("list", "--json", "--only-available").json["target"] == this_target()


def test_reader_that_goes_away(pyman: Pyman) -> None:
    command = pyman.command("list", "--all-builds", "--all-targets")
    with subprocess.Popen(
        command, env=pyman.variables(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
    assert process.returncode == 0, told
    assert told == ""


def test_an_empty_list_says_so(pyman: Pyman) -> None:
    result = pyman("list", "--only-installed")
    assert result.stdout == ""


def test_help_lists_settings(pyman: Pyman) -> None:
    told = pyman("--help").stdout
    for name in ("PYMAN_HOME", "PYMAN_BIN_DIR", "PYMAN_MIRROR", "PYMAN_METADATA", "PYMAN_TARGET"):
        assert name in told
    assert pyman("--version").stdout.startswith("pyman ")
