"""What a case has at hand: programs, folders on disk and in memory, a web server, how many rounds."""

import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.measuring import Command, Series, interleaved
from tests.benchmarks.releases import Releases, UnavailableError, publish
from tests.benchmarks.report import file_system
from tests.benchmarks.surroundings import Home, Programs
from tests.support import nginx

_Name = TypeVar("_Name")
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - it is asked for whether it is one
_INTERPRETERS = ("gnu_312", "gnu_313")


@dataclass
class Bench:
    """Given to every case. What it makes is made once and ends with `stack`."""

    programs: Programs
    scratch: Path
    rounds: int
    stack: ExitStack
    _homes: int = field(default=0)

    def measure(self, commands: Mapping[_Name, Command], rounds: int | None = None) -> dict[_Name, Series]:
        """Return the series of each command, taken in turns."""
        return interleaved(commands, rounds or self.rounds)

    @property
    def many(self) -> int:
        """Rounds for commands of a tenth of a second, where what differs is as small as what disturbs."""
        return 4 * self.rounds

    def home(self, root: Path | None = None) -> Home:
        """Return an empty home, on disk or in another folder."""
        self._homes += 1
        home = Home((root or self.scratch) / f"home{self._homes}")
        home.clear()
        return home

    @cached_property
    def in_memory(self) -> Path:
        """A folder on a file system in memory; UnavailableError where there is none."""
        if not _IN_MEMORY.is_dir() or file_system(_IN_MEMORY) != "tmpfs":
            raise UnavailableError(f"{_IN_MEMORY} is no tmpfs")
        folder = _IN_MEMORY / self.scratch.name
        folder.mkdir()
        self.stack.callback(shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def releases(self) -> Releases:
        """The archives, laid out as a mirror does; UnavailableError where there are no fixtures."""
        return publish(self.scratch / "releases")

    @cached_property
    def origin(self) -> str:
        """The URL at which nginx serves them on this machine; UnavailableError where nginx is missing."""
        if not nginx.program():
            raise UnavailableError(nginx.MISSING)
        work = self.scratch / "nginx"
        work.mkdir()
        port = nginx.free_port()
        self.stack.enter_context(nginx.serving(self.releases.folder, work, port))
        return f"http://{nginx.LOOPBACK}:{port}"

    @cached_property
    def interpreters(self) -> list[Path]:
        """Folders with one interpreter each that works: two fixtures, and the Python of the programs."""
        folders = []
        for name in _INTERPRETERS:
            folder = self.scratch / "interpreters" / name
            folder.mkdir(parents=True)
            archive = self.releases.file(getattr(self.releases, name))
            subprocess.run(["tar", "-xzf", archive, "-C", folder, "--strip-components=1"], check=True)
            folders.append(folder / "bin")
        return [*folders, Path(self.programs.python).resolve().parent]

    def require_uv(self) -> str:
        """Return the path of uv; UnavailableError where the environment has none."""
        if not self.programs.has(self.programs.uv, "--version"):
            raise UnavailableError(f"uv is not in {self.programs.prefix}")
        return self.programs.uv
