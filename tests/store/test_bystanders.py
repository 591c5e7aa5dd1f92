"""What pyman did not make it does not touch: each case in which it once did, and those beside them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman, Result, checked
from tests.reliability.picture import picture
from tests.support.builds import Archive, small_archive
from tests.support.stores import environment, lay, link_name

FOREIGN = "linux-riscv64-gnu"
OLD, NEW = (Archive(version, "20250612", FOREIGN) for version in ("3.12.11", "3.13.5"))
INSTALL = ("install", "3.13", "--target", FOREIGN)

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason=ELSEWHERE + "symbolic links take rights that not everybody has"
)


@pytest.fixture
def small(offer: Offer) -> Archive:
    archive = small_archive(offer.server.folder, NEW)
    offer(archive)
    return archive


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of somebody else's, in a temporary place as everything here."""
    folder = tmp_path / "victim"
    for name in ("etc/passwd", f"{NEW.key}/data", f"{NEW.key}.lock", "new-0123abcd/data", "old/data"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("precious", encoding="utf-8")
    return folder


def every_command(pyman: Pyman) -> list[str]:
    """Run what changes a store, whatever comes of it; returns what each said."""
    changing = [INSTALL, (*INSTALL, "--reinstall"), ("upgrade",), ("prune", "--yes")]
    return [either(pyman, *args) for args in (*changing, ("list",), ("verify",), ("uninstall", "--all"))]


def either(pyman: Pyman, *args: str) -> str:
    """Run pyman, which may succeed or fail in an orderly way."""
    process = pyman.start(*args)
    out, err = process.communicate(timeout=120)
    assert process.returncode in {0, 1}, err
    return checked(Result(out, err, process.returncode), process.returncode).stderr


@pytest.mark.parametrize("name", [".staging", ".locks"])
def test_a_link_for_a_working_folder_is_refused(
    name: str, pyman: Pyman, small: Archive, victim: Path
) -> None:
    lay(pyman.store, OLD)
    (pyman.store / name).symlink_to(victim)
    before = picture(victim)
    told = pyman(*INSTALL, code=1).stderr
    assert f"error: {pyman.store / name} is a link to {victim}" in told
    assert "hint: Remove the link, and pyman makes a folder" in told
    every_command(pyman)
    assert picture(victim) == before
    assert (pyman.store / name).is_symlink()
    (pyman.store / name).unlink()
    pyman(*INSTALL)
    assert small.key in pyman.installed()


@pytest.mark.parametrize("names", [["{key}"], ["{key}~1-2", "other"], ["{key}/old"], ["{key}/new-0123abcd"]])
def test_a_link_in_the_staging_folder_is_not_followed(
    names: list[str], pyman: Pyman, small: Archive, victim: Path
) -> None:
    lay(pyman.store, OLD)
    links = [pyman.store / ".staging" / name.format(key=small.key) for name in names]
    for link in links:
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(victim)
    before = picture(victim)
    every_command(pyman)
    assert picture(victim) == before
    assert [link.readlink() for link in links] == [victim] * len(links)


@pytest.mark.parametrize("end", ["lock", "owner"])
@pytest.mark.usefixtures("small")
def test_a_link_for_a_lock_is_not_followed(end: str, pyman: Pyman, victim: Path) -> None:
    link = pyman.store / ".locks" / f"{NEW.key}.{end}"
    link.parent.mkdir(parents=True)
    for target in (victim / "etc" / "passwd", victim / "new"):
        link.symlink_to(target)
        before = picture(victim)
        either(pyman, *INSTALL)
        assert picture(victim) == before
        assert link.readlink() == target
        link.unlink()


@pytest.mark.parametrize(
    "names",
    [
        ["notes.txt", "folder/notes", "{key}~1-2/notes"],
        ["{key}/notes", "{key}/new-0123abcd/notes"],
        ["{key}/old/notes"],
    ],
)
def test_what_is_not_recognised_is_not_swept(names: list[str], pyman: Pyman, small: Archive) -> None:
    lay(pyman.store, OLD)
    files = [pyman.store / ".staging" / name.format(key=small.key) for name in names]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("precious", encoding="utf-8")
    every_command(pyman)
    assert [file.read_text(encoding="utf-8") for file in files] == ["precious"] * len(files)


def without_record(folder: Path) -> str:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "data").touch()
    return "it has no record .pyman.json"


def of_another(folder: Path) -> str:
    without_record(folder)
    (folder / ".pyman.json").write_text(json.dumps({"key": OLD.key}), encoding="utf-8")
    return f"its record .pyman.json is that of {OLD.key}"


def of_another_rewritten(folder: Path) -> str:
    without_record(folder)
    (folder / ".pyman.json").write_text(json.dumps({"a": 1, "key": OLD.key}), encoding="utf-8")
    return f"its record .pyman.json is that of {OLD.key}"


def a_link_to_nothing(folder: Path) -> str:
    folder.symlink_to("absent")
    return "it is a link that leads nowhere"


