"""`--slim`, `--keep` and `--drop`: what goes and what stays of archives that have all parts."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, write_archive
from tests.support.needs import compiler
from tests.support.repack import this_target

from pyman.slimming import debug_sections
from pyman.slimming.parts import NAMES
from pyman.store.made_with import MadeWith

LINUX = Archive("3.11.9", "20240415", "linux-riscv64-gnu")
WINDOWS = Archive("3.11.9", "20240415", "windows-aarch64-none")
LIB, DYNLOAD = "lib/python3.11", "lib/python3.11/lib-dynload"
# By part, what a build of 2024 has of it; each file has its own name in it, and what it loads.
ON_LINUX = {
    "tests": f"{LIB}/test/regrtest.py {LIB}/ctypes/test/test_a.py {LIB}/distutils/tests/a.py "
    f"{LIB}/idlelib/idle_test/a.py {DYNLOAD}/_testcapi.so {DYNLOAD}/_xxtestfuzz.so "
    f"{DYNLOAD}/xxlimited_35.so",
    "idle": f"{LIB}/idlelib/idle.py bin/idle3.11",
    "turtledemo": f"{LIB}/turtledemo/clock.py",
    "tkinter": f"{LIB}/tkinter/ttk.py {LIB}/turtle.py {LIB}/__pycache__/turtle.cpython-311.pyc "
    f"{DYNLOAD}/_tkinter.so lib/tcl8.6/init.tcl lib/tk8.6/tk.tcl lib/tcl8/8.4/platform.tm "
    "lib/thread2.8.7/a.tcl "
    "lib/itcl4.2.2/itcl.tcl lib/Tix8.4.3/Tix.tcl lib/libtcl8.6.so lib/libX11.so.6",
    "pydoc-data": f"{LIB}/pydoc_data/topics.py",
    "lib2to3": f"{LIB}/lib2to3/refactor.py bin/2to3-3.11",
    "static": f"lib/libpython3.11.a {LIB}/config-3.11-x/libpython3.11.a {LIB}/config-3.11-x/python.o",
    "headers": "include/python3.11/Python.h include/python3.11/cpython/abstract.h",
    "pkg-config": "lib/pkgconfig/python3.pc bin/python3.11-config",
    "config": f"{LIB}/config-3.11-x/Makefile",
    "libpython": "lib/libpython3.11.so.1.0 lib/libpython3.so",
    "ensurepip": f"{LIB}/ensurepip/_bundled/pip-24.0-py3-none-any.whl",
    "pip": f"{LIB}/site-packages/pip/__init__.py {LIB}/site-packages/pip-24.0.dist-info/RECORD "
    f"{LIB}/site-packages/setuptools/__init__.py {LIB}/site-packages/_distutils_hack/__init__.py bin/pip3",
    "man": "share/man/man1/python3.1",
    "terminfo": "share/terminfo/x/xterm",
}
STAYS = (
    f"bin/python3.11 bin/pydoc3 {LIB}/os.py {LIB}/tkinterx.py {LIB}/unittest/mock.py "
    f"{LIB}/ensurepip/__init__.py "
    f"{LIB}/ensurepip/__main__.py {DYNLOAD}/_ssl.so {DYNLOAD}/_struct.so lib/libcrypto.so.3 lib/libz.so.1 "
    "lib/nobody.so LICENSE.txt"
)
ON_WINDOWS = {
    "tests": "Lib/test/regrtest.py DLLs/_testcapi.pyd",
    "idle": "Lib/idlelib/idle.py",
    "tkinter": "Lib/tkinter/ttk.py Lib/turtle.py DLLs/_tkinter.pyd DLLs/tcl86t.dll DLLs/tk86t.dll "
    "tcl/tcl8.6/a.tcl",
    "headers": "include/Python.h libs/python311.lib",
    "pip": "Lib/site-packages/pip/__init__.py Scripts/pip3.exe",
    "debug": "python311.pdb DLLs/_ssl.pdb",
}
STAYS_ON_WINDOWS = "python.exe python311.dll Lib/os.py DLLs/_ssl.pyd DLLs/libffi-8.dll Scripts/other.exe"
LOADS = {
    f"{DYNLOAD}/_tkinter.so": b"libtcl8.6.so libX11.so.6 libz.so.1",
    f"{DYNLOAD}/_ssl.so": b"libcrypto.so.3",
    "lib/libcrypto.so.3": b"libz.so.1",
}


def files(parts: dict[str, str], stays: str) -> dict[str, bytes]:
    names = " ".join([*parts.values(), stays]).split()
    return {f"python/{name}": LOADS.get(name, b"") + b"\n" + name.encode() for name in names}


def there(pyman: Pyman, archive: Archive) -> set[str]:
    """Return the files of an installation, without its record and the names that pyman gives."""
    root = pyman.store / archive.key
    found = (path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return {path.relative_to(root).as_posix() for path in found} - {".pyman.json"}


def record(pyman: Pyman, archive: Archive) -> dict[str, Any]:
    found = json.loads((pyman.store / archive.key / ".pyman.json").read_bytes())
    assert isinstance(found, dict)
    return found


@pytest.fixture
def foreign(pyman: Pyman, offer: Offer) -> Archive:
    """A build for Linux with all parts, which pyman takes for its own machine's."""
    archive = write_archive(offer.server.folder, LINUX, files(ON_LINUX, STAYS))
    offer(archive)
    pyman.environment["PYMAN_TARGET"] = archive.target
    return archive


