"""pyman inside virtualenv, tox and nox: `--discovery pyman`, as it is shipped, with virtualenv 20 and later.

The older one is in the environment of the tests, where pyman is as well. The tools have an environment of
their own (PYMAN_TEST_TOOLS), which is lent that of the tests behind its own packages.
"""

import os
import platform
import subprocess
import sys
import sysconfig
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.conftest import CHECKOUT, ELSEWHERE, Pyman
from tests.support.builds import Archive, own_form
from tests.support.imports import loaded, started
from tests.support.needs import runs_here
from tests.support.server import Server
from virtualenv.discovery.py_spec import PythonSpec

from pyman.plugin.spec_request import in_own_words, request_of
from pyman.requests.spelling import spelled

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason=f"{ELSEWHERE}the installed Python is for Linux on x86-64",
)

_TOX = "[tox]\nno_package = true\n[testenv]\ncommands = python -c 'import sys; print(sys.base_prefix)'\n"
_TOX += "set_env =\n    VIRTUALENV_DISCOVERY = pyman\n    PYMAN_AUTO_INSTALL = {env:INSTALL:0}\n"
_NOX = "import nox\n@nox.session(venv_backend='virtualenv', venv_params=['-p', '{minor}', '--no-seed'])\n"
_NOX += "def made(session): session.run('python', '-V')\n"
# What a Python of the tools does first: it gets to see pyman as well, and is sealed like the others.
_LEND = """
import pathlib, site
site.addsitedir({packages!r})
seal = pathlib.Path({seal!r})
names = dict(__name__="sitecustomize", __file__=str(seal))
exec(compile(seal.read_text(encoding="utf-8"), seal, "exec"), names)
"""


@pytest.fixture
def archive(fixtures: Path, tools: Path, server: Server, tmp_path: Path, pyman: Pyman) -> Archive:
    """The one build that there is: of another minor version than the Python of the tools."""
    version = "3.12.1" if (tools / "bin" / "python3.13").exists() else "3.13.0"
    path = runs_here(fixtures, version)
    found = Archive.of_file(path)
    (server.folder / found.release).mkdir()
    (server.folder / found.path).symlink_to(path)
    (tmp_path / "metadata.json").write_bytes(own_form([found], server.url))
    pyman.environment["PYMAN_METADATA"] = str(tmp_path / "metadata.json")
    return found


@pytest.fixture
def lent(tools: Path, tmp_path: Path, pyman: Pyman) -> Pyman:
    """A user of the tools who has nothing else on PATH."""
    seal = CHECKOUT / "tests" / "support" / "sealed" / "sitecustomize.py"
    text = _LEND.format(packages=sysconfig.get_path("purelib"), seal=str(seal))
    (tmp_path / "lend").mkdir()
    (tmp_path / "lend" / "sitecustomize.py").write_text(text, encoding="utf-8")
    pyman.environment |= {
        "PATH": str(tools / "bin"),
        "PYTHONPATH": str(tmp_path / "lend"),
        "PIP_NO_INDEX": "1",
        "VIRTUALENV_DISCOVERY": "pyman",
    }
    return pyman


def test_the_entry_point_is_shipped() -> None:
    (found,) = entry_points(group="virtualenv.discovery", name="pyman")
    assert found.value == "pyman.plugin.virtualenv_discovery:Pyman", "`pip install -e .` anew"
    assert found.dist
    assert found.dist.name == "pyman-cli"


