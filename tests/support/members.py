"""Two users of one group, and a third who is not in it: real users of the system, whom only root can be."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import CHECKOUT, ELSEWHERE, Pyman
from tests.support.become import user as become_user
from tests.support.builds import Archive, own_form
from tests.support.server import Server

# Numbers that no user and no group of a system has.
DEVS = 52_000
ANNA, BEN, EVE = 52_001, 52_002, 52_003


def reason_there_are_no_members() -> str:
    """Return why users cannot be started here, nothing if they can."""
    if sys.platform != "linux":
        return ELSEWHERE + "root is one on Linux only"
    if os.geteuid() != 0:
        return ELSEWHERE + "it needs root, to be two users in turn"
    paths = filter(None, [os.environ.get("PYTHONPATH")])
    done = subprocess.run(
        [*_as_user(ANNA, ""), sys.executable, "-c", "import click, pyman, tests"],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=_unmeasured({**os.environ, "PYTHONPATH": os.pathsep.join([str(CHECKOUT), *paths])}),
    )
    return ELSEWHERE + "other users cannot read this Python, or the checkout" if done.returncode else ""


def _as_user(number: int, umask: str) -> list[str]:
    become = become_user(number, [number] if number == EVE else [number, DEVS])
    return ["sh", "-c", f'umask {umask}; exec "$@"', "sh", *become] if umask else [*become]


def _unmeasured(variables: dict[str, str]) -> dict[str, str]:
    """Leave coverage out: its data are in a folder of whoever runs the tests, where others cannot write."""
    return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_")}


class Member(Pyman):
    """Pyman as one of the users has it: the store is the group's, all else their own."""

    shared: Path

    @property
    def store(self) -> Path:
        """The store of the group."""
        return self.shared

    def variables(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a run, in which coverage is not measured."""
        return _unmeasured(super().variables(env))


@contextmanager
def place() -> Iterator[Path]:
    """Give a folder that every user may read and go through, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="pyman-group-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def store_of(folder: Path, mode: int = 0o2775, group: int = DEVS) -> Path:
    """Make the empty store of a group, as its administrator does."""
    store = folder / "store"
    store.mkdir()
    os.chown(store, 0, group)
    store.chmod(mode)
    return store


def member(folder: Path, number: int, umask: str = "022") -> Member:
    """Return pyman as the user `number` has it, with the store in `folder`."""
    made = Member(folder / str(number), prefix=tuple(_as_user(number, umask)))
    made.shared = folder / "store"
    for path in (made.root, made.home, made.bin, made.work):
        path.mkdir(exist_ok=True)
        os.chown(path, number, number)
    made.environment["PYMAN_METADATA"] = str(folder / "metadata.json")
    made.environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return made


def offer(folder: Path, server: Server, *archives: Archive) -> None:
    """Make these the builds that all users in `folder` know."""
    (folder / "metadata.json").write_bytes(own_form(archives, server.url))
    (folder / "metadata.json").chmod(0o644)