def test_slim_on_linux(foreign: Archive, pyman: Pyman) -> None:
    told = pyman("install", "3.11", "--slim", "--json")
    (made,) = told.json["installed"]
    sizes = {name: sum(map(len, files({name: on}, "").values())) for name, on in ON_LINUX.items()}
    parts = made["left_out"]["parts"]
    assert parts.keys() == ON_LINUX.keys() - {"pip"}
    stand_ins = {"test", "idlelib", "turtledemo", "tkinter", "turtle", "_tkinter", "pydoc_data", "lib2to3"}
    assert there(pyman, foreign) == {
        *STAYS.split(),
        *ON_LINUX["pip"].split(),
        *(f"{LIB}/{name}.py" for name in stand_ins),
        f"{LIB}/EXTERNALLY-MANAGED",
    }
    for name in ("static", "headers", "config", "libpython", "man"):
        assert parts[name] == sizes[name]
    # What stands in for them is taken into account.
    on_disk = sum((pyman.store / foreign.key / name).stat().st_size for name in there(pyman, foreign))
    assert made["left_out"]["after"] == on_disk
    assert made["left_out"]["before"] == on_disk + sum(parts.values())
    assert "Leaving out of cpython-3.11.9+20240415-linux-riscv64-gnu: " in told.stderr
    assert not (pyman.store / foreign.key / "share").exists()
    assert record(pyman, foreign)["left_out"] == made["left_out"]
    assert "is intact" in pyman("verify").stderr


def test_slim_on_windows(pyman: Pyman, offer: Offer) -> None:
    archive = write_archive(offer.server.folder, WINDOWS, files(ON_WINDOWS, STAYS_ON_WINDOWS))
    offer(archive)
    pyman("install", archive.key, "--slim", "--no-pip", "--keep", "headers")
    stand_ins = {f"Lib/{name}.py" for name in ("test", "idlelib", "tkinter", "turtle", "_tkinter")}
    kept = {*STAYS_ON_WINDOWS.split(), *ON_WINDOWS["headers"].split(), *stand_ins}
    assert there(pyman, archive) - {"Lib/EXTERNALLY-MANAGED"} == kept


def test_what_is_kept_and_what_is_dropped(foreign: Archive, pyman: Pyman) -> None:
    pyman("install", "3.11", "--slim", "--keep", "idle, libpython", "--keep=static", "--drop", "pip")
    found = there(pyman, foreign)
    # IDLE needs tkinter, and what that loads.
    kept = {name for part in ("idle", "libpython", "static", "tkinter") for name in ON_LINUX[part].split()}
    assert kept <= found
    assert not found & {
        name for part in ("pip", "turtledemo", "ensurepip") for name in ON_LINUX[part].split()
    }
    assert record(pyman, foreign)["made_with"] == {
        "slim": True,
        "keep": ["idle", "libpython", "static"],
        "drop": ["pip"],
    }


def test_a_part_alone_is_dropped(foreign: Archive, pyman: Pyman) -> None:
    pyman("install", "3.11", "--drop=tests,tkinter")
    gone = {name for part in ("tests", "tkinter") for name in ON_LINUX[part].split()}
    every = {name.removeprefix("python/") for name in files(ON_LINUX, STAYS)}
    stand_ins = {f"{LIB}/{name}.py" for name in ("test", "tkinter", "turtle", "_tkinter")}
    assert there(pyman, foreign) - {f"{LIB}/EXTERNALLY-MANAGED"} == every - gone | stand_ins
    text = (pyman.store / foreign.key / LIB / "turtle.py").read_text(encoding="utf-8")
    assert "left out by --drop tkinter; reinstall with --keep tkinter" in text


def test_libpython_stays_where_the_interpreter_loads_it(pyman: Pyman, offer: Offer) -> None:
    members = files(ON_LINUX, STAYS) | {"python/bin/python3.11": b"libpython3.11.so.1.0"}
    offer(write_archive(offer.server.folder, LINUX, members))
    pyman("install", LINUX.key, "--slim")
    assert set(ON_LINUX["libpython"].split()) <= there(pyman, LINUX)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--keep", "tkinter,nonsense"), ("--keep: there is no part nonsense", *NAMES)),
        (("--slim", "--keep=pip", "--no-pip"), ("both to be kept and left out: pip",)),
    ],
)
@pytest.mark.usefixtures("foreign")
def test_names_of_parts(options: tuple[str, ...], words: tuple[str, ...], pyman: Pyman) -> None:
    told = pyman("install", "3.11", *options, code=2)
    assert all(word in told.stderr for word in words)
    assert not pyman.store.exists()


