"""Interpreters that are finished, not just unpacked: what they say of themselves, compiled for in earnest."""

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import ELSEWHERE, Offer, Pyman, Result, checked, fixture_archive
from tests.support.builds import Archive, own_form, small_archive
from tests.support.needs import MUSL, compiler, missing, runs_here
from tests.support.repack import this_target
from tests.support.rework import opened, rework
from tests.support.server import Server

from pyman.builds.key import Key
from pyman.prepare import launchers, sysconfig_data
from pyman.prepare.path_spelling import Spelling, with_path, with_tools
from pyman.prepare.steps import prepare
from pyman.store.installations import Installation

MODULE = """
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "spam", NULL, -1, methods};
PyMODINIT_FUNC PyInit_spam(void) { return PyModule_Create(&module); }
"""
# As sysconfig has it in the published builds, which are compiled by clang.
CLANG = {
    "'CC': 'gcc'": "'CC': 'clang -pthread'",
    "'LINKCC': 'gcc'": "'LINKCC': 'musl-clang -fno-pie'",
    "'AR': 'ar'": "'AR': '/tools/llvm/bin/llvm-ar'",
    "'gcc -shared ": "'clang -pthread -shared -fdebug-default-version=4 ",
    "'CXX': 'g++'": "'CXX': 'clang++ -pthread'",
}
PIP = b"import sys\nfrom pip._internal.cli.main import main\nsys.exit(main())\n"
# Of the fixture that runs here.
MINOR = "3.13" if MUSL else "3.12"
TAG = f"cpython-{MINOR.replace('.', '')}"
TRIPLET = f"x86_64-linux-{'musl' if MUSL else 'gnu'}"
STDLIB = f"lib/python{MINOR}"
DATA = f"_sysconfigdata__linux_{TRIPLET}"


