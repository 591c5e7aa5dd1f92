"""`pyman venv`: an environment by the minor link, whole or not at all, and nothing else touched."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman
from tests.support.builds import Archive
from tests.support.interpreters import alone, script, unpack_others
from tests.support.repack import MINOR

from pyman.commands.venv import parted
from pyman.errors import UsageError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the interpreters are for Linux")
WHO = "import sys; print(sys.prefix, '%d.%d.%d' % sys.version_info[:3])"
# Out of the session of whoever runs the tests, whose shell would be taken for the user's.
ALONE = (
    sys.executable,
    "-Ic",
    "import os, sys; os.setsid(); os.execvp(sys.argv[1], sys.argv[1:])",
)
# What a virtualenv does before it fails, or is stopped.
HALF = 'for folder; do :; done; mkdir -p "$folder/bin"; echo "home = /half" > "$folder/pyvenv.cfg"'


@pytest.fixture(scope="module")
def pyenv(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyenv with 3.12.1 and 3.13.0, which nothing writes to."""
    return unpack_others(fixtures, tmp_path_factory.getbasetemp())


@pytest.fixture
def user(pyman: Pyman, pyenv: Path) -> Pyman:
    """A user with these two and none of pyman's own, who types in bash."""
    alone(pyman, Path("/usr/bin"), Path("/bin"), pyenv=pyenv)
    # What is run is outside of the seal.
    pyman.environment |= {"PYTHONPATH": "", "SHELL": "/bin/bash"}
    return pyman


