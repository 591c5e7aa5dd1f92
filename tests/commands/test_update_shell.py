"""`pyman update-shell`: what it writes, and what real shells make of it."""

import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import ELSEWHERE, Pyman, Result, checked

from pyman.errors import StoreError
from pyman.shell import user_path
from pyman.shell.startup_file import StartupFile, with_block

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason=f"{ELSEWHERE}Windows keeps PATH in the registry, which tests leave alone"
)

PLAIN = "/usr/bin:/bin"
NAMES = ["bin", 'it\'s "quoted" $HOME `id`', "back\\slash \u2019curly\u2018 *?[x]~#!"]
# How to start each shell as a new terminal does, and print its PATH.
PRINT = 'printf "%s\\n" "$PATH"'
FRESH = {
    "bash": ["bash", "-i", "-c", PRINT],
    "bash login": ["bash", "-l", "-c", PRINT],
    "zsh": ["zsh", "-i", "-c", PRINT],
    "zsh login": ["zsh", "-l", "-i", "-c", PRINT],
    "fish": ["fish", "-c", "string join : $PATH"],
    "sh": ["dash", "-l", "-c", PRINT],
    "nushell": ["nu", "-l", "-c", "print ($env.PATH | str join ':')"],
    "powershell": ["pwsh", "-Command", "$env:PATH"],
}


def fresh_path(pyman: Pyman, how: str, path: str = PLAIN) -> list[str]:
    """Start a shell of the user of `pyman`, and return its PATH."""
    command = FRESH[how]
    if not shutil.which(command[0]):
        pytest.skip(f"{ELSEWHERE}{command[0]} is not installed")
    done = subprocess.run(
        [str(shutil.which(command[0])), *command[1:]],
        env={"HOME": str(pyman.home), "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=True,
    )
    return done.stdout.splitlines()[-1].split(":")


def update(pyman: Pyman, shell: str, *args: str, env: Mapping[str, str] | None = None) -> Result:
    return pyman("update-shell", "--shell", shell, *args, env={"XDG_CONFIG_HOME": "", **(env or {})})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("how", FRESH)
def test_new_shells_have_it_on_path(how: str, name: str, pyman: Pyman) -> None:
    place = str(pyman.root / name)
    update(pyman, how.split(maxsplit=1)[0], env={"PYMAN_BIN_DIR": place})
    found = fresh_path(pyman, how)
    assert found[0] == place
    assert found.count(place) == 1


@pytest.mark.parametrize("how", FRESH)
def test_a_shell_in_a_shell_has_it_once(how: str, pyman: Pyman) -> None:
    update(pyman, how.split(maxsplit=1)[0])
    found = fresh_path(pyman, how, path=f"{PLAIN}:{pyman.bin}")
    assert found.count(str(pyman.bin)) == 1


def test_says_what_it_writes_and_where(pyman: Pyman) -> None:
    result = update(pyman, "zsh")
    assert f"Creating {pyman.home / '.zshrc'}:" in result.stderr
    assert str(pyman.bin) in result.stderr
    assert f"Open a new shell: {pyman.bin} is on its PATH." in result.stderr
    assert result.stdout == ""


def test_a_second_time_changes_nothing(pyman: Pyman) -> None:
    update(pyman, "bash")
    before = contents(pyman.home)
    result = update(pyman, "bash", env={"PATH": f"{pyman.bin}:{os.environ['PATH']}"})
    assert contents(pyman.home) == before
    assert f"Nothing to change in {pyman.home / '.bashrc'} and {pyman.home / '.profile'}." in result.stderr
    assert f"{pyman.bin} is on your PATH." in result.stderr


def test_dry_run_shows_all_and_writes_nothing(pyman: Pyman) -> None:
    (pyman.home / ".bashrc").write_text("alias l=ls\n", encoding="utf-8")
    before = contents(pyman.home)
    result = update(pyman, "bash", "--dry-run")
    assert f"Would change {pyman.home / '.bashrc'}:" in result.stderr
    assert f"Would create {pyman.home / '.profile'}:" in result.stderr
    assert "export PATH=" in result.stderr
    assert contents(pyman.home) == before


def test_another_directory_takes_the_place_of_the_first(pyman: Pyman) -> None:
    rc = pyman.home / ".zshrc"
    rc.write_text("# mine, above\n", encoding="utf-8")
    update(pyman, "zsh")
    rc.write_text(rc.read_text(encoding="utf-8") + "# mine, below\n", encoding="utf-8")
    update(pyman, "zsh", env={"PYMAN_BIN_DIR": "/elsewhere"})
    text = rc.read_text(encoding="utf-8")
    assert text.startswith("# mine, above\n# >>> pyman >>>\n")
    assert text.endswith("# <<< pyman <<<\n# mine, below\n")
    assert str(pyman.bin) not in text
    assert text.count("/elsewhere") == 2


def test_the_rest_of_the_file_is_kept_byte_for_byte(pyman: Pyman) -> None:
    rc = pyman.home / ".zshrc"
    mine = b"\xef\xbb\xbfecho caf\xe9\r\nalias x='y'"
    rc.write_bytes(mine)
    rc.chmod(0o640)
    update(pyman, "zsh")
    content = rc.read_bytes()
    assert content.startswith(mine + b"\r\n# >>> pyman >>>\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")
    assert stat.S_IMODE(rc.stat().st_mode) == 0o640
    assert contents(pyman.home).keys() == {".zshrc"}


@pytest.mark.parametrize("there", [True, False], ids=["there", "dangling"])
def test_a_symbolic_link_is_written_through(there: bool, pyman: Pyman) -> None:  # noqa: FBT001
    real = pyman.root / "dotfiles" / "zsh" / "rc"
    if there:
        real.parent.mkdir(parents=True)
        real.write_text("# mine\n", encoding="utf-8")
    link = pyman.home / ".zshrc"
    link.symlink_to("../dotfiles/zsh/rc")
    update(pyman, "zsh")
    assert link.readlink() == Path("../dotfiles/zsh/rc")
    assert str(pyman.bin) in real.read_text(encoding="utf-8")


def test_a_hard_link_is_kept(pyman: Pyman) -> None:
    other = pyman.root / "other"
    other.write_text("# mine\n", encoding="utf-8")
    (pyman.home / ".zshrc").hardlink_to(other)
    update(pyman, "zsh")
    assert str(pyman.bin) in other.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("there", "written"),
    [
        ((), {".bashrc", ".profile"}),
        ((".profile",), {".bashrc", ".profile"}),
        ((".profile", ".bash_login"), {".bashrc", ".bash_login"}),
        ((".profile", ".bash_login", ".bash_profile"), {".bashrc", ".bash_profile"}),
    ],
)
def test_bash_gets_the_login_file_that_it_reads(
    there: tuple[str, ...], written: set[str], pyman: Pyman
) -> None:
    for name in there:
        (pyman.home / name).touch()
    update(pyman, "bash")
    assert {name for name, content in contents(pyman.home).items() if content} == written


