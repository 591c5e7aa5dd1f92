"""`pyman uninstall` and `pyman dir`."""

import sys
from pathlib import Path

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.repack import MINOR, this_version
from tests.support.server import Server
from tests.support.stores import environment, lay, link_name, noted

FOREIGN = "linux-riscv64-gnu"
BUILDS = [Archive(version, "20250612", FOREIGN) for version in ("3.13.5", "3.13.4", "3.12.11")]
LINK = f"python{MINOR}.cmd" if sys.platform == "win32" else f"python{MINOR}"


@pytest.fixture
def three(pyman: Pyman, server: Server, offer: Offer) -> list[str]:
    """Three installations; returns their keys: 3.13.5, 3.13.4, 3.12.11."""
    offer(*(small_archive(server.folder, archive) for archive in BUILDS))
    pyman("install", "3.13.5", "3.13.4", "3.12.11", "--target", FOREIGN)
    return [archive.key for archive in BUILDS]


@pytest.mark.parametrize(
    ("requests", "left"),
    [
        (["3.13.5"], [1, 2]),
        (["3.13"], [2]),
        (["3.13.4", "3.12"], [0]),
        ([BUILDS[0].key], [1, 2]),
        (["3.12.11+20250612"], [0, 1]),
        (["--all"], []),
    ],
)
def test_removes_what_fits(requests: list[str], left: list[int], pyman: Pyman, three: list[str]) -> None:
    result = pyman("uninstall", *requests)
    assert pyman.installed() == sorted(three[index] for index in left)
    assert result.stdout == ""
    gone = [key for index, key in enumerate(three) if index not in left]
    assert sorted(result.stderr.splitlines()) == sorted(f"Uninstalled {key}" for key in gone)
    assert not pyman.leftovers()


def test_minor_link_follows(pyman: Pyman, three: list[str]) -> None:
    link = f"cpython-3.13-{FOREIGN}"
    assert pyman.minor_links()[link] == three[0]
    pyman("uninstall", "3.13.5")
    assert pyman.minor_links()[link] == three[1]
    pyman("uninstall", "3.13")
    assert link not in pyman.minor_links()
    assert not (pyman.store / link).is_symlink()


def test_nothing_fits(pyman: Pyman, three: list[str]) -> None:
    lines = pyman("uninstall", "3.13", "3.9", code=1).stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert "3.9" in lines[0]
    assert lines[1].startswith("hint: ")
    assert pyman.installed() == sorted(three)


@pytest.mark.parametrize("arguments", [[], ["--all", "3.13"], ["nonsense"]])
def test_wrong_usage(arguments: list[str], pyman: Pyman, three: list[str]) -> None:
    assert "error: " in pyman("uninstall", *arguments, code=2).stderr
    assert pyman.installed() == sorted(three)


def test_all_of_nothing(pyman: Pyman) -> None:
    pyman("uninstall", "--all")
    assert pyman.installed() == []


def test_link_in_the_bin_directory(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    offer(*real)
    for archive in real:
        pyman("install", f"{this_version()}+{archive.release}")
    link = pyman.bin / LINK
    pyman("uninstall", f"{this_version()}+{real[1].release}")
    assert link.exists()
    pyman("uninstall", "--all")
    assert list(pyman.bin.iterdir()) == []


def test_foreign_file_in_the_bin_directory_stays(pyman: Pyman, real: list[Archive], offer: Offer) -> None:
    offer(*real)
    link = pyman.bin / LINK
    link.write_text("mine", encoding="utf-8")
    pyman("install", MINOR)
    pyman("uninstall", MINOR)
    assert link.read_text(encoding="utf-8") == "mine"


def test_quiet(pyman: Pyman, three: list[str]) -> None:
    result = pyman("uninstall", "-q", "--all")
    assert result.stdout + result.stderr == ""
    assert three


def test_dir(pyman: Pyman) -> None:
    assert pyman("dir").stdout == f"{pyman.store}\n"
    assert pyman("dir", "--bin").stdout == f"{pyman.bin}\n"
    assert not pyman.store.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="not on this platform: XDG folders are of Linux")
def test_default_places(pyman: Pyman) -> None:
    unset = {"PYMAN_HOME": "", "PYMAN_BIN_DIR": ""}
    assert Path(pyman("dir", env=unset).stdout.strip()) == pyman.home / ".local" / "share" / "pyman"
    assert Path(pyman("dir", "--bin", env=unset).stdout.strip()) == pyman.home / ".local" / "bin"


GNU = "linux-x86_64-gnu"
OLD, NEW = Archive("3.12.1", "20240107", GNU), Archive("3.12.9", "20250317", GNU)
MINOR_LINK = link_name(NEW)