def asked(python: Path, code: str) -> str:
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def picture(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder: each path, and what a file holds or a link points at."""
    found = sorted(folder.rglob("*"))
    return {
        str(path.relative_to(folder)): os.fsencode(path.readlink())
        if path.is_symlink()
        else b"" if path.is_dir() else path.read_bytes()
        for path in found
    }  # fmt: skip


def test_it_follows_upgrades_and_is_known(user: Pyman, real: list[Archive], offer: Offer) -> None:
    first, second = real
    offer(first)
    alone(user, Path("/usr/bin"), Path("/bin"))
    user.environment["SHELL"], user.prefix = "/usr/bin/fish", ALONE
    # This Python, as the tests pack it, has no ensurepip.
    failed = user("venv", f"{MINOR}+{first.release}", "deep/er/env", code=1)
    assert f"Installed {first.key}" in failed.stderr
    assert "has no pip to put into an environment\nhint: --without-pip" in failed.stderr
    assert list(user.work.iterdir()) == []
    (user.work / ".python-version").write_text(f"{MINOR}\n", encoding="utf-8")
    made = user("venv", "--without-pip", "--prompt", "mine", "--json")
    env, link = user.work / ".venv", user.store / f"cpython-{MINOR}-{first.target}"
    (facts,) = made.json["environments"]
    assert facts == {
        "path": str(env),
        "python": str(env / "bin" / "python"),
        "made_with": str(link / "bin" / f"python{MINOR}"),
        "name": first.key,
        "version": first.version,
        "follows": link.name,
        "activate": "source .venv/bin/activate.fish",
    }
    assert made.stderr == (
        f"Made .venv with {first.key}, which it follows in upgrades.\nActivate it: {facts['activate']}\n"
    )
    assert "mine" in (env / "pyvenv.cfg").read_text(encoding="utf-8")
    assert not [path.name for path in env.iterdir() if path.name.startswith(".pyman")]
    used = user("uninstall", MINOR, code=1, cwd=user.home)
    assert f"is used by a virtual environment:\n  {env}\n" in used.stderr
    where = "import os, sys; print(os.path.realpath(sys.executable))"
    assert first.key in asked(env / "bin" / "python", where)
    offer(first, second)
    user("upgrade", MINOR)
    assert second.key in asked(env / "bin" / "python", where)
    index = user.store / ".environments"
    index.rename(user.store / "aside")
    index.symlink_to(user.store / "aside")
    told = user("venv", "--without-pip", MINOR, "other").stderr
    assert f"warning: the environment cannot be remembered for `uninstall` in {index}: Not a dir" in told


def test_another_python_and_what_is_handed_on(user: Pyman, pyenv: Path) -> None:
    """By that Python's own venv, whatever lies in the current folder; manual/environments.md has pip."""
    python = pyenv / "versions" / "3.13.0" / "bin" / "python3.13"
    (user.work / "venv.py").write_text("raise SystemExit('mine')", encoding="utf-8")
    env, user.prefix = user.work / "an env", ALONE
    made = user(
        "venv", python, env.name, "--without-pip", "--system-site-packages", env={"SHELL": "/usr/bin/zsh"}
    )
    assert made.stderr.endswith("\nActivate it: source 'an env/bin/activate'\n")
    assert asked(env / "bin" / "python", WHO) == f"{env} 3.13.0"
    assert "include-system-site-packages = true" in (env / "pyvenv.cfg").read_text(encoding="utf-8")
    assert (env / ".gitignore").read_text(encoding="utf-8").endswith("*\n")
    quiet = user("venv", "-p", "3.12", "--without-pip", "--quiet", "--clear", env.name)
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert asked(env / "bin" / "python", WHO) == f"{env} 3.12.1"


def test_by_virtualenv(user: Pyman) -> None:
    assert "no virtualenv on PATH" in user("venv", "3.12", "--virtualenv", code=1).stderr
    assert list(user.work.iterdir()) == []
    (user.root / "tools").mkdir()
    (user.root / "tools" / "virtualenv").symlink_to(Path(sys.executable).parent / "virtualenv")
    variables = {
        "PATH": f"{user.root / 'tools'}:/usr/bin:/bin",
        # Settings of the user that would have their way without being asked.
        "VIRTUALENV_PYTHON": "3.13",
        "VIRTUALENV_DISCOVERY": "pyman",
        "VIRTUALENV_CLEAR": "1",
    }
    made = user("venv", "3.12", "--virtualenv", "--without-pip", env=variables)
    assert made.stdout == ""
    settings = (user.work / ".venv" / "pyvenv.cfg").read_text(encoding="utf-8")
    assert "virtualenv = " in settings
    assert "version = 3.12.1" in settings


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ([], (None, ".venv")),
        (["3.12"], ("3.12", ".venv")),
        ([">=3.11,<3.13"], (">=3.11,<3.13", ".venv")),
        (["pypy"], ("pypy", ".venv")),
        (["latest"], ("latest", ".venv")),
        ([".venv"], (None, ".venv")),
        (["env"], (None, "env")),
        (["my-env"], (None, "my-env")),
        (["./3.12"], (None, "./3.12")),
        (["3.12/"], (None, "3.12/")),
        (["."], (None, ".")),
        (["../there"], (None, "../there")),
        ([sys.executable], (sys.executable, ".venv")),
        (["3.12", "env"], ("3.12", "env")),
        (["3.12", "3.13"], ("3.12", "3.13")),
        (["./python", "env"], ("./python", "env")),
    ],
)
def test_what_words_mean(
    words: list[str], meant: tuple[str | None, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parted(None, words) == meant
    assert parted("3.9", words[1:]) == ("3.9", words[1] if words[1:] else ".venv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "an empty request"),
        (["3.1x"], "not a Python request: '3.1x'"),
        (["3.12-venv"], "./3.12-venv"),
        ([">=3.12,x"], "not a Python request"),
        ([".venv", "3.12"], "The request comes first: `pyman venv 3.12 .venv`"),
        (["3.13"], "there is something of that name here"),
        (["3.12", ""], "the folder's name is empty"),
        (["3.12", "a", "b"], "too many words"),
    ],
)
def test_what_could_be_both_or_is_neither(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "3.13").mkdir()
    with pytest.raises(UsageError) as caught:
        parted(None, words)
    assert said in f"{caught.value.message}\n{caught.value.hint}"


def test_what_is_no_environment_is_left_alone(user: Pyman) -> None:
    work = user.work
    for name in ("full", "project/.git", "project/bin", "theirs", "odd"):
        (work / name).mkdir(parents=True)
    for name in ("full/mine", "file", "project/pyvenv.cfg", "project/bin/python", "odd/pyvenv.cfg"):
        (work / name).write_text("home = /somewhere\nversion = 3.9.1\n", encoding="utf-8")
    (work / "odd" / "bin").mkdir()  # which has no Python in it
    (work / "link").symlink_to("theirs")
    (user.store / "cpython").mkdir(parents=True)
    cases = {
        "full": "is not empty, and no virtual environment",
        "odd": "is not empty, and no virtual environment",
        "file": "file is no folder",
        "link": "is a link to theirs",
        "project": "holds what is no part of an environment: .git",
        "file/below": "cannot make",
        str(user.store / "x"): "which is pyman's own",
    }
    if os.geteuid() == 0:
        os.chown(work / "theirs", 12345, 12345)
        cases["theirs"] = "belongs to somebody else"
    before = picture(user.root)
    for name, said in cases.items():
        assert said in user("venv", "3.12", name, "--clear", "--without-pip", code=1).stderr
    refused = user("venv", "3.12", "project", code=1)
    assert f"{work / 'project'} is a virtual environment already (Python 3.9.1)" in refused.stderr
    offline = user("venv", "3.12", "new", "--upgrade-deps", "--offline", code=1)
    assert "--upgrade-deps asks the package index" in offline.stderr
    assert {name: data for name, data in picture(user.root).items() if ".cache" not in name} == {
        name: data for name, data in before.items() if ".cache" not in name
    }


@pytest.fixture
def half(user: Pyman) -> Iterator[Pyman]:
    """A user with an environment, whose virtualenv makes half of one and then waits; it is ended at last."""
    program = user.root / "tools" / "virtualenv"
    script(program, f"{HALF}\necho $$ > {user.root}/pid\nexec sleep 60")
    user.environment["PATH"] = f"{program.parent}:/usr/bin:/bin"
    user("venv", "3.12", "--without-pip")
    yield user
    if (user.root / "pid").exists() and (pid := (user.root / "pid").read_text().strip()):
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def stopped(user: Pyman, by: signal.Signals) -> subprocess.Popen[str]:
    """Return a pyman that was stopped when half of the environment was there."""
    process = user.start("venv", "3.13", "--virtualenv", "--clear")
    end = time.monotonic() + 20
    while not (user.root / "pid").exists() or not (user.root / "pid").read_text():
        assert time.monotonic() < end
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(by)
    process.communicate(timeout=20)
    return process


def test_stopped_or_failed_it_is_as_it_was(half: Pyman) -> None:
    before = picture(half.work)
    assert stopped(half, signal.SIGINT).returncode == 130
    assert picture(half.work) == before
    script(half.root / "tools" / "virtualenv", f"{HALF}\necho 'OSError: [Errno 28] No room' >&2\nexit 3")
    failed = half("venv", "3.13", "--virtualenv", "--clear", code=1)
    assert f"error: cannot make {half.work / '.venv'}: OSError: No room\n" in failed.stderr
    assert picture(half.work) == before
    half("venv", "3.13", "new", "--virtualenv", code=1)
    assert picture(half.work) == before


def test_killed_it_is_put_right_by_the_next(half: Pyman) -> None:
    before = picture(half.work)
    stopped(half, signal.SIGKILL)
    env = half.work / ".venv"
    assert "home = /half" in (env / "pyvenv.cfg").read_text(encoding="utf-8")
    told = half("venv", "3.13", code=1)
    assert f"interrupted in {env}: what was there before is there again." in told.stderr
    assert "is a virtual environment already (Python 3.12.1)" in told.stderr
    assert picture(half.work) == before
    # Killed while what was there was put aside, or while it was removed.
    (env / ".pyman-moving").mkdir()
    (env / "lib").rename(env / ".pyman-moving" / "lib")
    half("venv", "3.13", code=1)
    assert picture(half.work) == before
    (env / ".pyman-gone" / "lib").mkdir(parents=True)
    half("venv", "3.13", code=1)
    assert picture(half.work) == before
    # One where nothing was before is removed.
    (env / ".pyman-before").mkdir()
    made = half("venv", "3.13", "--without-pip")
    assert f"interrupted in {env}: what it had made is removed." in made.stderr
    assert asked(env / "bin" / "python", WHO) == f"{env} 3.13.0"


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"),
    reason=f"{ELSEWHERE}only root mounts a small disk",
)
def test_a_disk_that_is_full(user: Pyman) -> None:
    disk = user.work / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], check=True)
    try:
        failed = user("venv", "3.12", "disk/env", "--without-pip", code=1)
        assert f"error: cannot make {disk / 'env'}: No space left on device\nhint: " in failed.stderr
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)
