"""The command line as a whole: help, exit codes, and no traceback on anything."""

import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.server import Server, slow

from pyman import __version__
from pyman.report import manual

_STORY = ["install", "list", "find", "run", "venv", "pin", "lock", "upgrade", "refresh", "outdated", "audit"]
COMMANDS = [
    *_STORY,
    "verify",
    "sbom",
    "bundle",
    "uninstall",
    "prune",
    "explain",
    "mirror",
    "config",
    "doctor",
    "dir",
    "shims",
    "update-shell",
    "activate",
    "shell",
    "which",
    "self",
    "completion",
    "help",
]
VARIABLES = ("HOME", "BIN_DIR", "MIRROR", "METADATA", "TARGET", "DEBUG")
unix = pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}Windows has no /dev and no /bin/sh")


def shell(pyman: Pyman, line: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of shell in which `pyman` is pyman, and return how it ended and what it printed."""
    done = subprocess.run(
        ["sh", "-c", f'pyman() {{ {shlex.join(pyman.command())} "$@"; }}\n{line}'],
        env=pyman.variables(),
        cwd=pyman.work,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "internal error" not in done.stderr
    return done


def test_version(pyman: Pyman) -> None:
    assert pyman("--version").stdout == pyman("-V").stdout == f"pyman {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["list", "--all-builds", "--json"], 0), (["find", "9.9"], 1), (["find", "x y"], 2)],
)
def test_nothing_is_lost_at_the_end(arguments: list[str], code: int, pyman: Pyman) -> None:
    # Not in Python's development mode, in which pyman takes longer to leave.
    done = subprocess.run(
        [sys.executable, "-m", "pyman", *arguments], env=pyman.variables(), capture_output=True, check=False
    )
    expected = pyman(*arguments, code=code)
    assert done.returncode == code
    assert done.stdout.decode() == expected.stdout
    assert done.stderr.decode() == expected.stderr


def test_help_lists_commands_and_settings(pyman: Pyman) -> None:
    text = pyman("--help").stdout
    assert re.findall(r"^  ([a-z-]+) {2,}", text, re.MULTILINE) == [*COMMANDS, *manual.TOPICS]
    assert all(f"  PYMAN_{name} " in text for name in VARIABLES)
    assert pyman().stdout == pyman("help").stdout == text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, pyman: Pyman) -> None:
    result = pyman(name, "--help")
    assert result.stdout.startswith(f"Usage: pyman {name} ")
    assert result.stderr == ""
    assert not pyman.store.exists()


def test_help_of_a_command(pyman: Pyman) -> None:
    assert pyman("help", "install").stdout == pyman("install", "-h").stdout


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("instal", "install"),
        ("upate-shell", "update-shell"),
        ("lsit", "list"),
        ("ls", "list"),
        ("remove", "uninstall"),
        ("global", "pin --global"),
        ("3.12", "install 3.12"),
    ],
)
def test_unknown_command(typed: str, meant: str, pyman: Pyman) -> None:
    result = pyman(typed, "more", code=2)
    assert result.stderr == f"error: there is no command '{typed}'\nhint: Did you mean `pyman {meant}`?\n"


def test_help_of_an_unknown_command(pyman: Pyman) -> None:
    assert pyman("help", "instal", code=2).stderr == pyman("instal", code=2).stderr


def test_a_command_like_no_other(pyman: Pyman) -> None:
    result = pyman("xyzzy", code=2)
    assert "error: there is no command 'xyzzy'" in result.stderr
    assert "hint: `pyman --help` lists the commands." in result.stderr


@pytest.mark.parametrize(
    ("args", "message", "command"),
    [
        (["--nonsense"], "no such option", "pyman"),
        (["list", "--only-instaled"], "no such option", "pyman list"),
        (["list", "3.12", "3.13"], "unexpected extra argument (3.13)", "pyman list"),
        (["install", "--target"], "option '--target' requires an argument", "pyman"),
        (["completion", "tcsh"], "'tcsh' is not one of", "pyman completion"),
        (["completion"], "missing argument", "pyman completion"),
    ],
)
def test_wrong_usage(args: list[str], message: str, command: str, pyman: Pyman) -> None:
    result = pyman(*args, code=2)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert message in lines[0].lower()
    assert lines[1:] == [f"hint: `{command} --help` tells what it takes."]


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["dir"], 0),
        (["install", "not a version"], 2),
        (["uninstall"], 2),
        (["uninstall", "3.12"], 1),
        (["list", "--metadata", "nowhere.json"], 1),
    ],
)
def test_exit_codes(args: list[str], code: int, pyman: Pyman) -> None:
    result = pyman(*args, code=code)
    assert (code == 0) == bool(result.stdout)
    assert (code == 0) == (result.stderr == "")
    assert code == 0 or "\nhint: " in result.stderr


def test_stopped(pyman: Pyman, server: Server) -> None:
    if sys.platform == "win32":
        pytest.skip(f"{ELSEWHERE}a process cannot be sent ^C alone on Windows")
    (server.folder / "metadata.json").write_bytes(b"{}" * 1_000_000)
    server.spoil("metadata.json", slow)
    running = pyman.start("list", "--metadata", f"{server.url}/metadata.json")
    end = time.monotonic() + 20
    while not server.count("metadata.json"):
        assert time.monotonic() < end
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in errors


@unix
@pytest.mark.parametrize(
    ("line", "code", "errors"),
    [
        ("pyman list | head -n 1 >/dev/null", 0, ""),
        ("{ sleep 0.3; pyman list; } | true", 0, ""),
        ("{ sleep 0.3; pyman nonsense; } 2>&1 | true", 0, ""),
        ("pyman dir >/dev/full", 1, "error: No space left on device\n"),
        ("pyman nonsense 2>/dev/full", 1, ""),
        ("pyman dir >&-", 0, ""),
        ("pyman nonsense 2>&-", 2, ""),
        ("mkdir gone; cd gone; rmdir ../gone; pyman dir", 0, ""),
    ],
)
def test_output_that_goes_nowhere(line: str, code: int, errors: str, pyman: Pyman) -> None:
    if "/dev/full" in line and not Path("/dev/full").exists():
        pytest.skip(f"{ELSEWHERE}there is no /dev/full")
    done = shell(pyman, line)
    assert done.stderr == errors
    assert done.returncode == code


def test_an_encoding_that_lacks_a_character(pyman: Pyman) -> None:
    result = pyman(
        "dir", env={"PYMAN_HOME": str(Path("/a\u2192b").absolute()), "PYTHONIOENCODING": "latin-1"}
    )
    assert result.stdout.endswith("a\\u2192b\n")


def test_an_internal_error_asks_to_be_reported(pyman: Pyman, tmp_path: Path) -> None:
    # A module in place of pyman's own that fails as a fault in pyman would.
    (tmp_path / "sitecustomize.py").write_text(
        "from pyman.store import installations\n"
        "def fail(environ): raise KeyError('x')\n"
        "installations.default_home = fail\n",
        encoding="utf-8",
    )
    variables = pyman.variables({"PYTHONPATH": str(tmp_path)})

    def run(**more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            pyman.command("dir"), env=variables | more, capture_output=True, encoding="utf-8", check=False
        )

    quiet, loud = run(), run(PYMAN_DEBUG="1")
    assert quiet.returncode == loud.returncode == 1
    assert quiet.stderr.startswith("error: internal error: KeyError: 'x'\nhint: This is a fault in pyman")
    assert "Traceback" in loud.stderr


@unix
@pytest.mark.parametrize("setting", ["HOME", "SYSTEM_HOME", "BIN_DIR", "CACHE_DIR", "MIRROR"])
def test_a_folder_in_the_home_of_nobody(setting: str, pyman: Pyman) -> None:
    env = {f"PYMAN_{setting}": "~no-such-user/x"}
    told = pyman("install", "3.13", "--target", "linux-riscv64-gnu", code=2, env=env).stderr
    assert f"PYMAN_{setting} begins with ~, and there is no such home directory: ~no-such-user/x" in told
