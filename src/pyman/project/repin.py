"""Writes pins: the one version of a version file is changed, and all else in it stays as it is."""

import re
from pathlib import Path

from pyman.errors import PymanError
from pyman.project.pins import NAMES
from pyman.project.version_file import SPECIFIER, read_text, versions_in
from pyman.system import whole_file

# What stands before the first version of a line, the versions, and what follows them.
_LINE = re.compile(r"(?P<before>\s*)(?P<versions>[^#\s][^#]*?)(?P<after>\s*(#.*)?)", re.DOTALL)


def file_in(folder: Path) -> Path:
    """Return the version file that counts in `folder`: the one there is, else where one is to be made."""
    return next((folder / name for name in NAMES if (folder / name).is_file()), folder / NAMES[-1])


def repinned(text: str, pin: str) -> str:
    """Return the text of a version file with `pin` in the place of its first version.

    Comments and further versions stay; where a further one is the same as `pin`, it goes.
    """
    lines = text.splitlines(keepends=True)
    named = [index for index, line in enumerate(lines) if _LINE.fullmatch(line)]
    if not named:
        gap = "" if not lines or text.endswith(("\n", "\r")) else "\n"
        return f"{text}{gap}{pin}\n"
    first, *others = named
    lines[first] = _with_first(lines[first], pin)
    gone = {index for index in others if _versions(lines[index]) == pin}
    return "".join(line for index, line in enumerate(lines) if index not in gone)


def write(path: Path, pin: str) -> None:
    """Make `pin` the version that the file at `path` names, whole or not at all; PymanError if it fails."""
    try:
        text = repinned(read_text(path) if path.exists() else "", pin)
        whole_file.put(path, text.encode())
    except OSError as error:
        raise _failed("write", path, error) from None


def remove(path: Path) -> None:
    """Remove a version file; PymanError if that fails."""
    try:
        path.unlink()
    except OSError as error:
        raise _failed("remove", path, error) from None


def _with_first(line: str, pin: str) -> str:
    found = _LINE.fullmatch(line)
    if not found:
        return line
    rest = [word for word in versions_in(found["versions"])[1:] if word != pin]
    # After a specifier a space parts nothing.
    gap = "\n" if SPECIFIER.search(pin) else " "
    return found["before"] + gap.join([pin, *rest]) + found["after"]


def _versions(line: str) -> str:
    found = _LINE.fullmatch(line)
    return found["versions"] if found else ""


def _failed(verb: str, path: Path, error: OSError) -> PymanError:
    return PymanError(f"cannot {verb} {path}: {error.strerror or error}", "Check the permissions there.")
