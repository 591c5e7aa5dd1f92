"""`--reproducible`: who installs, with which umask, when and from where is not to be seen from it."""

import hashlib
import io
import json
import os
import re
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Offer, Pyman
from tests.support import members
from tests.support.builds import MEMBER_TIME, Archive, small_archive
from tests.support.needs import runs_here
from tests.support.rework import rework
from tests.support.server import Server

FOREIGN = Archive("3.13.5", "20250612", "linux-riscv64-gnu")
REASON = members.reason_there_are_no_members()
posix = pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: it has no modes")


def digest(folder: Path) -> str:
    """Return that of a tar of all that is in the folder, sorted by name and, as is usual, without owners."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in [folder, *sorted(folder.rglob("*"))]:
            member = tar.gettarinfo(path, path.relative_to(folder.parent).as_posix())
            member.uid, member.gid, member.uname, member.gname = 0, 0, "", ""
            with path.open("rb") if member.isreg() else io.BytesIO() as content:
                tar.addfile(member, content)
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def seen(folder: Path) -> dict[str, tuple[int, float, str]]:
    """Return the mode, time and content of all that is in the folder, to see in what two differ."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        status = path.lstat()
        content = os.fspath(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
        found[path.relative_to(folder).as_posix()] = (status.st_mode, status.st_mtime, content)
    return found


@pytest.fixture
def ground() -> Iterator[Path]:
    with members.place() as folder:
        yield folder


def of(ground: Path, user: int, umask: str) -> members.Member:
    """Return pyman as a user has it, with an empty store that is the user's own."""
    made = members.member(ground, user, umask)
    made.store.mkdir()
    made.store.chmod(0o777 & ~int(umask, 8))
    os.chown(made.store, user, user)
    return made


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_two_users_make_the_same(fixtures: Path, ground: Path, server: Server) -> None:
    source = runs_here(fixtures, "3.13.0")
    few = re.compile(
        "/(site-packages|idlelib|tkinter|encodings|pydoc_data|asyncio|email|xml|multiprocessing|unittest|http"
        "|lib2to3|_pyrepl|wsgiref|logging|concurrent|urllib|html)/"
    )
    kept = ("/encodings/__init__.py", "/encodings/aliases.py", "/encodings/utf_8.py", "/encodings/ascii.py")

    def smaller(name: str, data: bytes) -> bytes | None:
        return data if name.endswith(kept) or not few.search(name) else None

    archive = rework(source, server.folder, Archive.of_file(source), smaller)
    members.offer(ground, server, archive)
    options = ("--reproducible", "--compile-bytecode", "--slim", "--drop=tests,idle")
    anna = of(ground, members.ANNA, "077")
    anna("install", archive.key, *options)
    first = anna.store / archive.key
    once, tree = digest(first), seen(first)
    assert stat.S_IMODE(first.stat().st_mode) == 0o755
    assert sum(name.endswith(".pyc") for name in tree) > 150
    assert "is intact" in anna("verify").stderr
    anna.store.rename(ground / "another machine's")
    # From another source, which is not to be seen, in another language, and with other variables.
    ben = of(ground, members.BEN, "002")
    ben.environment |= {
        "PYMAN_MIRROR": str(server.folder),
        "LC_ALL": "C",
        "PYTHONHASHSEED": "7",
        "X" * 99: "",
    }
    server.folder.chmod(0o755)
    ben("install", archive.key, *options)
    second = ben.store / archive.key
    assert seen(second) == tree
    assert digest(second) == once
    assert "is intact" in ben("verify").stderr


@posix
def test_times_and_the_record(pyman: Pyman, server: Server, offer: Offer) -> None:
    archive = small_archive(server.folder, FOREIGN)
    offer(archive)
    pyman("install", archive.key, "--reproducible")
    path = pyman.store / archive.key
    record = facts(path)
    # Nothing but the archive has a say: what pyman made is as old as its newest file.
    assert {time for _, time, _ in seen(path).values()} == {MEMBER_TIME}
    assert not {"installed_at", "access"} & record.keys()
    assert record["made_with"] == {"reproducible": True}
    pyman("install", archive.key, "--reinstall", "--mirror", server.folder)
    assert facts(path) == record
    assert "is intact" in pyman("verify").stderr
    pyman("install", archive.key, "--reinstall", "--no-reproducible")
    assert facts(path).keys() >= {"installed_at", "access"}


@posix
def test_source_date_epoch(pyman: Pyman, server: Server, offer: Offer) -> None:
    archive = small_archive(server.folder, FOREIGN)
    offer(archive)
    path = pyman.store / archive.key

    def times(epoch: int | str, code: int = 0) -> set[float]:
        pyman("install", archive.key, "--reinstall", env={"SOURCE_DATE_EPOCH": str(epoch)}, code=code)
        return {time for _, time, _ in seen(path).values()}

    assert times(MEMBER_TIME + 60) == {MEMBER_TIME, MEMBER_TIME + 60}
    assert facts(path)["installed_at"] == "2024-01-01T00:01:00+00:00"
    assert facts(path)["made_with"] == {"reproducible": True}
    assert times(1) == {1}
    told = pyman("install", archive.key, "--reinstall", env={"SOURCE_DATE_EPOCH": "9" * 10}, code=1)
    assert "the clock of this machine says that 2286-11-20 17:46:39 UTC has not come yet" in told.stderr
    assert times("9" * 99, code=1) == times("yesterday", code=2) == {1}
    assert pyman.leftovers() == []


def facts(path: Path) -> dict[str, Any]:
    """Return the record of an installation."""
    found = json.loads((path / ".pyman.json").read_bytes())
    assert isinstance(found, dict)
    return found


@posix
def test_a_prefix_as_well(pyman: Pyman, server: Server, offer: Offer) -> None:
    archive = small_archive(server.folder, FOREIGN)
    offer(archive)
    found = []
    for umask in ("077", "002"):
        pyman.prefix = ("sh", "-c", f'umask {umask}; exec "$@"', "sh")
        place = pyman.root / "image" / "local"
        (place / "lib").mkdir(parents=True)  # as it often is there already
        place.chmod(0o755)
        (place / "lib").chmod(0o755)
        pyman("install", archive.key, "--prefix", place, "--reproducible", "--no-pip")
        found.append(seen(place))
        assert "is intact" in pyman("verify", "--prefix", place).stderr
        place.parent.rename(pyman.root / umask)
    assert found[0] == found[1]
    assert {time for _, time, _ in found[0].values()} == {MEMBER_TIME}
    record = json.loads((pyman.root / "002" / "local" / ".pyman" / "python3.13.json").read_bytes())
    assert record["made_with"] == {"reproducible": True, "drop": ["pip"]}
