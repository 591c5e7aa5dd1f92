"""PyPy and GraalPy through the whole of pyman: asked for by name, from .tar.bz2 and .zip, beside CPython."""

import bz2
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.repack import MINOR, reason_not_movable, this_target, this_version, tree
from tests.support.server import Server, wrong_byte

FOREIGN = "linux-aarch64-gnu"
RELEASE = "7.3.99"
LINKS = ("pypy", "pypy3", "python", "python3", f"python{MINOR}")


@dataclass(frozen=True, slots=True)
class Row:
    """One build of the metadata, and the bytes of its archive."""

    build: str
    target: str
    file: str
    data: bytes

    @property
    def key(self) -> str:
        return f"{self.build}-{self.target}"


def offer(pyman: Pyman, server: Server, *rows: Row, cpython: tuple[Archive, ...] = ()) -> None:
    """Make these the only builds pyman knows, downloaded from whole URLs on `server`."""
    builds: dict[str, list[list[str | None]]] = {}
    for archive in cpython:
        builds.setdefault(archive.target, []).append([archive.build, archive.file, archive.sha256])
    for row in rows:
        path = server.folder / "elsewhere" / row.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(row.data)
        url = f"{server.url}/elsewhere/{row.file}"
        builds.setdefault(row.target, []).append([row.build, url, hashlib.sha256(row.data).hexdigest()])
    place = server.folder / "metadata.json"
    document = {"format": 1, "origin": server.url, "sections": {}, "builds": builds}
    place.write_text(json.dumps(document), encoding="utf-8")
    pyman.environment["PYMAN_METADATA"] = str(place)


def published(pyman: Pyman) -> list[str]:
    """Return what is in the store, links included, without pyman's own files."""
    return sorted(path.name for path in pyman.store.glob("[a-z]*") if "-" in path.name)


def small(build: str, target: str, kind: str) -> Row:
    """Return a build with nothing in it that runs, in the layout of its implementation on its system."""
    name, _, rest = build.partition("-")
    minor, release = rest.split(".")[1].partition("+")[0], rest.partition("+")[2]
    series = f"3.{minor}"
    top = f"{name}{series}-v{release}-x" if name == "pypy" else f"{name}-{release}-x"
    program = f"pypy{series}" if name == "pypy" else "graalpy"
    windows = f"{program}.exe" if name == "pypy" else f"bin/{program}.exe"
    interpreter = windows if target.startswith("windows") else f"bin/{program}"
    files = {f"{top}/{interpreter}": b"#!/bin/sh\n", f"{top}/lib/{name}{series}/os.py": b"# os\n"}
    data = zipped(files) if kind == "zip" else bz2.compress(tarred(files))
    return Row(build, target, f"{top}.{kind}", data)


