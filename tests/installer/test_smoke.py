"""The smoke test: what does not run is not published, it is said why, and the next best build is tried."""

import errno
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import ELSEWHERE, Offer
from tests.support import needs
from tests.support.builds import Archive, write_archive
from tests.support.repack import MINOR, this_target, this_version
from tests.support.rework import rework, without
from tests.support.server import Server

from pyman.builds.key import Key
from pyman.errors import DoesNotRunError
from pyman.installer import smoke, staged_python
from pyman.machine import loader_messages
from pyman.store.installations import Installation

MUSL = "linux-x86_64-musl"
LATER = "20260301"
posix = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "the interpreters here are scripts")


@pytest.fixture(scope="module")
def without_ssl(
    repacked: tuple[Path, list[Archive]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Archive]:
    """A later release than those that run, in a folder of its own: it lacks a module."""
    folder, (good, _) = repacked
    place = tmp_path_factory.mktemp("broken")
    return place, rework(folder / good.path, place, replace(good, release=LATER), without("/ssl.py"))


@pytest.fixture
def broken(without_ssl: tuple[Path, Archive], server: Server) -> Archive:
    """That release, to be had from `server`."""
    folder, archive = without_ssl
    shutil.copytree(folder, server.folder, dirs_exist_ok=True)
    return archive


def test_falls_to_the_next_candidate(broken: Archive, real: list[Archive], offer: Offer) -> None:
    offer(*real, broken)
    result = offer.pyman("install", MINOR)
    (warning,) = (line for line in result.stderr.splitlines() if line.startswith("warning: "))
    assert f"{broken.key} does not run here" in warning
    assert "ssl (ModuleNotFoundError: No module named 'ssl')" in warning
    assert f"trying {real[1].key} instead" in warning
    assert offer.pyman.installed() == [real[1].key]
    assert not offer.pyman.leftovers()
    assert f"cpython-{MINOR}" in str((offer.pyman.bin / f"python{MINOR}").readlink()) or os.name == "nt"


def test_no_fallback(broken: Archive, real: list[Archive], offer: Offer) -> None:
    pyman = offer.pyman
    offer(real[0])
    pyman("install", MINOR)
    offer(*real, broken)
    before = (pyman.installed(), pyman.minor_links())
    result = pyman("install", "--no-fallback", f"{this_version()}+{LATER}", code=1)
    assert f"error: {broken.key} does not run here: modules do not import: ssl" in result.stderr
    assert "hint: " in result.stderr
    assert (pyman.installed(), pyman.minor_links()) == before
    assert not pyman.leftovers()


def test_reinstall_of_what_does_not_run_keeps_what_was_there(
    broken: Archive, real: list[Archive], server: Server, offer: Offer
) -> None:
    pyman = offer.pyman
    offer(real[0])
    pyman("install", MINOR)
    shutil.copyfile(server.folder / broken.path, server.folder / real[0].path)
    offer(replace(real[0], sha256=broken.sha256))
    result = pyman("install", "--reinstall", MINOR, code=1)
    assert "ssl" in result.stderr
    assert (pyman.store / real[0].key / "lib" / f"python{MINOR}" / "ssl.py").exists() or os.name == "nt"


def test_no_smoke_test(broken: Archive, offer: Offer) -> None:
    offer(broken)
    offer.pyman("install", "--no-smoke-test", MINOR)
    assert offer.pyman.installed() == [broken.key]


def test_what_it_lacks_is_named(fixtures: Path, server: Server, offer: Offer) -> None:
    source = needs.runs_here(fixtures, "3.12.1")
    change = other_library if needs.MUSL else without("/libpython3.12.so.1.0")
    archive = rework(source, server.folder, Archive.of_file(source), change)
    if archive.target != this_target():
        pytest.skip(ELSEWHERE + "the fixtures are for another machine")
    offer(archive)
    result = offer.pyman("install", archive.minor, code=1)
    library = "libq.so" if needs.MUSL else "libpython3.12.so.1.0"
    assert f"the library {library} is missing" in result.stderr
    assert offer.pyman.installed() == []


def other_library(name: str, data: bytes) -> bytes:
    """Let the interpreter for musl, which needs musl alone, need a library that there is not."""
    return data.replace(b"\0libc.so\0", b"\0libq.so\0") if name.endswith("/bin/python3.13") else data


def test_another_version_than_it_says(fixtures: Path, server: Server, offer: Offer) -> None:
    source = needs.runs_here(fixtures, "3.12.1")
    real = Archive.of_file(source)
    archive = rework(source, server.folder, replace(real, version=f"{real.minor}.9"))
    if archive.target != this_target():
        pytest.skip(ELSEWHERE + "the fixtures are for another machine")
    offer(archive)
    assert f"it is Python {real.version}" in offer.pyman("install", real.minor, code=1).stderr


SCRIPTS = {
    "#!/bin/sh\nkill -ILL $$\n": "this processor lacks an instruction",
    "#!/bin/sh\necho ctypes >&2; kill -SEGV $$\n": "ended by SIGSEGV, while it imported ctypes",
    "#!/bin/sh\nexit 3\n": "exit code 3",
    "#!/bin/sh\necho nonsense\n": "exit code 0",
    "#!/bin/sh\necho 'Fatal Python error: no encodings' >&2; exit 1\n": "Fatal Python error: no encodings",
    "garbage": "exec format error",
}


@posix
@pytest.mark.parametrize("script", SCRIPTS)
def test_programs_that_are_no_python(script: str, server: Server, offer: Offer) -> None:
    archive = Archive("3.13.5", "20250612", this_target())
    members = {"python/bin/python3.13": script.encode(), "python/lib/python3.13/os.py": b""}
    offer(write_archive(server.folder, archive, members))
    assert SCRIPTS[script] in offer.pyman("install", "3.13", code=1).stderr
    assert offer.pyman.installed() == []


@posix
def test_few_are_tried(server: Server, offer: Offer) -> None:
    members = {"python/bin/python3.13": b"#!/bin/sh\nexit 3\n", "python/lib/python3.13/os.py": b""}
    releases = [f"2025061{day}" for day in range(6)]
    archives = [Archive("3.13.5", release, this_target()) for release in releases]
    offer(*(write_archive(server.folder, archive, members) for archive in archives))
    result = offer.pyman("install", "3.13", code=1)
    assert result.stderr.count("does not run here") == 3
    assert [server.count(archive.file) for archive in archives] == [0, 0, 0, 1, 1, 1]


def fake(folder: Path, key: str, suffix: str) -> Installation:
    """Return a staged tree whose interpreter, a script, says what a good one says, with this EXT_SUFFIX."""
    made = Installation(Key.parse(key), folder)
    version = made.key.version
    program = folder / "bin" / f"python{version.major}.{version.minor}"
    program.parent.mkdir()
    facts = {"version": str(version), "suffix": suffix, "prefix": str(folder), "missing": {}}
    program.write_text(f'#!/bin/sh\ncat <<"END"\n{facts!r}\nEND\n', encoding="utf-8")
    program.chmod(0o755)
    return made


@posix
@pytest.mark.parametrize(
    ("build", "suffix", "outcome"),
    [
        ("3.13.5+20250612", ".cpython-313-x86_64-linux-musl.so", "good"),
        ("3.13.5+20250612", ".cpython-313-x86_64-linux-gnu.so", "refused"),
        ("3.12.9+20250317", ".cpython-312-x86_64-linux-gnu.so", "good"),  # known: only by its release
        ("3.12.9+20251028", ".cpython-312-x86_64-linux-gnu.so", "refused"),
        ("3.13.5+static+20250612", "", "good"),
    ],
)
def test_tag_of_musl(build: str, suffix: str, outcome: str, tmp_path: Path) -> None:
    made = fake(tmp_path, f"cpython-{build}-{MUSL}", suffix)
    if outcome == "refused":
        with pytest.raises(DoesNotRunError, match="wheels for musl do not import"):
            smoke.check(made)
    else:
        smoke.check(made)


def test_another_prefix_is_refused(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip(ELSEWHERE + "the interpreter here is a script")
    made = fake(tmp_path, f"cpython-3.13.5+20250612-{MUSL}", "musl")
    text = made.executable.read_text(encoding="utf-8").replace(str(tmp_path), "/install")
    made.executable.write_text(text, encoding="utf-8")
    with pytest.raises(DoesNotRunError, match="looks for its files in /install"):
        smoke.check(made)


def test_it_sees_nothing_of_the_users_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "here")
    monkeypatch.setenv("LD_PRELOAD", "this")
    monkeypatch.setenv("__PYVENV_LAUNCHER__", "that")
    names = {name for name in staged_python.scrubbed() if name.startswith(("PYTHON", "LD_", "__PYVENV"))}
    assert names == set()
    assert not list(tmp_path.iterdir())


GLIBC = "/x/bin/python3.12: error while loading shared libraries: libfoo.so.1: cannot open shared object file"
MUSL_LIBRARY = (
    "Error loading shared library libfoo.so.1: No such file or directory (needed by /x/bin/python3)"
)
DYLD = "dyld[7]: Library not loaded: @executable_path/../lib/libfoo.1.dylib\n  Referenced from: <1> /x"
MESSAGES = {
    GLIBC: "the library libfoo.so.1 is missing",
    MUSL_LIBRARY: "the library libfoo.so.1 is missing",
    "Error relocating /x/lib/libfoo.so: gnu_get_libc_version: symbol not found": (
        "the symbol gnu_get_libc_version is missing"
    ),
    "/x/python3: /lib/libc.so.6: version `GLIBC_2.38' not found (required by /x/python3)": (
        "it needs GLIBC_2.38, which this system's library lacks"
    ),
    "/x/python3: symbol lookup error: /x/libfoo.so: undefined symbol: foo_new": (
        "the symbol foo_new is missing"
    ),
    DYLD: "the library @executable_path/../lib/libfoo.1.dylib is missing",
    "dyld: Symbol not found: _foo_new\n  Referenced from: /x": "the symbol _foo_new is missing",
    "one\nImportError: libssl.so.3: cannot open shared object file: No such file or directory\n": (
        "the library libssl.so.3 is missing"
    ),
    "/x: error while loading shared libraries: libfoo.so.1: file too short": "libfoo.so.1: file too short",
    "": "",
}


@pytest.mark.parametrize("text", MESSAGES)
def test_messages_of_loaders(text: str) -> None:
    assert loader_messages.of_text(text) == MESSAGES[text]


@settings(deadline=None)
@given(st.integers(-70, 300), st.text())
def test_every_end_has_a_reason(code: int, text: str) -> None:
    assert loader_messages.of_end(code, text)


@needs.compiler
@pytest.mark.skipif(sys.platform != "linux", reason=ELSEWHERE + "the messages are of Linux")
def test_real_messages_of_the_loader(tmp_path: Path) -> None:

    def compiled(name: str, text: str, *options: str) -> Path:
        source = tmp_path / "source.c"
        source.write_text(text, encoding="utf-8")
        command = ["cc", str(source), *options, "-o", str(tmp_path / name)]
        subprocess.run(command, check=True, cwd=tmp_path)
        return tmp_path / name

    library = compiled("libfoo.so", "int foo(void) { return 0; }", "-shared", "-fPIC")
    main = "int foo(void); int main(void) { return foo(); }"
    program = compiled("program", main, "-L.", "-lfoo", "-Wl,-rpath,$ORIGIN")
    assert ended(program) == "exit code 0"
    compiled("libfoo.so", "int bar(void) { return 0; }", "-shared", "-fPIC")
    assert ended(program) == "the symbol foo is missing"
    library.unlink()
    assert ended(program) == "the library libfoo.so is missing"


def ended(program: Path) -> str:
    done = subprocess.run([program], capture_output=True, encoding="utf-8", check=False, env={"LC_ALL": "C"})
    return loader_messages.of_end(done.returncode, done.stderr).removeprefix("it ended with ")


def test_programs_that_cannot_be_started(tmp_path: Path) -> None:
    program = tmp_path / "program"
    told = loader_messages.of_start(program, OSError(errno.EACCES, "Permission denied"))
    assert "noexec" in told
    assert str(tmp_path) in told
    assert "exec format" in loader_messages.of_start(program, OSError(errno.ENOEXEC, "Exec format error"))
    assert "Too many" in loader_messages.of_start(program, OSError(errno.EMFILE, "Too many open files"))
