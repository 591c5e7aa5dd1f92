"""The version files of a project: `.python-versions` and `.python-version`, found upwards."""

from dataclasses import dataclass
from pathlib import Path

from pyman.errors import UsageError
from pyman.request import Request

NAMES = (".python-versions", ".python-version")
_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class VersionFile:
    """A version file and the requests in it, in its order."""

    path: Path
    requests: tuple[Request, ...]


def find(start: Path) -> VersionFile | None:
    """Return the nearest version file in `start` or above which names a version; None when there is none.

    Raises UsageError, naming file and line, for a line that is not a request or a file that cannot be read.
    """
    for folder in (start, *start.parents):
        for name in NAMES:
            path = folder / name
            if path.is_file():
                requests = _requests(path)
                if requests:
                    return VersionFile(path, requests)
    return None


def _requests(path: Path) -> tuple[Request, ...]:
    try:
        with path.open(encoding="utf-8") as file:
            lines = file.read(_LARGEST).splitlines()
    except (OSError, UnicodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", "A version file holds one request a line.") from None
    return tuple(
        _request(text, path, number)
        for number, line in enumerate(lines, 1)
        if (text := line.partition("#")[0].strip())
    )


def _request(text: str, path: Path, number: int) -> Request:
    try:
        return Request.parse(text)
    except UsageError as error:
        raise UsageError(f"{path}:{number}: {error.message}", error.hint) from None