def run(user: Pyman, *command: str | Path, code: int = 0, **env: str) -> str:
    """Run a tool and return all that it prints."""
    variables = {name: text for name, text in user.variables(env).items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        command, env=variables, cwd=user.work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout
    assert "Traceback" not in done.stdout
    return done.stdout


def test_tox_and_nox_get_what_is_missing(archive: Archive, lent: Pyman, tools: Path, server: Server) -> None:
    (lent.work / "tox.ini").write_text(_TOX, encoding="utf-8")
    (lent.work / "noxfile.py").write_text(_NOX.format(minor=archive.minor), encoding="utf-8")
    tox: list[str | Path] = [tools / "bin" / "tox", "-e", f"py{archive.minor.replace('.', '')}"]
    told = run(lent, *tox, code=1)
    assert f"pyman: {archive.minor} is not installed; `pyman install {archive.minor}` or PYMAN_AUTO" in told
    told = run(lent, *tox, code=1, INSTALL="1", PYMAN_OFFLINE="1")
    assert "pyman: error: offline: http://127.0.0.1" in told
    assert "pyman: hint: Leave --offline out and PYMAN_OFFLINE unset" in told
    assert server.asked == []
    link = lent.store / f"cpython-{archive.minor}-{archive.target}"
    assert f"\n{link}\n" in run(lent, *tox, INSTALL="1")
    assert server.count(archive.file) == 1
    assert list(lent.bin.iterdir()) == []
    run(lent, tools / "bin" / "nox", PYMAN_OFFLINE="1")
    for made in (lent.work / ".tox").glob("py3*"), (lent.work / ".nox").glob("made"):
        (env,) = made
        assert f"home = {link}/bin\n" in (env / "pyvenv.cfg").read_text(encoding="utf-8")
    used = lent("uninstall", archive.minor, "--json", code=1, env={"PATH": os.environ["PATH"]})
    assert len(used.json["used"][0]["environments"]) == 2


def test_virtualenv_as_its_own_discovery_does(archive: Archive, lent: Pyman, tmp_path: Path) -> None:
    """The older one. What pyman cannot say is left to it, and what it is told comes first."""
    lent("install", archive.minor)
    lent.environment["PYTHONPATH"] = os.environ["PYTHONPATH"]
    link = lent.store / f"cpython-{archive.minor}-{archive.target}"
    other = tmp_path / "other"
    other.symlink_to(next(lent.store.glob("cpython-*+*")))
    cases = {
        ("-p", "3.99", "-p", f"python{archive.minor}"): link,
        ("-p", f"=={archive.minor}", "--try-first-with", str(other / "bin" / "python3")): other,
        ("-p", str(other / "bin" / "python3")): other,
        # As pyman is asked everywhere else, which virtualenv does not read, or reads as another thing.
        ("-p", f"v{archive.minor}"): link,
        ("-p", f"{archive.minor}-latest"): link,
        ("-p", f"cp{archive.minor.replace('.', '')}"): link,
        (): Path(sys.base_prefix),
        ("-p", "3.99", "-p", "python"): Path(sys.base_prefix),
    }
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "virtualenv",
        "--no-seed",
        "--quiet",
        "--app-data",
        tmp_path / "data",
    ]
    for number, (words, prefix) in enumerate(cases.items()):
        assert run(lent, *command, *words, f"env{number}") == ""
        python = lent.work / f"env{number}" / "bin" / "python"
        assert Path(run(lent, python, "-Ic", "import sys; print(sys.base_prefix)").strip()) == prefix, words
    config = lent.home / ".config" / "pyman" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("offline = 3\n", encoding="utf-8")
    told = run(lent, *[word for word in command if word != "--quiet"], "-p", archive.minor, "no", code=1)
    assert f"pyman: {config}, line 1: offline should be true or false" in told, told


def test_it_loads_little(tmp_path: Path) -> None:
    variables = {**os.environ, "PYMAN_HOME": str(tmp_path)}
    done = started(variables, "-I", "-c", "import pyman.plugin.virtualenv_discovery")
    assert "pyman.discovery.finder" in loaded(done)
    assert loaded(done) & {"httpx", "rich", "click", "tomllib", "pyman.api", "pyman.cli"} == set()


@pytest.mark.parametrize(
    ("spec", "request_"),
    {
        "3.12": "cpython-3.12",
        "py312": "cpython-3.12",
        "python3.12.1": "cpython-3.12.1",
        "cpython3": "cpython-3",
        "3.13t": "cpython-3.13+freethreaded",
        "3.12-64": "cpython-3.12",
        "pypy3.10": "pypy-3.10",
        "pypy": "pypy-any",
        "==3.12": "cpython-==3.12.*",
        "==3.12.1": "cpython-==3.12.1",
        ">=3.11, <3.13": "cpython->=3.11,<3.13",
        "pypy>=3.10": "pypy->=3.10",
        "<0": None,
        "python": None,
        "": None,
        "jython2.7": None,
        "/usr/bin/python3": None,
        "some-name": None,
    }.items(),
)
def test_what_a_spec_means(spec: str, request_: str | None) -> None:
    found = request_of(PythonSpec.from_string_spec(spec))
    assert (str(found) if found else None) == request_


@pytest.mark.parametrize(
    ("text", "request_"),
    {
        **dict.fromkeys(
            ("v3.12", "V3.12", "3.12.x", "3.12.*", "cpython@3.12", "any-3.12-any", "cp312"), "3.12"
        ),
        "~3.12": ">=3.12,<3.13",
        "3.12:latest": "3.12:latest",
        "python-3.12.1": "3.12.1",
        **dict.fromkeys(("python", "", "==3.12", "<0", "./3.12", "/usr/bin/python3", "some-name", "latest")),
    }.items(),
)
def test_what_only_pyman_reads(text: str, request_: str | None) -> None:
    found = in_own_words(PythonSpec.from_string_spec(text))
    assert (spelled(found) if found else None) == request_