@dataclass(frozen=True, slots=True)
class Finished:
    """An installation whose path has a space in it, and the pyman which installed it."""

    pyman: Pyman
    key: str

    @property
    def path(self) -> Path:
        """Its directory."""
        return self.pyman.store / self.key

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.path / "bin" / f"python{MINOR}"

    def run(self, *command: str | Path, code: int = 0, cwd: Path | None = None) -> Result:
        """Run a command outside the seal."""
        done = subprocess.run(
            [*map(str, command)],
            env={"PATH": os.environ["PATH"], "HOME": str(self.pyman.home)},
            cwd=cwd or self.pyman.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return checked(Result(done.stdout, done.stderr, done.returncode), code)

    def tell(self, expression: str) -> str:
        """Return what the interpreter prints for an expression."""
        code = f"import sys, sysconfig; print({expression})"
        return self.run(self.python, "-c", code).stdout.strip()


@pytest.fixture(scope="module")
def published(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Archive]:
    """A build with all that published ones have: made by clang, scripts with a shebang, old bytecode."""
    source = runs_here(fixtures, "3.12.1")
    if Archive.of_file(source).target != this_target():
        pytest.skip(ELSEWHERE + "the fixtures are for another machine")
    musl = fixture_archive(fixtures, "linux-musl-install_only_stripped")
    config, makefile = (member_of(musl, end) for end in ("bin/python3.13-config", "/Makefile"))
    minor = MINOR.encode()
    extra = {
        f"python/bin/python{MINOR}-config": config.replace(b"3.13", minor).replace(
            b"x86_64-linux-musl", TRIPLET.encode()
        ),
        "python/bin/pip": b"#!/install/bin/python%b\n%b" % (minor, PIP),
        "python/bin/pip3": b"#!/bin/sh\n'''exec' /install/bin/python%b \"$0\" \"$@\"\n' '''\n%b"
        % (minor, PIP),
        f"python/{STDLIB}/config-{MINOR}-{TRIPLET}/Makefile": makefile,
        f"python/{STDLIB}/_sysconfig_vars__linux.json": b'{"LIBDIR": "/install/lib", "CC": "clang"}',
        f"python/{STDLIB}/__pycache__/{DATA}.{TAG}.pyc": b"this is not to be loaded",
    }

    def by_clang(name: str, data: bytes) -> bytes:
        if not name.endswith(f"{DATA}.py"):
            return data
        text = data.decode()
        for plain, real in CLANG.items():
            text = text.replace(plain.replace("gcc", "cc").replace("g++", "c++") if MUSL else plain, real)
        assert text.count("clang") >= 4
        return text.encode()

    folder = tmp_path_factory.mktemp("published")
    return folder, rework(source, folder, Archive.of_file(source), by_clang, extra)


def member_of(archive: Path, end: str) -> bytes:
    """Return the one file of an archive whose name ends so."""
    with opened(archive) as tar:
        (member,) = (each for each in tar if each.isreg() and each.name.endswith(end))
        content = tar.extractfile(member)
        assert content
        return content.read()


@pytest.fixture(scope="module")
def finished(published: tuple[Path, Archive], tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """That build, installed with its modules compiled."""
    pyman = Pyman(tmp_path_factory.mktemp("a user") / "it's mine")
    for folder in (pyman.home, pyman.bin, pyman.work):
        folder.mkdir(parents=True)
    folder, archive = published
    metadata = pyman.root / "metadata.json"
    metadata.write_bytes(own_form([archive]))
    pyman.environment |= {"PYMAN_METADATA": str(metadata), "PYMAN_MIRROR": str(folder)}
    pyman("install", MINOR, "--compile-bytecode")
    return Finished(pyman, archive.key)


def test_nothing_says_where_and_by_what_it_was_built(finished: Finished) -> None:
    files = [
        *finished.path.glob(f"{STDLIB}/_sysconfig*"),
        *finished.path.glob("lib/pkgconfig/*.pc"),
        *finished.path.glob("bin/*-config"),
        *finished.path.glob("bin/pip*"),
    ]
    assert len(files) >= 9
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.findall(r".*(?<!bin)/install\b.*", text.replace("./install", "")), path
        assert "clang" not in text, path
    makefile = (finished.path / STDLIB / f"config-{MINOR}-{TRIPLET}" / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^prefix=\s*/install$", makefile, re.MULTILINE) is None


def test_sysconfig(finished: Finished) -> None:
    here = str(finished.path)
    assert finished.tell("sysconfig.get_config_var('LIBDIR')") == f"{here}/lib"
    assert finished.tell("sysconfig.get_config_var('INCLUDEPY')") == f"{here}/include/python{MINOR}"
    assert finished.tell("sysconfig.get_config_var('CC')") == "cc -pthread"
    assert finished.tell("sysconfig.get_config_var('LINKCC')") == "cc -fno-pie"
    assert finished.tell("sysconfig.get_config_var('AR')") == "ar"
    assert "-fdebug" not in finished.tell("sysconfig.get_config_vars()")
    words = shlex.split(finished.tell("sysconfig.get_config_var('LDSHARED')"))
    assert words[:3] == ["cc", "-pthread", "-shared"]
    assert f"-L{here}/lib" in words or MUSL  # that one was linked without
    text = (finished.path / STDLIB / "_sysconfig_vars__linux.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"LIBDIR": f"{here}/lib", "CC": "cc"}


def test_old_bytecode_is_gone(finished: Finished) -> None:
    for path in finished.path.glob(f"{STDLIB}/__pycache__/{DATA}*"):  # made since then
        assert b"not to be loaded" not in path.read_bytes()
    assert not list(finished.path.rglob("*.new"))


@compiler
def test_an_extension_compiles_by_sysconfig(finished: Finished) -> None:
    place = finished.pyman.work / "by sysconfig"
    place.mkdir()
    (place / "spam.c").write_text(MODULE, encoding="utf-8")
    names = ["CC", "CFLAGS", "CCSHARED", "LDSHARED", "EXT_SUFFIX", "INCLUDEPY"]
    values = finished.tell(f"__import__('json').dumps([sysconfig.get_config_var(n) for n in {names}])")
    cc, cflags, ccshared, ldshared, suffix, include = json.loads(values)
    compiled = [*shlex.split(f"{cc} {cflags} {ccshared}"), f"-I{include}", "-c", "spam.c", "-o", "spam.o"]
    finished.run(*compiled, cwd=place)
    finished.run(*shlex.split(ldshared), "spam.o", "-o", f"spam{suffix}", cwd=place)
    assert (
        finished.run(finished.python, "-c", "import spam; print(spam.answer())", cwd=place).stdout == "42\n"
    )


@compiler
@pytest.mark.parametrize("tool", ["python-config", "pkg-config"])
def test_an_extension_compiles_by_the_tools(tool: str, finished: Finished) -> None:
    if tool == "pkg-config" and (reason := missing("pkg-config", "pkgconf")):
        pytest.skip(reason)
    place = finished.pyman.work / tool
    place.mkdir()
    (place / "spam.c").write_text(MODULE, encoding="utf-8")
    config = shlex.quote(str(finished.path / "bin" / f"python{MINOR}-config"))
    modules = f"PKG_CONFIG_PATH={shlex.quote(str(finished.path / 'lib' / 'pkgconfig'))}"
    flags = (
        f"{config} --includes" if tool != "pkg-config" else f"{modules} pkg-config --cflags python-{MINOR}"
    )
    script = f'eval "cc -shared -fPIC spam.c -o spam.so $({flags})"'
    finished.run("sh", "-c", script, cwd=place)
    assert (
        finished.run(finished.python, "-c", "import spam; print(spam.answer())", cwd=place).stdout == "42\n"
    )


def test_config_script_tells_the_paths(finished: Finished) -> None:
    link = finished.pyman.work / "config"
    link.symlink_to(finished.path / "bin" / f"python{MINOR}-config")
    for program in (link, finished.path / "bin" / f"python{MINOR}-config"):
        result = finished.run(program, "--prefix")
        assert (result.stdout, result.stderr) == (f"{finished.path}\n", "")
    assert shlex.split(finished.run(link, "--ldflags").stdout)[0] == f"-L{finished.path}/lib"


@pytest.mark.parametrize("name", ["pip", "pip3", f"pip{MINOR}"])
@pytest.mark.parametrize("how", ["itself", "link", "relative link to a link"])
def test_launchers(name: str, how: str, finished: Finished, tmp_path: Path) -> None:
    program = finished.path / "bin" / name
    if how != "itself":
        (tmp_path / "one").symlink_to(program)
        (tmp_path / "two words").symlink_to("one")
        program = tmp_path / ("one" if how == "link" else "two words")
    told = finished.run(program, "--version").stdout
    assert f"from {finished.path}/{STDLIB}/site-packages/pip" in told


def test_names_of_the_interpreter(finished: Finished) -> None:
    for name in ("python", "python3", f"python{MINOR}"):
        path = finished.path / "bin" / name
        assert finished.run(path, "-c", "import sys; print(sys.prefix)").stdout.strip() == str(finished.path)
        assert not path.is_symlink() or path.readlink() == Path(f"python{MINOR}")


def test_pip_refuses_and_tells_what_to_do(finished: Finished) -> None:
    result = finished.run(finished.path / "bin" / "pip", "install", "--no-index", "spam", code=1)
    assert "externally-managed-environment" in result.stderr
    assert f"python{MINOR} -m venv .venv" in result.stderr
    assert "pyman" in result.stderr


@pytest.mark.parametrize("start", ["installation", "minor link", "bin directory"])
def test_virtual_environments(start: str, finished: Finished, tmp_path: Path) -> None:
    pyman = finished.pyman
    link = pyman.store / f"cpython-{MINOR}-{this_target()}"
    programs = {
        "installation": finished.python,
        "minor link": link / "bin" / f"python{MINOR}",
        "bin directory": pyman.bin / f"python{MINOR}",
    }
    environment = tmp_path / "a venv"
    with_pip = start == "bin directory"  # it takes seconds
    finished.run(programs[start], "-m", "venv", environment, *([] if with_pip else ["--without-pip"]))
    home = finished.path if start == "installation" else link
    assert f"home = {home / 'bin'}\n" in (environment / "pyvenv.cfg").read_text(encoding="utf-8")
    if with_pip:
        told = finished.run(environment / "bin" / "pip", "install", "--no-index", "pip")
        assert "already satisfied" in told.stdout
    told = finished.run(environment / "bin" / "python", "-c", "import sys, ssl; print(sys.base_prefix)")
    assert told.stdout.strip() == str(home)
    inner = tmp_path / "inner"
    finished.run(environment / "bin" / "python", "-m", "venv", "--without-pip", inner)
    assert finished.run(inner / "bin" / "python", "-c", "import ssl; print(1)").stdout == "1\n"


def test_bytecode(finished: Finished) -> None:
    stdlib = finished.path / STDLIB
    for path in (stdlib / "json" / "decoder.py", stdlib / "ssl.py", stdlib / f"{DATA}.py"):
        compiled = (path.parent / "__pycache__" / f"{path.stem}.{TAG}.pyc").read_bytes()
        assert compiled[4:8] == b"\1\0\0\0", "PEP 552: by hash, not checked"
    told = finished.tell("__import__('json').decoder.JSONDecoder.decode.__code__.co_filename")
    assert told == str(stdlib / "json" / "decoder.py")


@pytest.fixture
def small(server: Server, offer: Offer) -> Archive:
    """A build for this machine, of which nothing can be run, and which is therefore not tested."""
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", this_target()))
    offer(archive)
    return archive


QUICK = ("install", "3.13", "--no-smoke-test")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(".cmd") for path in folder.iterdir())


@pytest.mark.usefixtures("small")
def test_default(pyman: Pyman) -> None:
    pyman(*QUICK, "--default")
    assert names_in(pyman.bin) == ["python", "python3", "python3.13"]
    assert pyman("install", "3.13", "--default").stderr.startswith("Already installed")
    pyman("uninstall", "3.13")
    assert names_in(pyman.bin) == []


def test_default_follows_and_goes_with_the_last(small: Archive, pyman: Pyman, offer: Offer) -> None:
    later = small_archive(offer.server.folder, replace(small, version="3.13.6"))
    other = small_archive(offer.server.folder, replace(small, version="3.12.12", release="20251202"))
    pyman(*QUICK, "--default")
    offer(small, later, other)
    pyman("install", "3.13.6", "3.12", "--no-smoke-test")
    if os.name == "posix":
        assert (pyman.bin / "python").resolve().parents[1].name == later.key
    pyman("uninstall", "3.13.6")
    assert names_in(pyman.bin) == ["python", "python3", "python3.12", "python3.13"]
    pyman("uninstall", "3.13")
    assert names_in(pyman.bin) == ["python3.12"]


@pytest.mark.usefixtures("small")
def test_default_leaves_foreign_files_alone(pyman: Pyman) -> None:
    mine = pyman.bin / ("python.cmd" if os.name == "nt" else "python")
    mine.write_text("mine", encoding="utf-8")
    assert f"{mine} is not pyman's" in pyman(*QUICK, "--default").stderr
    pyman("uninstall", "3.13")
    assert mine.read_text(encoding="utf-8") == "mine"
    assert names_in(pyman.bin) == ["python"]


def test_default_is_one(small: Archive, pyman: Pyman, offer: Offer) -> None:
    offer(small, small_archive(offer.server.folder, replace(small, version="3.12.12", release="20251202")))
    result = pyman(*QUICK, "3.12", "--default", code=2)
    assert "--default takes one request" in result.stderr
    assert not pyman.store.exists()


@pytest.mark.usefixtures("small")
def test_without_the_guard(pyman: Pyman) -> None:
    pyman(*QUICK)
    assert list(pyman.store.glob("*/[lL]ib/**/EXTERNALLY-MANAGED"))
    pyman(*QUICK, "--reinstall", "--no-externally-managed")
    assert not list(pyman.store.glob("*/[lL]ib/**/EXTERNALLY-MANAGED"))


def test_dry_run_and_json(small: Archive, pyman: Pyman) -> None:
    result = pyman(*QUICK, "--dry-run", "--json", "--default")
    assert f"Would install {small.key} from " in result.stderr
    for name in ("python", "python3", "python3.13"):
        assert f"Would link {pyman.bin / name}" in result.stderr
    assert [each["key"] for each in result.json["would_install"]] == [small.key]
    assert not pyman.store.exists()
    assert names_in(pyman.bin) == []
    (row,) = pyman(*QUICK, "--json").json["installed"]
    assert Path(row["executable"]).is_file()
    again = pyman(*QUICK, "--json", "--dry-run").json
    assert [each["key"] for each in again["already_installed"]] == [small.key]
    assert again["would_install"] == []


HERE = Path("/store/a b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/install", "/store/a b"),
        ("/install/lib", "/store/a b/lib"),
        ("-L/install/lib -Wl,-rpath,/install/lib", r"-L/store/a\ b/lib -Wl,-rpath,/store/a\ b/lib"),
        ("/install /install/lib", r"/store/a\ b /store/a\ b/lib"),
        (
            "'--prefix=/install' 'CPPFLAGS=-I/install/include'",
            "'--prefix=/store/a b' 'CPPFLAGS=-I/store/a b/include'",
        ),
        ("/usr/bin/install -c", "/usr/bin/install -c"),
        ("./install/lib", "./install/lib"),
        ("/installed/lib", "/installed/lib"),
        ("/opt/install/lib", "/opt/install/lib"),
        ("/install-sh", "/install-sh"),
    ],
)
def test_prefix(value: str, expected: str) -> None:
    assert with_path(value, Spelling.of_values(HERE)) == expected


SDK = "-isysroot /Applications/Xcode_15.2.app/Contents/Developer/SDKs/MacOSX14.2.sdk"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("clang -pthread", "cc -pthread"),
        ("clang++", "c++"),
        ("musl-clang -Wl,--exclude-libs,ALL", "cc -Wl,--exclude-libs,ALL"),
        ("/usr/bin/aarch64-linux-gnu-gcc -pthread", "cc -pthread"),
        ("arm-linux-gnueabihf-g++", "c++"),
        ("gcc", "cc"),
        ("clang-17 -E", "cc -E"),
        ("/tools/llvm/bin/llvm-ar", "ar"),
        ("'CC=clang' 'CXX=clang++'", "'CC=cc' 'CXX=c++'"),
        ("-O3 -fdebug-default-version=4 -fPIC", "-O3 -fPIC"),
        ("-fprofile-instr-use=code.profclangd -I.", "-I."),
        ("-flto=thin -mllvm -x -Wall", "-Wall"),
        ("'CFLAGS=-g -fdebug-default-version=4'", "'CFLAGS=-g '"),
        (f"clang -arch arm64 {SDK} -LModules/_hacl", "cc -arch arm64 -LModules/_hacl"),
        ("code-%p.profclangr", "code-%p.profclangr"),
        ("-I/usr/lib/clang", "-I/usr/lib/clang"),
        ("cpython-312-x86_64-linux-gnu", "cpython-312-x86_64-linux-gnu"),
    ],
)
def test_tools(value: str, expected: str) -> None:
    assert with_tools(value, macos=False) == expected


