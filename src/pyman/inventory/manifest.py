"""The manifest of an installation: every file with its size and digest, every symbolic link with its target.

It is a part of the record, one row a line, sorted by name:

    "files": {
    "bin/python3": "python3.13",
    "bin/python3.13": [14360, "<sha256>", "x"],
    "lib/python3.13/os.py": [39786, "<sha256>"],
    …

`x` marks what its owner may execute. Names are relative to the installation, with slashes on every system;
the record itself and directories are not listed.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from pyman.archive.written import Written
from pyman.builds.key import Key
from pyman.errors import StoreError
from pyman.store.installations import Installation
from pyman.store.record import FORM, RECORD
from pyman.system.filesystem import reachable
from pyman.system.regular_file import ITSELF

_WINDOWS = os.name == "nt"
_PIECE = 1 << 18  # bytes read at once: they are still in the processor's cache when they are hashed


class NewerRecordError(StoreError):
    """A record was written by a newer pyman, in a form that is not known yet."""


class File(NamedTuple):
    """What is known of a file: bytes, their digest in hex, and whether its owner may execute it."""

    size: int
    sha256: str
    executable: bool


Manifest = dict[str, File | str]
"""By name a file, or where a symbolic link points."""


class Record(NamedTuple):
    """What was written down when an installation was made: all of it as it stands there, and the manifest."""

    facts: Mapping[str, Any]
    files: Manifest


def take(root: Path, written: Mapping[str, Written]) -> Manifest:
    """Return the manifest of the tree at `root`, as it is now. Raises OSError.

    Only what is not as it was `written` (rewritten since, or added) is read. So nothing that changes a staged
    tree has to say what it did.
    """
    listed: Manifest = {}
    for name, entry in entries(root):
        if name == RECORD:
            continue
        if entry.is_symlink():
            listed[name] = target(entry)
        elif not entry.is_dir():
            listed[name] = _known(entry, written.get(name)) or examine(entry.path)
    return dict(sorted(listed.items()))


def _known(entry: "os.DirEntry[str]", written: Written | None) -> File | None:
    """Return the file without reading it, if it is as it was `written`."""
    status = entry.stat(follow_symlinks=False)
    if not written or (written.size, written.mtime_ns) != (status.st_size, status.st_mtime_ns):
        return None
    return File(written.size, written.sha256, _is_executable(status))


def _fail(name: str, error: OSError) -> None:
    del name
    raise error


def entries(
    root: Path, on_error: Callable[[str, OSError], object] = _fail, enters: Callable[[str], bool] = bool
) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Yield the name and entry of all that is below `root`; links are not followed.

    `on_error` is called with the name of a directory that cannot be read ("" for `root`), and why; without it
    that is raised. Of a directory that `enters` says no to, nothing is looked at.
    """
    waiting = [("", reachable(root))]
    while waiting:
        prefix, folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                here = list(found)
        except OSError as error:
            on_error(prefix.removesuffix("/"), error)
            continue
        for entry in here:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False) and enters(name):
                waiting.append((f"{name}/", entry.path))
            yield name, entry


def target(link: "os.DirEntry[str]") -> str:
    """Return where a symbolic link points, with slashes. Raises OSError."""
    return str(Path(link.path).readlink()).replace(os.sep, "/")


def examine(path: str, expected: int | None = None) -> File:
    """Return what a file is, read to its end; without a digest if it has not the `expected` size.

    Raises OSError.
    """
    file = os.open(path, ITSELF)
    try:
        return examined(file, expected)
    finally:
        os.close(file)


def examined(file: int, expected: int | None = None) -> File:
    """Return what `examine` does, of a file that is open."""
    status = os.fstat(file)
    is_wanted = expected is None or expected == status.st_size
    digest = _digest(file, status.st_size) if is_wanted else ""
    return File(status.st_size, digest, _is_executable(status))


def _digest(file: int, size: int) -> str:
    """Return the digest of the next `size` bytes; of fewer if there are no more."""
    digest = sha256()
    while size > 0 and (data := os.read(file, min(size, _PIECE))):
        digest.update(data)
        size -= len(data)
    return digest.hexdigest()


def _is_executable(status: os.stat_result) -> bool:
    """On Windows that is a matter of names."""
    return not _WINDOWS and bool(status.st_mode & 0o100)


def document(record: Mapping[str, Any]) -> str:
    """Return a record as JSON; the manifest, if it has one, is its part `files`."""
    if "files" not in record:
        return json.dumps(record, indent=1) + "\n"
    # At the end, behind what people look for.
    rest = {name: value for name, value in record.items() if name != "files"}
    text = json.dumps({**rest, "files": {}}, indent=1)
    rows = ",\n".join(_row(name, listed) for name, listed in record["files"].items())
    return text.removesuffix("{}\n}") + "{\n" + rows + "\n }\n}\n"


def _row(name: str, listed: File | str) -> str:
    if isinstance(listed, str):
        return f"{json.dumps(name)}: {json.dumps(listed)}"
    mark = ', "x"' if listed.executable else ""
    return f'{json.dumps(name)}: [{listed.size}, "{listed.sha256}"{mark}]'


def load(installation: Installation) -> Manifest:
    """Return the manifest in an installation's record; raises as `read` does."""
    return whole(installation).files


def whole(installation: Installation) -> Record:
    """Return all that an installation's record says; raises as `read` does."""
    return read(reachable(installation.path) + RECORD, installation.key)


def read(path: str, key: Key) -> Record:
    """Return what the record at `path` says of the installation of `key`.

    Raises StoreError, which speaks of `its record`, when that is missing, damaged, another installation's, or
    an old one, whose `files` is only their number; NewerRecordError when it is of a newer form, of which too
    little is known.
    """
    try:
        file = os.open(path, ITSELF)
        with os.fdopen(file, "rb") as opened:
            record = json.loads(opened.read())
        newer = _newer(record)
        owner, files = record.get("key") if newer else record["key"], record.get("files")
    except FileNotFoundError:
        raise StoreError("its record is missing") from None
    except OSError as error:
        raise StoreError(f"its record cannot be read: {error.strerror}") from None
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        raise StoreError("its record is damaged") from None
    if owner != str(key) and not (newer and owner is None):
        raise StoreError(f"its record is that of {owner}")
    if not newer and (files is None or isinstance(files, int)):
        raise StoreError("its record lists no files: an older pyman wrote it")
    try:
        return Record(record, {name: _listed(value, is_known=not newer) for name, value in files.items()})
    except (ValueError, TypeError, AttributeError):
        if newer:
            raise NewerRecordError(f"its record is of form {newer}, which only a newer pyman reads") from None
        raise StoreError("its record is damaged") from None


def _newer(record: Any) -> int:  # noqa: ANN401 - whatever JSON can hold
    """Return the number of the record's form if it is one of a newer pyman, else 0."""
    form = record.get("form")
    return form if isinstance(form, int) and form > FORM else 0


def _listed(value: Any, *, is_known: bool) -> File | str:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(value, str):
        return value
    size, digest, *more = value
    mark = more if is_known else [each for each in more if each == "x"]
    if not (isinstance(size, int) and isinstance(digest, str) and mark in ([], ["x"])):
        raise ValueError(value)
    return File(size, digest, bool(mark))