def tarred(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            file.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return buffer.getvalue()


# --- interpreters that run --------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["tar.bz2", "zip"])
def running(request: pytest.FixtureRequest) -> Row:
    """The Python that runs the tests, packed as PyPy is: its folder, its names, its links."""
    if sys.platform == "win32":
        pytest.skip(ELSEWHERE + "PyPy's names are links here")
    if reason := reason_not_movable():
        pytest.skip(ELSEWHERE + reason)
    top = f"pypy{MINOR}-v{RELEASE}-linux64"
    files = list(_members(top))
    data = _zip(top, files) if request.param == "zip" else _bz2(top, files)
    return Row(f"pypy-{this_version()}+{RELEASE}", this_target(), f"{top}.{request.param}", data)


def _members(top: str) -> Iterator[tuple[str, Path]]:
    for name, source in sorted(tree()):
        yield f"{top}/{f'bin/pypy{MINOR}' if name == f'bin/python{MINOR}' else name}", source


def _bz2(top: str, files: list[tuple[str, Path]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:bz2", compresslevel=1) as file:
        for name, source in files:
            file.add(source.resolve(), name)
        for name in LINKS:
            link = tarfile.TarInfo(f"{top}/bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, f"pypy{MINOR}"
            file.addfile(link)
    return buffer.getvalue()


def _zip(top: str, files: list[tuple[str, Path]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for name, source in files:
            file.write(source.resolve(), name)
        for name in LINKS:
            link = zipfile.ZipInfo(f"{top}/bin/{name}")
            link.create_system, link.external_attr = 3, 0o120777 << 16
            file.writestr(link, f"pypy{MINOR}")
    return buffer.getvalue()


def test_installs_lists_and_uninstalls(pyman: Pyman, server: Server, running: Row) -> None:
    offer(pyman, server, running)
    told = pyman("install", f"pypy@{MINOR}").stderr
    assert f"Downloading {running.key} (" in told
    assert f"Installed {running.key} in" in told
    minor_link = f"pypy-{MINOR}-{running.target}"
    assert published(pyman) == sorted([running.key, minor_link])
    assert [path.name for path in pyman.bin.iterdir()] == [f"pypy{MINOR}"]
    installation = pyman.store / running.key
    code = "import sys, zlib, ssl; print(sys.prefix)"
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for program in (pyman.bin / f"pypy{MINOR}", installation / "bin" / "python"):
        command = [str(program), "-c", code]
        done = subprocess.run(command, env=outside, capture_output=True, encoding="utf-8", check=True)
        assert Path(done.stdout.strip()).resolve() == installation.resolve()

    assert f"Already installed: {running.key}" in pyman("install", f"pypy{MINOR}-{RELEASE}").stderr
    listed = pyman("list", "pypy", "--json", "--managed-only").json["installed"]
    assert [each["key"] for each in listed] == [running.key]
    assert listed[0]["implementation"] == "pypy"
    assert listed[0]["executable"] == str(installation / "bin" / f"pypy{MINOR}")
    assert running.key in pyman("list", "pypy", "--managed-only").stdout

    pyman("uninstall", f"pp{MINOR.replace('.', '')}")
    assert published(pyman) == []
    assert list(pyman.bin.iterdir()) == []
    assert pyman.leftovers() == []


# --- without running them ---------------------------------------------------------------------------------


PYPY = small("pypy-3.10.16+7.3.19", FOREIGN, "tar.bz2")
OLDER = small("pypy-3.10.16+7.3.9", FOREIGN, "zip")
GRAALPY = small("graalpy-3.11.0+24.2.2", FOREIGN, "zip")


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        ("pypy@3.10", PYPY),
        (f"pypy-3.10-{FOREIGN}", PYPY),
        ("pypy3.10-7.3.9", OLDER),
        ("gp311", GRAALPY),
        ("graalpy-24.2.2", GRAALPY),
    ],
)
def test_requests(asked: str, row: Row, pyman: Pyman, server: Server) -> None:
    offer(pyman, server, OLDER, PYPY, GRAALPY)
    pyman("install", asked, "--target", FOREIGN)
    assert row.key in published(pyman)
    assert len(published(pyman)) == 2


@pytest.mark.parametrize("asked", ["3.10", "any", None])
def test_cpython_is_the_default_always(asked: str | None, pyman: Pyman, server: Server) -> None:
    offer(pyman, server, PYPY, GRAALPY)
    pyman("install", "pypy", "--target", FOREIGN)
    arguments = ["install", *([asked] if asked else []), "--target", FOREIGN]
    assert "No Python download found for request: cpython-" in pyman(*arguments, code=1).stderr
    cpython = small_archive(server.folder, Archive("3.10.4", "20220528", FOREIGN))
    offer(pyman, server, PYPY, cpython=(cpython,))
    pyman(*arguments)
    assert cpython.key in published(pyman)


@pytest.mark.parametrize(
    ("build", "target", "kind", "executable"),
    [
        ("pypy-3.11.15+7.3.23", "windows-x86_64-none", "zip", "pypy3.11.exe"),
        ("graalpy-3.12.0+25.2.4", "windows-x86_64-none", "zip", "bin/graalpy.exe"),
        ("pypy-3.11.15+7.3.23", "macos-aarch64-none", "tar.bz2", "bin/pypy3.11"),
        ("pypy-3.9.19+7.3.16", "linux-s390x-gnu", "tar.bz2", "bin/pypy3.9"),
    ],
)
def test_where_the_interpreter_is(  # noqa: PLR0913, PLR0917 - a row of the table has that many parts
    build: str, target: str, kind: str, executable: str, pyman: Pyman, server: Server
) -> None:
    row = small(build, target, kind)
    offer(pyman, server, row)
    name = build.partition("-")[0]
    pyman("install", name, "--target", target)
    (listed,) = pyman("list", name, "--only-installed", "--json").json["installed"]
    assert listed["executable"] == str(pyman.store / row.key / executable)
    assert Path(listed["executable"]).is_file()


def test_graalpy_is_started_by_its_own_name(pyman: Pyman, server: Server) -> None:
    offer(pyman, server, GRAALPY)
    pyman("install", "graalpy", "--target", FOREIGN)
    (listed,) = pyman("list", "graalpy", "--only-installed", "--json").json["installed"]
    program = Path(listed["executable"])
    assert program.name.startswith("graalpy")
    assert program.resolve().name == "graalpy"


def test_a_mirror_has_them_by_their_own_version(pyman: Pyman, server: Server) -> None:
    offer(pyman, server, PYPY)
    mirror = server.folder / "mirror" / "7.3.19"
    mirror.mkdir(parents=True)
    (server.folder / "elsewhere" / PYPY.file).rename(mirror / PYPY.file)
    pyman("install", "pypy", "--target", FOREIGN, "--mirror", f"{server.url}/mirror")
    assert PYPY.key in published(pyman)


@pytest.mark.parametrize("row", [PYPY, GRAALPY], ids=["tar.bz2", "zip"])
def test_wrong_bytes_are_not_published(row: Row, pyman: Pyman, server: Server) -> None:
    offer(pyman, server, row)
    server.spoil(row.file, wrong_byte)
    told = pyman("install", row.build.partition("-")[0], "--target", FOREIGN, code=1).stderr
    assert "has sha256" in told
    assert published(pyman) == []
    assert pyman.leftovers() == []


@pytest.mark.parametrize("name", ["../evil", "pypy3.10/../../evil", "python/evil", "/evil"])
def test_a_hostile_zip_is_not_published(name: str, pyman: Pyman, server: Server) -> None:
    data = zipped({"pypy3.10/bin/pypy3.10": b"x", name: b"evil"})
    offer(pyman, server, Row("pypy-3.10.16+7.3.19", FOREIGN, "pypy3.10.zip", data))
    told = pyman("install", "pypy", "--target", FOREIGN, code=1).stderr
    assert repr(name) in told
    assert published(pyman) == []
    assert pyman.leftovers() == []
    assert not list(pyman.root.rglob("evil"))


def test_several_implementations_at_once(pyman: Pyman, server: Server) -> None:
    cpython = small_archive(server.folder, Archive("3.10.4", "20220528", FOREIGN))
    offer(pyman, server, PYPY, GRAALPY, cpython=(cpython,))
    pyman("install", "pypy", "graalpy", "3.10", "--target", FOREIGN)
    keys = [each["key"] for each in pyman("list", "pypy", "--only-installed", "--json").json["installed"]]
    assert keys == [PYPY.key]
    pyman("uninstall", "3.10")
    left = [name for name in published(pyman) if "+" in name]
    assert left == sorted([PYPY.key, GRAALPY.key])
    pyman("uninstall", "--all")
    assert published(pyman) == []
