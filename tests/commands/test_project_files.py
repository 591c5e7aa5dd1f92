"""Which Python the files of a project ask for: those of pyman, and those that other tools go by."""

import os
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive
from tests.support.interpreters import TARGET, alone
from tests.support.stores import lay

from pyman.project.project_request import Wanted, wanted
from pyman.project.requirement import requirement
from pyman.requests.spelling import spelled

# What stands in which file, and what that asks for, as pyman spells it; after `!` what is warned of.
MEANINGS = [
    (".python-version", "3.12", "3.12"),
    (".tool-versions", "python 3.12.1 3.11.9  # both", "3.12.1 3.11.9"),
    (".tool-versions", "# mine\nnodejs 20.1.0\npython 3.12\nruby 3.3.0\n", "3.12"),
    (".tool-versions", "python latest:3.12", "3.12:latest"),
    (".tool-versions", "python pypy3.10-7.3.16", "pypy@3.10+7.3.16"),
    (".tool-versions", "python system 3.12", "system 3.12"),
    (".tool-versions", "python 3.12 system", "3.12"),
    (".tool-versions", "python path:tree", "path:{tree}"),
    (".tool-versions", "python path:{tree}/bin/python3 3.12", "path:{tree}/bin/python3 3.12"),
    (".tool-versions", "python path:none 3.12", "3.12 ! 1: 'path:none' is passed over: there is no interp"),
    (".tool-versions", "x\npython ref:main 3.12", "3.12 ! 2: 'ref:main' is passed over: it would have to be"),
    (".tool-versions", "python miniconda3-latest", "! 1: 'miniconda3-latest' is passed over: it is a distri"),
    (".tool-versions", "nodejs 20.1.0", ""),
    ("mise.toml", '[tools]\npython = "3.12"', "3.12"),
    ("mise.toml", '[tools]\npython = ["3.12", "3.11"]', "3.12 3.11"),
    ("mise.toml", '[tools]\npython = {version = "3.12", virtualenv = ".venv"}', "3.12"),
    ("mise.toml", '[tools.python]\nversion = "3.12"', "3.12"),
    ("mise.toml", '[tools]\n"core:python" = [{version = "3.12"}, {prefix = "3.11"}]', "3.12 3.11"),
    ("mise.toml", "[tools]\npython = {path = 'tree'}", "path:{tree}"),
    ("mise.toml", "[tools]\nnode = '20'\npython = 3.10", "! 3: '3.1' is passed over: it is not a text"),
    ("mise.toml", "[tools]\npython = '{{env.V}}'", "! 2: '{{env.V}}' is passed over"),
    ("mise.toml", "[tools]\npython = ", "! 2: Invalid value; it is passed over"),
    (".mise.toml", "[tools]\npython = 'latest'", "latest"),
    ("mise.local.toml", "[tools]\npython = '3.14-dev'", "3.14-dev"),
    (".config/mise.toml", "[tools]\npython = '3.12'", "3.12"),
    ("mise/config.toml", "[tools]\npython = '3.12'", "3.12"),
    ("Pipfile", '[requires]\npython_version = "3.12"', "3.12"),
    ("Pipfile", '[requires]\npython_version = "3.12"\npython_full_version = "3.12.1"', "3.12.1"),
    ("Pipfile", '[requires]\npython_full_version = "x"\npython_version = "3.12"', "3.12 ! 2: 'x' is passed"),
    ("Pipfile", '[packages]\nrequests = "*"\n[requires]\npython_version = "*"', ""),
    ("runtime.txt", "python-3.12.1\n", "3.12.1"),
    ("runtime.txt", "some\nnotes of\nmine", "! 1: 'some' is passed over"),
    ("pyproject.toml", "[project]\nrequires-python = '>=3.11, <3.13'", ">=3.11,<3.13"),
    ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^3.12'", ">=3.12,<4.0"),
    ("pyproject.toml", "[tool.poetry.dependencies]\npython = '~3.12'", ">=3.12,<3.13"),
    ("pyproject.toml", "[tool.poetry.dependencies]\npython = '^2.7 || ^3.8'", ">=2.7,<3.0||>=3.8,<4.0"),
    ("pyproject.toml", "[tool.poetry.dependencies]\npython = {version = '3.12.*'}", "3.12"),
    ("pyproject.toml", "[tool.poetry.dependencies]\npython = '*'", ""),
    ("pyproject.toml", "[tool.poetry.dependencies]\n\npython = 'new'", "! 3: python: not a Python request"),
    ("pyproject.toml", "[project]\nname = 'x'\nrequires-python = 3", "! 3: requires-python is not a text"),
    ("setup.cfg", "[options]\npython_requires =\n    >=3.8,\n    <3.13\n", ">=3.8,<3.13"),
    ("setup.cfg", "[flake8]\nmax-line-length = 99", ""),
    ("setup.cfg", "[options]\nx = 1\npython_requires = 3.8", "! 3: python_requires has no operator: '3.8'"),
    ("setup.cfg", "\nno section", "! 2: it is not in the form of setup.cfg"),
]  # fmt: skip


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(("name", "content", "meant"), MEANINGS)
def test_means(name: str, content: str, meant: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin" / "python3").touch()
    path = write(tmp_path, name, content.replace("{tree}", str(tree)))
    found = wanted(tmp_path)
    asks, _, warned = meant.replace("{tree}", str(tree)).partition("!")
    special = ["system"] if found.system else [f"path:{found.python}"] if found.python else []
    told = " ".join([*special, *map(spelled, found.requests)])
    assert told.replace(f"{tree}/bin/python3", str(tree)) == asks.strip().replace("/bin/python3", "")
    assert found.path == (path if told else None)
    assert len(found.warnings) == bool(warned)
    for text in found.warnings:
        assert f"{name}:{warned.strip()}" in text.replace(str(path), name)


ORDER = {
    ".python-versions": "3.12.1",
    ".python-version": "3.12.2",
    ".tool-versions": "python 3.12.3",
    "mise.local.toml": "[tools]\npython = '3.12.4'",
    "mise.toml": "[tools]\npython = '3.12.5'",
    ".mise.toml": "[tools]\npython = '3.12.6'",
    "mise/config.toml": "[tools]\npython = '3.12.7'",
    ".mise/config.toml": "[tools]\npython = '3.12.8'",
    ".config/mise.toml": "[tools]\npython = '3.12.9'",
    "Pipfile": "[requires]\npython_version = '3.12.10'",
    "runtime.txt": "python-3.12.11",
}
REQUIREMENTS = {
    "setup.cfg": "[options]\npython_requires = ==3.12.14",
    "pyproject.toml": "[tool.poetry.dependencies]\npython = '==3.12.13'\n",
}


@pytest.fixture
def project(pyman: Pyman, offer: Offer) -> Pyman:
    """A pyman that has 3.13.5 and 3.12.9, could install 3.8.20, and sees nothing else."""
    alone(pyman)
    offer(*(Archive(version, "20260101", TARGET) for version in ("3.13.5", "3.12.9", "3.8.20")))
    pyman.environment["PYMAN_TARGET"] = TARGET
    lay(pyman.store, Archive("3.13.5", "20260101", TARGET), linked=False)
    lay(pyman.store, Archive("3.12.9", "20260101", TARGET), linked=False)
    return pyman


def test_the_order_in_a_folder_and_above(project: Pyman) -> None:
    inside = project.work / "inside"
    for name, content in ORDER.items():
        write(inside, name, content)
    write(project.work, ".python-version", "3.11")
    for name, content in REQUIREMENTS.items():
        write(inside, name, content)
        assert wanted(inside).path == inside / ".python-versions"
        found = requirement(inside, pytest.fail)
        assert found
        assert (found.path, found.line) == (inside / name, 2)
    told = project("explain", "--json", cwd=inside, code=1).json["files"]
    expected = [
        *(inside / name for name in ORDER),
        project.work / ".python-version",
        inside / "pyproject.toml",
    ]
    assert [each["path"] for each in told] == [str(path) for path in expected]
    assert told[3] == {
        "path": str(inside / "mise.local.toml"), "line": 2, "name": None, "requests": ["3.12.4"],
        "system": False, "python": None,
    }  # fmt: skip
    (inside / "pyproject.toml").write_text("[project]\nrequires-python = '==3.12.12'\n" + REQUIREMENTS[name])
    assert "requires-python" in str(requirement(inside, pytest.fail))


def test_explain_says_which_file_asks(project: Pyman) -> None:
    asking = write(project.work, ".tool-versions", "nodejs 20\npython 3.12 3.13\n")
    other = write(project.work, "pyproject.toml", "[project]\nrequires-python = '>=3.8'\n")
    told = project("explain").stdout
    assert f"asked by        {asking}:2 (3.12 3.13)\n" in told
    assert f"not asked       {other}:2 (requires-python: >=3.8)\n" in told
    assert "Chosen  cpython-3.12.9" in told


def test_each_command_goes_by_them_or_not(project: Pyman) -> None:
    write(project.work, ".tool-versions", "python 3.8 3.12")
    assert f"({project.work}/.tool-versions asks for it)" in project("find", code=1).stderr
    assert "asks for it" in project("run", "--no-install", code=1).stderr
    told = project("install", "--dry-run").stderr
    assert "cpython-3.8.20" in told
    assert "cpython-3.12.9" in told
    for words, variables in ((["--no-project"], {}), ([], {"PYMAN_NO_PROJECT": "1"})):
        assert project("find", "--show-version", *words, env=variables).stdout == "3.13.5\n"
        assert project("explain", "--json", *words, env=variables).json["files"] == []
        assert "3.13.5" in project("run", "--dry-run", *words, env=variables).stderr
        assert "3.8" not in project("install", "--dry-run", *words, env=variables).stderr
        project("pin", *words, env=variables, code=1)


def test_an_interpreter_in_place_of_a_version(project: Pyman) -> None:
    own = project.store / Archive("3.12.9", "20260101", TARGET).key
    write(project.work, ".tool-versions", f"python path:{own}/bin/python3.12")
    assert project("find", "--show-version").stdout == "3.12.9\n"
    assert "names no version" in project("install", code=2).stderr


def test_a_pin_says_which_file_disagrees(project: Pyman) -> None:
    for name, content in ORDER.items():
        write(project.work, name, content)
    write(project.work, ".tool-versions", "python system")
    write(project.work, "runtime.txt", "python-3.13.5")
    (project.work / ".python-versions").unlink()
    told = project("pin", "3.13").stderr.splitlines()
    pin = project.work / ".python-version"
    assert told[0] == f"Pinned 3.13 in {pin}"
    others = [name for name in ORDER if name not in (".python-versions", ".python-version", "runtime.txt")]
    assert [line.split()[1].rpartition(":")[0] for line in told[1:]] == [
        str(project.work / name) for name in others
    ]
    assert told[1] == f"warning: {project.work}/.tool-versions:1 asks for system and now disagrees with {pin}"
    write(project.work, "setup.cfg", "[options]\npython_requires = <3.13")
    assert f"python_requires of {project.work}/setup.cfg" in project("pin", "3.13", code=1).stderr
    assert project("pin", "3.13", "--no-project").stderr == f"Pinned 3.13 in {pin}\n"


HOSTILE = {
    "no text": b"\xff\xfe\x00\xd8",
    "a null": b"[tools]\npython = 'path:\\u0000'\n[options]\npython_requires = >=3.8\0\npython path:\0 3\0",
    "deep": b"python = " + b"[" * 100_000,
    "long": b"python 3.12 " * 500_000,
    "one line": b"[" * 1_000_000,
    "a carriage return": b"notes\r3.12\r[tools]\rpython\r=\r'3.12'\r",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_hostile_files_are_at_most_a_warning(content: bytes, tmp_path: Path) -> None:
    names = [name for name in (*ORDER, *REQUIREMENTS) if not name.startswith(".python-version")]
    for name in names:
        write(tmp_path, name, content)
    found = wanted(tmp_path)
    assert not found.path
    assert len(found.warnings) <= 20
    assert max(map(len, found.warnings), default=0) < 500 + len(str(tmp_path))


@pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}pipes and links of POSIX")
def test_what_is_no_file_is_passed_over(tmp_path: Path) -> None:
    names = [name for name in (*ORDER, *REQUIREMENTS) if "/" not in name and "python-" not in name]
    for number, name in enumerate(names):
        if number % 3 == 0:
            os.mkfifo(tmp_path / name)
        elif number % 3 == 1:
            (tmp_path / name).symlink_to("/dev/zero")
        else:
            (tmp_path / name).symlink_to(name)
    assert wanted(tmp_path) == Wanted()