def test_it_stays_what_it_was_made_with(foreign: Archive, pyman: Pyman, offer: Offer) -> None:
    pyman("install", "3.11", "--slim", "--keep=headers", "--no-externally-managed", "--no-registry")
    before = there(pyman, foreign)
    made_with = {"externally_managed": False, "registry": False, "slim": True, "keep": ["headers"]}
    assert record(pyman, foreign)["made_with"] == made_with
    assert "other options" not in pyman("install", "3.11", "--slim").stderr
    assert "--reinstall makes it anew with these" in pyman("install", "3.11", "--keep=idle").stderr
    pyman("install", "3.11", "--reinstall")
    assert there(pyman, foreign) == before
    # An upgrade keeps to it, and so does what is asked for anew, as far as nothing else is said.
    later = write_archive(offer.server.folder, replace(foreign, version="3.11.10"), files(ON_LINUX, STAYS))
    offer(foreign, later)
    pyman("upgrade")
    assert there(pyman, later) == before
    assert record(pyman, later)["made_with"] == made_with
    pyman("install", later.key, "--reinstall", "--drop=headers", "--externally-managed")
    made_with = made_with | {"externally_managed": True, "drop": ["headers"]}
    assert record(pyman, later)["made_with"] == {k: v for k, v in made_with.items() if k != "keep"}
    pyman("install", later.key, "--reinstall", "--no-slim")
    assert {name.removeprefix("python/") for name in files(ON_LINUX, STAYS)} <= there(pyman, later)
    assert record(pyman, later)["made_with"] == {"externally_managed": True, "registry": False}


flags = st.none() | st.booleans()
parts = st.frozensets(st.sampled_from(NAMES), max_size=3)
made = st.builds(MadeWith, flags, flags, flags, flags, flags, parts, parts).map(
    lambda each: each._replace(drop=each.drop - each.keep)
)


@settings(max_examples=50, deadline=None)
@given(made, made.map(lambda each: each.over(MadeWith())))
def test_what_was_recorded_is_read_as_it_was(new: MadeWith, old: MadeWith) -> None:
    both = new.over(old)
    assert MadeWith.of(json.loads(json.dumps(both.document()))) == both
    assert MadeWith().over(both) == both
    assert not MadeWith().changes(both)
    assert not new.changes(both) or new.slim is False
    assert new.drop <= both.drop
    assert new.keep <= both.keep or new.slim is False
    assert not both.keep & both.drop


@pytest.mark.parametrize("said", [None, [], "x", {"slim": 1, "keep": "tkinter", "drop": {}, "later": True}])
def test_any_record_is_read(said: object) -> None:
    assert MadeWith.of({"made_with": said}) == MadeWith.of({}) == MadeWith()


PROGRAM = """
#include <stdio.h>
int answer(int x) { int y = x * 42; return y; }
int main(void) { printf("%d\\n", answer(1)); return 0; }
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program with debug sections."""
    folder = tmp_path_factory.mktemp("debug")
    (folder / "program.c").write_text(PROGRAM, encoding="utf-8")
    subprocess.run(["cc", "-g3", "program.c", "-o", "program"], cwd=folder, check=True)
    return folder / "program"


@compiler
def test_debug_sections_are_stripped(program: Path, pyman: Pyman, offer: Offer) -> None:
    archive = replace(LINUX, target=this_target())
    minor = f"python{archive.minor}"
    members = {f"python/bin/{minor}": program.read_bytes(), f"python/lib/{minor}/os.py": b""}
    offer(write_archive(offer.server.folder, archive, members))
    (made,) = pyman("install", "3.11", "--slim", "--no-smoke-test", "--json").json["installed"]
    path = Path(made["executable"])
    assert made["left_out"]["parts"] == {"debug": program.stat().st_size - path.stat().st_size}
    assert path.stat().st_size < program.stat().st_size // 2
    assert subprocess.run([path], capture_output=True, check=True).stdout == b"42\n"
    assert b".debug_info" in program.read_bytes()
    assert b"answer" in path.read_bytes()  # the table of symbols stays
    assert "is intact" in pyman("verify").stderr


@compiler
@settings(max_examples=60, deadline=None)
@example(damage=[(45, 16)])  # the table of sections is where no file reaches
@given(damage=st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=3))
def test_what_is_not_laid_out_so_is_let_be(program: Path, damage: list[tuple[int, int]]) -> None:
    """Whatever is in the headers: it is made shorter, or is what it was."""
    damaged = bytearray(program.read_bytes())
    table = int.from_bytes(damaged[40:48], "little")
    headers = [*range(120), *range(table, len(damaged))]
    for place, value in damage:
        damaged[headers[place % len(headers)]] = value
    with NamedTemporaryFile() as file:
        file.write(damaged)
        file.flush()
        gone = debug_sections.strip(Path(file.name))
        left = Path(file.name).read_bytes()
    assert len(left) == len(damaged) - gone
    assert gone or left == damaged


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_no_elf_is_let_be(content: bytes) -> None:
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        assert debug_sections.strip(Path(file.name)) == 0
        assert Path(file.name).read_bytes() == content
