"""What is wanted where nothing was typed: a pin, the user's own pin, or what the project requires."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyman.project import pins
from pyman.project.version_file import VersionFile
from pyman.requests.request import Request

if TYPE_CHECKING:
    from pyman.project.requirement import Requirement

_FILES_OF_REQUIREMENTS = ("pyproject.toml", "setup.cfg")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The requests of a file, the first of which counts, the file, and what was odd on the way to it.

    `path` is None when nothing says anything: any version will do. `text` is what it says, `name` what that
    stands under where the file holds other things as well. `system` asks for a Python that no version manager
    has installed, `python` for that very interpreter.
    """

    requests: tuple[Request, ...] = ()
    path: Path | None = None
    line: int = 1
    name: str = ""
    text: str = ""
    system: bool = False
    python: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def request(self) -> Request:
        """The request that counts."""
        return self.requests[0] if self.requests and not self.system else Request.parse("any")


def wanted(start: Path | None) -> Wanted:
    """Return what the files in `start` and above ask for; without `start`, what the user's own one does.

    Raises UsageError for a version file of pyman's own form in which nothing is a request; any other one that
    cannot be read is only a warning.
    """
    warnings: list[str] = []
    first = next(wishes(start, warnings.append), Wanted())
    return replace(first, warnings=tuple(warnings))


def wishes(start: Path | None, warn: Callable[[str], object]) -> Iterator[Wanted]:
    """Yield what each file asks for, in the order in which they count; raises as `wanted` does.

    The nearest version file comes first; then the user's own one, unless the project's requirement rules it
    out; then that requirement.
    """
    for file in pins.files(start) if start else ():
        yield from _of_file(file, warn)
    own = pins.own()
    project = _requirement(start, warn) if start else None
    if own and (project is None or (own.requests and project.allows(own.requests[0]))):
        yield from _of_file(own, warn)
    if project:
        yield Wanted((project.request,), project.path, project.line, project.name, project.text)


def _requirement(start: Path, warn: Callable[[str], object]) -> "Requirement | None":
    folders = (start, *start.parents)
    if not any(os.access(folder / name, os.R_OK) for folder in folders for name in _FILES_OF_REQUIREMENTS):
        return None
    from pyman.project.requirement import requirement  # noqa: PLC0415 - tomllib only where there is such a file

    return requirement(start, warn)


def _of_file(file: VersionFile, warn: Callable[[str], object]) -> Iterator[Wanted]:
    for text in file.skipped:
        warn(text)
    if file.speaks:
        text = " ".join(file.texts)
        yield Wanted(file.requests, file.path, file.line, "", text, file.system, file.python)
