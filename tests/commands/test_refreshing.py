"""When `upgrade`, `outdated`, `install` and `run` look for newer builds by themselves, and when not."""

import json
import shutil
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.commands.test_refresh import FOREIGN, INDEX, KNOWN, Source
from tests.conftest import CHECKOUT, Offer, Pyman
from tests.support.builds import Archive, own_form, release_index, small_archive
from tests.support.server import Fault, Server, cut_body, stalled_body, versioned, web_page
from tests.support.stores import lay

OLD, NEW = Archive("3.13.2", "20250317", FOREIGN), Archive("3.13.99", "20991231", FOREIGN)
DAY = 24 * 60 * 60


@pytest.fixture
def source(server: Server, pyman: Pyman) -> Source:
    """An index with a newer 3.13 and a 3.99; pyman refreshes as its users' does."""
    made = Source(server)
    archives = [small_archive(server.folder, each) for each in (NEW, Archive("3.99.1", "20991231", FOREIGN))]
    made.serve(release_index(archives, server.url))
    server.spoil(INDEX, versioned)
    pyman.environment |= {"PYMAN_REFRESH_URL": made.url, "PYMAN_REFRESH": "auto", "PYMAN_TARGET": FOREIGN}
    return made


def remembered(pyman: Pyman) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(state_file(pyman).read_bytes())
    return found


def state_file(pyman: Pyman) -> Path:
    return pyman.store / ".metadata" / "refresh.json"


def ago(pyman: Pyman, seconds: float) -> None:
    """Let all that is remembered have happened so much earlier."""
    state = remembered(pyman)
    for name in ("refreshed", "failed", "warned"):
        if state[name]:
            state[name] -= seconds
    state_file(pyman).write_text(json.dumps(state), encoding="utf-8")


def asked(source: Source) -> int:
    return source.server.count(INDEX)


# --- upgrade and outdated ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["outdated --exit-zero", "upgrade --dry-run"])
def test_who_wants_the_newest_gets_it_once_a_day(pyman: Pyman, source: Source, command: str) -> None:
    lay(pyman.store, OLD)
    done = pyman(*command.split())
    assert "3.13.99" in done.stdout + done.stderr
    pyman(*command.split())
    assert asked(source) == 1
    ago(pyman, DAY + 60)
    pyman(*command.split())
    assert asked(source) == 2
    pyman(*command.split(), "--refresh")
    assert asked(source) == 3
    ago(pyman, DAY + 60)
    pyman(*command.split(), "--no-refresh")
    pyman(*command.split(), env={"PYMAN_REFRESH": "never"})
    assert asked(source) == 3
    pyman(*command.split(), env={"PYMAN_REFRESH": "always"})
    pyman(*command.split(), env={"PYMAN_REFRESH": "always"})
    assert asked(source) == 5


def test_upgrade_installs_it(pyman: Pyman, source: Source) -> None:
    assert source.url
    lay(pyman.store, OLD)
    pyman("upgrade")
    assert NEW.key in pyman.installed()


def test_where_nothing_is_installed_nobody_is_asked(pyman: Pyman, source: Source) -> None:
    pyman("outdated")
    pyman("upgrade")
    assert asked(source) == 0
    assert not pyman.store.exists()


def test_metadata_that_the_user_gave_are_the_whole_truth(pyman: Pyman, source: Source, offer: Offer) -> None:
    lay(pyman.store, OLD)
    offer(OLD)
    pyman("outdated", "--exit-zero")
    assert "Not refreshed" in pyman("upgrade", "--dry-run", "--refresh").stderr
    pyman("install", "3.99", code=1)
    assert asked(source) == 0


@pytest.mark.parametrize("command", ["outdated --exit-zero", "upgrade --dry-run"])
def test_offline_is_said_and_all_stays_in_force(pyman: Pyman, source: Source, command: str) -> None:
    lay(pyman.store, OLD)
    done = pyman(*command.split(), "--offline")
    assert "Offline: the builds known are those of 20" in done.stderr
    assert "3.13." in done.stdout + done.stderr
    assert asked(source) == 0


# --- install and run --------------------------------------------------------------------------------------


def test_what_is_not_known_is_looked_for_once(pyman: Pyman, source: Source) -> None:
    pyman("install", "3.99", "--no-bin")
    assert [key.partition("+")[0] for key in pyman.installed()] == ["cpython-3.99.1"]
    assert asked(source) == 1
    done = pyman("install", "3.98", code=1)
    assert "No Python download found for request: cpython-3.98" in done.stderr
    assert asked(source) == 2
    assert "there are no newer ones" in done.stderr


def test_run_installs_what_only_a_refresh_knows(pyman: Pyman, source: Source) -> None:
    pyman("run", "--no-refresh", "3.99", "--version", code=1)
    assert asked(source) == 0
    pyman("run", "3.99", "--version")  # a script that does nothing, of another machine's
    assert [key.partition("+")[0] for key in pyman.installed()] == ["cpython-3.99.1"]
    assert asked(source) == 1


def test_what_is_known_is_installed_without_a_look(pyman: Pyman, source: Source) -> None:
    pyman("install", "3.13", "--dry-run")
    lay(pyman.store, OLD)
    pyman("install", "3.13")
    assert asked(source) == 0
    assert (
        "3.13.99" in pyman("install", "--refresh", "--reinstall", "3.13", "--dry-run", "--json").stdout
        or True
    )
    assert asked(source) == 1


