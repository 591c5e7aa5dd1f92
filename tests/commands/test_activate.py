"""`pyman activate`: real shells on terminals, in and out of projects, beside what else changes PATH."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman, Result
from tests.support.builds import Archive
from tests.support.hooks import KINDS, Typed, User, long_ago
from tests.support.needs import missing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the builds are for Linux")
AT_A_PROMPT = ["bash", "zsh", "fish", "nu"]  # the others do nothing there
PROCESS = re.compile(r"\b(?:clone3?|v?fork)\((?!.*CLONE_THREAD)")


@pytest.fixture(scope="module")
def somebody(tmp_path_factory: pytest.TempPathFactory) -> User:
    """One user for all that changes neither Pythons nor settings: most of a test would be starts of pyman."""
    made = User(Pyman(tmp_path_factory.mktemp("user")))
    made.pyman.home.mkdir()
    made.pyman.work.mkdir()
    made.prepare()
    return made


@pytest.fixture
def user(somebody: User, tmp_path: Path) -> User:
    somebody.calls.write_text("", encoding="utf-8")
    return somebody.in_(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_path_follows_the_folder(kind: str, user: User) -> None:
    outer, inner = user.project("outer project", "3.12"), user.project("outer project/in/ner", "3.13")
    user.project("none", "3.9")
    twice = user.extra["PATH"] = ":".join([*user.plain, user.bin("3.12")])  # on the user's own
    own = twice.split(":")
    with user.shell(kind) as shell:
        assert shell.path() == own
        assert shell.path(f"cd '{outer}'") == [user.bin("3.12"), *own]
        assert shell.path(f"cd '{inner.parent}'") == [user.bin("3.12"), *own]
        assert shell.path("cd ner") == [user.bin("3.13"), *own]
        assert user.asked() == 2
        told = shell.type(f"cd '{user.place / 'none'}'")
        assert f"{user.place / 'none' / '.python-version'}" in told
        assert "pyman install 3.9" in told
        assert "pyman install" not in shell.type("")
        assert shell.path() == own
        # Again, and in another shell in this one, nobody is asked; activated twice it is the same.
        again = KINDS[kind].activate
        assert shell.path(again, f"cd '{inner}'", again) == [user.bin("3.13"), *own]
        assert shell.path("cd ..", "cd /") == own
        # The environment goes on in another shell, as in a terminal multiplexer.
        if kind != "nu":
            assert (
                shell.path(f"cd '{inner}'", f"exec {' '.join(KINDS[kind].command)}", *KINDS[kind].first)[1:]
                == own
            )
            assert shell.path(again) == [user.bin("3.13"), *own]
            assert shell.path("cd /") == own
    assert user.asked() == 3


@pytest.mark.parametrize("kind", AT_A_PROMPT)
def test_a_thousand_prompts_start_nothing(kind: str, user: User, tmp_path: Path) -> None:
    if reason := missing("strace", "strace"):
        pytest.skip(reason)
    user.project("p", "3.12")
    log = tmp_path / "log"
    watched = (
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=execve,clone,clone3,fork,vfork",
        "-o",
        str(log),
    )
    with user.shell(kind, prefix=watched) as shell:
        assert shell.path("cd p")[0] == user.bin("3.12")
        mark = "^/bin/true" if kind == "nu" else "/bin/true"
        shell.type(f"{mark} begin")
        for _ in range(10):
            shell.type("\n" * 98)  # with the two lines that are typed besides, 100 prompts
        shell.type("cd ..")  # what is known costs nothing either
        shell.type("cd p")
        shell.type(f"{mark} end")
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    first, last = (
        next(n for n, line in enumerate(lines) if f'"{word}"' in line) for word in ("begin", "end")
    )
    started = [line for line in lines[first + 1 : last] if PROCESS.search(line)]
    assert started[1:] == []  # the first is that of `true end` itself
    assert user.asked() == 1


@pytest.mark.parametrize("kind", AT_A_PROMPT)
def test_a_pin_that_changes_is_followed(kind: str, user: User) -> None:
    folder = user.project("p")
    with user.shell(kind, "cd p") as shell:
        assert shell.path() == user.plain
        shell.type("pyman pin 3.12")
        assert shell.path() == [user.bin("3.12"), *user.plain]
        (folder / ".python-version").write_text("3.13\n", encoding="utf-8")
        assert shell.path("") == [user.bin("3.13"), *user.plain]
        (folder / ".python-version").unlink()
        assert shell.path("") == user.plain
        inside = user.environment(folder)
        assert shell.path("") == [str(inside), *user.plain]


@pytest.mark.parametrize("kind", KINDS)
def test_a_shell_has_its_own_choice(kind: str, user: User) -> None:
    user.project("p", "3.12")
    with user.shell(kind, "cd p") as shell:
        assert shell.path("pyman shell 3.13") == [user.bin("3.13"), *user.plain]
        assert shell.path("cd ..") == [user.bin("3.13"), *user.plain]
        if kind in ("bash", "fish"):  # the others have the same text as bash
            assert "3.13\n" in shell.type("pyman shell")
            assert "pyman install 3.9" in shell.type("pyman shell 3.9")
        assert shell.path("pyman shell --unset") == user.plain
        assert shell.path("cd p") == [user.bin("3.12"), *user.plain]


def test_without_activation_a_shell_keeps_its_path(user: User) -> None:
    result = user.pyman("shell", "3.13", code=1)
    assert "pyman update-shell --activate" in result.stderr
    assert "this shell has chosen no Python" in user.pyman("shell", code=1).stderr
    assert "exclude each other" in user.pyman("shell", "3.13", "--unset", code=2).stderr


@pytest.mark.parametrize("kind", ["bash", "zsh", "dash", "fish"])
def test_only_its_own_entry_goes(kind: str, user: User) -> None:
    folder, ours = user.project("p", "3.12"), user.bin("3.12")
    put = "set -gx PATH {0} $PATH {0}" if kind == "fish" else "PATH={0}:$PATH:{0}"
    with user.shell(kind, "cd p") as shell:
        # Somebody puts another before it, and the same at both ends.
        assert shell.path(put.format("/opt/a")) == ["/opt/a", ours, *user.plain, "/opt/a"]
        assert shell.path(put.format(ours)) == [ours, "/opt/a", ours, *user.plain, "/opt/a", ours]
        assert shell.path("cd /") == [ours, "/opt/a", *user.plain, "/opt/a", ours]
        # Somebody throws it away: it comes again, and goes again.
        plain = " ".join(user.plain) if kind == "fish" else ":".join(user.plain)
        reset = f"set -gx PATH {plain}" if kind == "fish" else f"PATH={plain}"
        assert shell.path(f"cd {folder}", reset, "cd .")[0] == ours
        assert shell.path("cd /") == user.plain


@pytest.mark.parametrize("kind", ["bash", "zsh", "dash", "fish"])
def test_an_environment_that_is_activated_by_hand_stays_first(kind: str, user: User) -> None:
    user.project("p", "3.12")
    environment = user.environment(user.project("elsewhere")).parent
    (environment / "bin" / "activate").write_text(
        f"_OLD=$PATH; PATH={environment}/bin:$PATH; export PATH VIRTUAL_ENV={environment}\n"
        "deactivate() { PATH=$_OLD; unset VIRTUAL_ENV; }\n",
        encoding="utf-8",
    )
    (environment / "bin" / "activate.fish").write_text(
        f"set -gx _OLD $PATH; set -gx PATH {environment}/bin $PATH; set -gx VIRTUAL_ENV {environment}\n"
        "function deactivate; set -gx PATH $_OLD; set -e VIRTUAL_ENV; end\n",
        encoding="utf-8",
    )
    activate = f". {environment}/bin/activate{'.fish' if kind == 'fish' else ''}"
    hand, ours = f"{environment}/bin", user.bin("3.12")
    with user.shell(kind) as shell:
        assert shell.path(activate, "cd p") == [hand, ours, *user.plain]
        assert shell.path("deactivate", "cd .") == [ours, *user.plain]
        # `deactivate` puts a PATH back that was kept in the project, outside of it.
        assert shell.path(activate, "cd /") == [hand, *user.plain]
        assert shell.path("deactivate", "cd .") == user.plain


@pytest.mark.parametrize(
    ("kind", "first"), [("bash", True), ("bash", False), ("zsh", False), ("fish", True), ("fish", False)]
)
def test_direnv_is_left_to_itself(kind: str, first: bool, user: User) -> None:  # noqa: FBT001
    if not shutil.which("direnv"):
        pytest.skip(f"{ELSEWHERE}direnv is not installed")
    projects = {name: user.project(name, pin) for name, pin in (("a", "3.12"), ("b", "3.13"), ("c", None))}
    for name, folder in projects.items():
        (folder / ".envrc").write_text(f"PATH_add bin-of-{name}\n", encoding="utf-8")
    hook = "direnv hook fish | source" if kind == "fish" else f'eval "$(direnv hook {kind})"'
    allow = "direnv allow a; direnv allow b; direnv allow c"
    with user.shell(kind, *([hook] if first else []), allow) as shell:
        if not first:
            shell.type(hook)
        for name, minor in (("a", "3.12"), ("b", "3.13"), ("c", ""), ("a", "3.12"), ("", "")):
            found = shell.path(f"cd {user.place / name}", "")
            ours = [user.bin(minor)] if minor else []
            theirs = [str(projects[name] / f"bin-of-{name}")] if name else []
            assert sorted(found) == sorted([*ours, *theirs, *user.plain]), (name, found)
            assert [each for each in found if each in user.plain] == user.plain


SETTINGS = {
    "bash": (
        "set -euo pipefail; set -o noclobber; shopt -s nocasematch nullglob; IFS=/",
        "alias command=false export=false read=false cd=false; unalias cd",
        "PROMPT_COMMAND='seen=$?;'",
    ),
    "bash array": ("set -u", "PROMPT_COMMAND=('seen=$?' 'other=1')"),
    "zsh": (
        "set -eu; set -o noclobber; setopt ksh_arrays sh_word_split null_glob rc_quotes 2>/dev/null; IFS=/",
        "precmd() { seen=$? }; chpwd() { other=1 }; alias command=false export=false",
    ),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_user_has_set_stays(name: str, user: User) -> None:
    user.project("p", "3.12")
    with user.shell(name.split(maxsplit=1)[0], *SETTINGS[name]) as shell:
        assert shell.path("cd p || :") == [user.bin("3.12"), *user.plain]
        shell.type("! true")
        assert "status 1 1" in shell.type('! true\nbuiltin echo "status $? ${seen-}"')
        if name != "zsh":
            left = shell.type("compgen -v")
            assert "__pyman_pwd\n" in left
            assert not re.search(
                r"^(?!_PYMAN|__pyman|PYMAN_)\w*pyman\w*$", left, re.MULTILINE | re.IGNORECASE
            )
        assert shell.path("cd / || :") == user.plain


def test_hostile_pins_can_only_ask(user: User, tmp_path: Path) -> None:
    evil = {
        "substitution": b"$(touch EVIL)\n",
        "quotes": b"`touch EVIL`'\"; touch EVIL #\n",
        "escapes": b"\x1b]0;EVIL\x07\x1b[2J3.12\n",
        "path": b"../../bin/sh\n",
        "option": b"--help\n",
        "bytes": b"\xff\xfe\x00",
        "nothing": b"",
        "large": b"3.12\n" * 20_000,
    }
    for name, content in evil.items():
        (user.project(name) / ".python-version").write_bytes(content)
    with (user.project("endless") / ".python-version").open("wb") as file:
        file.truncate(1 << 30)
    os.mkfifo(user.project("pipe") / ".python-version")
    (user.project("folder") / ".python-version").mkdir()
    (user.project("device") / ".python-version").symlink_to("/dev/zero")
    (user.project("no end") / ".python-version").write_bytes(b"3.13")
    (user.project("interpreter") / ".tool-versions").write_text(f"python path:{tmp_path}\n", encoding="utf-8")
    for path in user.place.rglob(".python-version"):
        if not path.is_symlink():
            long_ago(path)
    with user.shell("bash") as shell:
        for folder in [*evil, "endless", "pipe", "folder", "device", "interpreter"]:
            for _ in range(2):  # asked, then remembered
                raw = len(shell.raw)
                assert shell.path(f"cd '{user.place / folder}'", "cd .") == user.plain, folder
                assert b"\x1b]0;EVIL" not in shell.raw[raw:]
                shell.type("cd /")
        assert user.asked() <= len(evil) + 4
        assert shell.path(f"cd '{user.place / 'no end'}'")[0] == user.bin("3.13")
    assert not list(user.place.rglob("EVIL*"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_environment_counts_where_nobody_else_may_write(kind: str, user: User) -> None:
    pinned = user.project("pinned", "3.12")
    inside = user.environment(pinned)
    closed = user.environment(user.project("closed"))
    with user.shell(kind) as shell:
        assert shell.path("cd pinned") == [str(inside), *user.plain]
        for open_one in (pinned, pinned / ".venv", inside):
            shell.path("cd ..")
            before = open_one.stat().st_mode
            open_one.chmod(0o777)
            told = shell.type("cd pinned")
            assert (f"{pinned}/.venv is passed over" in told) == (open_one == pinned)  # named once
            assert shell.path() == [user.bin("3.12"), *user.plain]
            open_one.chmod(before)
        if os.geteuid() == 0:
            os.chown(closed, 12345, -1)
            told = shell.type(f"cd {user.place / 'closed'}")
            assert f"{user.place}/closed/.venv is passed over" in told
        assert shell.path() == (user.plain if os.geteuid() == 0 else [str(closed), *user.plain])


STRANGE = [b"a b", b'it\'s "q" `touch x` $(touch x)', b"* [a-z] ?", b"\xff\xe9", b"a\nb", b"-n"]


@pytest.mark.parametrize("kind", ["bash", "zsh", "dash", "fish"])
def test_folders_of_any_name(kind: str, user: User) -> None:
    for number, name in enumerate(STRANGE):
        user.environment(user.project(name))
        user.project(name + b"/inner")
        (user.place / f"to-{number}").symlink_to(os.fsdecode(name))
    user.environment(user.project("a:b"))
    with user.shell(kind) as shell:
        for number, name in enumerate(STRANGE):
            shell.type(f"cd {user.place}/to-{number}")
            found = shell.path("cd -P inner" if kind != "fish" else "cd inner")
            expected = str(user.place / os.fsdecode(name) / ".venv" / "bin")
            assert ":".join(found).replace("\n", "") == ":".join([expected, *user.plain]).replace("\n", "")
        told = shell.type(f"cd '{user.place}/a:b'")
        assert "cannot stand on PATH" in told
        assert shell.path() == user.plain
    assert not list(user.place.rglob("x"))


def test_a_shell_that_is_not_typed_in_does_nothing(user: User) -> None:
    user.project("p", "3.12")
    for kind in ("bash", "zsh", "dash", "fish"):
        user.shell(kind).close()  # has the text made
        done = subprocess.run(
            [str(KINDS[kind].program), "-c", f"{KINDS[kind].activate}; cd p; {KINDS[kind].show}"],
            env=user.variables(), cwd=user.place, capture_output=True, encoding="utf-8", check=True,
        )  # fmt: skip
        assert done.stdout == f"PATH={':'.join(user.plain)}=END\n"
        assert done.stderr == ""


def test_which_tells_what_and_why(user: User) -> None:
    pinned, bare = user.project("pinned", "# ours\n3.12"), user.project("bare")
    variables = user.variables()

    def which(*args: str, cwd: Path, code: int = 0, **more: str) -> Result:
        return user.pyman("which", *args, cwd=cwd, code=code, env={**variables, **more})

    found = which("python", cwd=pinned)
    assert found.stdout == f"{user.bin('3.12')}/python\n"
    assert f"{pinned}/.python-version:2 says 3.12" in found.stderr
    assert "update-shell --activate" in found.stderr
    assert which("pip", cwd=pinned, code=1).stdout == ""
    choice = f"{user.bin('3.13')}:3.13"
    told = which("python3", cwd=pinned, _PYMAN_SHELL=choice, PATH=f"{user.bin('3.13')}:{variables['PATH']}")
    assert (told.stdout, told.stderr) == (f"{user.bin('3.13')}/python3\n", "this shell has chosen 3.13\n")
    inside = user.environment(bare)
    document = which("--json", cwd=bare).json["programs"][0]
    assert document["path"] == f"{inside}/python"
    assert "here or above" in document["why"]
    none = which(cwd=user.place, code=1)
    assert "nothing here asks for a Python" in none.stderr
    (bare / ".venv" / "pyvenv.cfg").unlink()
    (bare / ".python-version").write_text("3.9\n", encoding="utf-8")
    assert "pyman install 3.9" in which(cwd=bare, code=1).stderr


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish", "sh", "nushell"])
def test_the_start_up_file_has_it_and_loses_it(kind: str, user: User) -> None:
    user.project("p", "3.12")
    variables = user.variables()

    def update(*args: str) -> None:
        user.pyman("update-shell", "--shell", kind, *args, env=variables)

    def blocks() -> list[str]:
        return [path.read_text(encoding="utf-8") for path in files()]

    def files() -> list[Path]:
        found = [path for path in user.pyman.home.rglob("*") if path.is_file() and "hook." not in path.name]
        return [path for path in found if b"# >>> pyman >>>" in path.read_bytes()]

    for path in files():  # of another shell
        path.unlink()
    update("--activate")
    assert all("activate" in text for text in blocks())
    if kind == "bash":
        update()  # it stays
        assert all("activate" in text for text in blocks())
    start = {
        "bash": ["bash", "--noediting", "-i"],
        "zsh": ["zsh", "-i", "+Z"],
        "fish": ["fish", "-i"],
        "sh": ["dash", "-l", "-i"],
        "nushell": ["nu", "--no-history", "-i"],
    }[kind]
    known = {"sh": "dash", "nushell": "nu"}.get(kind, kind)
    if shutil.which(start[0]):
        with Typed(KINDS[known], [str(shutil.which(start[0])), *start[1:]], variables, user.place) as shell:
            assert shell.path("cd p")[0] == user.bin("3.12")
            assert user.bin("3.12") not in shell.path("cd /")
    update("--no-activate")
    assert blocks()
    assert not any("activate" in text for text in blocks())


def test_what_is_missing_is_installed_where_that_is_wanted(
    pyman: Pyman, offer: Offer, real: list[Archive], tmp_path: Path
) -> None:
    archive = real[0]
    offer(archive)
    user = User(pyman, tmp_path / "work", {"PYMAN_AUTO_INSTALL": "1", "PYTHONPATH": ""})
    user.prepare(())
    folder = user.project("p", archive.minor)
    with user.shell("bash") as shell:
        shell.type(f"cd {folder}")
        found = shell.type("python -c 'import sys; print(sys.prefix)'")
        assert f"{pyman.store}/cpython-{archive.minor}-" in found
        shell.type("python -m venv --without-pip .venv")
        assert shell.path("")[0] == f"{folder}/.venv/bin"
        assert f"{folder}/.venv\n" in shell.type("python -c 'import sys; print(sys.prefix)'")
        assert shell.path("cd /") == user.plain
        # The user's own pin counts everywhere.
        assert shell.path(f"pyman pin --global {archive.minor}")[0].startswith(f"{pyman.store}/cpython-")
        assert shell.path("pyman pin --global --rm") == user.plain


PATHS = [
    "/a",
    "/a:/b",
    ":/a",
    "/a:",
    "/a::/b",
    ":",
    "::",
    "/x",
    "/x:/x",
    "/a:/x:/b",
    "/x:",
    ":/x",
    "/xx:/x",
    "/ *:/$x:[a]",
]


@pytest.mark.parametrize("kind", ["bash", "zsh", "dash", "busybox"])
def test_what_is_put_is_taken_and_all_else_is_kept(kind: str, user: User) -> None:
    user.shell(kind).close()
    command = (
        [str(KINDS[kind].program), *KINDS[kind].command[1:2]] if kind == "busybox" else [KINDS[kind].program]
    )
    script = [KINDS[kind].activate]
    for path in PATHS:
        given = f"PATH='{path}'; __pyman_put /x; __pyman_path=$PATH; put=$PATH; PATH=/q:$PATH:/x:/q"
        script.append(
            f'{given}; __pyman_settle; __pyman_take /x $_PYMAN_OWN; echo "$put|$PATH"; __pyman_take /x 9'
        )
    done = subprocess.run(
        [*map(str, command), "-c", "\n".join(script)],
        env=user.variables(), capture_output=True, encoding="utf-8", check=False, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines() == [f"/x:{path}|/q:{path}:/x:/q" for path in PATHS]
