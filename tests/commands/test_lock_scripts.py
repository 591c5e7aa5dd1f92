"""`pyman lock --format sh` and `--format dockerfile`: what they print is run, on a bare Alpine as well."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman, fixture_archive
from tests.support.builds import Archive, small_archive
from tests.support.machines import Machine, alpine, in_chroot
from tests.support.server import Server, cut_body, not_found, web_page, wrong_byte

GNU, MUSL = "linux-x86_64-gnu", "linux-x86_64-musl"
DYNAMIC = "cpython-3.13.5+20250612-linux-x86_64-musl"
SMALL = Archive("3.12.1", "20240107", "linux-aarch64-gnu")
on_alpine = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or os.uname().machine != "x86_64",
    reason=ELSEWHERE + "chroot is for root on Linux, and the fixtures are for x86-64",
)


@pytest.fixture
def released(fixtures: Path, offer: Offer) -> list[Archive]:
    """The builds for musl, dynamic and static, and a small one for another target."""
    made = [small_archive(offer.server.folder, SMALL)]
    for kind in ("install_only_stripped", "lto"):
        path = fixture_archive(fixtures, f"linux-musl-{kind}")
        archive = Archive.of_file(path)
        place = offer.server.folder / archive.path
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(path)
        made.append(archive)
    offer(*made)
    return made


@pytest.fixture
def machine(fixtures: Path, tmp_path: Path) -> Iterator[Machine]:
    """A bare Alpine, in which there is busybox and nothing else."""
    root = alpine(fixtures, tmp_path / "root")
    yield in_chroot(root, {})
    shutil.rmtree(root)


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@on_alpine
def test_the_script_brings_python_to_a_bare_alpine(
    pyman: Pyman, released: list[Archive], server: Server, machine: Machine
) -> None:
    _, dynamic, _ = released
    pyman("lock", "3.13", "--target", MUSL)
    text = pyman("lock", "--format", "sh").stdout
    root, local = machine.root or Path(), (machine.root or Path()) / "usr" / "local"
    (root / "python.sh").write_text(text, encoding="utf-8")
    machine.shell(": >/dev/null")  # a chroot has none
    before = everything(root)
    # Whatever a source does, or a file in the way, nothing is left behind.
    for fault, why in ((wrong_byte, "has sha256"), (cut_body, ""), (not_found, ""), (web_page, "a web page")):
        server.spoil(dynamic.file, fault, times=1)
        failed = machine.run("sh", "/python.sh", code=1).stderr
        assert f"error: no source gave {dynamic.file}: " in failed
        assert why in failed
        assert everything(root) == before
    (local / "lib" / "python3.13").mkdir(parents=True)
    (local / "lib" / "python3.13" / "os.py").write_text("mine\n", encoding="utf-8")
    in_the_way = machine.run("sh", "/python.sh", code=1).stderr
    assert "error: /usr/local/lib/python3.13/os.py is in the way of" in in_the_way
    shutil.rmtree(local / "lib" / "python3.13")
    assert everything(root) == before
    # It is there, all of it, and starts.
    assert f"Put {DYNAMIC} into /usr/local\n" in machine.run("sh", "/python.sh").stderr
    said = machine.shell(
        "for name in python3.13 python3 python; do $name -c 'import ssl, sys; print(sys.prefix)'; done"
    )
    assert said.stdout.split() == ["/usr/local"] * 3
    assert f"{DYNAMIC} is in /usr/local already" in machine.run("sh", "/python.sh").stderr
    server.spoil(dynamic.file, not_found)
    mirror = root / "mirror" / dynamic.release
    mirror.mkdir(parents=True)
    shutil.copy(server.folder / dynamic.path, mirror)
    machine.run("sh", "/python.sh", "--mirror", "/mirror", "--python", "3.13", "/opt/a b")
    assert machine.run("/opt/a b/bin/python3", "-c", "import sys; print(sys.prefix)").stdout == "/opt/a b\n"
    assert not list((root / "opt").rglob(".pyman-*"))
    elsewhere = machine.run("sh", "/python.sh", "--target", GNU, code=1).stderr
    assert f"there is no Python here for {GNU}" in elsewhere
    assert "--help tells" in machine.run("sh", "/python.sh", "--nonsense", code=2).stderr
    # What stands in the lines for a Dockerfile does the same.
    lines = pyman("lock", "--format", "dockerfile").stdout
    (place,) = re.findall(r"ADD \S+ \S+ (\S+)", lines)
    (use,) = re.findall(r"#     RUN --mount=from=python3.13-musl,target=/mnt (.+)", lines)
    shutil.copy(server.folder / dynamic.path, root / "mnt" / place[1:])
    shutil.rmtree(local)
    local.mkdir()
    machine.shell(use)
    assert machine.shell("python3.13 -c 'import ssl, sys; print(sys.prefix)'").stdout == "/usr/local\n"


def test_the_script_is_plain_sh_and_says_what_it_cannot_have(
    pyman: Pyman, released: list[Archive], server: Server, tmp_path: Path
) -> None:
    small, _, static = released
    pyman("lock", "3.13+static", "3.12", "--target", small.target, code=1)  # there is none for that target
    said = pyman("lock", static.key, "3.12", "--target", small.target, "--format", "sh", "-o", "a b.sh")
    assert f"warning: {static.key} is left out: it comes as {static.file}" in said.stderr
    assert not (pyman.work / "pyman.lock").exists()
    refused = pyman("lock", static.key, "--format", "sh", code=1).stderr
    assert "can be unpacked without pyman" in refused
    script = pyman.work / "a b.sh"
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if shellcheck.exists():
        done = subprocess.run([shellcheck, script], capture_output=True, encoding="utf-8", check=False)
        assert (done.returncode, done.stdout) == (0, "")
    if not shutil.which("dash"):
        pytest.skip(f"{ELSEWHERE}there is no dash")
    prefix = tmp_path / "new" / "prefix"
    command = ["dash", str(script), "--target", small.target, str(prefix)]
    server.spoil(small.file, wrong_byte, times=1)
    failed = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (failed.returncode, prefix.parent.exists()) == (1, False), failed.stderr
    subprocess.run(command, check=True, capture_output=True)
    assert everything(prefix) == {
        *(
            "bin",
            "bin/python",
            "bin/python3",
            "bin/python3.12",
            "lib",
            "lib/python3.12",
            "lib/python3.12/os.py",
        ),
        *("python.exe", "share", "share/pyman", "share/pyman/python3.12"),
    }


ADD = re.compile(r"FROM scratch AS (\S+)\nADD --checksum=sha256:([0-9a-f]{64}) (https?://\S+) (/\S+)\n")


def test_the_lines_of_a_dockerfile(pyman: Pyman, released: list[Archive], server: Server) -> None:
    small, dynamic, static = released
    pyman("lock", "3.12", "--target", small.target)
    pyman("lock", "3.12", dynamic.key, static.key)
    said = pyman("lock", "--format", "dockerfile")
    assert f"warning: {static.key} is left out" in said.stderr
    assert said.stdout.startswith("# syntax=docker/dockerfile:1\n")
    stages = dict(re.findall(r"FROM (\S+)\$\{TARGETARCH\}\$\{TARGETVARIANT\} AS (\S+)\n", said.stdout))
    assert stages == {"python3.12-gnu-": "python3.12-gnu", "python3.13-musl-": "python3.13-musl"}
    adds = ADD.findall(said.stdout)
    assert [(name, digest, place) for name, digest, _, place in adds] == [
        ("python3.12-gnu-arm64", small.sha256, "/python.tar.gz"),
        ("python3.13-musl-amd64", dynamic.sha256, "/python.tar.gz"),
    ]
    for _, digest, url, _ in adds:
        path = server.folder / url.removeprefix(f"{server.url}/").replace("%2B", "+")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    meant = [
        line for line in said.stdout.splitlines() if line and not line.startswith(("#", "FROM ", "ADD "))
    ]
    assert meant == []