@pytest.fixture
def two(pyman: Pyman) -> Pyman:
    """Two installations of one minor version, laid by hand, and the link to the newer one."""
    lay(pyman.store, OLD, NEW)
    return pyman


def used(pyman: Pyman, name: str, entry: str) -> Path:
    """Make an environment which uses what is called `entry` in the store, and tell pyman about it."""
    folder = environment(pyman.root / name, pyman.store / entry / "bin")
    noted(pyman.store, *(path.parent for path in pyman.root.glob("*/pyvenv.cfg")))
    return folder


@pytest.mark.parametrize(
    ("entry", "requests", "kept"),
    [
        (OLD.key, ["3.12.1"], OLD),
        (OLD.key, ["3.12.9"], None),
        (NEW.key, ["3.12"], NEW),
        (MINOR_LINK, ["3.12.9"], None),  # the link moves to the older one, and the environment with it
        (MINOR_LINK, ["3.12.1"], None),
        (MINOR_LINK, ["3.12"], NEW),
        (MINOR_LINK, ["--all"], NEW),
    ],
)
def test_refuses_while_an_environment_uses_it(
    entry: str, requests: list[str], kept: Archive | None, two: Pyman
) -> None:
    folder = used(two, "environment", entry)
    result = two("uninstall", *requests, code=1 if kept else 0)
    assert (folder / "bin" / "python").exists()
    if kept:
        assert two.installed() == [OLD.key, NEW.key]
        assert f"error: {kept.key} is used by a virtual environment:\n  {folder}\n" in result.stderr
        assert "--force" in result.stderr


def test_names_all_environments(two: Pyman) -> None:
    folders = [used(two, f"environment {number}", OLD.key) for number in range(3)]
    newer = used(two, "newer", NEW.key)
    result = two("uninstall", "3.12.1", code=1)
    listed = "".join(f"\n  {folder}" for folder in folders)
    assert f"error: {OLD.key} is used by 3 virtual environments:{listed}\nhint: " in result.stderr
    assert str(newer) not in result.stderr


def test_names_five_and_how_many_more(two: Pyman) -> None:
    folders = [used(two, f"environment {number}", OLD.key) for number in range(7)]
    result = two("uninstall", "3.12.1", "--json", code=1)
    listed = "".join(f"\n  {folder}" for folder in folders[:5])
    assert (
        f"used by 7 virtual environments:{listed}\n  and 2 more\nhint: `pyman upgrade 3.12" in result.stderr
    )
    assert result.json == {
        "uninstalled": [],
        "used": [{"key": OLD.key, "environments": [str(folder) for folder in folders]}],
        "unseen": [],
        "dry_run": False,
    }


def test_force_removes_it_anyway(two: Pyman) -> None:
    folder = used(two, "environment", OLD.key)
    result = two("uninstall", "3.12.1", "--force")
    assert two.installed() == [NEW.key]
    assert f"warning: {OLD.key} was used by a virtual environment:\n  {folder}" in result.stderr


@pytest.mark.parametrize("how", ["active", "above"])
def test_an_environment_nearby_need_not_be_known(how: str, two: Pyman) -> None:
    place = two.root / ".venv" if how == "above" else two.root / "elsewhere"
    folder = environment(place, two.store / OLD.key / "bin")
    active = {"VIRTUAL_ENV": str(folder)} if how == "active" else {}
    assert str(folder) in two("uninstall", "3.12.1", code=1, env=active).stderr


def test_an_environment_that_find_has_met_is_known(two: Pyman) -> None:
    project = two.root / "project"
    folder = environment(project / ".venv", two.store / OLD.key / "bin")
    two("find", cwd=project)
    assert str(folder) in two("uninstall", "3.12.1", code=1).stderr


def test_an_environment_that_is_gone_keeps_nothing(two: Pyman) -> None:
    (used(two, "environment", OLD.key) / "pyvenv.cfg").unlink()
    two("uninstall", "3.12.1")
    assert two.installed() == [NEW.key]


def test_dry_run(two: Pyman) -> None:
    result = two("uninstall", "3.12.1", "--dry-run", "--json")
    assert result.stderr == f"Would uninstall {OLD.key}\n"
    uninstalled = [{"key": OLD.key, "path": str(two.store / OLD.key)}]
    assert result.json == {"uninstalled": uninstalled, "used": [], "unseen": [], "dry_run": True}
    assert two.installed() == [OLD.key, NEW.key]
    assert not (two.store / ".locks").exists()


def test_dry_run_tells_of_the_refusal_too(two: Pyman) -> None:
    used(two, "environment", OLD.key)
    two("uninstall", "3.12.1", "--dry-run", code=1)


def test_json(two: Pyman) -> None:
    document = two("uninstall", "3.12.1", "--json").json
    assert [each["key"] for each in document["uninstalled"]] == [OLD.key]
    assert two.installed() == [NEW.key]
