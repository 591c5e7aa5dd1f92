"""What every test stands on: sealed surroundings, pyman as a subprocess, a release host, real archives."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from tests.support.builds import Archive, own_form
from tests.support.repack import reason_not_movable, repack
from tests.support.server import Server, serving

if TYPE_CHECKING:
    from tests.support.portables import Made

CHECKOUT = Path(__file__).parents[1]
REAL_HOME = Path.home()
# A skip for such a reason is no failure even where everything that the tests need is at hand.
ELSEWHERE = "not on this platform: "
_TIME_LIMIT = 120
# Files in which nearly each run goes another way through the same command.
_FEW_OF_A_KIND = ("test_doctor.py", "test_prefix.py", "test_lock.py")
_WORD = re.compile(r"-{0,2}[a-z][a-z-]*")  # a command, or an option
# By these, other tools tell where they keep interpreters and environments; this machine's are none of ours.
OF_TOOLS = ("HATCH_", "PDM_", "PIPENV_", "PIPX_", "POETRY_", "PYENV_ROOT", "TOX_", "UV_", "WORKON_HOME")


@dataclass(frozen=True, slots=True)
class Result:
    """What a run of pyman printed, and its exit code."""

    stdout: str
    stderr: str
    code: int

    @property
    def json(self) -> dict[str, Any]:
        """What it printed on stdout, which must be one JSON object."""
        document = json.loads(self.stdout)
        assert isinstance(document, dict)
        return document


@dataclass
class Pyman:
    """pyman as a user runs it, with a home, a store and a folder of links of its own.

    Call it with arguments: it checks the exit code against `code` and that nothing was left to a traceback.
    """

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    _kinds: ClassVar[set[tuple[str, ...]]] = set()

    @property
    def home(self) -> Path:
        """The home directory."""
        return self.root / "home"

    @property
    def store(self) -> Path:
        """The store, `PYMAN_HOME`."""
        return self.root / "store"

    @property
    def bin(self) -> Path:
        """The folder of links, `PYMAN_BIN_DIR`."""
        return self.root / "bin"

    @property
    def work(self) -> Path:
        """The current directory of a run."""
        return self.root / "work"

    def variables(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a run."""
        return {
            **os.environ,
            **home_variables(self.home),
            "PYMAN_HOME": str(self.store),
            "PYMAN_BIN_DIR": str(self.bin),
            "COLUMNS": "200",
            "PYMAN_REFRESH": "never",  # test_refresh.py and test_refreshing.py have those that do
            "PYMAN_RETRIES": "0",  # the waiting before each would be most of a test; test_network.py has them
            **self.environment,
            **(env or {}),
        }

    def command(self, *args: str | Path) -> list[str]:
        """Return the command line of a run: warnings are errors in it, too."""
        return [*self.prefix, sys.executable, "-X", "dev", "-W", "error", "-m", "pyman", *map(str, args)]

    def __call__(
        self, *args: str | Path, code: int = 0, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Result:
        """Run pyman and return what it printed; `code` is the exit code it must have."""
        done = subprocess.run(
            self.command(*args),
            env=self.measured(self.variables(env), args, code),
            cwd=cwd or self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=_TIME_LIMIT,
            check=False,
        )
        return checked(Result(done.stdout, done.stderr, done.returncode), code)

    def measured(
        self, variables: dict[str, str], args: Iterable[str | Path], code: int = 0
    ) -> dict[str, str]:
        """Have coverage measured in the first run of each kind in a test file.

        To measure takes longer than most runs. Runs are of one kind that have the same command and options,
        and are to end with the same `code`.
        """
        file = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[0]
        kind = (file, str(code), *(str(word) for word in args if _WORD.fullmatch(str(word))))
        if kind not in self._kinds or file.endswith(_FEW_OF_A_KIND):
            self._kinds.add(kind)
            return variables
        return {name: value for name, value in variables.items() if not name.startswith("COVERAGE_PROCESS")}

    def start(self, *args: str | Path) -> subprocess.Popen[str]:
        """Start pyman and do not wait for it."""
        return subprocess.Popen(
            self.command(*args),
            env=self.measured(self.variables(), args),
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def installed(self) -> list[str]:
        """Return the keys of what the store publishes, in order."""
        return [entry.name for entry in self._published() if not _is_link(entry)]

    def minor_links(self) -> dict[str, str]:
        """Return the minor links and the keys they point at."""
        return {entry.name: entry.resolve().name for entry in self._published() if _is_link(entry)}

    def _published(self) -> list[Path]:
        return sorted(self.store.glob("*-*"))

    def leftovers(self) -> list[str]:
        """Return what lies in the staging area, which may change meanwhile."""
        staging = self.store / ".staging"
        found = ((Path(folder), name) for folder, *names in os.walk(staging) for name in chain(*names))
        return sorted(str((folder / name).relative_to(staging)) for folder, name in found)


def _is_link(path: Path) -> bool:
    """Whether `path` is a link to a directory; on Windows that is a junction."""
    return path.resolve().name != path.name


def checked(result: Result, code: int) -> Result:
    """Return `result` if it ended with `code` and in an orderly way."""
    told = f"exit code {result.code}\n--- stdout\n{result.stdout}\n--- stderr\n{result.stderr}"
    assert result.code == code, told
    assert "Traceback" not in result.stderr, told
    assert "Exception ignored" not in result.stderr, told
    assert "internal error" not in result.stderr, told
    return result


def home_variables(home: Path) -> dict[str, str]:
    """Return the variables which make `home` the home directory on every platform."""
    return {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home / "AppData" / "Roaming"),
        "LOCALAPPDATA": str(home / "AppData" / "Local"),
        "XDG_DATA_HOME": str(home / ".local" / "share"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_STATE_HOME": str(home / ".local" / "state"),
    }


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the seal notes what it refused."""
    return tmp_path_factory.mktemp("seal") / "refused"


@pytest.fixture(scope="session", autouse=True)
def sealed(tmp_path_factory: pytest.TempPathFactory, refused: Path) -> Iterator[None]:
    """Take the settings of the user, of tools and proxies away, put the home elsewhere, set the seal."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            foreign = name.startswith("PYMAN_") and not name.startswith("PYMAN_TEST_")
            if foreign or name.lower().endswith("_proxy") or name.startswith(OF_TOOLS):
                patch.delenv(name)
        for name, value in home_variables(home).items():
            patch.setenv(name, value)
        patch.setenv("PYMAN_HOME", str(home / "store"))
        patch.setenv("PYMAN_BIN_DIR", str(home / "bin"))
        patch.setenv("PYMAN_TEST_REAL_HOME", str(REAL_HOME))
        patch.setenv("PYMAN_TEST_REFUSED", str(refused))
        patch.setenv("PYMAN_TEST_CHECKOUT", str(CHECKOUT))
        patch.setenv("PYMAN_TEST_TEMPORARY", tempfile.gettempdir())
        patch.setenv("PYTHONPATH", str(CHECKOUT / "tests" / "support" / "sealed"), prepend=os.pathsep)
        yield


@pytest.fixture(autouse=True)
def nothing_refused(refused: Path) -> Iterator[None]:
    """Fail a test in which something reached for the network or the real home directory."""
    yield
    if refused.exists():
        notes = refused.read_text(encoding="utf-8")
        refused.unlink()
        pytest.fail(f"the test is not sealed:\n{notes}")


def pytest_configure() -> None:
    """Have ^C and SIGQUIT as they usually are, also where a shell script started the tests with `&`.

    It has them ignored then (POSIX.1-2017, sh, 2.11), which what is started inherits: a test that interrupts
    would wait for ever.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if hasattr(signal, "SIGQUIT") and signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@contextmanager
def hanging_up() -> Iterator[None]:
    """Let what is started meanwhile begin with SIGHUP as it usually is, also where the tests run under nohup.

    They themselves go on when the terminal is closed: what has a handler here is left to the system in what
    they start (POSIX.1-2017, exec). To be used in the main thread.
    """
    ignored = hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    if ignored:
        signal.signal(signal.SIGHUP, lambda *_: None)
    try:
        yield
    finally:
        if ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)


@pytest.fixture
def usual_hangup() -> Iterator[None]:
    """SIGHUP as it usually is, for what the test starts."""
    with hanging_up():
        yield


@pytest.fixture
def pyman(tmp_path: Path) -> Pyman:
    """Pyman with a store of its own, which does not exist yet."""
    made = Pyman(tmp_path / "user")
    for folder in (made.home, made.bin, made.work):
        folder.mkdir(parents=True)
    return made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An empty release host; put archives into `server.folder`."""
    folder = tmp_path / "releases"
    folder.mkdir()
    with serving(folder) as running:
        yield running


@pytest.fixture
def offer(pyman: Pyman, server: Server, tmp_path: Path) -> "Offer":
    """A function which makes archives the only ones pyman knows, downloaded from `server`."""
    return Offer(pyman, server, tmp_path / "metadata.json")


@dataclass(frozen=True, slots=True)
class Offer:
    """Called with archives, it writes the metadata which lists them, at `server`, and points pyman at it."""

    pyman: Pyman
    server: Server
    path: Path

    def __call__(self, *archives: Archive) -> None:
        self.path.write_bytes(own_form(archives, self.server.url))
        self.pyman.environment["PYMAN_METADATA"] = str(self.path)


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The folder of real interpreters and the Alpine root file system."""
    place = os.environ.get("PYMAN_TEST_FIXTURES")
    if not place:
        pytest.skip("PYMAN_TEST_FIXTURES does not name the folder of fixture archives")
    folder = Path(place)
    if not folder.is_dir():
        pytest.fail(f"PYMAN_TEST_FIXTURES={place} is not a folder")
    return folder


@pytest.fixture(scope="session")
def tools() -> Path:
    """The environment with the tools of tests/tools.txt."""
    place = os.environ.get("PYMAN_TEST_TOOLS")
    if not place:
        pytest.skip("PYMAN_TEST_TOOLS does not name an environment with the tools of tests/tools.txt")
    return Path(place)


@pytest.fixture(scope="session")
def repacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Archive]]:
    """The Python that runs the tests as two builds, `.tar.gz` and `.tar.zst`, in a folder like a mirror's."""
    if reason := reason_not_movable():
        pytest.skip(ELSEWHERE + reason)
    folder = tmp_path_factory.mktemp("repacked")
    return folder, repack(folder)


@pytest.fixture
def real(repacked: tuple[Path, list[Archive]], server: Server) -> list[Archive]:
    """Two builds that run here, to be had from `server`: `.tar.gz`, and a later release as `.tar.zst`."""
    folder, archives = repacked
    shutil.copytree(folder, server.folder, dirs_exist_ok=True)
    return archives


def fixture_archive(fixtures: Path, name: str) -> Path:
    """Return the one fixture whose name has `name` in it; that there is none is a failure, not a skip."""
    found = [path for path in fixtures.iterdir() if name in path.name]
    assert len(found) == 1, f"{fixtures} should have one file like {name}, it has {found}"
    return found[0]


@pytest.fixture(scope="session")
def made(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> "Made":
    """The portable pymans, pyman.pyz and install.sh, made once for all workers."""
    from tests.support.portables import make  # noqa: PLC0415 - it stands on this module

    base = tmp_path_factory.getbasetemp()
    return make(fixtures, base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture(scope="session")
def unpacked(made: "Made", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The portable pyman that runs here, unpacked; for reading only."""
    from tests.support.portables import HERE, unpack  # noqa: PLC0415 - the same

    return unpack(made.archive(HERE), tmp_path_factory.mktemp("place with space"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With `PYMAN_TEST_NO_SKIPS=1` a skip is a failure, unless the platform is the reason."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if os.environ.get("PYMAN_TEST_NO_SKIPS") == "1" and ELSEWHERE not in reason:
            report.outcome = "failed"
            report.longrepr = f"{reason} (PYMAN_TEST_NO_SKIPS is set: all that the tests need should be here)"
    return report
