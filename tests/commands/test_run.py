"""`pyman run`: a command with a Python first on PATH."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive
from tests.support.interpreters import alone, script, unpack_others
from tests.support.repack import MINOR
from tests.support.server import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the interpreters are for Linux")
WHO = "import sys; print(sys.prefix)"


@pytest.fixture(scope="module")
def pyenv(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyenv with 3.12.1 and 3.13.0, which nothing writes to."""
    return unpack_others(fixtures, tmp_path_factory.getbasetemp())


@pytest.fixture
def runner(pyman: Pyman, pyenv: Path) -> Pyman:
    """A pyman with two Pythons to run with, none of its own, and the programs of the system."""
    alone(pyman, Path("/usr/bin"), Path("/bin"), pyenv=pyenv)
    pyman.environment["PYTHONPATH"] = ""  # what is run is outside of the seal
    return pyman


def prefix(pyenv: Path, version: str) -> str:
    return f"{pyenv / 'versions' / version}\n"


@pytest.mark.parametrize(
    "words",
    [
        ["3.12", "-c", WHO],
        ["3.12", "--", "-c", WHO],
        ["--python", "3.12", "-c", WHO],
        ["--python", "3.12", "--", "-c", WHO],
        ["-p", "3.12", "python", "-c", WHO],
        ["3.12", "python3", "-c", WHO],
        ["3.12", "python3.12", "-c", WHO],
        [">=3.12,<3.13", "sh", "-c", f"python -c '{WHO}'"],
        ["--python=cpython@3.12.1", "env", "python3", "-c", WHO],
    ],
)
def test_that_python_runs(words: list[str], runner: Pyman, pyenv: Path) -> None:
    result = runner("run", *words)
    assert result.stdout == prefix(pyenv, "3.12.1")
    # What is said of a version named in full, test_vulnerabilities.py shows.
    said = r"(warning: 3\.12\.1 has .*\n)" if "3.12.1" in words[0] else ""
    assert re.fullmatch(said, result.stderr)


def test_python_files(runner: Pyman, pyenv: Path) -> None:
    (runner.work / "script.py").write_text("import sys; print(sys.prefix, *sys.argv)", encoding="utf-8")
    expected = f"{pyenv / 'versions' / '3.12.1'} script.py -p --json\n"
    assert runner("run", "3.12", "script.py", "-p", "--json").stdout == expected
    (runner.work / ".python-version").write_text("3.12\n", encoding="utf-8")
    assert runner("run", "script.py", "-p", "--json").stdout == expected
    assert runner("run", "--", "script.py", "-p", "--json").stdout == expected


