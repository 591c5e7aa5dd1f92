"""What is in use is not removed: environments made by the tools themselves, as they are on the package index.

The tools are in an environment of their own, which PYMAN_TEST_TOOLS names; nothing here reaches the network.
"""

import platform
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.builds import Archive, own_form
from tests.support.needs import runs_here
from tests.support.server import serving

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64",
    reason=f"{ELSEWHERE}the installed Python is for Linux on x86-64",
)

_PROJECT = '[project]\nname = "project"\nversion = "1"\nrequires-python = ">=3.12"\n'
_HATCH = f"{_PROJECT}[tool.hatch.envs.default]\npython = '{{python}}'\nskip-install = true\n"
_TOX = "[tox]\nenv_list = made\nno_package = true\n[testenv]\nbase_python = {python}\ncommands = python -V\n"
_NOX = "import nox\n@nox.session(python='{python}')\ndef made(session): session.run('python', '-V')\n"
_WRAPPER = ". {tools}/bin/virtualenvwrapper.sh && mkvirtualenv -p {python} --no-download made"
_TOOL = "tool-1-py3-none-any.whl"


class Case(NamedTuple):
    """How a tool makes an environment: its command, files of the project, variables, and where it then is.

    `{python}` is the interpreter, `{moved}` another folder, `{tools}` the environment of the tools.
    """

    command: str
    place: str
    files: Mapping[str, str] = {}
    variables: Mapping[str, str] = {}


# Below the root of a user, who works in work.
CASES = {
    "virtualenv": Case("virtualenv -p {python} --no-download .venv", "work/.venv"),
    "virtualenv, copies": Case("virtualenv -p {python} --no-download --copies env", "work/env"),
    "tox": Case("tox", "work/.tox/made", {"tox.ini": _TOX}),
    "tox, moved": Case("tox", "moved/made", {"tox.ini": _TOX}, {"TOX_WORK_DIR": "{moved}"}),
    "nox": Case("nox --force-venv-backend virtualenv", "work/.nox/made", {"noxfile.py": _NOX}),
    "nox, by uv": Case("nox --force-venv-backend uv", "work/.nox/made", {"noxfile.py": _NOX}),
    "poetry": Case(
        "poetry env use {python}", "home/.cache/pypoetry/virtualenvs/project-*", {"pyproject.toml": _PROJECT}
    ),
    "poetry, moved": Case(
        "poetry env use {python}",
        "moved/project-*",
        {"pyproject.toml": _PROJECT},
        {"POETRY_VIRTUALENVS_PATH": "{moved}"},
    ),
    "poetry, its cache moved": Case(
        "poetry env use {python}",
        "moved/virtualenvs/project-*",
        {"pyproject.toml": _PROJECT},
        {"POETRY_CACHE_DIR": "{moved}"},
    ),
    "poetry, by its settings": Case(
        "poetry config virtualenvs.path {moved} && poetry env use {python}",
        "moved/project-*",
        {"pyproject.toml": _PROJECT},
    ),
    "hatch": Case(
        "hatch env create",
        "home/.local/share/hatch/env/virtual/project/*/project",
        {"pyproject.toml": _HATCH},
    ),
    "hatch, moved": Case(
        "hatch env create",
        "moved/env/virtual/project/*/project",
        {"pyproject.toml": _HATCH},
        {"HATCH_DATA_DIR": "{moved}"},
    ),
    "hatch, by its settings": Case(
        "hatch config set dirs.env.virtual {moved} && hatch env create",
        "moved/project/*/project",
        {"pyproject.toml": _HATCH},
    ),
    "pdm": Case(
        "pdm venv create -n made {python}", "home/.local/share/pdm/venvs/*-made", {"pyproject.toml": _PROJECT}
    ),
    "pdm, in the project": Case("pdm use -f {python}", "work/.venv", {"pyproject.toml": _PROJECT}),
    "pdm, by venv": Case(
        "pdm venv create -w venv -n made {python}",
        "home/.local/share/pdm/venvs/*-made",
        {"pyproject.toml": _PROJECT},
    ),
    "pdm, by its settings": Case(
        "pdm config venv.location {moved} && pdm venv create -n made {python}",
        "moved/*-made",
        {"pyproject.toml": _PROJECT},
    ),
    "pipx": Case(
        f"pipx install --backend uv --python {{python}} ./{_TOOL}", "home/.local/share/pipx/venvs/tool"
    ),
    "pipx, moved": Case(
        f"pipx install --backend uv --python {{python}} ./{_TOOL}",
        "moved/venvs/tool",
        variables={"PIPX_HOME": "{moved}"},
    ),
    "uv": Case("uv venv --python {python}", "work/.venv"),
    "uv, of the project": Case(
        "uv sync --python {python}",
        "moved",
        {"pyproject.toml": _PROJECT},
        {"UV_PROJECT_ENVIRONMENT": "{moved}"},
    ),
    "uv tool": Case(f"uv tool install --python {{python}} ./{_TOOL}", "home/.local/share/uv/tools/tool"),
    "uv tool, moved": Case(
        f"uv tool install --python {{python}} ./{_TOOL}", "moved/tool", variables={"UV_TOOL_DIR": "{moved}"}
    ),
    "pipenv": Case("pipenv --python {python}", "home/.local/share/virtualenvs/work-*", {"Pipfile": ""}),
    "pipenv, in the project": Case(
        "pipenv --python {python}", "work/.venv", {"Pipfile": ""}, {"PIPENV_VENV_IN_PROJECT": "1"}
    ),
    "pipenv, moved": Case(
        "pipenv --python {python}", "moved/work-*", {"Pipfile": ""}, {"WORKON_HOME": "{moved}"}
    ),
    "virtualenvwrapper": Case(_WRAPPER, "home/.virtualenvs/made"),
    "virtualenvwrapper, moved": Case(_WRAPPER, "moved/made", variables={"WORKON_HOME": "{moved}"}),
}
# Those with which the interpreter is also named by the link in the directory of links.
SPELLINGS = ("virtualenv", "tox", "nox", "poetry", "pdm", "pipenv")


