"""`pyman find`: which Python would be used."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.builds import Archive
from tests.support.imports import loaded, started
from tests.support.interpreters import TARGET, VERSIONS, alone, facts_file, no_python, script, unpack_others
from tests.support.stores import environment, lay, link_name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the interpreters are for Linux")
OLD, NEW = (Archive(version, "20260101", TARGET) for version in ("3.13.4", "3.13.5"))
HEAVY = {"httpx", "rich", "filelock", "platformdirs", "packaging", "asyncio", "subprocess", "tomllib", "ssl"}


@pytest.fixture(scope="module")
def pyenv(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyenv with 3.12.1 and 3.13.0, which nothing writes to."""
    return unpack_others(fixtures, tmp_path_factory.getbasetemp())


@pytest.fixture
def managed(pyman: Pyman) -> Pyman:
    """A pyman which has 3.13.4 and 3.13.5 installed, which do not run, and sees no other Pythons."""
    alone(pyman)
    pyman.environment["PYMAN_TARGET"] = TARGET
    lay(pyman.store, OLD, NEW)
    return pyman


def python_of(pyenv: Path, version: str) -> Path:
    return pyenv / "versions" / version / "bin" / f"python{version.rpartition('.')[0]}"


def venv(folder: Path, python: Path) -> Path:
    """Make a real virtual environment."""
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", folder], check=True)
    return folder


def interpreter(pyman: Pyman, *args: str | Path, cwd: Path | None = None) -> dict[str, Any]:
    (found,) = pyman("find", "--json", *args, cwd=cwd).json["interpreters"]
    assert isinstance(found, dict)
    return found


def test_managed_by_the_minor_link(managed: Pyman) -> None:
    """So that a virtual environment made with it follows upgrades."""
    through_link = managed.store / link_name(NEW) / "bin" / "python3.13"
    for request in ("3.13", ">=3.12", "~=3.13.1", "cpython-3.13-linux"):
        assert managed("find", request).stdout == f"{through_link}\n"
    assert managed("find").stdout == f"{through_link}\n"
    assert not facts_file(managed).exists()


@pytest.mark.parametrize(
    ("request_text", "archive"),
    [("3.13.5", NEW), ("3.13.4", OLD), ("3.13.5+20260101", NEW), ("==3.13.5", NEW), ("<3.13.5", OLD)],
)
def test_a_patch_that_was_named_is_meant_for_ever(
    request_text: str, archive: Archive, managed: Pyman
) -> None:
    assert managed("find", request_text).stdout == f"{managed.store / archive.key}/bin/python3.13\n"


def test_resolve_links_and_show_version(managed: Pyman) -> None:
    assert managed("find", "3.13", "--resolve-links").stdout == f"{managed.store / NEW.key}/bin/python3.13\n"
    assert managed("find", "3.13", "--show-version").stdout == "3.13.5\n"


def test_without_a_minor_link(managed: Pyman) -> None:
    (managed.store / link_name(NEW)).unlink()
    assert managed("find", "3.13").stdout == f"{managed.store / NEW.key}/bin/python3.13\n"
    (managed.store / link_name(NEW)).symlink_to(OLD.key)
    assert managed("find", "3.13").stdout == f"{managed.store / NEW.key}/bin/python3.13\n"


def test_json(managed: Pyman) -> None:
    assert interpreter(managed, "3.13") == {
        "path": str(managed.store / link_name(NEW) / "bin" / "python3.13"),
        "name": NEW.key,
        "implementation": "cpython",
        "version": "3.13.5",
        "variant": "default",
        "target": TARGET,
        "where": "managed",
        "store": "user",
        "environment": None,
    }


def test_a_managed_one_needs_nothing_heavy(managed: Pyman) -> None:
    done = started(managed.variables(), "-m", "pyman", "find", "3.13", cwd=managed.work)
    assert done.returncode == 0, done.stderr
    assert "pyman.discovery.finder" in loaded(done)
    assert (
        loaded(done)
        & (HEAVY | {"pyman.discovery.discover", "pyman.project.project_request", "pyman.discovery.interview"})
        == set()
    )


