"""A user with two Pythons, a few projects, and shells on terminals that evaluate `pyman activate`."""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Pyman
from tests.support.builds import Archive
from tests.support.interactive import Interactive
from tests.support.stores import lay, link_name

SAY = "printf '%s%s\\n' '{}' '{}'"
SHOW = "printf 'PATH=%s=END\\n' \"$PATH\""
ARCHIVES = {
    minor: Archive(version, release, "linux-x86_64-gnu")
    for minor, version, release in (("3.12", "3.12.1", "20240107"), ("3.13", "3.13.0", "20241016"))
}


_PROGRAM = """\
#!{python}
import sys
from pyman.__main__ import main
with open({calls!r}, "a") as file:
    print(*sys.argv[1:], file=file)
main()
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A shell: how it is started, what pyman calls it, how it says two texts as one, and shows PATH."""

    command: tuple[str, ...]
    name: str
    say: str = SAY
    show: str = SHOW
    first: tuple[str, ...] = ()

    @property
    def program(self) -> str | None:
        """Where it is."""
        return shutil.which(self.command[0])

    @property
    def activate(self) -> str:
        """What is typed to have the hook; its text is in a file, for it costs a start of pyman."""
        return f"{'source' if self.name == 'nushell' else '.'} ~/hook.{self.name}"


KINDS = {
    "bash": Kind(("bash", "--norc", "--noediting", "-i"), "bash"),
    "zsh": Kind(("zsh", "-f", "-i", "+Z", "-o", "no_prompt_sp"), "zsh"),
    "dash": Kind(("dash", "-i"), "dash"),
    "busybox": Kind(("busybox", "ash", "-i"), "ash"),
    "fish": Kind(("fish", "-i"), "fish", first=("function fish_prompt; echo '$ '; end",)),
    "nu": Kind(
        ("nu", "--no-config-file", "--no-history", "-i"),
        "nushell",
        'print ("{}" + "{}")',
        "print $\"PATH=($env.PATH | str join ':')=END\"",
    ),
}


@dataclass
class User:
    """Who types: a store with 3.12 and 3.13 in which nothing runs, and a `pyman` that notes its starts."""

    pyman: Pyman
    place: Path = Path()
    extra: dict[str, str] = field(default_factory=dict)

    def in_(self, folder: Path) -> "User":
        """Return the same user, who works in this folder."""
        return replace(self, place=folder, extra={})

    def prepare(self, archives: Iterable[Archive] = tuple(ARCHIVES.values())) -> None:
        """Make the store, if it has these, and `pyman`."""
        for archive in archives:
            (key,) = lay(self.pyman.store, archive)
            for name in ("python", "python3"):
                (self.pyman.store / key / "bin" / name).symlink_to(f"python{archive.minor}")
        self.commands.mkdir()
        program = self.commands / "pyman"
        program.write_text(_PROGRAM.format(python=sys.executable, calls=str(self.calls)), encoding="utf-8")
        program.chmod(0o755)
        self.calls.touch()
        if self.pyman.store.exists():
            long_ago(self.pyman.store)

    @property
    def commands(self) -> Path:
        """The folder in which `pyman` is."""
        return self.pyman.root / "commands"

    @property
    def calls(self) -> Path:
        """The file in which it is noted that pyman was started."""
        return self.pyman.root / "calls"

    @property
    def plain(self) -> list[str]:
        """PATH as it is without a project."""
        return [str(self.commands), "/usr/bin", "/bin"]

    def asked(self) -> int:
        """How often a hook has asked so far."""
        return self.calls.read_text(encoding="utf-8").count("activate --ask")

    def bin(self, minor: str) -> str:
        """The folder of a Python, by its minor link."""
        return str(self.pyman.store / link_name(ARCHIVES[minor]) / "bin")

    def project(self, name: str | bytes, pin: str | None = None) -> Path:
        """Make a folder in which a version may be pinned, long ago."""
        folder = self.place / os.fsdecode(name)
        folder.mkdir(parents=True)
        if pin is not None:
            (folder / ".python-version").write_text(f"{pin}\n", encoding="utf-8")
            long_ago(folder / ".python-version")
        return folder

    def environment(self, folder: Path) -> Path:
        """Make a `.venv` in a folder, by hand, and return its `bin`."""
        inside = folder / ".venv" / "bin"
        inside.mkdir(parents=True)
        (folder / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.12.1\n", encoding="utf-8")
        (inside / "python").symlink_to("/bin/sh")
        return inside

    def variables(self) -> dict[str, str]:
        """What a shell of this user is started with."""
        variables = self.pyman.variables({"PATH": os.pathsep.join(self.plain), "PS1": "$ "})
        return {name: value for name, value in variables.items() if name != "VIRTUAL_ENV"} | self.extra

    def shell(self, kind: str, *before: str, prefix: Iterable[str] = (), active: bool = True) -> "Typed":
        """Start a shell that evaluates `pyman activate`, after these lines."""
        found = KINDS[kind]
        if not found.program:
            pytest.skip(f"{ELSEWHERE}{found.command[0]} is not installed")
        text = self.pyman.home / f"hook.{found.name}"
        if not text.exists():
            printed = self.pyman("activate", found.name, env=self.variables()).stdout
            text.write_text(printed, encoding="utf-8")
        typed = Typed(found, [*prefix, found.program, *found.command[1:]], self.variables(), self.place)
        try:
            for line in (*found.first, *before, *([found.activate] if active else [])):
                typed.type(line)
        except BaseException:
            typed.close()
            raise
        return typed


class Typed(Interactive):
    """A shell that tells its PATH."""

    def __init__(self, kind: Kind, command: list[str], variables: dict[str, str], cwd: Path) -> None:
        super().__init__(command, variables, cwd, kind.say, waited_for=kind.name == "nushell")
        self._show = kind.show

    def path(self, *lines: str) -> list[str]:
        """Type the lines, then return the entries of PATH."""
        for line in lines:
            self.type(line)
        shown = self.type(self._show)
        found = re.findall("PATH=(/.*?)=END", shown, re.DOTALL)
        assert found, shown
        return str(found[-1]).split(":")


def long_ago(path: Path) -> None:
    """Set the time of a file back: what has just changed is not remembered, for it could change again."""
    then = time.time() - 100
    os.utime(path, (then, then))