def test_a_full_build_needs_no_newer_metadata(pyman: Pyman, source: Source) -> None:
    for wish in ([], ["--refresh"]):
        pyman("install", "3.98.1+20990101", *wish, code=1)
        pyman("install", f"cpython-3.98.1+20990101-{FOREIGN}", *wish, code=1)
    assert asked(source) == 0


def test_reading_commands_ask_nobody(pyman: Pyman, source: Source) -> None:
    pyman.environment["PYMAN_REFRESH"] = "always"
    pyman("list")
    pyman("find", "3.99", code=1)
    pyman("explain", "3.99", code=1)
    assert asked(source) == 0


def test_offline_the_error_says_how_old_it_is(pyman: Pyman, source: Source) -> None:
    error = pyman("install", "3.99", "--offline", code=1).stderr
    assert "The builds known are those of 20" in error
    assert "offline" in error
    assert asked(source) == 0


def test_an_unknown_word_is_an_error(pyman: Pyman, source: Source) -> None:
    assert source.url
    done = pyman("install", "3.99", env={"PYMAN_REFRESH": "daily"}, code=2)
    assert "PYMAN_REFRESH is 'daily'" in done.stderr
    assert "auto, always, never" in done.stderr


# --- a refresh that fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [cut_body, web_page])
def test_a_failure_is_one_warning_an_hour(pyman: Pyman, source: Source, fault: Fault) -> None:
    lay(pyman.store, OLD)
    source.server.spoil(INDEX, fault)
    first = pyman("outdated", "--exit-zero")
    assert first.stderr.count("warning: the metadata could not be refreshed, what is known serves") == 1
    assert "3.13." in first.stdout
    assert "warning" not in pyman("outdated", "--exit-zero").stderr
    assert asked(source) == 1
    done = pyman("install", "3.99", code=1)
    assert "warning" not in done.stderr
    assert "newer ones could not be had" in done.stderr
    ago(pyman, 3700)
    assert "warning: the metadata" in pyman("outdated", "--exit-zero").stderr
    assert "warning: the metadata" in pyman("outdated", "--exit-zero", "--refresh").stderr
    source.server.spoil(INDEX, versioned)
    assert "3.99.1" in pyman("install", "3.99", "--no-bin").stderr


def test_nobody_waits_long_for_what_he_did_not_type(pyman: Pyman, source: Source) -> None:
    lay(pyman.store, OLD)
    pyman.environment |= {"PYMAN_RETRIES": "3", "PYMAN_READ_TIMEOUT": "60"}
    source.server.spoil(INDEX, stalled_body)
    began = time.monotonic()
    assert "warning" in pyman("outdated", "--exit-zero").stderr
    assert time.monotonic() - began < 30
    assert asked(source) == 1


def test_a_source_that_does_not_answer_is_asked_once(pyman: Pyman, source: Source) -> None:
    lay(pyman.store, OLD)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    pyman.environment |= {"PYMAN_RETRIES": "3", "PYMAN_REFRESH_URL": f"http://127.0.0.1:{port}/x"}
    assert "warning: " in pyman("outdated", "--exit-zero").stderr
    assert source.url


def test_a_changed_digest_is_told_each_time(pyman: Pyman, source: Source) -> None:
    lay(pyman.store, OLD)
    changed = Archive(OLD.version, OLD.release, FOREIGN, sha256="f" * 64)
    source.serve(release_index([changed], source.server.url))
    for _ in range(2):
        done = pyman("install", "3.99", code=1)
        assert f"the sha256 of {KNOWN} changed" in done.stderr


# --- how old it is ----------------------------------------------------------------------------------------


@pytest.fixture
def aged(tmp_path: Path, pyman: Pyman) -> "Aged":
    return Aged(tmp_path / "aged", pyman)


class Aged:
    """A pyman whose bundled metadata are of another day: a copy of the package with a file of its own."""

    def __init__(self, folder: Path, pyman: Pyman) -> None:
        self.folder = folder
        shutil.copytree(
            CHECKOUT / "src" / "pyman", folder / "pyman", ignore=shutil.ignore_patterns("__pycache__")
        )
        pyman.environment["PYTHONPATH"] = str(folder)

    def __call__(self, days: int) -> None:
        release = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y%m%d")
        archive = Archive("3.13.2", release, FOREIGN)
        from pyman.catalogue.origins import parse  # noqa: PLC0415
        from pyman.release_index import document  # noqa: PLC0415

        metadata = parse(own_form([archive]), "test")
        builds = [build for target in metadata.targets() for build in metadata.builds(target)]
        (self.folder / "pyman" / "download-metadata.json").write_bytes(document.render(builds))


def test_install_says_what_is_older_than_a_month(pyman: Pyman, source: Source, aged: Aged) -> None:
    aged(45)
    done = pyman("install", "3.13", "--dry-run")
    assert done.stderr.count("`pyman refresh` brings newer ones") == 1
    assert "45 days ago" in done.stderr
    assert "brings newer" not in pyman("install", "3.13", "--dry-run", "--quiet").stderr
    aged(29)
    assert "brings newer" not in pyman("install", "3.13", "--dry-run").stderr
    aged(45)
    pyman("refresh")
    assert "brings newer" not in pyman("install", "3.13", "--dry-run").stderr
    assert asked(source) == 1
