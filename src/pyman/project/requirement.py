"""What a project says of the Pythons it runs on.

That is `requires-python` (PEP 621), else poetry's constraint, both of `pyproject.toml`, else the
`python_requires` of `setup.cfg`.
"""

from collections.abc import Callable
from configparser import ConfigParser
from configparser import Error as ConfigParserError
from dataclasses import dataclass
from pathlib import Path

from pyman.builds.key import Key
from pyman.builds.target import Arch, Libc, Os, Target
from pyman.builds.version import Stage, Version
from pyman.errors import UsageError
from pyman.project import toml_file
from pyman.project.toml_file import Document
from pyman.requests.request import Request
from pyman.system import regular_file
from pyman.system.regular_file import is_readable

NAME = "pyproject.toml"
SETUP = "setup.cfg"
_LARGEST = 4 * 1024 * 1024
_PEP_621 = ("project", "requires-python")
_POETRY = ("tool", "poetry", "dependencies", "python")
_PYTHON_REQUIRES = "python_requires"
_LIKE = 'It looks like ">=3.11".'
# Versions that may come to be: requirements are compared by trying them.
_MINORS = 40
_PATCHES = 40
_ANYWHERE = Target(Os.LINUX, Arch.X86_64, Libc.GNU)


@dataclass(frozen=True, slots=True)
class Requirement:
    """The versions of Python that a file asks for: where it says so, by which name, and in which words."""

    path: Path
    line: int
    name: str
    text: str
    request: Request

    def allows(self, request: Request) -> bool:
        """Whether a version that is meant by `request` may satisfy the requirement.

        A pre-release counts as the version it leads to: who pins one wants to try the project on it.
        """
        return overlap(self.request, request)

    def allows_version(self, version: Version) -> bool:
        """Whether that version satisfies it, or the one that a pre-release leads to."""
        final = version._replace(stage=Stage.FINAL, serial=0)
        return _matches(self.request, version) or _matches(self.request, final)

    def __str__(self) -> str:
        return f"{self.name} of {self.path}: {self.text}"


def overlap(first: Request, second: Request) -> bool:
    """Whether a version may be meant by both, of whichever implementation and variant."""
    return any(_matches(first, version) for version in _versions(second))


def agree(first: Request, second: Request) -> bool:
    """Whether a Python may be meant by both."""
    is_same_kind = (first.implementation, first.variant) == (second.implementation, second.variant)
    return is_same_kind and overlap(first, second)


def requirement(start: Path, warn: Callable[[str], object]) -> Requirement | None:
    """Return what the nearest project in `start` or above asks for; None when it asks for nothing.

    What cannot be read, or is no range of versions, is told to `warn` and passed over. A `pyproject.toml`
    that asks for nothing ends the search: what is above it is another project.
    """
    for folder in (start, *start.parents):
        for name, read in _READERS.items():
            if is_readable(folder / name):
                try:
                    found = read(folder / name)
                except UsageError as error:
                    warn(error.message)
                else:
                    if found:
                        return found
        if is_readable(folder / NAME):
            return None
    return None


def of_value(document: Document, keys: tuple[str, ...], *, bare: bool = False) -> Requirement | None:
    """Return the requirement that stands under `keys`; None if nothing does.

    `bare` takes a version without an operator as well. Raises UsageError, with file and line, for what is no
    range of versions.
    """
    value = document.value(*keys)
    if value in (None, ""):
        return None
    line = document.line(*keys)
    if not isinstance(value, str):
        raise UsageError(f"{document.path}:{line}: {keys[-1]} is not a text", _LIKE)
    return _of_text(document.path, line, keys[-1], value, bare=bare)


def _of_project(path: Path) -> Requirement | None:
    document = toml_file.read(path)
    return of_value(document, _PEP_621) or _of_poetry(document)


def _of_poetry(document: Document) -> Requirement | None:
    """Poetry's constraint, which may stand in a table; `*` is none."""
    keys = _POETRY if isinstance(document.value(*_POETRY), str) else (*_POETRY, "version")
    return None if document.value(*keys) == "*" else of_value(document, keys, bare=True)


def _of_setup(path: Path) -> Requirement | None:
    try:
        text = regular_file.whole(path, _LARGEST).decode("utf-8-sig")
        parser = ConfigParser(interpolation=None, strict=False)
        parser.read_string(text, str(path))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read {path}: {why}") from None
    except ConfigParserError as error:
        line = getattr(error, "lineno", None) or next(
            (number for number, _ in getattr(error, "errors", ())), 1
        )
        raise UsageError(f"cannot read {path}:{line}: it is not in the form of setup.cfg") from None
    value = parser.get("options", _PYTHON_REQUIRES, fallback="").strip()
    lines = enumerate(text.splitlines(), 1)
    line = next((number for number, each in lines if each.lstrip().startswith(_PYTHON_REQUIRES)), 1)
    return _of_text(path, line, _PYTHON_REQUIRES, value) if value else None


# In the order in which they count.
_READERS = {NAME: _of_project, SETUP: _of_setup}


def _of_text(path: Path, line: int, name: str, value: str, *, bare: bool = False) -> Requirement:
    text = " ".join(value.split())
    try:
        request = Request.parse(text)
    except UsageError as error:
        raise UsageError(f"{path}:{line}: {name}: {error.message}", _LIKE) from None
    if not request.specifiers and not bare:
        raise UsageError(f"{path}:{line}: {name} has no operator: {text!r}", f'Perhaps ">={text}"?')
    return Requirement(path, line, name, text, request)


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
