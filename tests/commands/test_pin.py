"""`pyman pin`, and how version files are read."""

import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive
from tests.support.interpreters import TARGET, alone
from tests.support.stores import lay

from pyman.builds.version import Version
from pyman.project.pins import nearest
from pyman.project.repin import repinned
from pyman.project.requirement import requirement
from pyman.project.version_file import lines_of
from pyman.requests.request import Request
from pyman.requests.spelling import exact, spelled

INSTALLED = Archive("3.13.5", "20260101", TARGET)
OFFERED = Archive("3.12.15", "20260101", TARGET)
posix = pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}modes and links of POSIX")
REQUESTS = [
    "3", "3.12", "3.12.9", "3.13t", "3.13.5td", "3.13+static", "3.15.0rc1", "3.15.0b2t", "latest", "any",
    "3.12.9+20250317", "3.13t+20250317", ">=3.11,<3.13", ">=3.13+freethreaded", "pypy@3.10", "graalpy",
    "pypy3.10-7.3.16", "cpython-3.12-linux-x86_64-musl", "cpython-3.13t-linux-aarch64-gnu", "any-windows",
    "3-dev", "3.13t-dev", "3.12:latest", "^2.7 || ^3.8", "musl",
]  # fmt: skip


@pytest.fixture
def project(pyman: Pyman, offer: Offer) -> Pyman:
    """A pyman which has 3.13.5, could install 3.12.15, and sees nothing else."""
    alone(pyman)
    offer(INSTALLED, OFFERED)
    pyman.environment["PYMAN_TARGET"] = TARGET
    lay(pyman.store, INSTALLED, linked=sys.platform != "win32")
    return pyman


def own_file(pyman: Pyman) -> Path:
    return pyman.home / ".config" / "pyman" / ".python-version"


def test_writes_and_shows(project: Pyman) -> None:
    result = project("pin", "3.13")
    file = project.work / ".python-version"
    assert (result.stdout, result.stderr) == ("", f"Pinned 3.13 in {file}\n")
    assert file.read_bytes() == b"3.13\n"
    result = project("pin")
    assert (result.stdout, result.stderr) == ("3.13\n", f"Pinned by {file}\n")
    inside = project.work / "inside"
    inside.mkdir()
    assert project("pin", "--json", cwd=inside).json == {"file": str(file), "pins": [{"request": "3.13"}]}
    assert [path.name for path in project.work.iterdir() if path.is_file()] == [".python-version"]


def test_shows_that_there_is_none(project: Pyman) -> None:
    error, hint = project("pin", code=1).stderr.splitlines()
    assert error.startswith("error: ")
    assert "pyman pin 3.13" in hint


def test_json_when_writing_and_removing(project: Pyman) -> None:
    file = str(project.work / ".python-version")
    assert project("pin", "cp313", "--json").json == {"file": file, "pins": [{"request": "3.13"}]}
    assert project("pin", "--rm", "--json").json == {"file": file, "pins": []}


def test_dry_run(project: Pyman) -> None:
    file = project.work / ".python-version"
    assert project("pin", "3.13", "--dry-run").stderr == f"Would pin 3.13 in {file}\n"
    assert not file.exists()
    project("pin", "3.13")
    assert project("pin", "--rm", "--dry-run").stderr == f"Would remove {file}\n"
    assert file.exists()


def test_remove(project: Pyman) -> None:
    project("pin", "3.13")
    assert project("pin", "--rm").stderr == f"Removed {project.work / '.python-version'}\n"
    assert "Nothing is pinned" in project("pin", "--rm", code=1).stderr
    project("pin", "3.13", "--global")
    assert str(own_file(project)) in project("pin", "--rm", code=1).stderr
    project("pin", "--rm", "--global")
    assert not own_file(project).exists()


def test_global_is_the_last_resort(project: Pyman) -> None:
    project("pin", "3.12", "--global")
    assert own_file(project).read_text(encoding="utf-8") == "3.12\n"
    assert project("pin").stdout == "3.12\n"
    project("pin", "3.13")
    assert project("pin").stdout == "3.13\n"
    assert project("pin", "--global").stdout == "3.12\n"
    assert project("find", "--show-version").stdout == "3.13.5\n"


def test_resolved(project: Pyman) -> None:
    for request, version in (("3.13", "3.13.5"), ("3.12", "3.12.15"), (">=3.12,<3.13", "3.12.15")):
        project("pin", request, "--resolved")
        assert project("pin").stdout == f"{version}\n"
    assert "3.5" in project("pin", "3.5", "--resolved", code=1).stderr
    assert project("pin").stdout == "3.12.15\n"


def test_what_is_not_installed_is_a_warning(project: Pyman) -> None:
    told = project("pin", "3.12").stderr
    assert "`pyman install 3.12` installs cpython-3.12.15" in told
    assert "warning: no Python found for the request: 3.10" in project("pin", "3.10").stderr
    assert project("pin").stdout == "3.10\n"


