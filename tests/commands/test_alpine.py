"""The main job on Alpine: in a chroot of its root file system, without any Python, pyman installs one.

Wheels are downloaded outside, since the chroot has no settings for a package index, and what is made in it is
thrown away. Everything is done with `/proc` mounted and without.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Result, checked, fixture_archive
from tests.support.archives import extract
from tests.support.builds import Archive, own_form, release_index
from tests.support.package_index import pip
from tests.support.portables import MUSL, Made
from tests.support.server import Server, serving

DYNAMIC = f"cpython-3.13.5+20250612-{MUSL}"
STATIC = f"cpython-3.13.5+static+20250612-{MUSL}"
PRODUCT = """
import numpy as np
from numpy._core import _multiarray_umath as core
assert core.__file__.endswith("-linux-musl.so"), core.__file__
print((np.array([[1, 2], [3, 4]]) @ np.array([[5, 6], [7, 8]])).tolist())
"""
MISSING = """
import ssl, sqlite3, ctypes, lzma
ssl.create_default_context()
try:
    import tkinter
except ImportError as error:
    print(error)
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason=ELSEWHERE + "chroot is for root on Linux"
)


@dataclass(frozen=True, slots=True)
class Alpine:
    """A root file system with pyman in `/opt/pyman`, wheels in `/wheels`; `server` is reached from inside."""

    root: Path
    server: Server
    archives: list[Archive]

    def run(self, *command: str, home: str = "/root", code: int = 0) -> Result:
        """Run a command in the chroot, with no more of an environment than a login has."""
        done = subprocess.run(
            ["chroot", str(self.root), *command],
            env={
                "HOME": home,
                "PATH": f"{home}/.local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                "PYMAN_METADATA": f"{self.server.url}/metadata.json",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        return checked(Result(done.stdout, done.stderr, done.returncode), code)

    def pyman(self, *args: str, home: str) -> Result:
        """Run pyman in the chroot."""
        return self.run("/opt/pyman/bin/pyman", *args, home=home)

    def offer(self, *keys: str) -> None:
        """Make these builds the only ones to be had."""
        offered = [archive for archive in self.archives if archive.key in keys]
        (self.server.folder / "metadata.json").write_bytes(own_form(offered, self.server.url))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels for musl: numpy."""
    folder = tmp_path_factory.mktemp("wheels")
    platforms = ["--platform", "musllinux_1_2_x86_64", "--platform", "musllinux_1_1_x86_64"]
    options = [*platforms, "--only-binary=:all:", "--python-version", "3.13", "--dest", str(folder)]
    pip("download", "--no-cache-dir", *options, "numpy")
    return folder


@pytest.fixture(scope="module")
def alpine(
    fixtures: Path, wheels: Path, made: Made, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alpine]:
    """A bare Alpine, in which there is no Python, with the portable pyman, and a host for the musl builds."""
    root = tmp_path_factory.mktemp("alpine")
    unpack(fixture_archive(fixtures, "alpine-"), root)
    unpack(made.archive(MUSL), root / "opt")
    shutil.copytree(wheels, root / "wheels")
    releases = tmp_path_factory.mktemp("releases")
    archives = [
        publish(fixture_archive(fixtures, "linux-musl-" + kind), releases) for kind in ("install", "lto")
    ]
    with serving(releases) as server:
        yield Alpine(root, server, archives)
    shutil.rmtree(root)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive of the fixtures, which are trusted."""
    with tarfile.open(archive) as tar:
        extract(tar, folder)


def publish(archive: Path, releases: Path) -> Archive:
    """Put an archive where a mirror has it."""
    made = Archive.of_file(archive)
    place = releases / made.path
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(archive, place)
    return made


@contextmanager
def mounted_proc(root: Path) -> Iterator[None]:
    """Mount /proc in the chroot while the block runs."""
    proc = str(root / "proc")
    done = subprocess.run(["mount", "-t", "proc", "proc", proc], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"/proc cannot be mounted: {done.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["umount", proc], check=True)


@pytest.fixture(params=["with /proc", "without /proc"])
def inside(request: pytest.FixtureRequest, alpine: Alpine) -> Iterator[Alpine]:
    """Alpine as it runs, and as it is while an image is built in a chroot."""
    if request.param == "with /proc":
        with mounted_proc(alpine.root):
            yield alpine
    else:
        assert not list((alpine.root / "proc").iterdir())
        yield alpine


@pytest.fixture
def home(request: pytest.FixtureRequest, alpine: Alpine) -> Iterator[str]:
    """A home directory inside for this test alone."""
    name = f"/home/user{abs(hash(request.node.name))}"
    (alpine.root / name[1:]).mkdir(parents=True)
    yield name
    shutil.rmtree(alpine.root / name[1:])


def test_musl_is_detected(inside: Alpine, home: str) -> None:
    inside.offer(DYNAMIC)
    assert inside.pyman("list", "--json", home=home).json["target"] == MUSL


def test_dynamic_build_is_installed_and_numpy_works(inside: Alpine, home: str) -> None:
    inside.offer(DYNAMIC, STATIC)
    result = inside.pyman("install", "3.13", home=home)
    assert f"Installed {DYNAMIC} in " in result.stderr
    assert "warning: " not in result.stderr
    listed = inside.pyman("list", "--only-installed", "--json", home=home).json["installed"]
    assert [row["key"] for row in listed] == [DYNAMIC]
    venv = f"{home}/venv"
    inside.run("python3.13", "-m", "venv", venv, home=home)
    inside.run(
        f"{venv}/bin/pip",
        "install",
        "--no-compile",
        "--no-index",
        "--find-links",
        "/wheels",
        "numpy",
        home=home,
    )
    product = inside.run(f"{venv}/bin/python", "-c", PRODUCT, home=home)
    assert product.stdout.strip() == "[[19, 22], [43, 50]]"
    assert "is intact: " in inside.pyman("verify", home=home).stderr


def test_a_slim_one_is_smaller_than_the_official_one_and_numpy_works(alpine: Alpine, home: str) -> None:
    alpine.offer(DYNAMIC)
    with mounted_proc(alpine.root):
        options = ("--slim", "--no-externally-managed", "--reproducible")
        (made,) = alpine.pyman("install", "3.13", *options, "--json", home=home).json["installed"]
        assert 30_000_000 < made["left_out"]["after"] < 45_000_000
        # It loads no libpython: to leave that out is more than all the rest.
        assert made["left_out"]["parts"]["libpython"] > 5_000_000
        assert not list((alpine.root / made["path"][1:] / "lib").glob("libpython*"))
        into = ("install", "--no-compile", "--no-index", "--find-links", "/wheels", "numpy")
        alpine.run(f"{made['path']}/bin/pip3.13", *into, home=home)
        product = alpine.run("python3.13", "-c", PRODUCT, home=home)
        assert product.stdout.strip() == "[[19, 22], [43, 50]]"
        assert "left out by --slim" in alpine.run("python3.13", "-c", MISSING, home=home).stdout
        assert "is intact: " in alpine.pyman("verify", home=home).stderr


def test_a_python_in_a_prefix_is_as_an_image_wants_it(alpine: Alpine) -> None:
    alpine.offer(DYNAMIC)
    told = alpine.pyman("install", "3.13", "--prefix", "/usr/local", home="/nowhere").stderr
    assert f"{DYNAMIC} is in /usr/local" in told
    # What is kept is a copy of the metadata that came from a server.
    assert [path.name for path in (alpine.root / "nowhere").iterdir()] == [".cache"]
    numpy = ("--no-index", "--no-compile", "--root-user-action=ignore", "--find-links", "/wheels", "numpy")
    alpine.run("/usr/local/bin/pip", "install", *numpy)
    (alpine.root / "product.py").write_text(PRODUCT, encoding="utf-8")
    for path in (alpine.root, alpine.root / "product.py"):
        path.chmod(0o755)
    product = alpine.run("su", "nobody", "-s", "/bin/sh", "-c", "/usr/local/bin/python -B /product.py")
    assert product.stdout.strip() == "[[19, 22], [43, 50]]"
    verified = alpine.pyman("verify", "--prefix", "/usr/local", home="/nowhere")
    assert "numpy" in verified.stdout
    alpine.run("/usr/local/bin/pip", "uninstall", "-y", "--root-user-action=ignore", "numpy")
    alpine.pyman("uninstall", "--prefix", "/usr/local", home="/nowhere")
    assert not [path for path in (alpine.root / "usr/local").rglob("*") if not path.is_dir()]
    shutil.rmtree(alpine.root / "nowhere")


def test_only_a_static_build_warns_and_starts(inside: Alpine, home: str) -> None:
    inside.offer(STATIC)
    result = inside.pyman("install", "3.13", home=home)
    (warning,) = (line for line in result.stderr.splitlines() if line.startswith("warning: "))
    assert "extension modules" in warning
    assert "numpy" in warning
    assert f"Installed {STATIC} in " in result.stderr
    started = inside.run("python3.13", "-c", "import sys, ssl, zlib; print(sys.prefix)", home=home)
    assert started.stdout.strip() == f"{home}/.local/share/pyman/cpython-3.13+static-{MUSL}"


def test_uninstall(inside: Alpine, home: str) -> None:
    inside.offer(DYNAMIC)
    inside.pyman("install", "3.13", home=home)
    inside.pyman("uninstall", "3.13", home=home)
    assert inside.pyman("list", "--only-installed", home=home).stdout == ""
    assert list((inside.root / home[1:] / ".local" / "bin").iterdir()) == []


def test_a_build_that_only_a_refresh_knows(inside: Alpine, home: str) -> None:
    known = next(archive for archive in inside.archives if archive.key == DYNAMIC)
    later = replace(known, release="20991231")
    place = inside.server.folder / later.path
    place.parent.mkdir(exist_ok=True)
    if not place.exists():
        place.hardlink_to(inside.server.folder / known.path)
    (inside.server.folder / "index.ndjson").write_bytes(release_index([later], inside.server.url))
    pyman = ("env", "-u", "PYMAN_METADATA", "/opt/pyman/bin/pyman")
    learned = inside.run(*pyman, "refresh", "--from", f"{inside.server.url}/index.ndjson", home=home)
    assert "Learned of 1 new build (3.13.5)" in learned.stderr
    installed = inside.run(*pyman, "install", f"3.13.5+{later.release}", home=home)
    assert f"Installed {later.key} in " in installed.stderr
    assert inside.run("python3.13", "-c", "import ssl; print('starts')", home=home).stdout == "starts\n"
