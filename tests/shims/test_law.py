"""The law of shims: whatever lies where, a shim starts what `pyman find` prints there, or it asks.

That holds after any change of the files, also one that leaves older times behind. Where all times are settled
and pyman has decided once, it need not ask again.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.conftest import ELSEWHERE, home_variables
from tests.support.builds import Archive
from tests.support.stores import environment, lay

from pyman.discovery.finder import Here, Outcome, find, installed
from pyman.errors import PymanError, UsageError
from pyman.machine import detection
from pyman.remembered.deciding import decide, decide_named
from pyman.requests.request import Request
from pyman.shims import shims_folder
from pyman.store.installations import Store, executable_name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the store is one for Linux")

TARGET = "linux-x86_64-gnu"
ASKS = "error: pyman is to be started by the shim"
SHELLS = [found for name in ("dash", "bash", "busybox") if (found := shutil.which(name))]
OLD = 1_700_000_000
TEXTS = {
    ".python-versions": ["3.13\n3.12\n", "# none\n"],
    ".python-version": [
        "3.12",
        "3.13\r\n",
        "3.12.1\n",
        "# why\n3.13 # so\n",
        "nonsense\n3.12\n",
        ">=3.12,<3.14\n",
    ],
    ".tool-versions": ["python 3.12.1 3.13.0\n", "nodejs 20\n", "python system\n", "python path:./evil\n"],
    "mise.toml": ['[tools]\npython = "3.13"\n', '[tools]\nnode = "20"\n', "[broken"],
    "runtime.txt": ["python-3.12.1\n", "something else\n"],
    "Pipfile": ['[requires]\npython_version = "3.12"\n', "[packages]\n"],
    "pyproject.toml": ['[project]\nrequires-python = ">=3.12,<3.13"\n', "[tool.other]\n", "[broken"],
    "setup.cfg": ["[options]\npython_requires = >=3.13\n", "[metadata]\n"],
}
HOSTILE = ["$(touch /tmp/x)\n", "../../x\n", "`id`", "-", "3.9\n", "\0\n", "3.12\n" * 40_000]
TEXTS[".python-version"] += HOSTILE
ENVIRONMENT = ".venv"


class Put(NamedTuple):
    """A file with a text, or an environment, in the folder that is so deep."""

    depth: int
    name: str
    text: str


puts = st.one_of(
    *(
        st.builds(Put, st.integers(0, 3), st.just(name), st.sampled_from(texts))
        for name, texts in TEXTS.items()
    ),
    st.builds(Put, st.integers(0, 3), st.just(ENVIRONMENT), st.just("")),
)


class World:
    """A store with two Pythons that print by which path they are started, a home, and shims."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store(root / "store")
        archives = [Archive("3.12.1", "20240107", TARGET), Archive("3.13.0", "20241016", TARGET)]
        for key in lay(self.store.home, *archives):
            for program in (self.store.home / key / "bin").iterdir():
                program.write_text('#!/bin/sh\nprintf %s "$0"\n', encoding="utf-8")
        self.environ = {
            **home_variables(root / "home"),
            "PYMAN_HOME": str(self.store.home),
            "PYMAN_TARGET": TARGET,
            "PATH": "/nowhere",
        }
        self.machine = detection.machine(TARGET)
        shims_folder.turn_on(self.store, self.machine.target, self.environ)
        (self.store.home / ".environments").mkdir()
        os.utime(self.store.home, (OLD, OLD))
        self.clock = OLD

    def pin(self, text: str) -> None:
        """Make that the user's own pin."""
        pin = Path(self.environ["XDG_CONFIG_HOME"], "pyman", ".python-version")
        pin.parent.mkdir(parents=True, exist_ok=True)
        pin.write_text(text, encoding="utf-8")
        self.date(pin)

    def date(self, path: Path) -> None:
        """Give a file a time of its own that is long gone, and not later than any before."""
        self.clock -= 10
        os.utime(path, (self.clock, self.clock))

    def here(self, start: Path) -> Here:
        return Here(self.store, self.machine, self.environ, start)

    def put(self, project: Path, puts: list[Put]) -> None:
        """Put all of it there."""
        for each in puts:
            folder = project.joinpath(*"abc"[: each.depth])
            path = folder / each.name
            if each.name == ENVIRONMENT:
                shutil.rmtree(path, ignore_errors=True)
                path = environment(
                    path, self.store.home / f"cpython-3.12-{TARGET}" / "bin", "version = 3.12.1"
                )
                path = path / "pyvenv.cfg"
            else:
                path.write_text(each.text, encoding="utf-8", newline="")
            self.date(path)

    def found(self, start: Path) -> Outcome | None:
        try:
            return find(None, self.here(start))
        except PymanError:
            return None

    def started(self, name: str, start: Path, shell: str) -> str:
        """Return the path that a shim starts without asking; "" where it asks."""
        line = [
            shell,
            *(["sh"] if shell.endswith("busybox") else []),
            str(shims_folder.place(self.store) / name),
        ]
        done = subprocess.run(
            line,
            cwd=start,
            env={**self.environ, "_PYMAN_SHIM": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            assert not done.stderr
            return done.stdout
        assert done.stderr.startswith(ASKS), done.stderr
        return ""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("law"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in made.environ.items():
            patch.setenv(name, value)
        for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
            patch.delenv(name, raising=False)
        yield made


def check(world: World, start: Path, shell: str) -> bool:
    """Check the law for `python` and `python3.12`, and return whether the first did without asking."""
    outcome = world.found(start)
    path = str(outcome.found.path) if outcome and outcome.found else ""
    started = world.started("python", start, shell)
    assert started in ("", path)
    named = world.started("python3.12", start, shell)
    is_one = (
        outcome and outcome.found and outcome.found.key and executable_name(outcome.found.key) == "python3.12"
    )
    newest = installed(Request.parse("3.12"), world.here(start))
    assert newest
    assert named in ("", path if is_one else str(newest.path))
    return bool(started)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.tuples(st.lists(puts, max_size=5), st.lists(puts, max_size=2)),
    own=st.sampled_from(["", "3.12\n", "3.13\n"]),
    depth=st.integers(0, 3),
    shell=st.sampled_from(SHELLS),
)
@example(([], []), "", 0, SHELLS[0])
@example(([Put(0, ".python-version", "3.12")], [Put(0, ".python-version", "3.13\r\n")]), "", 0, SHELLS[0])
@example(
    (
        [Put(1, "pyproject.toml", TEXTS["pyproject.toml"][0])],
        [Put(1, "pyproject.toml", TEXTS["pyproject.toml"][1])],
    ),
    "",
    3,
    SHELLS[0],
)
@example(([Put(0, ".python-version", "3.12")], [Put(1, ENVIRONMENT, "")]), "", 2, SHELLS[0])
@example(([Put(0, ENVIRONMENT, ""), Put(0, ".python-version", "-")], []), "", 1, SHELLS[-1])
def test_a_shim_starts_what_find_prints_or_asks(
    world: World, changes: tuple[list[Put], list[Put]], own: str, depth: int, shell: str
) -> None:
    before, after = changes
    with tempfile.TemporaryDirectory(dir=world.root) as folder:
        project = Path(folder)
        start = project.joinpath(*"abc"[:depth])
        project.joinpath(*"abc").mkdir(parents=True)
        world.pin(own)
        world.put(project, before)
        check(world, start, shell)
        outcome = world.found(start)
        with suppress(PymanError):
            decide(world.here(start))
        with suppress(PymanError):
            decide_named("python3.12", world.here(start))
        is_told = check(world, start, shell)
        if outcome and outcome.found and outcome.found.where in ("managed", ".venv"):
            assert is_told, "pyman has decided, and is asked again"
        world.put(project, after)
        check(world, start, shell)
        for each in (*before, *after):
            path = project.joinpath(*"abc"[: each.depth], each.name)
            if path.is_file():
                path.unlink()
        check(world, start, shell)


def test_why_there_is_none_is_remembered_for_shells(world: World) -> None:
    with tempfile.TemporaryDirectory(dir=world.root) as folder:
        project = Path(folder)
        world.pin("")
        world.put(project, [Put(0, ".python-version", "3.9\n"), Put(0, ".tool-versions", "nodejs 20\n")])
        answers = Path(world.environ["XDG_CACHE_HOME"], "pyman", "answers")
        about = Path(f"{answers}{project}/.python-version")
        outcome = decide(world.here(project), lambda found: f"say\n{found.request}")
        assert outcome.found is None or outcome.found.where != "managed"
        assert about.read_text(encoding="utf-8") == "\nsay\ncpython-3.9\n"
        assert not world.started("python", project, SHELLS[0])
        world.put(project, [Put(0, ".python-version", "no")])
        with pytest.raises(UsageError):
            decide(world.here(project), lambda _: "")
        empty, message, *hint = about.read_text(encoding="utf-8").splitlines()
        assert (empty, len(hint)) == ("", 1)
        assert message == f"{project}/.python-version:1: not a Python request: 'no'"
        assert not world.started("python", project, SHELLS[0])
        world.put(project, [Put(0, ".python-version", "# nothing")])
        decide(world.here(project), lambda _: "")
        assert about.read_text(encoding="utf-8") == "-\n"
        mode = answers.stat().st_mode & 0o777
        assert mode == 0o700
        answers.chmod(0o755)
        world.put(project, [Put(0, ".python-version", "3.12")])
        decide(world.here(project))
        assert answers.stat().st_mode & 0o777 == 0o700
        assert world.started("python", project, SHELLS[0])