def test_the_interpreter_alone(runner: Pyman, pyenv: Path) -> None:
    for words in (["3.13"], ["--python", "3.13"]):
        done = subprocess.run(
            runner.command("run", *words), env=runner.variables(), cwd=runner.work,
            input=WHO, capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        assert done.stdout == prefix(pyenv, "3.13.0")


def test_a_file_or_a_program_is_no_request(runner: Pyman, tmp_path: Path) -> None:
    script(tmp_path / "bin" / "3.12", "echo a program")
    runner.environment["PATH"] = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    assert runner("run", "3.12", "-c", "1").stdout == "a program\n"
    (runner.work / "3.13").write_text("x", encoding="utf-8")
    assert "command not found: 3.13" in runner("run", "3.13", "-c", "1", code=127).stderr


@pytest.mark.parametrize("code", [0, 1, 2, 77, 255])
def test_exit_codes_pass_through(code: int, runner: Pyman) -> None:
    assert runner("run", "3.12", "-c", f"raise SystemExit({code})", code=code).stderr == ""


def test_output_and_input_are_the_commands_own(runner: Pyman) -> None:
    done = subprocess.run(
        runner.command("run", "3.12", "cat"), env=runner.variables(), cwd=runner.work,
        input=b"\xff\0binary", capture_output=True, check=True,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (b"\xff\0binary", b"")


def test_the_command_takes_the_place_of_pyman(runner: Pyman) -> None:
    process = runner.start("run", "3.12", "sh", "-c", "echo $$; exec sleep 60")
    assert process.stdout
    assert process.stdout.readline() == f"{process.pid}\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.communicate()


@pytest.mark.usefixtures("usual_hangup")
def test_signals_are_as_a_shell_leaves_them(runner: Pyman) -> None:
    status = runner("run", "3.12", "grep", "-E", "^Sig(Ign|Blk)", "/proc/self/status").stdout
    # The first 31. Those after are the C library's own: musl leaves one ignored when a thread loads a module.
    assert [int(line.split()[1], 16) & 0x7FFF_FFFF for line in status.splitlines()] == [0, 0]


def test_not_found(runner: Pyman) -> None:
    result = runner("run", "3.12", "no-such-command", code=127)
    assert result.stderr.splitlines()[0] == "error: command not found: no-such-command"
    assert "missing.py" in runner("run", "3.12", "missing.py", code=127).stderr


def test_not_executable(runner: Pyman) -> None:
    (runner.work / "data").write_text("x", encoding="utf-8")
    assert "cannot run ./data: Permission denied" in runner("run", "3.12", "./data", code=126).stderr
    (runner.work / "data").chmod(0o755)
    assert "cannot run ./data: it has no #! line" in runner("run", "3.12", "./data", code=126).stderr
    (runner.work / "data").write_text("#!/no/such/program\n", encoding="utf-8")
    assert "program is missing" in runner("run", "3.12", "./data", code=127).stderr


def test_other_variables_stay(runner: Pyman, pyenv: Path) -> None:
    told = runner("run", "3.12", "env", env={"PYTHONHOME": "", "MINE": "x y", "VIRTUAL_ENV": "/gone"}).stdout
    lines = told.splitlines()
    folder = pyenv / "versions" / "3.12.1" / "bin"
    assert {"PYTHONHOME=", "MINE=x y", f"PATH={folder}:/usr/bin:/bin"} <= set(lines)
    assert not [line for line in lines if line.startswith("VIRTUAL_ENV=")]


def test_in_an_environment(runner: Pyman, pyenv: Path) -> None:
    python = pyenv / "versions" / "3.12.1" / "bin" / "python3.12"
    env = runner.work / ".venv"
    subprocess.run([python, "-I", "-m", "venv", "--without-pip", env], check=True)
    for command in ("python", "python3", "python3.12"):
        assert runner("run", command, "-c", WHO).stdout == f"{env}\n"
    assert runner("run", "-c", WHO).stdout == f"{env}\n"
    assert runner("run", "sh", "-c", "echo $VIRTUAL_ENV; command -v python").stdout == (
        f"{env}\n{env}/bin/python\n"
    )
    assert runner("run", "3.13", "-c", WHO).stdout == prefix(pyenv, "3.13.0")


def test_names_where_the_folder_has_none(runner: Pyman, pyenv: Path, tmp_path: Path) -> None:
    """As in /usr/bin, where `python` is missing or another version."""
    folder = tmp_path / "some bin"
    script(folder / "python", "echo wrong")
    (folder / "python3.12").symlink_to(pyenv / "versions" / "3.12.1" / "bin" / "python3.12")
    alone(runner, folder, Path("/usr/bin"), Path("/bin"))
    for name in ("python", "python3", "python3.12"):
        words = ["run", "3.12", "sh", "-c", f'{name} -c "{WHO}"']
        assert runner(*words).stdout == prefix(pyenv, "3.12.1")
        assert runner(*words).stdout == prefix(pyenv, "3.12.1")


def test_missing_and_not_to_be_installed(runner: Pyman) -> None:
    result = runner("run", "--no-install", "--python", "3.99", "true", code=1)
    assert result.stderr.startswith("error: no Python found for the request: 3.99\nhint: ")
    assert "error: " in runner("run", "--python", "3.99", "true", code=1).stderr
    assert "hint: " in runner("run", "--python", "nonsense", "true", code=2).stderr


def test_installs_what_is_missing(
    runner: Pyman, real: list[Archive], server: Server, offer: Offer, tmp_path: Path
) -> None:
    archive = real[0]
    offer(archive)
    request = f"{MINOR}+{archive.release}"
    assert runner("run", "--no-install", "-p", request, "-c", WHO, code=1).stdout == ""
    assert server.asked == []
    result = runner("run", "-p", request, "-c", WHO)
    assert result.stdout == f"{runner.store / archive.key}\n"
    assert f"Installed {archive.key}" in result.stderr
    assert list(runner.bin.iterdir()) == [], "a run makes no links"
    again = runner("run", MINOR, "-c", WHO)
    assert (again.stdout, again.stderr) == (f"{runner.store}/cpython-{MINOR}-{archive.target}\n", "")
    assert server.count(archive.file) == 1
    assert not (tmp_path / "nothing").exists()


def test_stopping_it_stops_the_command(runner: Pyman) -> None:
    process = runner.start("run", "3.12", "-c", "import time; print('up', flush=True); time.sleep(60)")
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode in (130, -signal.SIGINT)
    assert time.monotonic() - began < 20
