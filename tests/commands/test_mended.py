"""What was found wrong once: what a killed process left, waits that ^C did not end, links nobody wanted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.stores import lay, link_name, staged

FOREIGN = "linux-riscv64-gnu"
OLD, NEW = (Archive("3.13.5", release, FOREIGN) for release in ("20250612", "20250708"))
posix = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "links are junctions there")


@posix
def test_a_minor_link_that_a_killed_install_did_not_make_is_made_by_the_next(pyman: Pyman) -> None:
    lay(pyman.store, OLD, linked=False)
    result = pyman("install", "3.13", "--target", FOREIGN)
    assert "Already installed" in result.stderr
    assert pyman.minor_links() == {link_name(OLD): OLD.key}


@posix
def test_a_minor_link_that_a_killed_install_did_not_move_is_moved_by_an_upgrade(
    pyman: Pyman, offer: Offer
) -> None:
    lay(pyman.store, OLD)
    lay(pyman.store, NEW, linked=False)
    offer(OLD, NEW)
    pyman("upgrade")
    assert pyman.minor_links() == {link_name(NEW): NEW.key}


@pytest.mark.parametrize("args", [["install", "3.13", "--target", FOREIGN], ["upgrade"]])
def test_what_a_killed_process_staged_is_swept_also_where_there_is_nothing_to_do(
    args: list[str], pyman: Pyman, offer: Offer
) -> None:
    lay(pyman.store, OLD)
    offer(OLD)
    staged(pyman.store, OLD)
    pyman(*args)
    assert pyman.leftovers() == []
    assert pyman.installed() == [OLD.key]


@pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no such signals")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_it_is_stopped_while_it_starts(name: str, code: int, pyman: Pyman, tmp_path: Path) -> None:
    stopping = f"import os, signal, time\nos.kill(os.getpid(), signal.{name})\ntime.sleep(20)\n"
    (tmp_path / "click.py").write_text(stopping, encoding="utf-8")
    path = f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"
    assert pyman("--version", code=code, env={"PYTHONPATH": path}).stderr == ""


@posix
def test_an_install_that_waits_for_another_ends_with_ctrl_c(pyman: Pyman, offer: Offer) -> None:
    archive = small_archive(offer.server.folder, OLD)
    offer(archive)
    locks = pyman.store / ".locks"
    locks.mkdir(parents=True)
    with FileLock(locks / f"{archive.key}.lock"):
        process = pyman.start("install", "3.13", "--target", FOREIGN, "--no-smoke-test")
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        try:
            told = process.communicate(timeout=5)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            pytest.fail("it went on waiting")
    assert process.returncode == 130
    assert "Downloading" not in told
    assert offer.server.count(archive.file) == 0


def test_latest_uninstalls_the_newest_and_nothing_else(pyman: Pyman) -> None:
    lay(pyman.store, OLD, NEW, Archive("3.12.11", "20250612", FOREIGN))
    pyman("uninstall", "latest")
    assert sorted(path.name for path in pyman.store.glob("cpython-3.*+*")) == [
        f"cpython-3.12.11+20250612-{FOREIGN}",
        OLD.key,
    ]


@posix
def test_uninstalling_makes_no_link_that_was_not_there(pyman: Pyman) -> None:
    own = pyman("list", "--json", "--only-installed").json["target"]
    both = [Archive("3.13.5", release, own) for release in ("20250612", "20250708")]
    lay(pyman.store, *both)
    pyman("uninstall", "3.13.5+20250708")
    assert not pyman.bin.exists() or not list(pyman.bin.iterdir())


@posix
def test_already_installed_in_a_store_that_may_only_be_read(pyman: Pyman) -> None:
    lay(pyman.store, OLD)
    locks = pyman.store / ".locks"
    locks.write_text("in the way of the folder of locks: root writes everywhere, but not here")
    result = pyman("install", "3.13", "--target", FOREIGN)
    assert "Already installed" in result.stderr


@pytest.mark.parametrize(
    "words", [["--pyhton", "3.12"], ["3.12", "--no-install", "python"], ["--dryrun", "x"]]
)
def test_run_refuses_options_that_are_not_its_own(pyman: Pyman, words: list[str]) -> None:
    assert "no such option here" in pyman("run", *words, code=2).stderr


def test_a_dry_run_of_run_installs_and_runs_nothing(pyman: Pyman, offer: Offer) -> None:
    archive = small_archive(offer.server.folder, Archive("3.99.1", "20250612", FOREIGN))
    offer(archive)
    options = {"PYMAN_TARGET": FOREIGN}
    result = pyman("run", "--dry-run", "3.99", "-c", "raise SystemExit(3)", env=options)
    assert f"Would install {archive.key}" in result.stderr
    assert result.stdout == ""
    assert not pyman.store.exists()
    told = pyman("run", "--dry-run", "--python", sys.executable, "-c", "raise SystemExit(3)").stderr
    assert told.startswith("Would run ")


def test_the_source_that_a_dry_run_names_is_the_first_one(pyman: Pyman, offer: Offer, tmp_path: Path) -> None:
    offer(small_archive(offer.server.folder, OLD))
    mirror = "https://user:s3cret@mirror.example/pbs"
    told = pyman("install", "3.13", "--target", FOREIGN, "--dry-run", "--mirror", mirror).stderr
    assert f"https://mirror.example/pbs/{OLD.release}/" in told
    assert "s3cret" not in told
    assert not (tmp_path / "store").exists()
