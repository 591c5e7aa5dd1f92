"""`pyman self`: a portable pyman brings itself up to date and removes itself, and touches nothing else."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.portables import HERE, Made, at_home, run, unpack
from tests.support.server import Server, cut_body, wrong_byte

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64",
    reason=ELSEWHERE + "the fixtures are for Linux on x86-64",
)
NEW = "9.0.0"


class Home:
    """A home directory in which a portable pyman was installed from `server`."""

    def __init__(self, folder: Path, made: Made, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.env = at_home(folder)
        self.root = folder / "app"
        self.command = folder / "bin" / "pyman"
        staged = unpack(made.archive(HERE), folder / "staged")
        place = ["--to", str(self.root), "--bin", str(folder / "bin"), "--origin", server.url]
        run(staged / "bin" / "pyman", "self", "place", *place, env=self.env)

    def pyman(self, *arguments: str | Path, code: int = 0) -> str:
        """Run it; returns what it said on stderr."""
        return run(self.command, *arguments, env=self.env, code=code).stderr

    def version(self) -> str:
        return run(self.command, "--version", env=self.env).stdout.strip()

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@pytest.fixture
def home(tmp_path: Path, made: Made, server: Server) -> Home:
    return Home(tmp_path / "home", made, server)


@pytest.fixture(scope="session")
def newer(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, str], Path]:
    """A function that puts a portable pyman of version 9.0.0 into a folder, and the digests of all there."""

    def put(folder: Path, launcher: str = "") -> Path:
        tree = unpack(made.archive(HERE), tmp_path_factory.mktemp("newer"))
        packages = next(tree.glob("python/lib/python3.*/site-packages/pyman"))
        source = packages / "source.py"
        source.write_text(f'__version__ = "{NEW}"\n', encoding="utf-8")
        compiled = (
            f"import py_compile; py_compile.compile({str(source)!r}, {str(packages / '__init__.pyc')!r})"
        )
        subprocess.run([tree / "python" / "bin" / "python3", "-I", "-c", compiled], check=True)
        source.unlink()
        document = json.loads((tree / "portable.json").read_bytes()) | {"version": NEW}
        (tree / "portable.json").write_text(json.dumps(document), encoding="utf-8")
        if launcher:
            (tree / "bin" / "pyman").write_text(launcher, encoding="utf-8")
        archive = folder / f"pyman-{NEW}-{HERE}.tar.gz"
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            tar.add(tree, "pyman")
        digest = hashlib.sha256(archive.read_bytes()).hexdigest()
        lines = f"{'0' * 64}  pyman-0.0.1-{HERE}.tar.gz\n{digest}  {archive.name}\n{digest}  other\n"
        (folder / "SHA256SUMS").write_text(lines, encoding="utf-8")
        shutil.rmtree(tree)
        return archive

    return put


Newer = Callable[..., Path]


def test_it_is_replaced_by_the_newest_from_where_it_came(home: Home, newer: Newer) -> None:
    archive = newer(home.server.folder)
    assert f"Would replace pyman 0.1.0 in {home.root} with {NEW}" in home.pyman("self", "update", "--dry-run")
    assert home.version() == "pyman 0.1.0"
    assert f"Replaced pyman 0.1.0 in {home.root} with {NEW}" in home.pyman("self", "update")
    assert home.version() == f"pyman {NEW}"
    assert home.left() == ["app", "bin", "staged"]
    receipt = json.loads((home.root / "receipt.json").read_bytes())
    assert receipt["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert receipt["command"] == str(home.command)
    assert f"pyman {NEW} is the newest" in home.pyman("self", "update")
    assert home.server.count(archive.name) == 1


def test_a_folder_is_as_good_as_an_address(home: Home, newer: Newer, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    newer(tmp_path / "folder")
    home.pyman("self", "update", "--offline", "--from", tmp_path / "folder")
    assert home.version() == f"pyman {NEW}"


@pytest.mark.parametrize("launcher", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho pyman 8\n", "no program\n"])
def test_one_that_does_not_start_is_taken_back(home: Home, newer: Newer, launcher: str) -> None:
    newer(home.server.folder, launcher)
    told = home.pyman("self", "update", code=1)
    assert "the new pyman does not start" in told
    assert home.version() == "pyman 0.1.0"
    assert home.left() == ["app", "bin", "staged"]


@pytest.mark.parametrize("fault", [cut_body, wrong_byte], ids=["cut", "changed"])
def test_what_is_not_whole_is_not_taken(home: Home, newer: Newer, fault: Callable[..., None]) -> None:
    home.server.spoil(newer(home.server.folder).name, fault)
    home.env["PYMAN_RETRIES"] = "0"
    home.pyman("self", "update", code=1)
    assert home.version() == "pyman 0.1.0"
    assert home.left() == ["app", "bin", "staged"]


def test_without_a_connection_it_says_what_it_would_have_fetched(home: Home) -> None:
    assert f"offline: {home.server.url}/SHA256SUMS" in home.pyman("self", "update", "--offline", code=1)


@pytest.mark.parametrize("text", ["", "<html>", f"{'0' * 64}  pyman-1.0-linux-s390x-gnu.tar.gz\n"])
def test_a_list_that_has_nothing_for_this_machine(home: Home, text: str) -> None:
    (home.server.folder / "SHA256SUMS").write_text(text, encoding="utf-8")
    why = "/SHA256SUMS is a web page" if text == "<html>" else f"names no pyman for {HERE}"
    assert why in home.pyman("self", "update", code=1)


@pytest.mark.parametrize("command", ["update", "uninstall"])
def test_what_others_put_there_stays(home: Home, newer: Newer, command: str) -> None:
    newer(home.server.folder)
    for name in ("store/precious", "python/lib/mine.py"):
        (home.root / name).parent.mkdir(exist_ok=True)
        (home.root / name).write_text("mine")
    told = home.pyman("self", command, code=1)
    assert f"in {home.root} are files that are not pyman's: python/lib/mine.py, store/precious" in told
    assert (home.root / "store" / "precious").read_text() == "mine"
    assert home.version() == "pyman 0.1.0"


def test_it_goes_and_says_what_stays(home: Home) -> None:
    store = home.folder / ".local" / "share" / "pyman"
    (store / f"cpython-3.12.1+20240107-{HERE}" / "bin").mkdir(parents=True)
    before = home.left()
    assert f"Would remove {home.root}" in home.pyman("self", "uninstall", "--dry-run")
    assert home.left() == before
    told = home.pyman("self", "uninstall")
    assert f"Removed {home.root}\n" in told
    assert f"Removed {home.command}\n" in told
    assert f"in {store}" in told
    assert home.left() == [".local", "bin", "staged"]
    assert not home.command.is_symlink()


def test_where_it_cannot_be_moved_all_is_as_it_was(home: Home) -> None:
    mounted = subprocess.run(["mount", "--bind", home.root, home.root], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"{ELSEWHERE}a folder cannot be mounted: {mounted.stderr.decode()}")
    before = home.left()
    try:
        assert f"cannot remove {home.root}: " in home.pyman("self", "uninstall", code=1)
        assert home.left() == before
        assert home.version() == "pyman 0.1.0"
    finally:
        subprocess.run(["umount", home.root], check=True)


def test_without_a_home_directory(home: Home) -> None:
    env = {"PATH": "/usr/bin", "HOME": ""}
    run(home.root / "bin" / "pyman", "self", "uninstall", env=env)
    assert not home.root.exists()


def test_a_command_that_is_another_program_stays(home: Home) -> None:
    home.command.unlink()
    home.command.write_text("mine")
    run(home.root / "bin" / "pyman", "self", "uninstall", env=home.env)
    assert home.command.read_text() == "mine"


def test_nobody_else_may_change_it(home: Home) -> None:
    if os.geteuid() != 0:
        pytest.skip(f"{ELSEWHERE}only root becomes another user")
    folder = Path("/var/tmp") / f"pyman-self-{os.getpid()}"  # noqa: S108 - the tests' own folder is root's alone
    shutil.copytree(home.root, folder / "app", symlinks=True)
    try:
        env = {"HOME": "/nonexistent", "PATH": "/usr/bin"}
        program = folder / "app" / "bin" / "pyman"
        told = run(program, "self", "uninstall", env=env, user=65534, code=1, cwd=Path("/")).stderr
        assert f"cannot remove {folder / 'app'}: Permission denied" in told
        assert program.exists()
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(("command", "how"), [("update", "install --upgrade"), ("uninstall", "uninstall")])
def test_a_package_says_what_does_it(pyman: Pyman, command: str, how: str) -> None:
    told = pyman("self", command, code=1).stderr
    assert "it is not a portable one" in told
    assert f"-m pip {how} pyman-cli" in told
