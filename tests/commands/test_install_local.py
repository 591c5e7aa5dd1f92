"""`pyman install ./archive.tar.gz` and `pyman install ./folder`: what it is told by, and what is refused."""

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support import needs
from tests.support.archives import HOSTILE
from tests.support.builds import Archive, small_archive
from tests.support.server import Server

FOREIGN = "linux-riscv64-gnu"
KNOWN, OTHER, UNKNOWN = (Archive(v, "20250612", FOREIGN) for v in ("3.13.5", "3.12.11", "3.11.13"))
KEY = f"cpython-3.14.0+20251014-{FOREIGN}"
posix = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "links and pipes are POSIX")


@pytest.fixture
def brought(pyman: Pyman, server: Server, offer: Offer) -> list[Archive]:
    """Three archives in the current folder, of which the metadata know the first two."""
    archives = [small_archive(server.folder, each) for each in (KNOWN, OTHER, UNKNOWN)]
    offer(*archives[:2])
    for each in archives:
        shutil.copy(server.folder / each.path, pyman.work / each.file)
    return archives


def record(pyman: Pyman, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((pyman.store / key / ".pyman.json").read_text(encoding="utf-8"))
    return found


def test_an_archive_that_the_metadata_know(pyman: Pyman, brought: list[Archive], server: Server) -> None:
    known = brought[0]
    told = pyman("install", "--offline", f"./{known.file}").stderr
    assert f"Installing {known.key} from {known.file}" in told
    assert f"{known.key} is not for this machine: whether it runs is not tried" in told
    found = record(pyman, known.key)
    assert (found["sha256"], found["verified"], found["file"]) == (known.sha256, True, known.file)
    assert found["url"].startswith(server.url)
    assert str(pyman.work) not in json.dumps(found)
    assert pyman("verify", "--json").json["installations"][0]["intact"]
    assert known.key in pyman("list", "--only-installed", "--all-targets").stdout
    assert f"Already installed: {known.key}" in pyman("install", f"./{known.file}").stderr
    # Its digest tells what it is, whatever it is called.
    (pyman.work / known.file).rename(pyman.work / "mine.tgz")
    assert pyman("install", "--reinstall", "mine.tgz", "--json").json["installed"][0]["key"] == known.key
    pyman("uninstall", known.key)
    assert pyman.installed() == []
    assert server.asked == []


def test_an_archive_that_they_do_not_know(pyman: Pyman, brought: list[Archive], server: Server) -> None:
    unknown = brought[2]
    refused = pyman("install", f"./{unknown.file}", code=1).stderr
    assert f"do not know its sha256 {unknown.sha256}" in refused
    assert f"`--sha256 {unknown.sha256}` says so" in refused
    wrong = pyman("install", f"./{unknown.file}", "--sha256", "0" * 64, "--allow-unverified", code=1).stderr
    assert f"but --sha256 says {'0' * 64}" in wrong
    assert pyman.installed() == []
    pyman("install", f"./{unknown.file}", "--allow-unverified")
    assert record(pyman, unknown.key)["verified"] is False
    assert "url" not in record(pyman, unknown.key)
    digest = f"sha256:{str(unknown.sha256).upper()}"
    pyman("install", f"./{unknown.file}", "--sha256", digest, "--as", f"3.11.13+20990101-{FOREIGN}")
    assert record(pyman, f"cpython-3.11.13+20990101-{FOREIGN}")["verified"] is True
    assert server.asked == []


def test_what_is_not_what_it_is_called(pyman: Pyman, brought: list[Archive]) -> None:
    known, other, unknown = brought
    shutil.copy(pyman.work / unknown.file, pyman.work / known.file)
    damaged = pyman("install", f"./{known.file}", "--allow-unverified", code=1).stderr
    assert f"has sha256 {unknown.sha256}, but it was published with {known.sha256}" in damaged
    shutil.copy(pyman.work / other.file, pyman.work / known.file)
    called = pyman("install", f"./{known.file}", code=1).stderr
    assert f"by its sha256 it is {other.key}" in called
    assert f"`--as {other.key}` installs it" in called
    assert pyman.installed() == []
    insisted = pyman("install", f"./{known.file}", "--as", known.key).stderr
    assert f"was published as {other.key}, by its sha256; it is installed as {known.key}" in insisted
    shutil.copy(pyman.work / unknown.file, pyman.work / "renamed.tar.gz")
    again = ("renamed.tar.gz", "--as", known.key, "--sha256", str(unknown.sha256))
    assert "from another archive; --reinstall replaces it" in pyman("install", *again).stderr


def test_several_with_requests(pyman: Pyman, brought: list[Archive], server: Server) -> None:
    known, other, unknown = brought
    (pyman.work / "3.12").write_text("no archive", encoding="utf-8")  # a request is never taken for a file
    wanted = ("--target", FOREIGN, "3.12", f"./{known.file}", unknown.file, "--allow-unverified")
    rehearsed = pyman("install", *wanted, "--dry-run").stderr
    assert f"Would install {unknown.key} from {pyman.work / unknown.file}" in rehearsed
    assert not pyman.store.exists()
    made = pyman("install", *wanted, "--json").json["installed"]
    assert {each["key"] for each in made} == {known.key, other.key, unknown.key}
    assert [server.count(each.file) for each in brought] == [0, 1, 0]
    assert "begins with the bytes" in pyman("install", "./3.12", code=1).stderr


def test_what_cannot_be_understood(pyman: Pyman, brought: list[Archive]) -> None:
    shutil.copy(pyman.work / brought[2].file, pyman.work / "python.tar.gz")
    (pyman.work / "page.zip").write_bytes(b"<html>")
    (pyman.work / "none").mkdir()
    (pyman.work / "above" / "python" / "bin").mkdir(parents=True)
    (pyman.work / "above" / "python" / "bin" / "python3.13").touch()
    (pyman.work / "env" / "bin").mkdir(parents=True)
    (pyman.work / "env" / "pyvenv.cfg").touch()
    (pyman.work / "env" / "bin" / "python3").touch()
    python = "./above/python"
    for arguments, code, words in (
        (("nothing.tar.gz",), 1, "there is no file or folder"),
        (("https://example.com/a.tar.gz",), 2, "is an address"),
        (("python.tar.gz", "--allow-unverified"), 2, "Name it in full: `--as KEY`"),
        (("./page.zip",), 1, "it is a web page"),
        (("./none", "--as", KEY), 1, "is a folder without a Python in it"),
        (("./above", "--as", KEY), 1, f"Did you mean {pyman.work / 'above' / 'python'}?"),
        (("./env", "--as", KEY), 1, "is a virtual environment"),
        ((python,), 2, "nothing tells which build"),
        ((python, "--as", "3.13+20250612"), 2, "does not name one build"),
        ((python, "--as", KEY, "--sha256", "1" * 64), 2, "a folder has no sha256"),
        ((python, python + "/.", "--as", KEY), 2, "there are 2"),
        (("3.12", "--as", KEY), 2, "there are none"),
        ((python, "--sha256", "12"), 2, "not a sha256: 12"),
    ):
        assert words in pyman("install", *arguments, code=code).stderr
    assert not pyman.store.exists()


def test_hostile_archives_are_refused(pyman: Pyman, offer: Offer) -> None:
    offer()
    case = next(case for name, case in HOSTILE.items() if name.startswith("symlink: "))
    (pyman.work / "evil.tar.gz").write_bytes(case.data)
    told = pyman("install", "./evil.tar.gz", "--as", KEY, "--allow-unverified", code=1).stderr
    assert all(word in told for word in case.words)
    assert pyman.installed() == []
    assert not pyman.leftovers()


def tree(folder: Path) -> Path:
    """Lay a Python of which nothing runs."""
    for name in ("bin/python3.14", "lib/python3.14/os.py", "lib/python3.14/__pycache__/os.cpython-314.pyc"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x\n")
    (folder / "bin" / "python3.14").chmod(0o4755)
    (folder / ".pyman.json").write_text("{}", encoding="utf-8")
    return folder


def facts(folder: Path) -> dict[str, object]:
    """Return all that can be seen of what is in a folder."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        what = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path)] = (what, status.st_mode, status.st_mtime_ns, status.st_ino)
    return found


@posix
def test_a_folder_is_copied(pyman: Pyman) -> None:
    folder = tree(pyman.work / "python")
    (folder / "bin" / "python3").symlink_to(folder / "bin" / "python3.14")  # absolute, and inside
    (folder / "lib" / "here").symlink_to("python3.14")
    (folder / "lib" / "empty").mkdir()
    shared = 'build_time_vars = {"prefix": "/usr", "INCLUDEPY": "/usr/include/python3.14"}\n'
    (folder / "lib" / "python3.14" / "_sysconfigdata__x.py").write_text(shared, encoding="utf-8")
    before = facts(folder)
    told = pyman("install", "./python", "--as", KEY).stderr
    assert f"Installing {KEY} from the folder python" in told
    assert facts(folder) == before
    made = pyman.store / KEY
    assert (made / "bin" / "python3").readlink() == Path("python3.14")
    assert (made / "lib" / "here").readlink() == Path("python3.14")
    assert (made / "bin" / "python3.14").stat().st_mode & 0o7777 == 0o755
    assert (made / "lib" / "empty").is_dir()
    # Not all that is in /usr is this Python's: it is left to be named.
    data = (made / "lib" / "python3.14" / "_sysconfigdata__x.py").read_text(encoding="utf-8")
    assert ast.literal_eval(data.partition("= ")[2]) == ast.literal_eval(shared.partition("= ")[2])
    assert not list(made.rglob("__pycache__"))
    found = record(pyman, KEY)
    assert (found["folder"], found["verified"], found["sha256"]) == ("python", False, None)
    assert pyman("verify", "--json").json["installations"][0]["intact"]
    itself = pyman("install", "--reinstall", made, code=1).stderr
    assert "is the installation itself" in itself
    # What `full` archives unpack to has the tree in `install`.
    (pyman.work / "full").mkdir()
    (folder / "bin" / "python3").unlink()
    folder.rename(pyman.work / "full" / "install")
    (pyman.work / "full" / "PYTHON.json").write_text("{}", encoding="utf-8")
    pyman("install", "./full", "--as", f"3.14.0+20251015-{FOREIGN}")
    assert len(pyman.installed()) == 2


@posix
def test_what_no_build_has_is_not_taken_over(pyman: Pyman) -> None:
    folder = tree(pyman.work / "python")
    secret = pyman.root / "secret"
    secret.write_text("secret", encoding="utf-8")
    link, pipe = folder / "lib" / "link", folder / "lib" / "pipe"
    for target in (str(secret), "../../../secret", "../../.."):
        link.symlink_to(target)
        told = pyman("install", "./python", "--as", KEY, code=1).stderr
        assert "is a symbolic link to" in told
        assert "leads out of the folder" in told
        link.unlink()
    os.mkfifo(pipe)
    assert "is a fifo" in pyman("install", "./python", "--as", KEY, code=1).stderr
    pipe.unlink()
    inside = {"PYMAN_HOME": str(folder / "store")}
    assert "is inside of" in pyman("install", "./python", "--as", KEY, code=1, env=inside).stderr
    assert pyman.installed() == []
    assert not pyman.leftovers()


def outside_the_seal(*command: str | Path) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(each) for each in command], env=variables, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout.strip()


def names(folder: Path, word: str) -> Iterable[Path]:
    """Yield the files that have the word in them."""
    return (path for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes())


@posix
def test_a_python_that_runs(pyman: Pyman, offer: Offer, fixtures: Path) -> None:
    offer()
    archive = needs.runs_here(fixtures, "3.13.0")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    pyman("install", archive, "--sha256", digest)
    (first,) = pyman.installed()
    version = first.partition("-")[2].partition("+")[0]
    old, new = pyman.store / first, pyman.store / first.replace("+20", "+30", 1)
    code = (
        "import os, sys, sysconfig; print(os.path.realpath(sys.prefix), sysconfig.get_config_var('prefix'))"
    )
    assert outside_the_seal(pyman.bin / "python3.13", "-c", code) == f"{old} {old}"
    # Taken over from there, it speaks of its new place and of no other.
    key = new.name.partition("-linux")[0]
    pyman("install", old, "--as", key)
    assert outside_the_seal(pyman.bin / "python3.13", "-c", code) == f"{new} {new}"
    assert "pip" in outside_the_seal(new / "bin" / "pip3", "--version")
    told = {path.name for path in names(new, first)} - {".pyman.json"}
    assert told == set()
    wrong = pyman("install", old, "--as", "3.13.9+20250101", code=1).stderr
    assert f"does not run here: it is Python {version}" in wrong
    assert pyman.installed() == sorted([first, new.name])
    assert not pyman.leftovers()
    assert outside_the_seal(old / "bin" / "python3", "-c", "print(1)") == "1"