def test_flags_of_apples_compiler_stay() -> None:
    value = f"clang -target arm64-apple-macos11 -flto=thin {SDK}"
    assert with_tools(value, macos=True) == "cc -target arm64-apple-macos11 -flto=thin "


PATHS = st.text(st.characters(exclude_categories=["C"], exclude_characters="/"), min_size=1, max_size=20)


@settings(deadline=None)
@given(PATHS, PATHS)
def test_any_path_is_one_word(one: str, other: str) -> None:
    place = f"/{one}/{other}"
    spelling = Spelling.of_values(Path(place))
    place = Path(place).as_posix()
    assert with_path("/install/lib", spelling) == f"{place}/lib"
    assert shlex.split(with_path("-a -L/install/lib", spelling)) == ["-a", f"-L{place}/lib"]
    assert shlex.split(with_path("'-L/install/lib' b", spelling)) == [f"-L{place}/lib", "b"]


@settings(deadline=None)
@given(st.text())
def test_only_the_prefix_changes(text: str) -> None:
    if "/install" not in text:
        assert with_path(text, Spelling.of_values(HERE)) == text


@pytest.mark.parametrize(
    "text", ["", "build_time_vars = {", "build_time_vars = f()", "\0", "x = {1: [}", "(" * 5000, "\xff"]
)
def test_data_of_an_unknown_form_stays(text: str, tmp_path: Path) -> None:
    path = tmp_path / "_sysconfigdata_x.py"
    path.write_bytes(text.encode("latin-1"))
    (tmp_path / "_sysconfig_vars_x.json").write_text("[", encoding="utf-8")
    sysconfig_data.settle(tmp_path, tmp_path, HERE, macos=False)
    assert path.read_bytes() == text.encode("latin-1")


