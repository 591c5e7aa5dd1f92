"""`pyman prune --cache`: what of the cache goes, what stays and why; nothing but what pyman has put there."""

import gzip
import hashlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.network.test_cache import FOREIGN, cache, kept, picture
from tests.support.builds import Archive, small_archive

__all__ = ["cache"]  # a fixture

OLDEST, OLD, NEW = (
    Archive(f"3.13.{patch}", release, FOREIGN)
    for patch, release in ((3, "20250415"), (4, "20250604"), (5, "20250612"))
)
OTHER = Archive("3.12.11", "20250612", FOREIGN)
posix = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no such links and owners")


@pytest.fixture
def full(pyman: Pyman, cache: Path, offer: Offer) -> dict[str, Archive]:
    """Four archives in the cache, 3.13.4 alone of them installed; each 100 kB larger than the one before."""
    made = [
        small_archive(offer.server.folder, archive, 100_000 * size)
        for size, archive in enumerate((OLDEST, OLD, NEW, OTHER), 1)
    ]
    offer(*made)
    for number, archive in enumerate(made):
        pyman("install", archive.version, "--target", FOREIGN)
        os.utime(cache / str(archive.sha256), (1_700_000_000 + number, 1_700_000_000 + number))
    pyman("uninstall", OLDEST.key, NEW.key, OTHER.key)
    assert pyman.installed() == [OLD.key]
    return {archive.key: archive for archive in made}


def names(full: dict[str, Archive], *archives: Archive) -> list[str]:
    return sorted(str(full[archive.key].sha256) for archive in archives)


def why(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["key"] or Path(row["path"]).name: row["why"] for row in rows}


def test_what_goes_and_what_stays(pyman: Pyman, cache: Path, full: dict[str, Archive]) -> None:
    before = picture(cache)
    told = pyman("prune", "--cache", "--dry-run", "--json")
    assert picture(cache) == before
    assert told.json["dry_run"] is True
    assert told.json["cache"] == str(cache)
    assert why(told.json["removed"]) == {OLDEST.key: f"superseded by {NEW.key}"}
    newest = "the newest that is known"
    assert why(told.json["kept"]) == {OLD.key: "it is installed", NEW.key: newest, OTHER.key: newest}
    size = (cache / str(full[OLDEST.key].sha256)).stat().st_size
    assert told.json["size"] == size
    assert told.json["kept_size"] == sum(path.stat().st_size for path in cache.iterdir()) - size
    assert f"Would remove {OLDEST.key} (1" in told.stderr
    assert f"Kept {OLD.key} (2" in told.stderr

    assert "asks before it removes" in pyman("prune", "--cache", code=2).stderr
    assert picture(cache) == before
    done = pyman("prune", "--cache", "--yes", "--json")
    assert why(done.json["removed"]) == why(told.json["removed"])
    assert "Removed 1 file and freed 1" in done.stderr
    assert kept(cache) == names(full, OLD, NEW, OTHER)
    assert "Nothing to prune." in pyman("prune", "--cache", "--yes").stderr
    assert pyman.installed() == [OLD.key]


def test_damage_and_what_is_in_no_metadata(pyman: Pyman, cache: Path, full: dict[str, Archive]) -> None:
    damaged = cache / str(full[NEW.key].sha256)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    unknown = gzip.compress(b"unknown")
    digest = hashlib.sha256(unknown).hexdigest()
    (cache / digest).write_bytes(unknown)
    unfinished = f"{digest}.{'0' * 16}.part"
    (cache / unfinished).write_bytes(b"x")
    done = pyman("prune", "--cache", "--yes", "--json")
    assert why(done.json["removed"]) == {
        OLDEST.key: f"superseded by {NEW.key}",
        NEW.key: "it is damaged",
        digest: "no build that is known has this archive",
        unfinished: "it was never finished",
    }
    assert kept(cache) == names(full, OLD, OTHER)