@pytest.mark.parametrize("arguments", [["three"], ["3.13", "--rm"], ["--resolved"]])
def test_wrong_usage(arguments: list[str], project: Pyman) -> None:
    assert project("pin", *arguments, code=2).stderr.splitlines()[1].startswith("hint: ")
    assert list(project.work.iterdir()) == []


@pytest.mark.parametrize(
    ("requires", "request_text", "allowed"),
    [
        (">=3.12", "3.12", True),
        (">=3.12", "3.11", False),
        (">=3.12.4", "3.12", True),
        (">=3.12.4", "3.12.3", False),
        (">=3.12", "3", True),
        ("<3", "3", False),
        (">=3.11, <3.13", ">=3.13", False),
        ("~=3.12", "latest", True),
        (">=3.15", "3.15.0rc1", True),
        (">=3.13", "pypy@3.13", True),
        (">=3.13", "cpython-3.12-linux-aarch64-musl", False),
        ("==3.12.*", "3.12t", True),
    ],
)
def test_what_requires_python_allows(requires: str, request_text: str, allowed: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    (tmp_path / "pyproject.toml").write_text(f'[project]\nrequires-python = "{requires}"\n', encoding="utf-8")
    (tmp_path / "inside").mkdir()
    found = requirement(tmp_path / "inside", pytest.fail)
    assert found
    assert found.allows(Request.parse(request_text)) is allowed


def test_requires_python(project: Pyman) -> None:
    (project.work / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.12"\n', encoding="utf-8")
    told = project("pin", "3.11", code=1).stderr
    assert "3.11 does not satisfy requires-python of " in told
    assert "--force" in told
    assert not (project.work / ".python-version").exists()
    project("pin", "3.11", "--global")
    project("pin", "3.11", "--force")
    assert project("pin").stdout == "3.11\n"
    project("pin", "3.12")


def test_a_damaged_project_file_is_a_warning(project: Pyman) -> None:
    (project.work / "pyproject.toml").write_bytes(b"\xff")
    assert project("pin", "3.13").stderr.startswith("warning: cannot read ")
    assert project("pin").stdout == "3.13\n"


def test_the_file_that_counts_is_changed(project: Pyman) -> None:
    (project.work / ".python-versions").write_text("3.12\n3.13\n", encoding="utf-8")
    project("pin", "3.13.5")
    assert not (project.work / ".python-version").exists()
    assert project("pin").stdout == "3.13.5\n3.13\n"


@posix
def test_mode_and_links_stay(project: Pyman) -> None:
    real = project.home / "dotfiles"
    real.write_text("# mine\n3.12\n", encoding="utf-8")
    real.chmod(0o600)
    (project.work / ".python-version").symlink_to(real)
    project("pin", "3.13")
    assert (project.work / ".python-version").is_symlink()
    assert real.read_text(encoding="utf-8") == "# mine\n3.13\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() == 0, reason=f"{ELSEWHERE}root may write anywhere")
def test_a_folder_that_cannot_be_written(project: Pyman) -> None:
    project.work.chmod(0o500)
    try:
        assert "error: cannot write " in project("pin", "3.13", code=1).stderr
    finally:
        project.work.chmod(0o700)


def test_a_file_in_the_place_of_the_folder(project: Pyman) -> None:
    own_file(project).parent.parent.write_text("no folder", encoding="utf-8")
    assert "error: cannot write " in project("pin", "3.13", "--global", code=1).stderr


@pytest.mark.parametrize(
    ("content", "requests"),
    [
        pytest.param("3.12\n", ["3.12"], id="plain"),
        pytest.param("3.12", ["3.12"], id="no-line-end"),
        pytest.param("\n# why\n  3.12.1  # because\n\n", ["3.12.1"], id="comments"),
        pytest.param("3.12\r\n3.13\r\n", ["3.12", "3.13"], id="crlf"),
        pytest.param("\ufeff3.12\n", ["3.12"], id="byte-order-mark"),
        pytest.param("3.12\r\n".encode("utf-16"), ["3.12"], id="utf-16"),
        pytest.param("3.12 3.11.4\n3.10", ["3.12", "3.11.4", "3.10"], id="several-on-a-line"),
        pytest.param(">=3.11, < 3.13\n", [">=3.11,<3.13"], id="specifiers"),
        pytest.param("3.14-dev\n3.12.1/envs/mine", ["3.14-dev", "3.12.1"], id="of-pyenv"),
        pytest.param("pypy3.10-7.3.16\n", ["pypy@3.10+7.3.16"], id="pypy"),
        pytest.param("system\n3.12\n", ["system", "3.12"], id="system"),
        pytest.param("3.12\nsystem\n", ["3.12"], id="system-later"),
        pytest.param("cpython@3.12\npython3.11", ["3.12", "3.11"], id="other-spellings"),
    ],
)
def test_read_kindly(content: str | bytes, requests: list[str], tmp_path: Path) -> None:
    path = tmp_path / ".python-version"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    file = nearest(tmp_path)
    assert file
    assert [*(["system"] if file.system else []), *map(spelled, file.requests)] == requests
    assert file.skipped == ()


def test_strange_lines_are_passed_over(project: Pyman) -> None:
    (project.work / ".python-version").write_text(
        "miniconda3-4.7.12\n3.13\nstackless-3.7\n", encoding="utf-8"
    )
    result = project("pin")
    assert result.stdout == "3.13\n"
    assert ".python-version:1: 'miniconda3-4.7.12' is passed over" in result.stderr
    assert ".python-version:3: " in result.stderr
    found = project("find", "--show-version")
    assert found.stdout == "3.13.5\n"
    assert found.stderr.count("warning: ") == 2


def test_nothing_that_is_known(project: Pyman) -> None:
    (project.work / ".python-version").write_text("# mine\nmy-environment\n", encoding="utf-8")
    for command in ("pin", "find"):
        error, hint = project(command, code=2).stderr.splitlines()
        assert ".python-version:2: not a Python request: 'my-environment'" in error
        assert hint.startswith("hint: ")


def test_a_file_that_names_nothing_is_no_pin(project: Pyman) -> None:
    (project.work / ".python-version").write_text("3.13\n", encoding="utf-8")
    inside = project.work / "inside"
    inside.mkdir()
    (inside / ".python-version").write_text("# nothing yet\n", encoding="utf-8")
    assert project("pin", cwd=inside).stdout == "3.13\n"


def test_not_text(project: Pyman) -> None:
    (project.work / ".python-version").write_bytes(b"\x80\x81")
    assert "cannot read " in project("pin", code=2).stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "3.13\n"),
        ("3.12\n", "3.13\n"),
        ("3.12", "3.13"),
        ("# why\n", "# why\n3.13\n"),
        ("# why", "# why\n3.13\n"),
        ("# why\n\n  3.12  # because\n", "# why\n\n  3.13  # because\n"),
        ("3.12\r\n3.11\r\n", "3.13\r\n3.11\r\n"),
        ("3.12\n3.13\n3.11\n", "3.13\n3.11\n"),
        ("3.12 3.13 3.11\n", "3.13 3.11\n"),
        (">=3.10, <3.12 # x\n", "3.13 # x\n"),
        ("system\n", "3.13\n"),
    ],
)
def test_all_else_stays(before: str, after: str) -> None:
    assert repinned(before, "3.13") == after