def test_managed_before_others(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    lay(pyman.store, Archive("3.12.0", "20260101", TARGET))
    assert interpreter(pyman, "3.12")["where"] == "managed"
    assert interpreter(pyman, "3.12.1")["where"] == "pyenv"
    assert interpreter(pyman, "3.13")["where"] == "pyenv"
    assert interpreter(pyman)["version"] == "3.12.0"
    assert pyman("find", "3.13", "--managed-only", code=1).stdout == ""


def test_path_before_well_known_places(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "python3").symlink_to(python_of(pyenv, "3.12.1"))
    alone(pyman, tmp_path / "links", pyenv=pyenv)
    assert interpreter(pyman)["path"] == str(tmp_path / "links" / "python3")
    assert interpreter(pyman, "3.12") | {"where": "PATH"} == interpreter(pyman, "3.12")
    assert interpreter(pyman, "3.13")["path"] == str(python_of(pyenv, "3.13.0"))


def test_nothing_found(managed: Pyman) -> None:
    error, hint = managed("find", "3.99", code=1).stderr.splitlines()
    assert error == "error: no Python found for the request: 3.99"
    assert hint.startswith("hint: ")
    error, hint = managed("find", "--managed-only", "3.12", code=1).stderr.splitlines()
    assert "`pyman install 3.12` installs cpython-3.12." in hint
    assert '`pyman install ">=3.8,<3.12"`' in managed("find", "--managed-only", ">=3.8,<3.12", code=1).stderr


def test_no_request(managed: Pyman) -> None:
    assert managed("find", "three", code=2).stderr.splitlines()[1].startswith("hint: ")


def test_environments_come_first(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    alone(pyman, pyenv=pyenv)
    active = venv(tmp_path / "active", python_of(pyenv, "3.12.1"))
    project = pyman.work / "project" / "inside"
    project.mkdir(parents=True)
    near = venv(project.parent / ".venv", python_of(pyenv, "3.13.0"))
    (project / ".python-version").write_text("3.99\n", encoding="utf-8")

    found = interpreter(pyman, cwd=project)
    assert (found["where"], found["path"], found["version"]) == (".venv", f"{near}/bin/python", "3.13.0")
    assert found["environment"] == str(near)
    pyman.environment["VIRTUAL_ENV"] = str(active)
    found = interpreter(pyman, cwd=project)
    assert (found["where"], found["path"], found["version"]) == (
        "VIRTUAL_ENV",
        f"{active}/bin/python",
        "3.12.1",
    )
    assert interpreter(pyman, "3.13", cwd=project)["path"] == f"{near}/bin/python"
    assert interpreter(pyman, "3.13")["where"] == "pyenv", "an environment that does not fit is passed over"
    assert interpreter(pyman, "3.12", "--system", cwd=project)["where"] == "pyenv"
    assert "3.99" in pyman("find", "--system", cwd=project, code=1).stderr
    assert "error" in pyman("find", "--managed-only", cwd=project, code=1).stderr


def test_environments_are_read_not_started(pyman: Pyman, tmp_path: Path) -> None:
    alone(pyman)
    home = tmp_path / "home" / "bin"
    script(home / "python3.11", f"touch {tmp_path}/started")
    for name, line, version in (
        ("venv", "version = 3.11.4", "3.11.4"),
        ("virtualenv", "implementation = CPython\nversion_info = 3.11.4.final.0", "3.11.4"),
        ("virtualenv-rc", "version_info = 3.15.0.candidate.2", "3.15.0rc2"),
        ("uv", "implementation = CPython\nversion_info = 3.11.4", "3.11.4"),
        ("PyPy", "implementation = PyPy\nversion_info = 3.11.4.final.0", "3.11.4"),
    ):
        pyman.environment["VIRTUAL_ENV"] = str(environment(tmp_path / name, home, line))
        found = interpreter(pyman)
        assert (found["version"], found["where"]) == (version, "VIRTUAL_ENV")
        assert found["implementation"] == ("pypy" if name == "PyPy" else "cpython")
    assert not (tmp_path / "started").exists()


def test_an_environment_that_followed_an_upgrade(managed: Pyman) -> None:
    """What its settings say was true when it was made."""
    home = managed.store / link_name(NEW) / "bin"
    environment(managed.work / ".venv", home, "version = 3.13.4")
    found = interpreter(managed)
    assert (found["version"], found["name"], found["where"]) == ("3.13.5", NEW.key, ".venv")
    assert interpreter(managed, "3.13.5")["where"] == ".venv"
    assert interpreter(managed, "3.13.4")["where"] == "managed"
    assert list((managed.store / ".environments").iterdir()), "pyman has met it"


def test_an_environment_whose_python_is_gone_is_named(managed: Pyman, tmp_path: Path) -> None:
    """With the command that makes it anew; then the search goes on."""
    own = environment(managed.work / ".venv", tmp_path / "gone", "version = 3.13.4")
    active = environment(tmp_path / "its own", tmp_path / "gone", "version_info = 3.12.4", "uv = 0.9.1")
    (own / "lib" / "python3.13t").mkdir(parents=True)
    managed.environment["VIRTUAL_ENV"] = str(active)
    found = managed("find", "--json")
    assert found.json["interpreters"][0]["where"] == "managed"
    commands = (f"uv venv --clear --python 3.12 '{active}'", f"pyman venv --clear 3.13t {own}")
    assert found.stderr.splitlines() == [
        f"warning: the Python of {folder} is gone: `{command}` makes the environment anew"
        for folder, command in zip((active, own), commands, strict=True)
    ]
    for quiet in (["--quiet"], ["--system"], ["--managed-only"]):
        assert managed("find", "3.13", *quiet).stderr == ""


def test_the_command_that_makes_an_environment_anew(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    alone(pyman, pyenv=pyenv)
    pyman.environment["PYTHONPATH"] = ""  # what is run is outside of the seal
    place = environment(pyman.work / ".venv", tmp_path / "gone", "version = 3.12.9")
    told = pyman("find", "--show-version")
    assert told.stdout == "3.13.0\n"
    *words, folder = told.stderr.partition("`pyman ")[2].partition("`")[0].split()
    pyman(*words, "--without-pip", folder)
    found = interpreter(pyman)
    assert (found["environment"], found["version"]) == (str(place), "3.12.1")


def test_an_advisory_that_is_open_is_told_once(pyman: Pyman) -> None:
    alone(pyman)
    pyman.environment["PYMAN_TARGET"] = "linux-x86_64-gnu"
    bad = Archive("3.13.3", "20250517", "linux-x86_64-gnu")
    lay(pyman.store, bad, Archive("3.12.1", "20250517", "linux-aarch64-gnu"))
    path = f"{pyman.store}/{link_name(bad)}/bin/python3.13\n"
    found = pyman("find", "3.13")
    assert found.stdout == path
    (warning,) = found.stderr.splitlines()
    assert warning.startswith(f"warning: {bad.key} is known to be bad: it was miscompiled")
    assert warning.endswith("; `pyman audit` tells what mends it")
    quiet = pyman("find", "3.13", "-q")
    assert (quiet.stdout, quiet.stderr) == (path, "")
    script(pyman.store / bad.key / "bin" / "python3.13", "echo $1")
    ran = pyman("run", "3.13", "-V")
    assert (ran.stdout, ran.stderr) == ("-V\n", f"{warning}\n")
    ran = pyman("run", "--quiet", "3.13", "-q")
    assert (ran.stdout, ran.stderr) == ("-q\n", "")
    environment(pyman.work / ".venv", pyman.store / bad.key / "bin", "version = 3.13.3")
    assert pyman("find", "--show-version").stderr == f"{warning}\n", "an environment has its Python's faults"


def test_conda(pyman: Pyman, pyenv: Path) -> None:
    """Its environments have no settings, and are asked; its base is an installation like others."""
    alone(pyman)
    pyman.environment |= {"CONDA_PREFIX": str(pyenv / "versions" / "3.12.1"), "CONDA_DEFAULT_ENV": "work"}
    found = interpreter(pyman)
    assert (found["where"], found["version"]) == ("CONDA_PREFIX", "3.12.1")
    assert interpreter(pyman, "3.12")["where"] == "CONDA_PREFIX"
    pyman.environment["CONDA_DEFAULT_ENV"] = "base"
    assert pyman("find", "3.12.1", code=1).stdout == ""


def test_free_threaded_environment(pyman: Pyman, tmp_path: Path) -> None:
    alone(pyman)
    script(tmp_path / "home" / "bin" / "python3.13t", "exit 1")
    folder = environment(pyman.work / ".venv", tmp_path / "home" / "bin", "version = 3.13.1")
    (folder / "lib" / "python3.13t").mkdir(parents=True)
    assert interpreter(pyman)["variant"] == "freethreaded"
    assert interpreter(pyman, "3.13t")["where"] == ".venv"
    assert pyman("find", "3.13.1", code=1).stdout == ""


def test_version_files(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    inside = pyman.work / "a" / "b"
    inside.mkdir(parents=True)
    for version in VERSIONS:
        (pyman.work / ".python-version").write_text(f"{version}\n", encoding="utf-8")
        assert interpreter(pyman, cwd=inside)["version"] == version
    assert interpreter(pyman, "3.12", cwd=inside)["version"] == "3.12.1"
    (pyman.work / ".python-version").write_text("3.98\n", encoding="utf-8")
    assert f"({pyman.work}/.python-version asks for it)" in pyman("find", code=1, cwd=inside).stderr


def test_system_in_a_version_file(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    lay(pyman.store, OLD)
    (pyman.work / ".python-version").write_text("system\n", encoding="utf-8")
    assert interpreter(pyman)["where"] == "pyenv"
    assert "a Python of the system" in pyman("find", "--managed-only", code=1).stderr


def test_requires_python(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    project = pyman.work / "pyproject.toml"
    own = pyman.home / ".config" / "pyman" / ".python-version"
    own.parent.mkdir(parents=True)

    project.write_text('[project]\nrequires-python = ">=3.12, <3.13"\n', encoding="utf-8")
    assert interpreter(pyman)["version"] == "3.12.1"
    own.write_text("3.13\n", encoding="utf-8")
    assert interpreter(pyman)["version"] == "3.12.1", "the user's own pin is ruled out"
    project.write_text('[project]\nrequires-python = ">=3.12"\n', encoding="utf-8")
    assert interpreter(pyman)["version"] == "3.13.0"
    own.write_text("3.12\n", encoding="utf-8")
    assert interpreter(pyman)["version"] == "3.12.1"
    project.write_text("[project]\nname = 'x'\n", encoding="utf-8")
    assert interpreter(pyman)["version"] == "3.12.1"
    project.unlink()
    assert interpreter(pyman)["version"] == "3.12.1"


@pytest.mark.parametrize(
    "text", ["not toml", "[project]\nrequires-python = '3.12'", "[project]\nrequires-python = 3"]
)
def test_a_damaged_project_file_is_a_warning(text: str, managed: Pyman) -> None:
    (managed.work / "pyproject.toml").write_text(text, encoding="utf-8")
    result = managed("find", "--show-version")
    assert result.stdout == "3.13.5\n"
    assert result.stderr.startswith("warning: ")
    assert "pyproject.toml" in result.stderr


def test_a_path_in_place_of_a_request(managed: Pyman, pyenv: Path, tmp_path: Path) -> None:
    python = python_of(pyenv, "3.12.1")
    env = venv(managed.work / "env", python)
    own = managed.store / OLD.key
    for typed, path, where in (
        (str(python), python, "path"),
        (str(python.parents[1]), python.with_name("python"), "path"),
        (str(python.parent), python.with_name("python"), "path"),
        ("./env", env / "bin" / "python", "path"),
        ("env", env / "bin" / "python", "path"),
        ("env/bin/python3", env / "bin" / "python3", "path"),
        (str(own / "bin" / "python3.13"), own / "bin" / "python3.13", "managed"),
    ):
        found = interpreter(managed, typed)
        assert (found["path"], found["where"]) == (str(path), where)
        assert found["version"] == ("3.13.4" if where == "managed" else "3.12.1")
    assert interpreter(managed, "./env")["environment"] == str(env)
    (tmp_path / "3.13").mkdir()
    assert interpreter(managed, "3.13", cwd=tmp_path)["where"] == "managed", "it is a request all the same"


def test_paths_without_an_interpreter(managed: Pyman, tmp_path: Path) -> None:
    for path, words in (
        (tmp_path / "none", "no file"),
        ("~nobody-of-that-name/python", "no home directory"),
        (tmp_path, "no interpreter in"),
        (script(tmp_path / "script" / "python3", f"touch {tmp_path}/started"), "not a Python"),
        (no_python(tmp_path / "other" / "python3"), "not a Python"),
    ):
        told = managed("find", path, code=1).stderr
        assert words in told
        assert "hint: " in told
    assert not (tmp_path / "started").exists()


def test_machines_without_builds_still_have_pythons(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    found = pyman("find", "3.12", env={"PYMAN_TARGET": "windows-x86_64-none"})
    assert found.stdout == f"{python_of(pyenv, '3.12.1')}\n"


def test_prints_paths_that_are_no_utf8(managed: Pyman) -> None:
    folder = os.fsdecode(os.fsencode(managed.work) + b"/\xff")
    Path(folder).mkdir()
    env = environment(Path(folder, ".venv"), managed.store / link_name(NEW) / "bin", "version = 3.13.4")
    done = subprocess.run(
        managed.command("find"), env=managed.variables(), cwd=folder, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, os.fsencode(env / "bin" / "python"))