def test_the_rest_of_the_data_stays(tmp_path: Path) -> None:
    path = tmp_path / "_sysconfigdata_x.py"
    path.write_text(
        "# é\nimport os\nbuild_time_vars = {'a': '-L/install'\n ' -b', 'n': 1}\nx = 2\n", encoding="utf-8"
    )
    twin = tmp_path / "twin"
    twin.hardlink_to(path)
    sysconfig_data.settle(tmp_path, tmp_path, HERE, macos=False)
    assert path.read_text(encoding="utf-8") == (
        "# é\nimport os\nbuild_time_vars = {\n 'a': '-L/store/a\\\\ b -b',\n 'n': 1,\n}\nx = 2\n"
    )
    assert "/install" in twin.read_text(encoding="utf-8")


def test_names_of_other_variants(tmp_path: Path) -> None:
    for variant, name in (("freethreaded", "python3.13t"), ("debug", "python3.13d"), ("", "python3.13")):
        tree = tmp_path / f"tree{variant}"
        (tree / "bin").mkdir(parents=True)
        (tree / "bin" / name).write_bytes(b"")
        build = "+".join(part for part in ("cpython-3.13.2", variant, "20250409") if part)
        prepare(Installation(Key.parse(f"{build}-linux-riscv64-gnu"), tree), HERE, is_external=True)
        names = {path.name for path in (tree / "bin").iterdir()}
        assert names == {"python", "python3", "python3.13", name}
        assert all((tree / "bin" / each).resolve().name == name for each in names)