LINES = st.lists(
    st.sampled_from(
        ["", "# a", "3.12", "3.11 # b", "3.10 3.9", ">=3.8, <3.9", "system", "nonsense", "  3.13 "]
    ),
    max_size=6,
)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.sampled_from(REQUESTS))
def test_what_is_pinned_is_what_is_read(lines: list[str], end: str, ended: bool, text: str) -> None:  # noqa: FBT001 - drawn
    before = end.join(lines) + (end if ended else "")
    pin = spelled(Request.parse(text))
    after = repinned(before, pin)
    first = next(iter(lines_of(after)))
    assert first.meaning == Request.parse(text)
    assert [line for line in after.splitlines() if line.startswith("#")] == [
        line for line in before.splitlines() if line.startswith("#")
    ]
    assert repinned(after, pin) == after


@given(st.text(max_size=40), st.sampled_from(["3.13", ">=3.12"]))
def test_any_file_can_be_pinned(before: str, pin: str) -> None:
    assert next(iter(lines_of(repinned(before, pin)))).text == pin


@pytest.mark.parametrize("text", REQUESTS)
def test_spelling_means_the_same(text: str) -> None:
    assert Request.parse(spelled(Request.parse(text))) == Request.parse(text)


@pytest.mark.parametrize(
    ("text", "short"),
    [("cpython-3.12", "3.12"), ("3.13+freethreaded", "3.13t"), ("pypy3.10", "pypy@3.10"), ("cp312", "3.12")],
)
def test_short_spelling(text: str, short: str) -> None:
    assert spelled(Request.parse(text)) == short


@pytest.mark.parametrize(
    ("text", "version", "expected"),
    [
        ("3.13t", "3.13.5", "3.13.5t"),
        (">=3.11", "3.15.0rc1", "3.15.0rc1"),
        ("pypy@3.10", "3.10.14", "pypy@3.10.14"),
        ("latest", "3.14.0", "3.14.0"),
        ("cpython-3.12-linux", "3.12.1", "cpython-3.12.1-linux-any-any"),
    ],
)
def test_exact(text: str, version: str, expected: str) -> None:
    assert exact(Request.parse(text), Version.parse(version)) == expected
