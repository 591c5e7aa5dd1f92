"""`pyman verify`: what was changed in an installation, and what is wrong with that."""

import base64
import ensurepip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import MEMBER_TIME, Archive, save, small_archive, write_archive
from tests.support.needs import runs_here
from tests.support.repack import MINOR
from tests.support.server import Server, serving
from tests.support.stores import lay

from pyman.builds.key import Key
from pyman.inventory import verification
from pyman.store.installations import Installation

FOREIGN = "linux-riscv64-gnu"
BUILD = Archive("3.13.5", "20250612", FOREIGN)
OTHER = Archive("3.12.11", "20250612", FOREIGN)
OS = "lib/python3.13/os.py"
SITE = "lib/python3.13/site-packages"
CLEAN: dict[str, Any] = {"other": [], "packages": [], "site_packages": [], "bytecode": []}
posix = pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}Windows has no such files")
not_root = pytest.mark.skipif(
    sys.platform == "win32" or os.getuid() == 0, reason=f"{ELSEWHERE}root may read everything"
)


class Made(NamedTuple):
    """A store with an installation of a few files, in which nothing runs, and the archives on offer."""

    store: Path
    folder: Path
    archives: list[Archive]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Such a store, made once: most tests change one thing in it."""
    place = tmp_path_factory.mktemp("verified")
    maker = Pyman(place / "user")
    for folder in (maker.home, maker.bin, maker.work, place / "releases"):
        folder.mkdir(parents=True)
    archives = [small_archive(place / "releases", archive, 2_000_000) for archive in (BUILD, OTHER)]
    with serving(place / "releases") as server:
        Offer(maker, server, place / "metadata.json")(*archives)
        maker("install", "3.13", "--target", FOREIGN)
    return Made(maker.store, place / "releases", archives)


@pytest.fixture
def root(made: Made, pyman: Pyman, server: Server, offer: Offer) -> Path:
    """The folder of that installation in a store of the test's own, with the same on offer."""
    shutil.copytree(made.folder, server.folder, dirs_exist_ok=True)
    offer(*made.archives)
    shutil.copytree(made.store, pyman.store, symlinks=True)
    return pyman.store / BUILD.key


def only(pyman: Pyman, code: int = 0) -> dict[str, Any]:
    """Verify the store's one installation, and return what is told about it."""
    (told,) = pyman("verify", "--json", code=code).json["installations"]
    assert isinstance(told, dict)
    assert told["intact"] == (code == 0)
    return told


