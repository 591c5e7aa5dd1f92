"""What a case has at hand: programs, folders on disk and in memory, a web server, how many rounds."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from tests.benchmarks.measuring import Command, Sample, Series, interleaved, run
from tests.benchmarks.portables import Portables, make_portables
from tests.benchmarks.releases import Releases, UnavailableError, publish
from tests.benchmarks.report import file_system
from tests.benchmarks.serving import Source, serving
from tests.benchmarks.surroundings import Home, Programs

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
    facts: dict[str, str] = field(default_factory=dict)
    """What a case has to say that belongs below the table."""
    _homes: int = field(default=0)

    def measure(
        self,
        commands: Mapping[_Name, Command],
        rounds: int | None = None,
        measure: Callable[[Command], Sample] = run,
    ) -> dict[_Name, Series]:
        """Return the series of each command, taken in turns."""
        return interleaved(commands, rounds or self.rounds, measure)

    @cached_property
    def portables(self) -> Portables:
        """The portable pymans of this checkout; UnavailableError where none can be made."""
        return make_portables(self.programs.python, self.releases, self._compiler, self.scratch / "portables")

    @cached_property
    def pymans(self) -> dict[str, str]:
        """What users run: the portable pyman that fits this machine, and the wheel."""
        return {"portable": str(self.portables.unpacked), "wheel": self.programs.pyman}

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
    def source(self) -> Source:
        """nginx on this machine, as fast as it can be; UnavailableError where that is missing."""
        return self.stack.enter_context(serving(self.releases.folder, self.scratch / "nginx"))

    @property
    def origin(self) -> str:
        """The URL at which it serves the archives by http."""
        return self.source.plain

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

    @property
    def _compiler(self) -> Path:
        """The interpreter that makes the bytecode of the portable pymans."""
        return next(folder / "python3.13" for folder in self.interpreters if (folder / "python3.13").exists())

    def require_uv(self) -> str:
        """Return the path of uv; UnavailableError where the environment has none."""
        if not self.programs.has(self.programs.uv, "--version"):
            raise UnavailableError(f"uv is not in {self.programs.prefix}")
        return self.programs.uv
