"""What is in use is not removed: environments in each place of the tools that make them."""

import os
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support import become
from tests.support.builds import Archive
from tests.support.stores import environment, lay, link_name

from pyman.environments.in_use import Unseen, look
from pyman.environments.tool_places import Place, places

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}links in bin are of POSIX")

OLD = Archive("3.12.1", "20240107", "linux-x86_64-gnu")
NEW = Archive("3.12.9", "20250317", "linux-x86_64-gnu")

# Below the root of a user, who works in work/project.
AROUND = [
    "work/project/.venv",
    "work/venv",
    "env",
    "work/project/.tox/py312",
    "work/project/.tox/.pkg",
    "work/.nox/tests-3-12",
    "work/project/.hatch/test",
]
USUAL = [
    "home/.local/pipx/venvs/black",
    "home/.local/pipx/shared",
    "home/.local/share/pipx/venvs/black",
    "home/.local/share/pipx/shared",
    "home/.local/share/uv/tools/ruff",
    "home/.local/share/pypoetry/venv",
    "home/.local/share/hatch/env/virtual/project/Xb1_2c/test",
    "home/.local/share/hatch/env/virtual/.internal/build",
    "home/.local/share/pdm/venvs/project-abc-3.12",
    "home/.local/share/virtualenvs/project-Abc",
    "home/.cache/pypoetry/virtualenvs/project-abc-py3.12",
    "home/.virtualenvs/wrapped",
    "home/.rye/tools/black",
    "home/.pyenv/versions/project",
]
# A variable, and an environment below what it names.
VARIABLES = {
    "VIRTUAL_ENV": "",
    "PIPX_HOME": "venvs/black",
    "PIPX_GLOBAL_HOME": "venvs/black",
    "PIPX_SHARED_LIBS": "",
    "UV_TOOL_DIR": "ruff",
    "UV_PROJECT_ENVIRONMENT": "",
    "POETRY_VIRTUALENVS_PATH": "project-abc-py3.12",
    "POETRY_CACHE_DIR": "virtualenvs/project-abc-py3.12",
    "POETRY_HOME": "venv",
    "HATCH_DATA_DIR": "env/virtual/project/Xb1_2c/test",
    "HATCH_ENV_TYPE_VIRTUAL_PATH": "",
    "WORKON_HOME": "wrapped",
    "VIRTUALFISH_HOME": "fish",
    "TOX_WORK_DIR": "py312",
    "RYE_HOME": "tools/black",
    "PYENV_ROOT": "versions/project",
    "XDG_DATA_HOME": "uv/tools/ruff",
    "XDG_CACHE_HOME": "pypoetry/virtualenvs/project-abc-py3.12",
}
# A configuration file, what stands in it of the folder {}, and an environment in that.
SETTINGS = {
    "poetry": ("home/.config/pypoetry/config.toml", "[virtualenvs]\npath = '{}'", "project-abc"),
    "poetry, cache": ("home/.config/pypoetry/config.toml", "cache-dir = '{}'", "virtualenvs/project-abc"),
    "poetry, below the cache": (
        "home/.config/pypoetry/config.toml",
        "cache-dir = '{}'\n[virtualenvs]\npath = '{{cache-dir}}/made'",
        "made/project-abc",
    ),
    "poetry, of the project": ("work/poetry.toml", "[virtualenvs]\npath = '{}'", "project-abc"),
    "hatch": ("home/.config/hatch/config.toml", "[dirs.env]\nvirtual = '{}'", "project/Xb1_2c/test"),
    "hatch, data": ("home/.config/hatch/config.toml", "[dirs]\ndata = '{}'", "env/virtual/project/Xb1/test"),
    "pdm": ("home/.config/pdm/config.toml", "[venv]\nlocation = '{}'", "project-abc-3.12"),
    "a file .venv": ("work/.venv", "{}/here\n", "here"),
}


@pytest.fixture
def two(pyman: Pyman) -> Pyman:
    """Two installations of one minor version; pyman is started in work/project."""
    lay(pyman.store, OLD, NEW)
    (pyman.work / "project").mkdir()
    pyman.environment |= dict.fromkeys(VARIABLES, "")
    return pyman


