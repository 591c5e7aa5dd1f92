"""Files in folders of others: whatever has the name that is looked for, pyman neither waits nor is filled."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.builds import Archive
from tests.support.stores import environment, lay

from pyman.system import regular_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}no pipes among files")

BUILD = Archive("3.12.1", "20240107", "linux-x86_64-gnu")
HUGE = 1 << 40
MEMORY = 1 << 30


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, HUGE)


def in_a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket may have 100 bytes
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


KINDS = [pipe, endless, huge, in_a_socket, folder]

# What is looked for, from the root of a user; the command that does; and whether it fails: then it says why.
LOOKED_FOR = {
    "pyvenv.cfg": ("work/.venv/pyvenv.cfg", "find 3.12", 0),
    "pyvenv.cfg, scanned": ("work/a/b/pyvenv.cfg", "prune --dry-run --scan .", 0),
    "pyvenv.cfg, of a tool": ("home/.virtualenvs/x/pyvenv.cfg", "uninstall 3.12 --dry-run", 0),
    "pyvenv.cfg, of the interpreter's path": ("work/x/pyvenv.cfg", "find x/bin/python", 1),
    ".venv": ("work/.venv", "uninstall 3.12 --dry-run", 0),
    "index": ("store/.environments/0123456789abcdef", "uninstall 3.12 --dry-run", 0),
    "poetry.toml": ("work/poetry.toml", "uninstall 3.12 --dry-run", 0),
    "poetry's config.toml": ("home/.config/pypoetry/config.toml", "prune --dry-run", 0),
    ".python-version": ("work/.python-version", "find", 0),
    ".python-versions": ("work/.python-versions", "find", 0),
    "the user's own pin": ("home/.config/pyman/.python-version", "find", 0),
    "pyproject.toml": ("work/pyproject.toml", "find", 0),
    "pyenv's version": ("home/.pyenv/version", "list", 0),
    "cached answers": ("home/.cache/pyman/interpreters/facts.json", "list", 0),
    "a start-up file": ("home/.bashrc", "update-shell --shell bash", 1),
}


@pytest.fixture
def user(pyman: Pyman) -> Pyman:
    """Somebody with one installation, who may have a gigabyte of memory."""
    lay(pyman.store, BUILD)
    pyman.environment |= {"PYMAN_TARGET": BUILD.target, "PATH": str(pyman.bin), "VIRTUAL_ENV": ""}
    pyman.prefix = ("/bin/sh", "-c", f'ulimit -v {MEMORY >> 10}; exec "$@"', "sh")
    return pyman


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("what", LOOKED_FOR)
def test_no_command_waits_for_a_file(what: str, kind: Callable[[Path], None], user: Pyman) -> None:
    name, command, code = LOOKED_FOR[what]
    if kind is endless and "update-shell" in command:
        pytest.skip(f"{ELSEWHERE}what may be written is never tried with a device of the system")
    place = user.root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    kind(place)
    if kind is huge and ".python-version" in name:
        code = 2
    before = os.lstat(place)
    finish_soon(user, command.split(), code)
    if what != "cached answers" or kind is not huge:  # that is pyman's own, and damaged
        assert os.lstat(place)[:7] == before[:7]


def finish_soon(user: Pyman, command: list[str], code: int) -> str:
    """Run it; what is only a little slow is no wait."""
    done = subprocess.run(
        user.command(*command),
        env=user.measured(user.variables(), command),
        cwd=user.work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert ("error: " in done.stderr) == bool(code)
    return done.stderr


@pytest.mark.parametrize("kind", [pipe, huge, in_a_socket, folder], ids=lambda kind: kind.__name__)
def test_pinning_leaves_what_is_no_version_file(kind: Callable[[Path], None], user: Pyman) -> None:
    place = user.work / ".python-version"
    kind(place)
    before = os.lstat(place)
    told = finish_soon(user, ["pin", "3.12"], 2)
    assert str(place) in told
    assert os.lstat(place)[:7] == before[:7]


def test_a_mirror_with_a_pipe_is_passed_over(user: Pyman, offer: Callable[..., None], tmp_path: Path) -> None:
    offer(Archive("3.13.1", "20250107", "linux-riscv64-gnu"))
    archive = tmp_path / "mirror" / Archive("3.13.1", "20250107", "linux-riscv64-gnu").path
    archive.parent.mkdir(parents=True)
    os.mkfifo(archive)
    command = ["install", "3.13.1", "--target", "linux-riscv64-gnu", "--mirror", str(tmp_path / "mirror")]
    assert "it is not a regular file" in finish_soon(user, command, 1)


class TestRegularFile:
    """The function itself."""

    @pytest.mark.parametrize("kind", [pipe, endless, in_a_socket, folder], ids=lambda kind: kind.__name__)
    def test_only_regular_files_are_read(self, kind: Callable[[Path], None], tmp_path: Path) -> None:
        kind(tmp_path / "file")
        with pytest.raises(OSError, match="it is not a regular file"):
            regular_file.head(tmp_path / "file", 10)

    @pytest.mark.parametrize(("size", "most"), [(0, 10), (9, 10), (10, 10), (11, 10), (3_000_000, 1_000_000)])
    def test_bounds(self, size: int, most: int, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"x" * size)
        assert regular_file.head(tmp_path / "file", most) == b"x" * min(size, most)
        if size <= most:
            assert regular_file.whole(tmp_path / "file", most) == b"x" * size
        else:
            with pytest.raises(OSError, match=f"more than {most} bytes"):
                regular_file.whole(tmp_path / "file", most)

    @pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}/proc is of Linux")
    def test_files_without_a_size_are_read(self) -> None:
        assert regular_file.whole("/proc/self/cmdline", 1 << 20)

    def test_a_writer_that_waits_is_not_let_go_on(self, tmp_path: Path) -> None:
        # It would be gone, and what it had to say lost, when the pipe is closed again.
        os.mkfifo(tmp_path / "file")
        code = (
            f"import sys; sys.stdout.write('x'); sys.stdout.flush(); open({str(tmp_path / 'file')!r}, 'wb')"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            writer.stdout.read(1)
            try:
                for _ in range(20):
                    with pytest.raises(OSError, match="it is not a regular file"):
                        regular_file.head(tmp_path / "file", 10)
                with pytest.raises(subprocess.TimeoutExpired):
                    writer.wait(0.5)
            finally:
                writer.kill()


def test_an_environment_beside_a_pipe_is_found(user: Pyman) -> None:
    found = environment(user.work / "b" / ".venv", user.store / BUILD.key / "bin")
    (user.work / "a").mkdir()
    os.mkfifo(user.work / "a" / "pyvenv.cfg")
    user("prune", "--yes", "--scan", ".")
    assert str(found) in user("uninstall", "3.12", code=1).stderr
