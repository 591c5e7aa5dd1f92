"""The main job on glibc, with real builds from a real web server: Debian's nginx."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman, fixture_archive
from tests.support import nginx as server
from tests.support.builds import Archive, own_form
from tests.support.repack import this_target

GNU = "linux-x86_64-gnu"
VERSIONS = ("3.12.1", "3.13.0")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or this_target() != GNU, reason=f"{ELSEWHERE}the glibc fixtures are for {GNU}"
)


@pytest.fixture
def nginx(fixtures: Path, tmp_path: Path) -> Iterator[str]:
    """Serve the glibc fixtures and their metadata by nginx; returns its URL. Its log is in tmp_path."""
    if not server.program():
        pytest.skip(server.MISSING)
    url = f"http://{server.LOOPBACK}:{(port := server.free_port())}"
    publish(fixtures, tmp_path / "releases", url)
    with server.serving(tmp_path / "releases", tmp_path, port):
        yield url


def publish(fixtures: Path, releases: Path, url: str) -> None:
    """Lay the glibc builds out as a mirror does, with their metadata at the top."""
    archives = []
    for version in VERSIONS:
        path = fixture_archive(fixtures, f"cpython-{version}+")
        archives.append(archive := Archive.of_file(path))
        (releases / archive.release).mkdir(parents=True)
        shutil.copyfile(path, releases / archive.path)
    (releases / "metadata.json").write_bytes(own_form(archives, url))


def test_install_list_run_uninstall(nginx: str, pyman: Pyman, tmp_path: Path) -> None:
    pyman.environment["PYMAN_METADATA"] = f"{nginx}/metadata.json"
    keys = [f"cpython-3.12.1+20240107-{GNU}", f"cpython-3.13.0+20241016-{GNU}"]
    assert not pyman.store.exists()

    installed = pyman("install", "3.12", "3.13").stderr
    assert all(f"Installed {key} in " in installed for key in keys)
    assert pyman.installed() == keys
    log = (tmp_path / "access.log").read_text(encoding="utf-8")
    assert log.count('.tar.gz HTTP/1.1" 200') == 2

    listed = pyman("list", "--only-installed", "--json").json["installed"]
    assert [row["key"] for row in listed] == keys[::-1]
    code = "import ctypes, platform, sqlite3, ssl, sys; print(platform.python_version(), sys.prefix)"
    for version, key in zip(VERSIONS, keys, strict=True):
        told, _, prefix = run(pyman.bin / f"python{version.rpartition('.')[0]}", "-c", code).partition(" ")
        assert told == version
        assert Path(prefix).resolve() == pyman.store / key

    verified = pyman("verify", "--json").json["installations"]
    assert [(row["key"], row["intact"]) for row in verified] == [(key, True) for key in keys[::-1]]
    assert all(row["files"] > 1400 and row["added"]["bytecode"] for row in verified)

    venv = tmp_path / "venv"
    run(pyman.bin / "python3.13", "-m", "venv", str(venv))
    assert run(venv / "bin" / "python", "-c", "import pip, sys; print(sys.version_info[:2])") == "(3, 13)"

    pyman("uninstall", "3.12")
    assert pyman.installed() == keys[1:]
    assert sorted(link.name for link in pyman.bin.iterdir()) == ["python3.13"]
    pyman("uninstall", "--all", "--force")  # the environment uses it
    assert pyman.installed() == []
    assert pyman.minor_links() == {}
    assert list(pyman.bin.iterdir()) == []


def run(python: Path, *args: str) -> str:
    """Run an installed Python without anything of the tests around it."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ["HOME"]}
    done = subprocess.run(
        [str(python), *args], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