def made(user: Pyman, place: str) -> Path:
    return environment(user.root / place, user.store / OLD.key / "bin")


def named(user: Pyman, env: dict[str, str] | None = None) -> list[str]:
    """Return the environments for whose sake `uninstall` refuses."""
    run = user("uninstall", "3.12.1", "--json", code=1, env=env, cwd=user.work / "project")
    assert user.installed() == [OLD.key, NEW.key]
    (used,) = run.json["used"]
    assert used["key"] == OLD.key
    found: list[str] = used["environments"]
    return found


def test_the_usual_places(two: Pyman) -> None:
    folders = [made(two, place) for place in [*AROUND, *USUAL]]
    assert named(two) == sorted(map(str, folders))
    plan = two("prune", "--dry-run", "--json", cwd=two.work / "project").json
    assert plan["used"] == [{"key": OLD.key, "environments": sorted(map(str, folders))}]


@pytest.mark.parametrize("variable", VARIABLES)
def test_each_variable_is_respected_and_what_is_found_remembered(variable: str, two: Pyman) -> None:
    folder = made(two, f"moved/{VARIABLES[variable]}")
    assert named(two, {variable: str(two.root / "moved")}) == [str(folder)]
    assert named(two) == [str(folder)]


def test_a_dry_run_remembers_nothing(two: Pyman) -> None:
    made(two, "moved/x")
    moved = {"WORKON_HOME": str(two.root / "moved")}
    two("uninstall", "3.12.1", "--dry-run", code=1, env=moved)
    two("uninstall", "3.12.1", "--dry-run")


@pytest.mark.parametrize(
    ("variable", "text", "place"),
    [
        ("WORKON_HOME", "~/made", "home/made/x"),
        ("WORKON_HOME", "$HOME/made", "home/made/x"),
        ("WORKON_HOME", "../made", "work/made/x"),
        ("UV_PROJECT_ENVIRONMENT", "made", "work/made"),
        ("HATCH_ENV_TYPE_VIRTUAL_PATH", "made", "work/project/made"),
        ("TOX_WORK_DIR", "made", "work/made/py312"),
    ],
)
def test_how_variables_are_spelled(variable: str, text: str, place: str, two: Pyman) -> None:
    folder = made(two, place)
    assert named(two, {variable: text}) == [str(folder)]


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_the_tools(setting: str, two: Pyman) -> None:
    name, text, inside = SETTINGS[setting]
    folder = made(two, f"moved/{inside}")
    file = two.root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.format(two.root / "moved"), encoding="utf-8")
    assert named(two) == [str(folder)]


@pytest.mark.parametrize(
    "text", ["", "[", "virtualenvs = 1", "[virtualenvs]\npath = 1", "cache-dir = '\\u0000'"]
)
def test_settings_that_are_none(text: str, two: Pyman) -> None:
    file = two.home / ".config" / "pypoetry" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace("'", '"'), encoding="utf-8")
    unseen = two("uninstall", "3.12.1", "--json").json["unseen"]
    assert [each["path"] for each in unseen] == ([str(file)] if text == "[" else [])


def test_an_environment_that_is_a_link(two: Pyman) -> None:
    folder = made(two, "elsewhere/x")
    (two.home / ".virtualenvs").mkdir()
    (two.home / ".virtualenvs" / "x").symlink_to(folder)
    assert named(two) == [str(folder)]


def test_a_place_that_is_a_link_into_a_circle(two: Pyman) -> None:
    (two.home / ".virtualenvs").symlink_to(two.home / ".virtualenvs")
    (two.home / ".local" / "share").mkdir(parents=True)
    (two.home / ".local" / "share" / "hatch").symlink_to("..")
    result = two("uninstall", "3.12.1")
    assert result.stderr == f"Uninstalled {OLD.key}\n"