def a_link_to_something_else(folder: Path) -> str:
    folder.symlink_to(folder.parent.parent)
    return "it has no record .pyman.json"


@pytest.mark.parametrize(
    "make", [without_record, of_another, of_another_rewritten, a_link_to_nothing, a_link_to_something_else]
)
@pytest.mark.usefixtures("small")
def test_what_has_only_the_name_of_a_build_is_nobodys(make: object, pyman: Pyman) -> None:
    assert callable(make)
    lay(pyman.store, OLD)
    place = pyman.store / NEW.key
    why = make(place)
    before = picture(place)
    for command in ("list", "verify"):
        result = pyman(
            command, *(["--only-installed"] if command == "list" else []), "--json", code=command == "verify"
        )
        assert result.json["bystanders"] == [{"path": str(place), "why": why}]
        assert result.stderr.count(NEW.key) == 1
        assert "move or delete it" in result.stderr
    rows = pyman("list", "--only-installed", "--json").json["installed"]
    assert [row["key"] for row in rows] == [OLD.key]
    for args in (INSTALL, (*INSTALL, "--reinstall"), (*INSTALL, "--dry-run")):
        told = pyman(*args, code=1).stderr
        assert f"the place is taken: {place} is no installation: {why}" in told
        assert "hint: pyman leaves it alone" in told
    pyman("uninstall", NEW.key, code=1)
    pyman("uninstall", "--all")
    assert picture(place) == before
    assert not (pyman.store / OLD.key).exists()


@pytest.fixture
def moved(pyman: Pyman, small: Archive, tmp_path: Path) -> Path:
    """An installation that was moved to a bigger disk and linked back."""
    pyman(*INSTALL)
    elsewhere = tmp_path / "disk" / "python"
    elsewhere.parent.mkdir()
    shutil.move(pyman.store / small.key, elsewhere)
    (pyman.store / small.key).symlink_to(elsewhere)
    return elsewhere


def test_an_installation_that_is_elsewhere_is_one(pyman: Pyman, moved: Path) -> None:
    rows = pyman("list", "--only-installed", "--json").json["installed"]
    assert [(row["key"], row["path"]) for row in rows] == [(NEW.key, str(pyman.store / NEW.key))]
    assert f"Already installed: {NEW.key}" in pyman(*INSTALL).stderr
    assert pyman("verify", "--json").json["installations"][0]["intact"]
    assert (pyman.store / link_name(NEW)).resolve() == moved
    before = picture(moved)
    told = pyman("uninstall", "3.13").stderr
    assert f"Only the link {pyman.store / NEW.key} was removed: {moved} stays." in told
    assert picture(moved) == before
    assert not os.path.lexists(pyman.store / NEW.key)
    assert not os.path.lexists(pyman.store / link_name(NEW))


@pytest.mark.parametrize("link", ["absolute", "relative"])
def test_a_reinstall_replaces_the_link_and_not_what_it_leads_to(link: str, pyman: Pyman, moved: Path) -> None:
    if link == "relative":
        (pyman.store / NEW.key).unlink()
        (pyman.store / NEW.key).symlink_to(os.path.relpath(moved, pyman.store))
    before = picture(moved)
    told = pyman(*INSTALL, "--reinstall").stderr
    assert f"{moved} stays" in told
    assert picture(moved) == before
    assert not (pyman.store / NEW.key).is_symlink()
    assert not pyman.leftovers()


def test_a_superseded_one_elsewhere_is_pruned_as_a_link(pyman: Pyman, moved: Path) -> None:
    lay(pyman.store, Archive("3.13.9", "20251212", FOREIGN))
    before = picture(moved)
    assert pyman("prune", "--yes", "--json").json["size"] == 0
    assert picture(moved) == before
    assert not os.path.lexists(pyman.store / NEW.key)


@pytest.mark.parametrize("others", [["notes.txt"], [".bashrc", "Documents", "pictures", "work"]])
@pytest.mark.usefixtures("small")
def test_a_folder_with_other_things_in_it_is_no_store(others: list[str], pyman: Pyman) -> None:
    for name in others:
        (pyman.store / name).mkdir(parents=True)
    before = picture(pyman.store)
    told = pyman(*INSTALL, code=1).stderr
    assert f"{pyman.store} is no store of pyman's and not empty: it has {min(others)}" in told
    assert "hint: Name an empty or a new folder with PYMAN_HOME" in told
    every_command(pyman)
    assert picture(pyman.store) == before


@pytest.mark.parametrize(
    "there", [[], ["lost+found"], [".staging"], ["README"], [".staging", ".locks", "notes"]]
)
def test_a_folder_that_is_empty_or_was_a_store_is_one(there: list[str], pyman: Pyman, small: Archive) -> None:
    pyman.store.mkdir()
    for name in there:
        if name == "README":
            text = "This directory belongs to pyman, the Python version manager.\n\nOlder words.\n"
            (pyman.store / name).write_text(text, encoding="utf-8")
            (pyman.store / "notes").touch()
        else:
            (pyman.store / name).mkdir()
    pyman(*INSTALL)
    assert (pyman.store / small.key).is_dir()
    shutil.rmtree(pyman.store / ".staging")
    shutil.rmtree(pyman.store / ".locks")
    (pyman.store / "README").unlink()
    (pyman.store / "more").touch()
    pyman(*INSTALL, "--reinstall")  # known by its record