def test_names_on_windows(tmp_path: Path) -> None:
    (tmp_path / "python3.13t.exe").write_bytes(b"MZ")
    key = Key.parse("cpython-3.13.2+freethreaded+20250409-windows-x86_64-none")
    launchers.name_interpreter(tmp_path, key)
    assert (tmp_path / "python.exe").samefile(tmp_path / "python3.13t.exe")
    (tmp_path / "Lib").mkdir()
    (tmp_path / "Lib" / "os.py").write_bytes(b"")
    prepare(Installation(key, tmp_path), HERE, is_external=True)
    assert r".venv\Scripts\pip" in (tmp_path / "Lib" / "EXTERNALLY-MANAGED").read_text(encoding="utf-8")


def test_a_static_build_is_finished_too(fixtures: Path, server: Server, offer: Offer) -> None:
    source = fixture_archive(fixtures, "static-full")
    archive = Archive.of_file(source)
    if archive.target == this_target():
        pytest.skip(ELSEWHERE + "this one is about another target than this machine's")
    (server.folder / archive.path).parent.mkdir()
    shutil.copyfile(source, server.folder / archive.path)
    offer(archive)
    offer.pyman("install", "3.13", "--target", archive.target)
    path = offer.pyman.store / archive.key
    (data,) = path.glob("lib/python3.13/_sysconfigdata*.py")
    assert f"'LIBDIR': '{path}/lib'" in data.read_text(encoding="utf-8")
    assert (path / "lib" / "python3.13" / "EXTERNALLY-MANAGED").exists()