def write(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def replace_by_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_file(path: Path) -> None:
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def point_elsewhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("python.exe")


def corrupt(path: Path) -> None:
    """Change a byte in the middle, and leave size and time as they were."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_as_installed(pyman: Pyman, root: Path) -> None:
    result = pyman("verify")
    files = len(json.loads((root / ".pyman.json").read_text(encoding="utf-8"))["files"])
    assert result.stdout == ""
    assert result.stderr == f"{BUILD.key} is intact: {files} files, 2.0 MB\n"
    told = only(pyman)
    assert (told["key"], told["path"], told["files"]) == (BUILD.key, str(root), files)
    assert (told["fault"], told["modified"], told["missing"], told["added"]) == (None, [], [], CLEAN)


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        (OS, corrupt, "has another content"),
        ("lib/python3.13/padding", corrupt, "has another content"),
        (OS, lambda path: path.write_bytes(b""), "has 0 bytes, not 24"),
        pytest.param(OS, replace_by_link, "is a symbolic link to elsewhere", marks=posix),
        (OS, replace_by_directory, "is a directory, not a file"),
        pytest.param(OS, replace_by_pipe, "is a special file, not a file", marks=posix),
        pytest.param("bin/python3", replace_by_file, "is a file, not a symbolic link", marks=posix),
        pytest.param("bin/python3", point_elsewhere, "is a symbolic link to python.exe", marks=posix),
        pytest.param(
            "bin/python3.13", lambda path: path.chmod(0o644), "is not executable any more", marks=posix
        ),
        pytest.param(OS, lambda path: path.chmod(0o755), "is executable", marks=posix),
        pytest.param(OS, lambda path: path.chmod(0), "cannot be read: Permission denied", marks=not_root),
    ],
    ids=[
        *(
            "byte",
            "byte in a large one",
            "emptied",
            "link",
            "directory",
            "pipe",
            "file for link",
            "link elsewhere",
        ),
        *("not executable", "executable", "unreadable"),
    ],
)
def test_modified(name: str, change: Callable[[Path], object], why: str, pyman: Pyman, root: Path) -> None:
    change(root / name)
    told = only(pyman, code=1)
    assert told["modified"] == [{"name": name, "why": why}]
    assert told["missing"] == []


# What is compared at once: a name stands in each once.
MODES: list[dict[str, tuple[int, str]]] = [
    {
        "bin/python3.13": (0o777, "has mode 0777, not 0755: every user may write to it"),
        OS: (0o646, "has mode 0646, not 0644: every user may write to it"),
        ".pyman.json": (0o666, "has mode 0666, not 0644: every user may write to it"),
        "lib": (0o777, "has mode 0777, not 0755: every user may write to it"),
        "lib/python3.13": (0o1777, "has mode 1777, not 0755: every user may write to it"),
        ".": (0o777, "has mode 0777, not 0755: every user may write to it"),
    },
    {
        "bin/python3.13": (0o4755, "has mode 4755, not 0755"),
        OS: (0o664, "has mode 0664, not 0644: its group may write to it"),
        "lib/python3.13": (0o700, "has mode 0700, not 0755"),
    },
    {OS: (0o600, "has mode 0600, not 0644")},
]


@posix
@pytest.mark.parametrize("changes", MODES)
@pytest.mark.parametrize("is_old", [False, True], ids=["now", "before there were modes in records"])
def test_a_mode_that_changed(
    is_old: bool,  # noqa: FBT001 - a parameter
    changes: dict[str, tuple[int, str]],
    pyman: Pyman,
    root: Path,
) -> None:
    if is_old:
        forget_modes(root)
    only(pyman)
    before = {name: (root / name).stat().st_mode for name in changes}
    for name, (mode, _) in changes.items():
        (root / name).chmod(mode)
    expected = [{"name": name, "why": changes[name][1]} for name in sorted(changes)]
    assert only(pyman, code=1)["modified"] == expected
    told = [line.split() for line in pyman("verify", code=1).stdout.splitlines()]
    places = [f"{BUILD.key}/{name}" for name in sorted(changes)]
    assert [words[1] for words in told if words[0] == "modified"] == places
    for name, mode in before.items():
        (root / name).chmod(mode)
    only(pyman)
    for name, (mode, _) in changes.items():
        (root / name).chmod(mode)
    pyman("install", "--reinstall", BUILD.key, "--target", FOREIGN)
    only(pyman)


def forget_modes(root: Path) -> None:
    """Make the record one of a pyman that wrote down no modes."""
    record = json.loads((root / ".pyman.json").read_text(encoding="utf-8"))
    del record["access"]
    (root / ".pyman.json").write_text(json.dumps(record), encoding="utf-8")


@posix
@pytest.mark.parametrize("name", ["bin/python3.13", "bin/python3", "lib/python3.13", ".pyman.json", "."])
def test_an_owner_that_changed(name: str, pyman: Pyman, root: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip(ELSEWHERE + "it needs root")
    os.chown(root / name, 4711, -1, follow_symlinks=False)
    assert only(pyman, code=1)["modified"] == [{"name": name, "why": "belongs to user 4711, not root"}]
    os.chown(root / name, 0, 4712, follow_symlinks=False)
    assert only(pyman, code=1)["modified"] == [{"name": name, "why": "belongs to the group 4712, not root"}]
    pyman("install", "--reinstall", BUILD.key, "--target", FOREIGN)
    only(pyman)


@posix
def test_content_and_mode_are_both_told(pyman: Pyman, root: Path) -> None:
    corrupt(root / OS)
    (root / OS).chmod(0o666)
    why = "has another content, has mode 0666, not 0644: every user may write to it"
    assert only(pyman, code=1)["modified"] == [{"name": OS, "why": why}]


@posix
def test_what_was_added_is_not_for_others_to_write(pyman: Pyman, root: Path) -> None:
    write(root / "lib/python3.13/__pycache__/os.cpython-313.pyc")
    write(root / SITE / "spam.py")
    for path in (root / "lib/python3.13/__pycache__", root / SITE, root / SITE / "spam.py"):
        path.chmod(0o700)
    only(pyman)
    (root / "lib/python3.13/__pycache__").chmod(0o777)
    (root / SITE / "spam.py").chmod(0o646)
    assert only(pyman, code=1)["modified"] == [
        {"name": "lib/python3.13/__pycache__", "why": "every user may write to it"},
        {"name": f"{SITE}/spam.py", "why": "every user may write to it"},
    ]


@posix
def test_a_group_of_one_user_is_nobody_else(pyman: Pyman, root: Path) -> None:
    """With the umask 002, which such groups come with, Python makes folders that the group may write to."""
    if os.geteuid() != 0:
        pytest.skip(ELSEWHERE + "it needs root")
    write(root / "lib/python3.13/__pycache__/os.cpython-313.pyc")
    folder = root / "lib/python3.13/__pycache__"
    folder.chmod(0o775)  # root's
    only(pyman)
    os.chown(folder, 0, 4712)
    assert only(pyman, code=1)["modified"][0]["why"] == "the group 4712 may write to it"


@posix
def test_a_store_for_everybody_is_warned_of(pyman: Pyman, root: Path) -> None:
    pyman.store.chmod(0o777)
    assert f"every user of this machine may write to {pyman.store}" in pyman("verify").stderr
    assert root.is_dir()


@pytest.mark.parametrize("name", [OS, pytest.param("bin/python3", marks=posix)])
def test_missing(name: str, pyman: Pyman, root: Path) -> None:
    (root / name).unlink()
    told = only(pyman, code=1)
    assert (told["modified"], told["missing"], told["added"]) == ([], [name], CLEAN)


@posix
def test_a_directory_is_not_looked_for_behind_a_link(pyman: Pyman, root: Path) -> None:
    (root / "lib").rename(root / "moved")
    (root / "lib").symlink_to("moved")
    told = only(pyman, code=1)
    assert OS in told["missing"]
    assert {"lib", f"moved/{OS[4:]}"} <= set(told["added"]["other"])


@not_root
def test_a_directory_that_cannot_be_read(pyman: Pyman, root: Path) -> None:
    (root / "lib").chmod(0)
    told = only(pyman, code=1)
    (root / "lib").chmod(0o755)
    assert told["modified"] == [{"name": "lib", "why": "cannot be read: Permission denied"}]
    assert told["missing"] == []


@pytest.mark.parametrize("name", ["bin/evil", "lib/python3.13/sitecustomize.py", "os.pyc", ".hidden"])
def test_added(name: str, pyman: Pyman, root: Path) -> None:
    write(root / name)
    told = only(pyman, code=1)
    assert (told["modified"], told["missing"], told["added"]) == ([], [], {**CLEAN, "other": [name]})


def test_bytecode_is_told_apart(pyman: Pyman, root: Path) -> None:
    names = [f"lib/python3.13/__pycache__/os.cpython-313.{end}" for end in ("opt-1.pyc", "pyc", "pyc.140234")]
    for name in names:
        write(root / name)
    assert only(pyman)["added"] == {**CLEAN, "bytecode": names}
    assert pyman("verify").stdout == f"bytecode  {BUILD.key}  3 files\n"
    write(root / "lib/python3.13/__pycache__/os.py")
    assert only(pyman, code=1)["added"]["other"] == ["lib/python3.13/__pycache__/os.py"]


@posix
def test_a_link_in_the_place_of_bytecode_is_none(pyman: Pyman, root: Path) -> None:
    (root / "lib/python3.13/__pycache__").mkdir()
    (root / "lib/python3.13/__pycache__/os.cpython-313.pyc").symlink_to("/dev/null")
    only(pyman, code=1)


def test_packages_are_told_apart(pyman: Pyman, root: Path) -> None:
    files = ["spam/__init__.py", "spam/a,b.py", "spam-1.0.dist-info/RECORD", "../../../bin/spam"]
    for name in files:
        write(root / SITE / name)
    rows = [f'"{name}",sha256=x,1' for name in files]
    write(root / SITE / "spam-1.0.dist-info/RECORD", "\n".join(rows) + "\n/etc/passwd,,\n")
    write(root / SITE / "odd.pth")
    told = only(pyman)["added"]
    owned = sorted(["bin/spam", *(f"{SITE}/{name}" for name in files[:3])])
    assert told == {
        **CLEAN,
        "packages": [{"name": "spam 1.0", "files": owned, "replaces": None}],
        "site_packages": [f"{SITE}/odd.pth"],
    }
    result = pyman("verify")
    assert f"package  {BUILD.key}" in result.stdout
    assert "spam 1.0, 4 files" in result.stdout
    assert "odd.pth" in result.stdout
    assert pyman("verify", "--quiet").stdout == ""
    write(root / "bin/evil")
    assert only(pyman, code=1)["added"]["other"] == ["bin/evil"]


SHIPPED = {
    f"{SITE}/pip/__init__.py": b"old = 1",
    f"{SITE}/pip/same.py": b"",
    f"{SITE}/pip/dropped.py": b"",
    f"{SITE}/pip-24.0.dist-info/RECORD": b"",
    f"{SITE}/pip-24.0.dist-info/METADATA": b"",
    f"{SITE}/_manylinux.py": b"",
    "bin/pip": b"old",
    "bin/pip3.13": b"old",
    "bin/python3.13": b"",
    OS: b"",
}


@pytest.fixture
def upgraded(pyman: Pyman, server: Server, offer: Offer) -> Path:
    """An installation with a pip, in whose place another one was put."""
    members = {f"python/{name}": content for name, content in SHIPPED.items()}
    offer(write_archive(server.folder, BUILD, members))
    pyman("install", "3.13", "--target", FOREIGN)
    root = pyman.store / BUILD.key
    shutil.rmtree(root / SITE / "pip-24.0.dist-info")
    (root / SITE / "pip/dropped.py").unlink()
    (root / "bin/pip3.13").unlink()
    brought = {
        "pip/__init__.py": "new = 1",
        "pip/added.py": "x",
        "pip/same.py": "",
        "../../../bin/pip": "new",
    }
    for name, content in brought.items():
        write(root / SITE / name, content)
    rows = [f"{name},{digest(content)},{len(content)}" for name, content in brought.items()]
    rows += ["pip/__pycache__/added.cpython-313.pyc,,", "pip-25.0.dist-info/RECORD,,"]
    write(root / SITE / "pip-25.0.dist-info/RECORD", "\n".join(rows))
    return root


def digest(content: str) -> str:
    """Return a digest as a RECORD has it (the packaging standard "Recording installed projects")."""
    return (
        f"sha256={base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).decode().rstrip('=')}"
    )


def test_a_package_that_pip_replaced_is_no_change_of_somebody_else(pyman: Pyman, upgraded: Path) -> None:
    (upgraded / SITE / "pip").chmod(0o700)
    told = only(pyman)
    brought = [
        "bin/pip",
        f"{SITE}/pip-25.0.dist-info/RECORD",
        f"{SITE}/pip/__init__.py",
        f"{SITE}/pip/added.py",
    ]
    assert told["added"]["packages"] == [{"name": "pip 25.0", "files": brought, "replaces": "pip 24.0"}]
    shown = pyman("verify").stdout
    assert "pip 25.0, 4 files, for pip 24.0" in shown


def test_what_was_changed_since_is_told_apart(pyman: Pyman, upgraded: Path) -> None:
    """Also what has the name of a file of the new package, and is not as that has it."""
    write(upgraded / SITE / "pip/__init__.py", "new = 2")
    write(upgraded / OS, "evil")
    (upgraded / "bin/pip").chmod(0o777)
    gone = ["bin/python3.13", f"{SITE}/_manylinux.py", f"{SITE}/pip/same.py"]
    for name in gone:
        (upgraded / name).unlink()
    told = only(pyman, code=1)
    assert [each["name"] for each in told["modified"]] == ["bin/pip", OS, f"{SITE}/pip/__init__.py"]
    assert told["missing"] == gone
    assert [each["replaces"] for each in told["added"]["packages"]] == ["pip 24.0"]


def test_the_same_version_installed_again_is_told_by_a_record_that_holds(
    pyman: Pyman, server: Server, offer: Offer
) -> None:
    members = {f"python/{name}": content for name, content in SHIPPED.items()}
    offer(write_archive(server.folder, BUILD, members))
    pyman("install", "3.13", "--target", FOREIGN)
    site = pyman.store / BUILD.key / SITE
    rows = [f"pip/__init__.py,{digest('old = 1')},7", "pip-24.0.dist-info/RECORD,,"]
    write(site / "pip-24.0.dist-info/RECORD", "\n".join(rows))
    (package,) = only(pyman)["added"]["packages"]
    assert (package["name"], package["replaces"]) == ("pip 24.0", "pip 24.0")
    write(site / "pip/__init__.py", "evil")
    names = [each["name"] for each in only(pyman, code=1)["modified"]]
    assert names == [f"{SITE}/pip-24.0.dist-info/RECORD", f"{SITE}/pip/__init__.py"]


def test_a_pip_that_was_upgraded_by_itself(fixtures: Path, pyman: Pyman, offer: Offer) -> None:
    """As it really does it; the other pip is the one that the standard library of this Python has."""
    archive = Archive.of_file(runs_here(fixtures, "3.13.0"))
    (offer.server.folder / archive.path).parent.mkdir()
    (offer.server.folder / archive.path).symlink_to(runs_here(fixtures, "3.13.0"))
    offer(archive)
    pyman("install", "3.13", "--no-smoke-test")
    (wheel,) = (Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl")
    python = pyman.store / archive.key / "bin" / "python3.13"
    options = ["--no-index", "--no-compile", "--break-system-packages", "--force-reinstall", "--no-deps"]
    pip = ["-B", "-I", "-m", "pip", "install", "--root-user-action=ignore", *options]
    subprocess.run([str(python), *pip, str(wheel)], check=True)
    (package,) = only(pyman)["added"]["packages"]
    assert package["name"].startswith("pip ")
    assert package["replaces"].startswith("pip ")


def test_says_what_is_wrong_and_what_puts_it_right(pyman: Pyman, root: Path) -> None:
    corrupt(root / OS)
    write(root / "bin/evil")
    (root / "lib/python3.13/padding").unlink()
    result = pyman("verify", code=1)
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["modified", f"{BUILD.key}/{OS}", "has", "another", "content"],
        ["missing", f"{BUILD.key}/lib/python3.13/padding"],
        ["added", f"{BUILD.key}/bin/evil"],
    ]
    assert result.stdout == pyman("verify", "--quiet", code=1).stdout
    assert f"error: {BUILD.key} is not as it was installed: 1 modified, 1 missing, 1 added\n" in result.stderr
    hint = result.stderr.partition("hint: `pyman ")[2].partition("`")[0]
    pyman(*hint.split())
    assert "is intact" in pyman("verify").stderr


@posix
def test_odd_names_do_no_harm(pyman: Pyman, root: Path) -> None:
    for name in (
        b"two\nlines",
        b"\x1b[31mred",
        b"not \xff text",
        "right\N{RIGHT-TO-LEFT OVERRIDE}left".encode(),
    ):
        Path(os.fsdecode(os.fsencode(root / "bin") + b"/" + name)).touch()
    result = pyman("verify", code=1)
    assert len(result.stdout.splitlines()) == 4
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    assert "bin/two\nlines" in only(pyman, code=1)["added"]["other"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("garbage", "is damaged"),
        ("[]", "is damaged"),
        ("[" * 100_000, "is damaged"),
        ('{"key": 1, "files": {}}', "is that of 1"),
        (f'{{"key": "{BUILD.key}", "files": 4}}', "lists no files: an older pyman wrote it"),
        (f'{{"key": "{BUILD.key}"}}', "lists no files: an older pyman wrote it"),
        (f'{{"key": "{BUILD.key}", "files": {{"bin/x": 1}}}}', "is damaged"),
        (f'{{"key": "{BUILD.key}", "files": {{"bin/x": ["1", "a"]}}}}', "is damaged"),
        (f'{{"key": "{BUILD.key}", "files": {{"bin/x": [1, "a", "y"]}}}}', "is damaged"),
        (f'{{"key": "{BUILD.key}", "files": []}}', "is damaged"),
    ],
    ids=[
        "garbage",
        "list",
        "deep",
        "number",
        "old",
        "none",
        *("row", "size", "mark", "form"),
    ],
)
def test_a_record_that_cannot_be_used(content: str, fault: str, pyman: Pyman, root: Path) -> None:
    write(root / ".pyman.json", content)
    assert only(pyman, code=1)["fault"] == f"its record {fault}"
    result = pyman("verify", code=1)
    assert f"error: {BUILD.key} cannot be verified: its record {fault}\n" in result.stderr
    assert f"hint: `pyman install --reinstall {BUILD.key}` puts it right." in result.stderr


@posix
def test_a_record_that_is_no_file(pyman: Pyman, root: Path) -> None:
    for replace in (replace_by_pipe, replace_by_directory):
        replace(root / ".pyman.json")
        told = pyman("verify", "--json").json
        why = "its record .pyman.json is no file"
        assert told == {"installations": [], "bystanders": [{"path": str(root), "why": why}]}


def test_names_that_lead_out_are_missing(pyman: Pyman, root: Path) -> None:
    names = ["../../../etc/passwd", "/etc/passwd", "a\0b", "\udc80", "x" * 5000]
    write(root / ".pyman.json", json.dumps({"key": BUILD.key, "files": {name: [1, "a"] for name in names}}))
    assert only(pyman, code=1)["missing"] == sorted(names)


def test_takes_what_fits(pyman: Pyman, root: Path) -> None:
    pyman("install", "3.12", "--target", FOREIGN)
    corrupt(root / OS)
    pyman("verify", "3.12")
    assert [row["key"] for row in pyman("verify", "3.12", "--json").json["installations"]] == [OTHER.key]
    result = pyman("verify", code=1)
    assert f"{OTHER.key} is intact" in result.stderr
    assert f"{BUILD.key} is not as it was installed" in result.stderr
    assert len(pyman("verify", "3.13", "3.13.5", "--json", code=1).json["installations"]) == 1


def test_requests_that_mean_nothing_here(pyman: Pyman, root: Path) -> None:
    assert root.is_dir()
    assert "hint:" in pyman("verify", "no such thing", code=2).stderr
    assert "nothing installed fits the request: 3.8" in pyman("verify", "3.8", code=1).stderr


def test_an_empty_store(pyman: Pyman) -> None:
    assert pyman("verify").stderr == "Nothing is installed.\n"
    assert pyman("verify", "--json").json == {"installations": [], "bystanders": []}


@pytest.mark.usefixtures("root")
def test_only_reads(pyman: Pyman) -> None:
    shutil.rmtree(pyman.store / ".locks")
    before = sorted((path, path.lstat().st_mtime_ns) for path in (pyman.store, *pyman.store.rglob("*")))
    pyman.store.chmod(0o555)
    pyman("verify")
    pyman.store.chmod(0o755)
    assert (
        sorted((path, path.lstat().st_mtime_ns) for path in (pyman.store, *pyman.store.rglob("*"))) == before
    )


def test_an_installation_that_is_replaced_meanwhile_is_not_blamed(pyman: Pyman, root: Path) -> None:
    staging = pyman.store / ".staging"
    installation = Installation(Key.parse(BUILD.key), root)
    successors = []
    for number in range(10):
        successors.append(shutil.copytree(root, staging / str(number), symlinks=True))
        record = json.loads((root / ".pyman.json").read_text(encoding="utf-8"))
        for other in range(100):  # each has files that its neighbours have not
            name = f"lib/{number}-{other}"
            write(successors[-1] / name, "")
            record["files"][name] = [0, hashlib.sha256().hexdigest()]
        write(successors[-1] / ".pyman.json", json.dumps(record))

    def swap() -> None:
        for number, successor in enumerate(successors):
            time.sleep(0.03)
            root.rename(staging / f"old-{number}")
            time.sleep(0.01)
            successor.rename(root)
            shutil.rmtree(staging / f"old-{number}")

    thread = threading.Thread(target=swap)
    thread.start()
    reports = []
    while thread.is_alive():
        reports.append(verification.check(installation))
    assert all(report and report.is_intact for report in reports)
    assert len({report.files for report in reports if report}) == 2


def test_an_installation_that_is_gone(pyman: Pyman) -> None:
    assert verification.check(Installation(Key.parse(BUILD.key), pyman.store / BUILD.key)) is None


@pytest.mark.parametrize("options", [[], ["--compile-bytecode"]], ids=["plain", "compiled"])
def test_a_python_that_has_run_is_intact(
    options: list[str], pyman: Pyman, real: list[Archive], offer: Offer
) -> None:
    offer(real[0])
    pyman("install", MINOR, *options)
    assert only(pyman)["added"] == CLEAN
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    python = Installation(Key.parse(real[0].key), pyman.store / real[0].key).executable
    subprocess.run([python, "-c", "import json, subprocess"], env=variables, check=True)
    added = only(pyman)["added"]
    assert added == {**CLEAN, "bytecode": added["bytecode"]}
    assert bool(added["bytecode"]) == (not options)


def test_bytecode_that_is_shipped_is_not_made_anew(
    pyman: Pyman, real: list[Archive], server: Server, offer: Offer, tmp_path: Path
) -> None:
    """Its header names the time of its source, which is unpacked with that."""
    offer(real[0])
    pyman("install", MINOR)
    library = next((pyman.store / real[0].key).rglob("os.py")).parent
    source = (library / "json" / "decoder.py").read_bytes()
    (tmp_path / "decoder.py").write_bytes(source)
    os.utime(tmp_path / "decoder.py", (MEMBER_TIME, MEMBER_TIME))
    compiled = tmp_path / "decoder.pyc"
    script = f"import py_compile; py_compile.compile({str(tmp_path / 'decoder.py')!r}, {str(compiled)!r})"
    subprocess.run([sys.executable, "-c", script], check=True)
    place = f"lib/python3.13/__pycache__/decoder.{sys.implementation.cache_tag}.pyc"
    members = {"python/lib/python3.13/decoder.py": source, f"python/{place}": compiled.read_bytes()}
    archive = write_archive(
        server.folder, BUILD, {"python/bin/python3.13": b"", "python/lib/python3.13/os.py": b"", **members}
    )
    offer(archive)
    pyman("install", "3.13", "--target", FOREIGN)
    root = pyman.store / archive.key
    before = (root / place).stat()
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    path = str(root / "lib/python3.13")
    script = f"import sys; sys.path.insert(0, {path!r}); import decoder; print(decoder.__cached__)"
    done = subprocess.run(
        [sys.executable, "-c", script], env=variables, capture_output=True, encoding="utf-8", check=True
    )
    assert Path(done.stdout.strip()) == root / place
    assert (root / place).stat().st_mtime_ns == before.st_mtime_ns
    assert pyman("verify", "3.13", "--json").json["installations"][0]["intact"]


@posix
def test_an_archive_cannot_say_where_the_record_goes(pyman: Pyman, server: Server, offer: Offer) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(f"python/{OS}"))
        link = tarfile.TarInfo("python/.pyman.json")
        link.type, link.linkname = tarfile.SYMTYPE, OS
        tar.addfile(link)
    offer(save(server.folder, BUILD, buffer.getvalue()))
    pyman("install", "3.13", "--target", FOREIGN)
    assert (pyman.store / BUILD.key / OS).read_bytes() == b""
    only(pyman)


def test_laid_by_hand(pyman: Pyman) -> None:
    lay(pyman.store, BUILD)
    assert only(pyman, code=1)["fault"] == "its record is damaged"
