"""A real interpreter made with `--slim`: what images do with it works, and what is missing says so."""

import json
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman, Result, checked
from tests.support.builds import Archive, own_form
from tests.support.needs import MUSL, compiler, runs_here
from tests.support.repack import this_target

MODULE = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "spam", "made against kept headers", -1, NULL};
PyMODINIT_FUNC PyInit_spam(void) { return PyModule_Create(&module); }
"""
MINOR = "3.13" if MUSL else "3.12"
# What each leaves out, as those who can do without ask for it.
WITHOUT = """
import importlib.util
missing = []
for name in {names}:
    try:
        __import__(name)
    except ImportError as error:
        assert type(error) is ModuleNotFoundError
        assert error.name == name.partition(".")[0], error.name
        missing.append(str(error))
print("\\n".join(missing))
"""
LEFT_OUT = {
    "idlelib.config": "idle",
    "turtledemo": "turtledemo",
    "tkinter.ttk": "tkinter",
    "turtle": "tkinter",
}
LEFT_OUT |= {"pydoc_data.topics": "pydoc-data"} | (
    {} if MUSL else {"lib2to3": "lib2to3", "_tkinter": "tkinter"}
)


@dataclass(frozen=True, slots=True)
class Slim:
    """An installation, and what pyman told of it."""

    pyman: Pyman
    path: Path
    told: Result

    def run(self, *command: str | Path, code: int = 0, cwd: Path | None = None) -> Result:
        """Run a command of it, outside the seal."""
        done = subprocess.run(
            [self.path / "bin" / command[0], *command[1:]],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.pyman.home)},
            cwd=cwd or self.pyman.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return checked(Result(done.stdout, done.stderr, done.returncode), code)


@pytest.fixture(scope="module")
def slim(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Slim:
    """The fixture that runs here, with its headers kept and open to pip, as in an image."""
    source = runs_here(fixtures, "3.12.1")
    archive = Archive.of_file(source)
    if archive.target != this_target():
        pytest.skip(ELSEWHERE + "the fixtures are for another machine")
    pyman = Pyman(tmp_path_factory.mktemp("slim"))
    for folder in (pyman.home, pyman.bin, pyman.work, pyman.root / archive.release):
        folder.mkdir(parents=True)
    shutil.copyfile(source, pyman.root / archive.path)
    (pyman.root / "metadata.json").write_bytes(own_form([archive]))
    pyman.environment |= {
        "PYMAN_METADATA": str(pyman.root / "metadata.json"),
        "PYMAN_MIRROR": str(pyman.root),
    }
    told = pyman("install", MINOR, "--slim", "--keep", "headers", "--no-externally-managed", "--json")
    return Slim(pyman, pyman.store / archive.key, told)


def test_the_ledger(slim: Slim) -> None:
    (made,) = slim.told.json["installed"]
    out = made["left_out"]
    files = [path for path in slim.path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert out["after"] == sum(path.stat().st_size for path in files if path.name != ".pyman.json")
    assert out["before"] - out["after"] == sum(out["parts"].values()) > 4_000_000
    assert {"ensurepip", "idle", "man", "pydoc-data", "tkinter", "turtledemo"} <= out["parts"].keys()
    assert "headers" not in out["parts"]
    assert out["after"] < 45_000_000
    assert f"({out['before'] / 1e6:.1f} MB become {out['after'] / 1e6:.1f} MB)" in slim.told.stderr


@pytest.mark.parametrize("flags", [[], ["-I", "-S"]], ids=["plain", "isolated"])
def test_what_is_missing_says_so(flags: list[str], slim: Slim) -> None:
    told = slim.run("python3", *flags, "-c", WITHOUT.format(names=list(LEFT_OUT))).stdout.splitlines()
    assert told == [
        f"No module named {name.partition('.')[0]!r}: it was left out by --slim; reinstall with --keep {part}"
        for name, part in LEFT_OUT.items()
    ]


def test_environments_get_the_pip_that_is_there(slim: Slim) -> None:
    place = slim.pyman.work / "an environment"
    slim.run("python3", "-m", "venv", place)
    pip = next((slim.path / "lib").glob("python3*/site-packages/pip-*.dist-info")).name[4:-10]
    assert slim.run(place / "bin" / "pip", "--version").stdout.startswith(f"pip {pip} from {place}")
    assert slim.run(place / "bin" / "pip", "check").stdout == "No broken requirements found.\n"
    listed = sorted(path.name for path in (place / "bin").glob("pip*"))
    assert listed == ["pip", "pip3", f"pip{MINOR}"]
    assert slim.run("python3", "-m", "ensurepip", "--version").stdout == f"pip {pip}\n"
    # What pip installed is whole, by the list of the files that it keeps.
    script = "import importlib.metadata as m; print(sum(not f.locate().exists() for f in m.files('pip')))"
    assert slim.run(place / "bin" / "python", "-c", script).stdout == "0\n"


@compiler
def test_an_extension_and_libraries(slim: Slim) -> None:
    place = slim.pyman.work / "extension"
    place.mkdir()
    (place / "spam.c").write_text(MODULE, encoding="utf-8")
    names = ["CC", "CCSHARED", "INCLUDEPY", "LDSHARED", "EXT_SUFFIX"]
    code = f"import json, sysconfig; print(json.dumps([sysconfig.get_config_var(n) for n in {names}]))"
    cc, ccshared, include, ldshared, suffix = json.loads(slim.run("python3", "-c", code).stdout)
    for command in (
        f"{cc} {ccshared} -I{shlex.quote(include)} -c spam.c -o spam.o",
        f"{ldshared} spam.o -o spam{suffix}",
    ):
        subprocess.run(shlex.split(command), cwd=place, check=True)
    code = (
        "import spam, ssl, sqlite3, ctypes, zlib, lzma, hashlib, unittest, pydoc, venv; print(spam.__doc__)"
    )
    assert slim.run("python3", "-c", code, cwd=place).stdout == "made against kept headers\n"


def test_without_pip_it_says_what_to_do(slim: Slim) -> None:
    pyman = slim.pyman
    told = pyman("install", MINOR, "--reinstall", "--no-pip", "--json")
    (made,) = told.json["installed"]
    assert made["made_with"]["keep"] == ["headers"]
    assert made["left_out"]["parts"]["pip"] > 5_000_000
    assert not list((slim.path / "bin").glob("pip*"))
    refused = slim.run("python3", "-m", "ensurepip", code=1)
    assert refused.stderr.startswith("pip is not in this Python")
    assert "--without-pip" in refused.stderr
    slim.run("python3", "-m", "venv", "--without-pip", pyman.work / "bare")
    assert "is intact" in pyman("verify").stderr
