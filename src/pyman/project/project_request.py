"""What is wanted where nothing was typed: a pin, the user's own pin, or what the project requires."""

from dataclasses import dataclass
from pathlib import Path

from pyman.errors import UsageError
from pyman.project import pins
from pyman.project.pins import VersionFile
from pyman.requests.request import Request

_PROJECT = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request that counts, the file it stands in, and what was odd on the way to it.

    `path` is None when nothing says anything: any version will do. `system` asks for a Python that no version
    manager has installed.
    """

    request: Request
    path: Path | None
    system: bool = False
    warnings: tuple[str, ...] = ()


def wanted(start: Path) -> Wanted:
    """Return what the files in `start` and above ask for.

    That is the first version of the nearest version file; else the user's own one, unless the project's
    `requires-python` rules it out; else `requires-python`. Raises UsageError for a version file in which
    nothing is a request; a project file that cannot be read is only a warning.
    """
    file = pins.nearest(start)
    if file:
        return _of_file(file)
    own = pins.own()
    if not any((folder / _PROJECT).is_file() for folder in (start, *start.parents)):
        return _of_file(own) if own else Wanted(Request.parse("any"), None)
    from pyman.project.pyproject import requirement  # noqa: PLC0415 - tomllib only where there is a project file

    try:
        project = requirement(start)
    except UsageError as error:
        found = _of_file(own) if own else Wanted(Request.parse("any"), None)
        return Wanted(found.request, found.path, found.system, (*found.warnings, error.message))
    if own and (project is None or (own.requests and project.allows(own.requests[0]))):
        return _of_file(own)
    return Wanted(project.request, project.path) if project else Wanted(Request.parse("any"), None)


def _of_file(file: VersionFile) -> Wanted:
    request = Request.parse("any") if file.system else file.requests[0]
    return Wanted(request, file.path, file.system, file.skipped)