def test_no_more_than_so_much(pyman: Pyman, cache: Path, full: dict[str, Archive]) -> None:
    """What was not used for longest goes first, and what is installed last."""
    pyman("prune", "--cache", "--yes", "--max-size", "1MB")
    assert kept(cache) == names(full, OLD, NEW, OTHER)
    pyman("prune", "--cache", "--yes", "--max-size", "700kB")
    assert kept(cache) == names(full, OLD, OTHER)
    pyman("install", "3.12", "--target", FOREIGN)  # from the cache: it is used
    pyman("uninstall", OLD.key)
    done = pyman("prune", "--cache", "--yes", "--max-size", "0.5 MB", "--json")
    assert why(done.json["removed"]) == {OLD.key: f"superseded by {NEW.key}"}
    done = pyman("prune", "--cache", "--yes", "--max-size", "0", "--json")
    assert why(done.json["removed"]) == {OTHER.key: "it was not used for longest"}
    assert kept(cache) == []


def test_used_from_the_cache_is_used_now(pyman: Pyman, cache: Path, full: dict[str, Archive]) -> None:
    pyman("install", "3.13.5", "--target", FOREIGN)
    pyman("uninstall", NEW.key)
    pyman("prune", "--cache", "--yes", "--max-size", "600kB")
    assert kept(cache) == names(full, OLD, NEW)


@posix
def test_nothing_but_what_pyman_made(
    pyman: Pyman, cache: Path, full: dict[str, Archive], tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    (victim / "folder").mkdir(parents=True)
    (victim / "file").write_bytes(b"mine")
    (cache / "notes.txt").write_bytes(b"mine")
    (cache / "0123.part").write_bytes(b"mine")
    (cache / ("1" * 64)).symlink_to(victim / "file")
    (cache / ("2" * 64)).symlink_to(victim)
    (cache / ("3" * 64)).mkdir()
    (cache / ("3" * 64) / "file").write_bytes(b"mine")
    os.mkfifo(cache / ("4" * 64))
    (cache / ("A" * 64)).write_bytes(b"mine")
    (cache.parent / ("5" * 64)).write_bytes(b"mine")
    if os.geteuid() == 0:
        (cache / ("6" * 64)).write_bytes(b"another's")
        os.chown(cache / ("6" * 64), 12345, 12345)
    before = picture(cache.parent), picture(victim)
    done = pyman("prune", "--cache", "--yes", "--max-size", "0", "--json")
    assert len(done.json["removed"]) == len(full)
    for archive in full.values():
        before[0].pop(str(cache / str(archive.sha256)))
    assert (picture(cache.parent), picture(victim)) == before
    kinds = why(done.json["kept"])
    assert kinds["1" * 64] == kinds["notes.txt"] == "not made by pyman"
    if os.geteuid() == 0:
        assert kinds["6" * 64] == "another user's"


def test_without_a_cache(pyman: Pyman, cache: Path, offer: Offer) -> None:
    offer()
    told = pyman("prune", "--cache", "--json")
    assert (told.json["removed"], told.json["kept"]) == ([], [])
    assert not cache.parent.exists()
    pyman.environment.pop("PYMAN_CACHE_DIR")
    told = pyman("prune", "--cache", "--json")
    assert "PYMAN_CACHE_DIR is not set" in told.stderr
    assert told.json["cache"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--cache", "--max-size", "much"), "not a size: much"),
        (("--cache", "--max-size", "-1"), "not a size: -1"),
        (("--max-size", "1GB"), "--cache"),
        (("--cache", "--scan", "."), "--scan"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: str, pyman: Pyman, cache: Path) -> None:
    told = pyman("prune", *arguments, code=2).stderr
    assert words in told
    assert "hint: " in told
    assert not cache.exists()


@pytest.mark.usefixtures("full")
def test_installations_stay(pyman: Pyman, cache: Path) -> None:
    pyman("install", "3.13.5", "--target", FOREIGN)
    shutil.rmtree(cache)
    pyman("prune", "--cache", "--yes")
    assert pyman.installed() == [OLD.key, NEW.key]
