"""A store of the system beneath the user's own: it is read by all commands and changed by none."""

import os
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.repack import this_target
from tests.support.stores import environment, lay, link_name

OLD, NEW = (Archive(version, "20250612", this_target()) for version in ("3.13.4", "3.13.5"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "the stores here have links")


@pytest.fixture
def system(pyman: Pyman) -> Path:
    """Return a system store with one installation, and let pyman know of it."""
    store = pyman.root / "system"
    lay(store, NEW)
    pyman.environment["PYMAN_SYSTEM_HOME"] = str(store)
    return store


def contents(store: Path) -> dict[str, tuple[int, int]]:
    paths = (store, *store.rglob("*"))
    return {str(path): (path.lstat().st_mtime_ns, path.lstat().st_ino) for path in paths}


def test_it_is_seen(pyman: Pyman, system: Path) -> None:
    lay(pyman.store, OLD)
    listed = pyman("list", "--only-installed", "--json").json["installed"]
    assert [(row["key"], row["store"]) for row in listed] == [(NEW.key, "system"), (OLD.key, "user")]
    (found,) = pyman("find", "3.13", "--json").json["interpreters"]
    assert (found["path"], found["store"]) == (str(system / link_name(NEW) / "bin" / "python3.13"), "system")
    assert pyman("run", "3.13", "-V").code == 0
    assert pyman("explain", "3.13", "--json").json["installed"] == NEW.key
    assert pyman("dir", "--system").stdout == f"{system}\n"
    pyman("pin", "3.13.5")


def test_the_same_build_is_taken_from_the_users_own(pyman: Pyman, system: Path) -> None:
    lay(pyman.store, NEW)
    assert len(pyman("list", "--only-installed", "--json").json["installed"]) == 1
    assert str(pyman.store) in pyman("find", "3.13").stdout
    assert NEW.key in os.listdir(system)  # noqa: PTH208 - shorter


def test_what_is_there_is_not_installed_again_but_linked(pyman: Pyman, system: Path) -> None:
    told = pyman("install", "3.13").stderr
    assert f"Already installed: {NEW.key}" in told
    assert str(system / NEW.key) in told
    assert (pyman.bin / "python3.13").readlink() == system / link_name(NEW) / "bin" / "python3.13"
    assert not pyman.store.exists() or pyman.installed() == []


def test_without_a_minor_link_the_installation_is_linked(pyman: Pyman, system: Path) -> None:
    (system / link_name(NEW)).unlink()
    pyman("install", "3.13")
    assert (pyman.bin / "python3.13").readlink() == system / NEW.key / "bin" / "python3.13"


def test_a_reinstall_goes_to_the_users_own(pyman: Pyman, offer: Offer, system: Path) -> None:
    offer(small_archive(offer.server.folder, NEW))
    before = contents(system)
    pyman("install", "--reinstall", "--no-smoke-test", "3.13")
    assert pyman.installed() == [NEW.key]
    assert (pyman.bin / "python3.13").readlink().is_relative_to(pyman.store)
    pyman("uninstall", "3.13")
    assert (pyman.bin / "python3.13").readlink().is_relative_to(system)
    assert contents(system) == before


def test_nothing_changes_it(pyman: Pyman, offer: Offer, system: Path) -> None:
    newer = Archive("3.13.6", "20250708", this_target())
    offer(small_archive(offer.server.folder, newer))
    (system / ".staging" / OLD.key).mkdir(parents=True)
    lay(system, OLD, linked=False)
    made = environment(pyman.work / ".venv", system / link_name(NEW) / "bin")
    before = contents(system)
    for words, code in (
        (["list"], 0),
        (["find"], 0),
        (["install", "3.13", "--default"], 0),
        (["outdated"], 1),
        (["upgrade"], 0),
        (["prune", "--yes", "--scan", str(made)], 0),
        (["uninstall", "--all"], 0),
    ):
        pyman(*words, code=code)
    for command in ("upgrade", "uninstall"):
        told = pyman(command, "3.13", code=1).stderr
        assert f"{NEW.key} is in the system store {system}, which pyman never changes" in told
    assert contents(system) == before


def test_one_that_is_missing_is_none(pyman: Pyman) -> None:
    pyman.environment["PYMAN_SYSTEM_HOME"] = str(pyman.root / "nowhere")
    assert pyman("list", "--only-installed", "--json").json["installed"] == []
    pyman("dir")
    assert not (pyman.root / "nowhere").exists()


def test_one_that_cannot_be_read_is_an_error_that_names_the_setting(pyman: Pyman) -> None:
    pyman.environment["PYMAN_SYSTEM_HOME"] = str(pyman.root / "file")
    (pyman.root / "file").touch()
    told = pyman("list", "--only-installed", code=1).stderr
    assert f"cannot read the store {pyman.root / 'file'}" in told
    assert "unset PYMAN_SYSTEM_HOME" in told


def test_for_who_keeps_it_it_is_a_store_like_any(pyman: Pyman, system: Path) -> None:
    pyman.environment["PYMAN_HOME"] = str(system)
    pyman("uninstall", "3.13")
    assert not (system / NEW.key).exists()
    assert "no system store" in pyman("dir", "--system", code=1).stderr
