"""Interpreters that pyman did not install: how they are found, asked once, and passed over when broken."""

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.interpreters import (
    TARGET,
    alone,
    answering,
    facts_file,
    forking,
    hanging,
    no_python,
    running,
    script,
    unpack_others,
)
from tests.support.waiting import wait_for

from pyman.discovery.registered import registered
from pyman.discovery.search_places import interpreters_in, minor_in, places

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the interpreters are for Linux")
x86_64 = pytest.mark.skipif(platform.machine() != "x86_64", reason=f"{ELSEWHERE}programs for x86-64")


@pytest.fixture(scope="module")
def pyenv(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyenv with 3.12.1 and 3.13.0, which nothing writes to."""
    return unpack_others(fixtures, tmp_path_factory.getbasetemp())


def foreign(pyman: Pyman, *args: str) -> list[dict[str, Any]]:
    """Return what `pyman list` shows of what the system itself has not."""
    rows: list[dict[str, Any]] = pyman("list", "--json", *args).json["foreign"]
    return [row for row in rows if not row["executable"].startswith(("/usr/", "/bin/"))]


def link(folder: Path, name: str, program: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).symlink_to(program)
    return folder / name


def test_list_shows_them(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    rows = foreign(pyman)
    assert [(row["name"], row["where"]) for row in rows] == [
        (f"cpython-3.13.0-{TARGET}", "pyenv"),
        (f"cpython-3.12.1-{TARGET}", "pyenv"),
    ]
    facts = {"implementation": "cpython", "version": "3.13.0", "variant": "default", "end_of_life": "2029-10"}
    assert facts.items() <= rows[0].items()
    assert rows[0]["executable"] == str(pyenv / "versions" / "3.13.0" / "bin" / "python3.13")
    table = pyman("list", "3.12").stdout
    assert str(pyenv / "versions" / "3.12.1" / "bin" / "python3.12") in table
    assert "3.13.0" not in table


@x86_64
@pytest.mark.parametrize(("minor", "end"), [(6, "2021-12"), (7, "2023-06"), (8, "2024-10")])
def test_old_ones_are_past_their_end(pyman: Pyman, tmp_path: Path, minor: int, end: str) -> None:
    old = answering(tmp_path / "old" / f"python3.{minor}", f"3.{minor}.1")
    alone(pyman, old.parent)
    (row,) = foreign(pyman, f"3.{minor}")
    assert (row["executable"], row["end_of_life"]) == (str(old), end)
    assert f"end of life {end}" in pyman("list", f"3.{minor}").stdout


def test_list_leaves_them_out(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    for option in ("--managed-only", "--only-installed", "--only-available", "--target=linux-riscv64-gnu"):
        assert "foreign" not in pyman("list", "--json", option, "3.12").json
    assert str(pyenv) not in pyman("list", "--managed-only", "3.12").stdout
    assert not facts_file(pyman).exists()


def test_each_once_by_its_most_telling_name(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    python = pyenv / "versions" / "3.12.1" / "bin" / "python3.12"
    for name in ("python", "python3", "python3.12"):
        link(tmp_path / "links", name, python)
    alone(pyman, tmp_path / "links", python.parent, tmp_path / "links", pyenv=pyenv)
    rows = [row for row in foreign(pyman) if row["version"] == "3.12.1"]
    assert [(row["executable"], row["where"]) for row in rows] == [
        (str(tmp_path / "links" / "python3"), "PATH")
    ]


def test_asked_once(pyman: Pyman, pyenv: Path) -> None:
    """What stands in the file is believed: so nothing was started the second time."""
    alone(pyman, pyenv=pyenv)
    pyman("find", "3.12")
    file = facts_file(pyman)
    known = file.read_text(encoding="utf-8")
    assert "python3.12" in known
    assert str(pyenv / "versions" / "3.13.0") not in known, "its name told that it does not fit"
    file.write_text(known.replace("cpython-3.12.1", "cpython-3.12.77"), encoding="utf-8")
    assert pyman("find", "3.12", "--show-version").stdout == "3.12.77\n"


@pytest.mark.parametrize("part", [0, 1], ids=["size", "time of change"])
def test_asked_again_when_it_changes(part: int, pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    pyman("find", "3.12")
    document = json.loads(facts_file(pyman).read_text(encoding="utf-8"))
    for entry in document["interpreters"].values():
        entry[3] = entry[3].replace("3.12.1", "3.12.77")
        entry[part] += 1
    facts_file(pyman).write_text(json.dumps(document), encoding="utf-8")
    assert pyman("find", "3.12", "--show-version").stdout == "3.12.1\n"


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "[]",
        '{"format": 1}',
        '{"format": 1, "interpreters": {"/x": 3}}',
        '{"format": 99}',
    ],
)
def test_damaged_answers_are_asked_anew(damage: str, pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    facts_file(pyman).parent.mkdir(parents=True)
    facts_file(pyman).write_text(damage, encoding="utf-8")
    result = pyman("find", "3.13", "--show-version")
    assert (result.stdout, result.stderr) == ("3.13.0\n", "")
    assert "3.13.0" in facts_file(pyman).read_text(encoding="utf-8")


def test_works_where_answers_cannot_be_kept(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    (pyman.home / ".cache").write_text("no folder", encoding="utf-8")
    assert pyman("find", "3.13", "--show-version").stdout == "3.13.0\n"


def test_several_at_once_leave_a_whole_file(pyman: Pyman, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    running = [pyman.start("find", f"3.{minor}") for minor in (12, 13, 12, 13)]
    for process in running:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 0, told
    json.loads(facts_file(pyman).read_text(encoding="utf-8"))
    assert [entry.name for entry in facts_file(pyman).parent.iterdir()] == ["facts.json"]


def test_broken_shims_cost_nothing(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    shims = tmp_path / "shims"
    for minor in range(6, 13):
        script(shims / f"python3.{minor}", f"echo started >> {tmp_path}/started; sleep 30; exit 127")
    alone(pyman, shims, pyenv=pyenv)
    began = time.monotonic()
    result = pyman("list", "--json")
    assert time.monotonic() - began < 20
    assert result.stderr == ""
    assert not [row for row in result.json["foreign"] if str(shims) in row["executable"]]
    assert pyman("list").stderr == ""
    assert f"{shims}" not in pyman("find", ">=3.6").stdout
    assert not (tmp_path / "started").exists()


def test_shims_stand_for_what_pyenv_has_selected(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "shims").mkdir(parents=True)
    (root / "versions").symlink_to(pyenv / "versions")
    script(root / "shims" / "python3", "exit 9")
    alone(pyman, root / "shims", pyenv=root)
    assert pyman("find", "--show-version").stdout == "3.13.0\n"
    (root / "version").write_text("system\n3.12.1\n", encoding="utf-8")
    assert pyman("find", "--show-version").stdout == "3.12.1\n"
    assert pyman("find", "--show-version", env={"PYENV_VERSION": "3.13.0:x"}).stdout == "3.13.0\n"


@x86_64
def test_what_hangs_is_asked_less_and_less_often_and_no_python_once(pyman: Pyman, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three", "four")]
    for folder in folders:
        hanging(folder / "python3.14")
    no_python(tmp_path / "two" / "python3")
    (tmp_path / "two" / "python3.11").write_bytes(b"")
    (tmp_path / "two" / "python3.11").chmod(0o755)
    alone(pyman, *folders)
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert foreign(pyman) == []
        took.append(time.monotonic() - began)
    assert 2.4 < took[0] < 9.9, "all wait at the same time"
    assert 2.4 < took[1] < 9.9, "it may have been slow for once"
    assert took[2] < took[1]
    document = json.loads(facts_file(pyman).read_text(encoding="utf-8"))
    refused = document["interpreters"]
    assert [refused[str(tmp_path / n)][3] for n in ("one/python3.14", "two/python3")] == ["", ""]
    assert [refused[str(folder / "python3.14")][6] for folder in folders] == [2] * 4, "the third asked nobody"
    for entry in refused.values():
        entry[2] -= 11  # seconds ago
    facts_file(pyman).write_text(json.dumps(document), encoding="utf-8")
    began = time.monotonic()
    assert foreign(pyman) == []
    assert 2.4 < time.monotonic() - began < 9.9
    refused = json.loads(facts_file(pyman).read_text(encoding="utf-8"))["interpreters"]
    assert [refused[str(tmp_path / n)][6] for n in ("one/python3.14", "two/python3")] == [3, 0]


@x86_64
def test_what_was_slow_once_is_found_the_next_time(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(pyenv / "versions" / "3.13.0", tree, symlinks=True)
    program, aside = tree / "bin" / "python3.13", tree / "bin" / "aside"
    program.rename(aside)
    status = aside.stat()
    hanging(program, status.st_size)
    os.utime(program, ns=(status.st_atime_ns, status.st_mtime_ns))
    alone(pyman, tree / "bin")
    assert foreign(pyman) == []
    aside.rename(program)
    assert [row["version"] for row in foreign(pyman)] == ["3.13.0"]
    assert pyman("find", "3.13").stdout.strip() == str(program)


@x86_64
@pytest.mark.usefixtures("usual_hangup")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_what_hangs_is_ended_with_pyman(name: str, code: int, pyman: Pyman, tmp_path: Path) -> None:
    program = forking(tmp_path / "one" / "python3.14")
    alone(pyman, tmp_path / "one")
    process = pyman.start("list")
    wait_for(lambda: len(running(program)) == 2, seconds=20)
    process.send_signal(getattr(signal, name))
    told = process.communicate(timeout=20)[1]
    assert process.returncode == code, told
    assert "Traceback" not in told
    assert "Exception ignored" not in told
    wait_for(lambda: running(program) == [], seconds=20)


@x86_64
def test_what_hangs_is_ended_with_what_it_started(pyman: Pyman, tmp_path: Path) -> None:
    program = forking(tmp_path / "one" / "python3.14")
    alone(pyman, tmp_path / "one")
    assert foreign(pyman) == []
    assert running(program) == []


@x86_64
def test_a_refusal_counts_for_a_day(pyman: Pyman, tmp_path: Path, pyenv: Path) -> None:
    alone(pyman, pyenv=pyenv)
    pyman("find", "3.13")
    document = json.loads(facts_file(pyman).read_text(encoding="utf-8"))
    (path,) = document["interpreters"]
    document["interpreters"][path][3] = ""
    facts_file(pyman).write_text(json.dumps(document), encoding="utf-8")
    assert pyman("find", "3.13", "--managed-only", code=1).stdout == ""
    assert str(pyenv) not in pyman("list", "3.13").stdout
    document["interpreters"][path][2] -= 24 * 3600 + 1
    facts_file(pyman).write_text(json.dumps(document), encoding="utf-8")
    assert pyman("find", "3.13").stdout.startswith(str(pyenv))
    assert not (tmp_path / "unused").exists()


def test_environments_and_pymans_own_are_not_foreign(pyman: Pyman, pyenv: Path, tmp_path: Path) -> None:
    python = pyenv / "versions" / "3.13.0" / "bin" / "python3.13"
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    own = pyman.store / f"cpython-3.13.0+20241016-{TARGET}"
    own.parent.mkdir()
    own.symlink_to(python.parents[1])
    alone(pyman, tmp_path / "env" / "bin", own / "bin")
    assert [row["executable"] for row in foreign(pyman)] == [str(own / "bin" / "python3.13")]
    own.unlink()
    (python.parents[1]).rename(own)
    try:
        assert foreign(pyman) == []
    finally:
        own.rename(python.parents[1])


def test_shims_that_are_links_are_not_started(pyman: Pyman, tmp_path: Path) -> None:
    """mise and the like link `python` to their own program."""
    tool = script(tmp_path / "tool", f"touch {tmp_path}/started")
    link(tmp_path / "shims", "python3", tool)
    link(tmp_path / "shims", "python", tmp_path / "shims" / "python")  # a loop
    alone(pyman, tmp_path / "shims")
    assert foreign(pyman) == []
    assert not (tmp_path / "started").exists()


def test_names_of_interpreters(tmp_path: Path) -> None:
    names = ["python3.9", "python3.13t", "python", "python3", "python3-config", "python3.13", "pypy3", "pip3"]
    for name in [*names, "python3.13.1", "python2.7", "ipython3", "python3.exe"]:
        (tmp_path / name).touch()
    assert interpreters_in(str(tmp_path)) == [
        "python3.exe", "python3", "python", "python3.13t", "python3.13", "python3.9", "pypy3",
    ]  # fmt: skip
    assert interpreters_in(str(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("name", "minor"),
    [
        ("python3.12", 12),
        ("3.9.1", 9),
        ("pypy3.10-7.3.16", 10),
        ("cpython-3.13.1-linux", 13),
        ("python3", None),
    ],
)
def test_minor_in_a_name(name: str, minor: int | None) -> None:
    assert minor_in(name) == minor


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_places_of_other_tools(platform: str, tmp_path: Path) -> None:
    local, roaming = tmp_path / "AppData" / "Local", tmp_path / "AppData" / "Roaming"
    inside = "" if platform == "win32" else "bin"
    share = tmp_path / ".local" / "share"
    folders = {
        "uv": (roaming if platform == "win32" else share) / "uv/python" / "cpython-3.12.1-x",
        "mise": (local if platform == "win32" else share) / "mise/installs/python" / "3.12.1",
        "asdf": tmp_path / ".asdf/installs/python" / "3.12.1",
        "pyenv": tmp_path / (".pyenv/pyenv-win" if platform == "win32" else ".pyenv") / "versions" / "3.12.1",
        "python.org": local / "Programs/Python" / "Python312",
    }
    for folder in folders.values():
        (folder / inside).mkdir(parents=True)
    environ = {"APPDATA": str(roaming), "LOCALAPPDATA": str(local)} if platform == "win32" else {}
    found = {place.where: place.folder for place in places(environ, tmp_path, platform)}
    if platform != "win32":
        folders.pop("python.org")
    assert {where: str(folder / inside) for where, folder in folders.items()}.items() <= found.items()


def test_newer_versions_come_first(tmp_path: Path) -> None:
    for version in ("3.9.1", "3.12.1", "3.10.0", "system-ish"):
        (tmp_path / ".pyenv" / "versions" / version).mkdir(parents=True)
    found = [
        Path(place.folder).parent.name for place in places({}, tmp_path, "linux") if place.where == "pyenv"
    ]
    assert found == ["3.12.1", "3.10.0", "3.9.1", "system-ish"]


def test_stubs_are_not_looked_at() -> None:
    environ = {"PATH": os.pathsep.join(["/usr/bin", "/x/WindowsApps", "relative", ""])}
    assert [p.folder for p in places(environ, None, "darwin") if p.where == "PATH"] == ["/x/WindowsApps"]
    assert [p.folder for p in places(environ, None, "win32") if p.where == "PATH"] == ["/usr/bin"]


class View:
    """A view of a registry: keys and values by path."""

    def __init__(self, values: dict[str, dict[str, str]]) -> None:
        self._values = values

    def keys(self, path: str) -> list[str]:
        below = [key[len(path) + 1 :] for key in self._values if key.startswith(path + "\\")]
        return list(dict.fromkeys(name.split("\\")[0] for name in below))

    def value(self, path: str, name: str) -> str:
        return self._values.get(path, {}).get(name, "")


def test_registry() -> None:
    root = "Software\\Python"
    user = View(
        {
            f"{root}\\PythonCore\\3.9\\InstallPath": {"": "C:\\Py39\\"},
            f"{root}\\PythonCore\\3.12\\InstallPath": {
                "": "C:\\Py312\\",
                "ExecutablePath": "C:\\Py312\\py.exe",
            },
            f"{root}\\PyLauncher\\x\\InstallPath": {"": "C:\\Windows\\"},
            f"{root}\\Empty\\3.1\\InstallPath": {},
        }
    )
    machine = View({f"{root}\\Other\\3.11\\InstallPath": {"ExecutablePath": "D:\\python.exe"}})
    assert list(registered([user, machine])) == [
        "C:\\Py312\\py.exe",
        "C:\\Py39\\python.exe",
        "D:\\python.exe",
    ]
    assert list(registered()) == []
