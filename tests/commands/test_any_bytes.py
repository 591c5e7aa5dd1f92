"""Paths that are no text, of the store, the project and all else: every command works, in every locale."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.builds import Archive, own_form, small_archive
from tests.support.needs import runs_here
from tests.support.repack import MINOR
from tests.support.server import Server
from tests.support.stores import environment

ODD = b"st\xff\xc3\xa9 x"
FOREIGN = "linux-riscv64-gnu"
LOCALES = {
    "as it is": {},
    "C": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0"},
    "UTF-8": {"LC_ALL": "C.UTF-8"},
}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason=ELSEWHERE + "only Linux has names of any bytes"
)


@pytest.fixture(params=LOCALES)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Pyman:
    """Pyman with all its folders in one whose name is no text, in each locale."""
    made = Pyman(tmp_path / os.fsdecode(ODD), dict(LOCALES[request.param]))
    for folder in (made.home, made.bin, made.work):
        folder.mkdir(parents=True)
    return made


def run(pyman: Pyman, *words: str, codes: tuple[int, ...] = (0,)) -> bytes:
    """Run pyman and return what it printed, as bytes."""
    env = pyman.measured(pyman.variables(), words)
    done = subprocess.run(pyman.command(*words), env=env, cwd=pyman.work, capture_output=True, check=False)
    told = done.stderr.decode("utf-8", "replace")
    assert done.returncode in codes, told
    assert "Traceback" not in told
    assert "internal error" not in told
    return done.stdout


def texts(pyman: Pyman, *words: str) -> set[str]:
    """Return all texts in what it printed as JSON; paths are as this process has them."""

    def inside(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield os.fsdecode(value.encode("utf-8", "surrogateescape"))
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from inside(each)

    return set(inside(json.loads(run(pyman, *words, "--json").decode("ascii"))))


def test_every_command(odd: Pyman, real: list[Archive], server: Server) -> None:
    (odd.root / "metadata.json").write_bytes(own_form(real[:1], server.url))
    odd.environment["PYMAN_METADATA"] = str(odd.root / "metadata.json")
    odd.environment["PYMAN_CACHE_DIR"] = str(odd.root / "cache")
    key = real[0].key
    place = os.fsencode(odd.store)
    minor = place + f"/cpython-{MINOR}-{real[0].target}".encode()
    run(odd, "install", MINOR)
    run(odd, "install", "--reinstall", MINOR)
    assert server.count(real[0].file) == 1  # then from the cache
    run(odd, "verify")
    assert place + b"/" + key.encode() in run(odd, "list", "--only-installed")
    assert str(odd.store / key) in texts(odd, "list", "--only-installed")
    assert run(odd, "dir") == place + b"\n"
    assert texts(odd, "dir") == {str(odd.store), str(odd.bin)}
    program = minor + b"/bin/python" + MINOR.encode()
    assert run(odd, "find", MINOR) == program + b"\n"
    assert os.fsdecode(program) in texts(odd, "find", MINOR)
    run(odd, "pin", MINOR)
    assert run(odd, "pin") == MINOR.encode() + b"\n"
    assert str(odd.work / ".python-version") in texts(odd, "pin")
    assert run(odd, "find") == program + b"\n"
    for words in (["explain"], ["explain", MINOR], ["outdated", "--offline"], ["upgrade"]):
        run(odd, *words)
    run(odd, "audit", codes=(0, 1))  # this Python may have vulnerabilities
    assert run(
        odd, "run", "--", "python", "-c", "import os; os.write(1, os.fsencode(os.getcwd()))"
    ) == os.fsencode(odd.work)
    environment(odd.work / ".venv", Path(os.fsdecode(minor)) / "bin", f"version = {MINOR}.1")
    assert run(odd, "find") == os.fsencode(odd.work / ".venv" / "bin" / "python") + b"\n"
    run(odd, "uninstall", MINOR, codes=(1,))
    run(odd, "prune", "--yes", "--scan", str(odd.root))
    run(odd, "uninstall", "--force", MINOR)
    assert odd.installed() == []


def loads_from(folder: Path) -> bool:
    """Whether the Python that runs the tests loads an extension module from there; some versions do not."""
    spec = find_spec("_ctypes")
    assert spec
    assert spec.origin
    if not Path(spec.origin).is_file():
        return True  # it is a part of the interpreter
    shutil.copy(spec.origin, folder)
    code = "import os, sys; sys.path.insert(0, os.getcwd()); import _ctypes"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=folder, check=False, capture_output=True)
    return done.returncode == 0


def test_what_is_written_into_files(odd: Pyman, real: list[Archive], server: Server) -> None:
    (odd.root / "metadata.json").write_bytes(own_form(real[:1], server.url))
    odd.environment["PYMAN_METADATA"] = str(odd.root / "metadata.json")
    loads = loads_from(odd.root)
    run(odd, "install", *["--compile-bytecode"] * loads, MINOR)
    installation = odd.store / real[0].key
    json.loads((installation / ".pyman.json").read_bytes().decode("ascii"))
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    modules = "ssl, ctypes" if loads else "os, email"
    subprocess.run([odd.bin / f"python{MINOR}", "-c", f"import {modules}"], env=variables, check=True)


def test_a_version_that_loads_no_modules_from_there(odd: Pyman, server: Server, fixtures: Path) -> None:
    source = runs_here(fixtures, "3.12.1")
    archive = Archive.of_file(source)
    (server.folder / archive.release).mkdir()
    (server.folder / archive.path).symlink_to(source)
    (odd.root / "metadata.json").write_bytes(own_form([archive], server.url))
    odd.environment["PYMAN_METADATA"] = str(odd.root / "metadata.json")
    done = subprocess.run(
        odd.command("install", archive.minor),
        env=odd.variables(),
        cwd=odd.work,
        capture_output=True,
        check=True,
    )
    assert b"loads no extension modules from a path that is not UTF-8" in done.stderr
    # The paths that it gives are those on the disk.
    script = (
        "import sysconfig, os\n"
        "names = ['prefix', 'LIBDIR', 'INCLUDEPY', 'LIBPC']\n"
        "print(*(os.fsencode(sysconfig.get_config_var(n)).hex() for n in names))\n"
    )
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    done = subprocess.run(
        [odd.bin / f"python{archive.minor}", "-c", script], env=variables, capture_output=True, check=True
    )
    prefix, *paths = (bytes.fromhex(text.decode()) for text in done.stdout.split())
    assert prefix == os.fsencode(odd.store / archive.key)
    assert [path for path in paths if not path.startswith(prefix + b"/")] == []
    told = (odd.store / archive.key / "lib" / "pkgconfig" / f"python-{archive.minor}.pc").read_bytes()
    assert b"prefix=" + prefix.replace(b" ", b"\\ ") + b"\n" in told


def test_a_mirror_and_metadata_there(odd: Pyman) -> None:
    mirror = odd.root / "mirror"
    mirror.mkdir()
    archive = small_archive(mirror, Archive("3.13.5", "20250612", FOREIGN))
    (odd.root / "metadata.json").write_bytes(own_form([archive]))
    odd.environment |= {"PYMAN_METADATA": str(odd.root / "metadata.json"), "PYMAN_MIRROR": str(mirror)}
    run(odd, "install", "--target", FOREIGN, "3.13")
    assert odd.installed() == [archive.key]
    assert str(odd.store / archive.key) in texts(odd, "verify")
    assert str(odd.store / archive.key) in texts(odd, "uninstall", "--all")


def printed_on_a_terminal(pyman: Pyman, *words: str) -> bytes:
    main, other = pty.openpty()
    try:
        subprocess.run(
            pyman.command(*words),
            env=pyman.variables(),
            cwd=pyman.work,
            stdout=other,
            stderr=other,
            check=False,
        )
        os.close(other)
        return b"".join(pieces(main))
    finally:
        os.close(main)


def pieces(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # its other end is closed
            return
        if not piece:
            return
        yield piece


@pytest.mark.parametrize("name", [b"a\x1b[31mred", b"a\x9b31mred", b"a\xff"])
@pytest.mark.parametrize("locale", LOCALES)
def test_a_terminal_gets_nothing_that_steers_it(locale: str, name: bytes, tmp_path: Path) -> None:
    pyman = Pyman(tmp_path / os.fsdecode(name), dict(LOCALES[locale]))
    for folder in (pyman.home, pyman.bin, pyman.work):
        folder.mkdir(parents=True)
    seen = printed_on_a_terminal(pyman, "dir")
    assert not set(b"\x1b\x9b\xff") & set(seen)
    assert b"store" in seen
    # Not so for a program that reads it.
    assert run(pyman, "dir") == os.fsencode(pyman.store) + b"\n"


def test_an_encoding_that_lacks_a_character(tmp_path: Path) -> None:
    pyman = Pyman(tmp_path, {"PYTHONIOENCODING": "latin-1"})
    for folder in (pyman.home, pyman.work):
        folder.mkdir(parents=True)
    pyman.environment["PYMAN_HOME"] = os.fsdecode(b"/a\xff\xe2\x86\x92\xc3\xa9")
    assert run(pyman, "dir") == b"/a\xff\\u2192\xe9\n"