@pytest.fixture(scope="module")
def owner(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Pyman:
    """Somebody who has installed 3.13 from a server; once, for nothing here removes it."""
    root = tmp_path_factory.mktemp("installed")
    user = Pyman(root / "user")
    for folder in (user.home, user.work, root / "releases"):
        folder.mkdir(parents=True)
    path = runs_here(fixtures, "3.13.0")
    archive = Archive.of_file(path)
    (root / "releases" / archive.release).mkdir()
    (root / "releases" / archive.path).symlink_to(path)
    with serving(root / "releases") as server:
        (root / "metadata.json").write_bytes(own_form([archive], server.url))
        user("install", "3.13", "--metadata", root / "metadata.json")
    return user


@pytest.fixture
def installed(pyman: Pyman, owner: Pyman) -> Pyman:
    """A user with a home of their own and that store, which remembers no environment."""
    shutil.rmtree(owner.store / ".environments", ignore_errors=True)
    pyman.environment |= {"PYMAN_HOME": str(owner.store), "PYMAN_BIN_DIR": str(owner.bin)}
    return pyman


def make(user: Pyman, case: Case, tools: Path, python: str) -> Path:
    """Let the tool make its environment, and return that."""
    words = {"python": python, "moved": str(user.root / "moved"), "tools": str(tools)}
    for name, text in case.files.items():
        (user.work / name).write_text(text.format(**words), encoding="utf-8")
    with zipfile.ZipFile(user.work / _TOOL, "w") as wheel:
        for name, text in wheel_files().items():
            wheel.writestr(name, text)
    done = subprocess.run(
        ["bash", "-c", case.command.format(**{key: shlex.quote(word) for key, word in words.items()})],
        env=surroundings(user, tools) | {key: text.format(**words) for key, text in case.variables.items()},
        cwd=user.work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = user.root.glob(case.place)
    assert (made / "bin" / "python").exists()
    return made


def surroundings(user: Pyman, tools: Path) -> dict[str, str]:
    """What a tool sees of the world: no settings of whoever runs the tests, and no network."""
    kept = {
        name: value
        for name, value in user.variables().items()
        if name.startswith(("XDG_", "PYTHONPATH", "PYMAN_TEST_")) or name in ("HOME", "TMPDIR", "LANG")
    }
    return kept | {
        "PATH": f"{tools / 'bin'}:/usr/bin:/bin",
        "PIP_NO_INDEX": "1",
        "UV_OFFLINE": "1",
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "VIRTUALENVWRAPPER_PYTHON": str(tools / "bin" / "python"),
    }


def wheel_files() -> dict[str, str]:
    info = "tool-1.dist-info"
    return {
        "tool.py": "def main(): pass\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tool\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntool = tool:main\n",
        f"{info}/RECORD": "".join(
            f"{name},,\n"
            for name in ("tool.py", *(f"{info}/{each}" for each in ("METADATA", "WHEEL", "RECORD")))
        ),
    }


@pytest.mark.parametrize("name", CASES)
def test_what_a_tool_has_made_is_in_use(name: str, installed: Pyman, tools: Path) -> None:
    case = CASES[name]
    made = make(installed, case, tools, installed("find", "3.13", "--managed-only").stdout.strip())
    variables = {key: text.format(moved=installed.root / "moved") for key, text in case.variables.items()}
    first = installed("uninstall", "3.13", "--json", code=1, env=variables)
    assert first.json["used"][0]["environments"] == [str(made)]
    # The next time it is known, wherever that is.
    later = installed("uninstall", "3.13", code=1, cwd=installed.root)
    assert f"is used by a virtual environment:\n  {made}\nhint: `pyman upgrade 3.13`" in later.stderr
    assert "--force" in later.stderr


@pytest.mark.parametrize("name", SPELLINGS)
def test_however_the_interpreter_is_named(name: str, installed: Pyman, owner: Pyman, tools: Path) -> None:
    made = make(installed, CASES[name], tools, str(owner.bin / "python3.13"))
    assert f"\n  {made}\n" in installed("uninstall", "3.13", code=1).stderr
