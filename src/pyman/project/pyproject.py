"""What a project says of the Pythons it runs on: `requires-python` of its `pyproject.toml` (PEP 621)."""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pyman.builds.key import Key
from pyman.builds.target import Arch, Libc, Os, Target
from pyman.builds.version import Stage, Version
from pyman.errors import UsageError
from pyman.requests.request import Request
from pyman.system import regular_file

NAME = "pyproject.toml"
_LARGEST = 4 * 1024 * 1024
# Versions that may come to be: requirements are compared by trying them.
_MINORS = 40
_PATCHES = 40
_ANYWHERE = Target(Os.LINUX, Arch.X86_64, Libc.GNU)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A project file and the versions of Python that it asks for."""

    path: Path
    request: Request

    def allows(self, request: Request) -> bool:
        """Whether a version that is meant by `request` may satisfy the requirement.

        A pre-release counts as the version it leads to: who pins one wants to try the project on it.
        """
        return any(_matches(self.request, version) for version in _versions(request))


def requirement(start: Path) -> Requirement | None:
    """Return what the nearest project file in `start` or above asks for; None when it asks for nothing.

    Raises UsageError for a file that cannot be read, and for what is no version specifier.
    """
    for folder in (start, *start.parents):
        path = folder / NAME
        # access() says no where is_file() would raise: in a folder that this user may not read.
        if os.access(path, os.R_OK) and path.is_file():
            text = _requires_python(path)
            return Requirement(path, _request(text, path)) if text else None
    return None


def _requires_python(path: Path) -> str:
    try:
        document = tomllib.loads(regular_file.whole(path, _LARGEST).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {why}", "A project file is TOML, in UTF-8.") from None
    project = document.get("project")
    text = project.get("requires-python", "") if isinstance(project, dict) else ""
    if not isinstance(text, str):
        raise UsageError(f"{path}: requires-python is not a text", 'It looks like ">=3.11".')
    return text.strip()


def _request(text: str, path: Path) -> Request:
    try:
        request = Request.parse(text)
    except UsageError as error:
        raise UsageError(f"{path}: requires-python: {error.message}", 'It looks like ">=3.11".') from None
    if not request.specifiers:
        raise UsageError(f"{path}: requires-python has no operator: {text!r}", f'Perhaps ">={text}"?')
    return request


def _versions(request: Request) -> list[Version]:
    if request.exact:
        return [request.exact._replace(stage=Stage.FINAL, serial=0)]
    major, minor, patch = (*request.numbers, None, None, None)[:3]
    versions = (
        Version(3 if major is None else major, each_minor, each_patch)
        for each_minor in (range(_MINORS) if minor is None else (minor,))
        for each_patch in (range(_PATCHES) if patch is None else (patch,))
    )
    return [version for version in versions if _matches(request, version)]


def _matches(request: Request, version: Version) -> bool:
    """Whether the request means that version, whatever else it asks for."""
    bare = request._replace(release="", os=None, arch=None, libc=None)
    return bare.matches(Key(bare.implementation, version, bare.variant, "0", _ANYWHERE))