def test_zsh_is_asked_where_its_files_are(pyman: Pyman) -> None:
    if not shutil.which("zsh"):
        pytest.skip(f"{ELSEWHERE}zsh is not installed")
    (pyman.home / "z").mkdir()
    (pyman.home / ".zshenv").write_text("echo hello\nZDOTDIR=$HOME/z\n", encoding="utf-8")
    update(pyman, "zsh")
    assert contents(pyman.home).keys() == {".zshenv", "z/.zshrc"}
    assert fresh_path(pyman, "zsh")[0] == str(pyman.bin)


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("fish", "fish/conf.d/pyman.fish"),
        ("nushell", "nushell/config.nu"),
        ("powershell", "powershell/profile.ps1"),
    ],
)
def test_the_configuration_directory_is_the_users(shell: str, file: str, pyman: Pyman) -> None:
    folder = pyman.root / "my config"
    update(pyman, shell, env={"XDG_CONFIG_HOME": str(folder)})
    assert contents(folder).keys() == {file}


def test_nushell_and_powershell_quote_in_their_own_ways(pyman: Pyman) -> None:
    env = {"PYMAN_BIN_DIR": '/it\'s \u2019a\u2019 "b" \\c $d'}
    nushell = update(pyman, "nushell", "--dry-run", env=env).stderr
    assert 'prepend "/it\'s \u2019a\u2019 \\"b\\" \\\\c $d")' in nushell
    powershell = update(pyman, "powershell", "--dry-run", env=env).stderr
    assert "$env:PATH = '/it''s \u2019\u2019a\u2019\u2019 \"b\" \\c $d' + " in powershell


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"# >>> pyman >>>\nexport A=1\n", "without a line '# <<< pyman <<<'"),
        (b"# >>> pyman >>>\n# >>> pyman >>>\n# <<< pyman <<<\n", "without a line '# <<< pyman <<<'"),
        ("alias l=ls\n".encode("utf-16"), "not a text file"),
        (None, "not a regular file"),
    ],
)
def test_what_it_does_not_understand_is_left_alone(content: bytes | None, why: str, pyman: Pyman) -> None:
    profile = pyman.home / ".profile"
    if content is None:
        profile.mkdir()
    else:
        profile.write_bytes(content)
    result = pyman("update-shell", "--shell", "bash", code=1)
    assert f"{profile}: it " in result.stderr
    assert why in result.stderr
    assert "hint: " in result.stderr
    assert not (pyman.home / ".bashrc").exists()
    assert content is None or profile.read_bytes() == content


def test_a_folder_that_cannot_be_made(pyman: Pyman) -> None:
    (pyman.home / ".config").write_text("", encoding="utf-8")
    result = pyman("update-shell", "--shell", "fish", code=1, env={"XDG_CONFIG_HOME": ""})
    assert "pyman.fish: Not a directory" in result.stderr