def test_without_a_home_or_a_current_folder(two: Pyman) -> None:
    folder = made(two, "moved/x")
    gone = two.work / "gone"
    gone.mkdir()
    two.prefix = ("/bin/sh", "-c", f'cd {gone} && rmdir {gone} && exec "$@"', "sh")
    env = {"WORKON_HOME": str(two.root / "moved"), "TOX_WORK_DIR": "x", "HOME": ""}
    assert str(folder) in two("uninstall", "3.12.1", code=1, env=env).stderr


def test_those_of_another_python_keep_nothing(two: Pyman) -> None:
    environment(two.home / ".virtualenvs" / "a", Path("/usr/bin"))
    environment(two.home / ".virtualenvs" / "b", two.store / NEW.key / "bin")
    environment(two.home / ".virtualenvs" / "c", two.store / link_name(NEW) / "bin")
    two("uninstall", "3.12.1")


def test_where_it_could_not_look_is_told(two: Pyman) -> None:
    if os.geteuid() == 0:
        two.prefix = become.without(become.READING, become.WRITING)
    closed = two.home / ".virtualenvs"
    inside = two.home / ".local" / "share" / "virtualenvs" / "x"
    for folder in (closed, inside):
        folder.mkdir(parents=True)
        folder.chmod(0)
    try:
        result = two("uninstall", "3.12.1", "--json", "--dry-run")
        scanned = two("prune", "--dry-run", "--scan", two.home)
    finally:
        for folder in (closed, inside):
            folder.chmod(0o755)
    told = sorted((str(path), "Permission denied") for path in (inside, closed))
    assert sorted((each["path"], each["reason"]) for each in result.json["unseen"]) == told
    for path, why in told:
        assert f"\n  {path}: {why}\n" in result.stderr
        assert f"\n  {path}: {why}\n" in scanned.stderr


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_in_the_place_of_the_index_is_told(kind: str, two: Pyman) -> None:
    index = two.store / ".environments"
    if kind == "file":
        index.write_text("in the way", encoding="utf-8")
    else:
        index.symlink_to(two.work)
    told = f"not looked for virtual environments in\n  {index}: "
    result = two("uninstall", "3.12.1", "--json", "--dry-run")
    assert [each["path"] for each in result.json["unseen"]] == [str(index)]
    assert told in result.stderr
    assert told in two("prune", "--dry-run").stderr
    findings = two("doctor", "--json", code=1).json["findings"]
    assert f"mv {index} {index}.aside" in [each["command"] for each in findings]


def test_the_number_is_bounded(two: Pyman, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(two.home))
    for number in range(20):
        made(two, f"home/.virtualenvs/{number}")
    looked = look(two.store, {}, None, most=15)
    assert len(looked.environments) == 15
    assert looked.unseen == [Unseen(two.home / ".virtualenvs", "there are too many folders")]


def test_other_systems() -> None:
    home, start = Path("/home/me"), None
    windows = {"LOCALAPPDATA": "/local", "APPDATA": "/roaming"}
    assert {
        Place(Path("/local/pdm/pdm/venvs"), 1),
        Place(Path("/local/hatch/env/virtual"), 3),
        Place(Path("/local/pypoetry/Cache/virtualenvs"), 1),
        Place(Path("/local/pipx/pipx/venvs"), 1),
        Place(Path("/roaming/uv/tools"), 1),
        Place(Path("/roaming/uv/data/tools"), 1),
        Place(home / "pipx/venvs", 1),
        Place(home / ".virtualenvs", 1),
        Place(home / "AppData/Local/pypoetry/Cache/virtualenvs", 1),
    } <= set(places(windows, home, start, "win32"))
    library = home / "Library"
    assert {
        Place(library / "Application Support/pipx/venvs", 1),
        Place(library / "Application Support/hatch/env/virtual", 3),
        Place(library / "Application Support/pdm/venvs", 1),
        Place(library / "Caches/pypoetry/virtualenvs", 1),
        Place(home / ".local/share/uv/tools", 1),
        Place(home / ".local/share/virtualenvs", 1),
        Place(Path("/opt/pipx/venvs"), 1),
    } <= set(places({}, home, start, "darwin"))