@pytest.mark.usefixtures("small")
def test_links_that_are_not_pymans_stay(pyman: Pyman, victim: Path) -> None:
    lay(pyman.store, OLD, linked=False)
    (pyman.store / link_name(NEW)).symlink_to(victim)
    kept = {
        pyman.store / "mine": "nowhere",
        pyman.store / ".mine.123": "etc",
        pyman.store / link_name(Archive("3.12.1", "20240107", FOREIGN)): "../elsewhere",
        pyman.bin / ".python3.12.123": "elsewhere",
        pyman.bin / "mine": str(pyman.store / "gone" / "python"),
        pyman.bin / ".mine.123": str(pyman.store / "gone" / "python"),
    }
    for link, target in kept.items():
        link.symlink_to(target)
    told = every_command(pyman)[0]
    assert f"{pyman.store / link_name(NEW)} is not pyman's and was left alone" in told
    assert {link: str(link.readlink()) for link in kept} == kept
    assert (pyman.store / link_name(NEW)).readlink() == victim


@pytest.mark.usefixtures("small")
def test_a_readme_that_is_a_link_stays(pyman: Pyman, victim: Path) -> None:
    lay(pyman.store, OLD)
    (pyman.store / "README").symlink_to(victim / "new")
    before = picture(victim)
    every_command(pyman)
    assert picture(victim) == before
    assert (pyman.store / "README").is_symlink()


def test_an_index_of_environments_that_is_a_link_stays(pyman: Pyman, victim: Path) -> None:
    lay(pyman.store, OLD)
    (pyman.store / ".environments").symlink_to(victim)
    before = picture(victim)
    folder = environment(pyman.work / ".venv", pyman.store / OLD.key / "bin")
    pyman("find")
    pyman("prune", "--scan", folder.parent, "--yes")
    assert picture(victim) == before


@pytest.mark.usefixtures("small")
def test_a_record_of_a_newer_form_is_not_taken_for_damaged(pyman: Pyman) -> None:
    pyman(*INSTALL)
    file = pyman.store / NEW.key / ".pyman.json"
    record = json.loads(file.read_bytes())
    assert record["form"] == 1
    record["form"] = 2
    record["files"] = {
        name: [*row, {"mode": 0o755}] if isinstance(row, list) else row
        for name, row in record["files"].items()
    }
    file.write_text(json.dumps(record), encoding="utf-8")
    assert pyman("verify", "--json").json["installations"][0]["intact"]
    file.write_text(json.dumps({"form": 3, "name": NEW.key, "parts": []}), encoding="utf-8")
    told = pyman("verify", code=1).stderr
    assert "its record is of form 3, which only a newer pyman reads" in told
    assert "damaged" not in told
    assert "--reinstall" not in told
    assert [row["key"] for row in pyman("list", "--only-installed", "--json").json["installed"]] == [NEW.key]


@pytest.mark.usefixtures("small")
def test_root_in_a_store_of_another_user(pyman: Pyman, victim: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip(ELSEWHERE + "it needs root")
    pyman(*INSTALL)
    for folder, _, files in os.walk(pyman.store):
        for name in (".", *files):
            os.lchown(Path(folder, name), 4711, 4711)
    shutil.rmtree(pyman.store / ".staging")
    (pyman.store / ".staging").symlink_to(victim)
    before = picture(victim)
    assert "is a link to" in pyman(*INSTALL, "--reinstall", code=1).stderr
    assert picture(victim) == before
    (pyman.store / ".staging").unlink()
    (pyman.store / ".staging").mkdir()
    os.chown(pyman.store / ".staging", 4712, 4712)
    assert "belongs to another user" in pyman(*INSTALL, "--reinstall", code=1).stderr
    os.chown(pyman.store / ".staging", 4711, 4711)
    pyman(*INSTALL, "--reinstall")
    pyman("uninstall", "--all")
    assert not pyman.leftovers()


@pytest.mark.usefixtures("small")
def test_what_is_mounted_in_an_installation_stays(pyman: Pyman) -> None:
    if os.geteuid() != 0 or sys.platform != "linux":
        pytest.skip(ELSEWHERE + "it needs root, and mount")
    pyman(*INSTALL)
    place = pyman.store / NEW.key / "lib" / "mounted"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", place], check=False, capture_output=True).returncode:
        pytest.skip(ELSEWHERE + "nothing can be mounted here")
    moved = place
    try:
        (place / "file").write_text("precious", encoding="utf-8")
        pyman("uninstall", "--all")
        (moved,) = (pyman.store / ".staging").glob("*/lib/mounted")
        assert (moved / "file").read_text(encoding="utf-8") == "precious"
    finally:
        subprocess.run(["umount", moved], check=True)
    pyman("prune")
    assert not pyman.leftovers()