@pytest.mark.skipif(
    sys.platform != "win32" and os.getuid() == 0, reason=f"{ELSEWHERE}root may write what is read-only"
)
def test_a_read_only_file_is_left_alone(pyman: Pyman) -> None:
    rc = pyman.home / ".zshrc"
    rc.touch(mode=0o444)
    result = pyman("update-shell", "--shell", "zsh", code=1)
    assert f"cannot write {rc}: it is read-only" in result.stderr
    assert rc.read_bytes() == b""


@pytest.mark.parametrize("place", ["/a:b", "/a\nb"])
def test_a_directory_that_cannot_stand_on_path(place: str, pyman: Pyman) -> None:
    result = pyman("update-shell", "--shell", "bash", code=2, env={"PYMAN_BIN_DIR": place})
    assert "cannot stand on PATH" in result.stderr
    assert contents(pyman.home) == {}


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files in `folder`, with what is in them."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class TestWhichShell:
    """Without `--shell`."""

    def test_the_variable(self, pyman: Pyman) -> None:
        assert ".zshrc" in detached(pyman, "/opt/bin/zsh", 0).stderr

    def test_an_unknown_one(self, pyman: Pyman) -> None:
        result = detached(pyman, "/bin/tcsh", 2)
        assert "error: pyman does not know the shell /bin/tcsh" in result.stderr
        assert "--shell (bash, zsh, fish, nushell, powershell, sh)" in result.stderr

    @pytest.mark.parametrize("line", ["{}; true", "dash '{}'; true"], ids=["typed", "in a script"])
    @pytest.mark.parametrize(("program", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
    def test_the_one_that_is_typed_in(self, program: str, file: str, line: str, pyman: Pyman) -> None:
        if sys.platform != "linux":
            pytest.skip(f"{ELSEWHERE}there is no /proc that tells the parent of a process")
        if not shutil.which(program):
            pytest.skip(f"{ELSEWHERE}{program} is not installed")
        command = shlex.join(pyman.command("update-shell", "--dry-run"))
        script = pyman.root / "script"
        script.write_text(f"{command}\ntrue\n", encoding="utf-8")
        told = in_terminal(pyman, program, line.format(script if "dash" in line else command))
        assert f"Would create {pyman.home / file}:" in told


def detached(pyman: Pyman, shell: str, code: int) -> Result:
    """Run `pyman update-shell --dry-run` where no shell is seen but that of the variable."""
    done = subprocess.run(
        pyman.command("update-shell", "--dry-run"),
        env=pyman.variables({"SHELL": shell}),
        start_new_session=True,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return checked(Result(done.stdout, done.stderr, done.returncode), code)


# The terminal becomes that of a new session, without which a shell does no job control.
ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def in_terminal(pyman: Pyman, shell: str, line: str) -> str:
    """Have an interactive shell on a terminal run `line`, and return what it printed on stderr."""
    if sys.platform == "win32":
        return ""
    controller, terminal = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", ON_TERMINAL, shell, "-i", "-c", line],
            env=pyman.variables({"SHELL": "/bin/fish"}),
            stdin=terminal,
            stdout=terminal,
            stderr=subprocess.PIPE,
            start_new_session=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(controller)
    return done.stderr


LINES = st.lists(st.sampled_from([b"export A=1", b"", b"\xff\xfe", b"# >>> conda >>>", b"\tx  "]))
NEWLINES = st.sampled_from([b"\n", b"\r\n"])


@given(LINES, LINES, NEWLINES, st.booleans())
def test_only_the_block_changes(above: list[bytes], below: list[bytes], newline: bytes, ends: bool) -> None:  # noqa: FBT001
    head = b"".join(line + newline for line in above)
    tail = newline.join(below) + (newline if ends else b"")
    first = with_block(StartupFile(Path("x"), head), ["one", "more"])
    assert first.startswith(head)
    block = first.removeprefix(head)
    assert with_block(StartupFile(Path("x"), first), ["one", "more"]) == first
    second = with_block(StartupFile(Path("x"), head + block + tail), ["another"])
    assert second.startswith(head)
    assert second.endswith(tail)
    assert second.count(b"another") == 1
    assert b"more" not in second
    assert with_block(StartupFile(Path("x"), second), ["one", "more"]) == head + block + tail


@given(st.binary())
def test_any_file_gets_one_block_or_is_refused(content: bytes) -> None:
    try:
        changed = with_block(StartupFile(Path("x"), content), ["line"])
    except StoreError:
        return
    assert changed.startswith(content)
    assert with_block(StartupFile(Path("x"), changed), ["line"]) == changed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", r"C:\Users\me\.local\bin"),
        (r"C:\a;C:\b", r"C:\Users\me\.local\bin;C:\a;C:\b"),
        (r"C:\a;c:\users\ME\.local\bin" + "\\", None),
        (r'"C:/Users/me/.local/bin";C:\a', None),
    ],
)
def test_path_on_windows(before: str, after: str | None) -> None:
    assert user_path.with_directory(before, r"C:\Users\me\.local\bin") == (before if after is None else after)
