"""The record of an installation, `.pyman.json`, as far as it says whose it is. Loads next to nothing.

To list a store means to look at every record in it, and each is hundreds of kilobytes long, for it lists the
files: only its head is read. `manifest` reads all of it.
"""

import os
import stat

from pyman.system.regular_file import ITSELF

RECORD = ".pyman.json"
# The form in which records are written. Those that do not say have it as well, or no list of files yet.
FORM = 1
_HEAD = 1024
_LARGEST = 64 << 20


def fault(path: str, name: str) -> str:
    """Return why what is at `path` is not the installation of the key `name`; nothing if it is.

    A record that cannot be understood is one all the same: it is damaged, or of a newer pyman.
    """
    try:
        file = os.open(f"{path}/{RECORD}", ITSELF)
    except FileNotFoundError:
        return _without_record(path)
    except NotADirectoryError:
        return "it is a file"
    except OSError as error:
        return _closed(f"{path}/{RECORD}", error)
    try:
        return fault_in(file, name)
    finally:
        os.close(file)


def fault_in(file: int, name: str) -> str:
    """Return what `fault` does, of a record that is open."""
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            return f"its record {RECORD} is no file"
        owner = owner_in(file)
    except OSError as error:
        return f"its record {RECORD} cannot be read: {error.strerror}"
    return "" if owner in ("", name) else f"its record {RECORD} is that of {owner}"


def owner_in(file: int) -> str:
    """Return the key of the build whose record is open; empty where that cannot be told. Raises OSError."""
    head = os.read(file, _HEAD)
    return _owner(head) or _owner_in_all_of(head + _rest(file, len(head)))


def _owner(head: bytes) -> str:
    """The key of the build whose record begins so; empty where that cannot be told."""
    # As pyman has always written it: the key is the first fact, and has nothing to escape.
    before, mark, rest = head.partition(b'"key": "')
    return rest.partition(b'"')[0].decode("ascii", "replace") if mark and before.strip() == b"{" else ""


def _owner_in_all_of(record: bytes) -> str:
    """The same of a record that somebody has written anew, in another order."""
    import json  # noqa: PLC0415 - hardly ever needed

    try:
        owner = json.loads(record)["key"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return owner if isinstance(owner, str) else ""


def _rest(file: int, done: int) -> bytes:
    if done < _HEAD:
        return b""
    with os.fdopen(os.dup(file), "rb") as opened:
        return opened.read(_LARGEST)


def _closed(path: str, error: OSError) -> str:
    if os.path.islink(path):  # noqa: PTH114 - a string, like all here: pathlib would be felt
        return f"its record {RECORD} is no file"
    return f"its record {RECORD} cannot be read: {error.strerror}"


def _without_record(path: str) -> str:
    if os.path.isdir(path):  # noqa: PTH112 - the same
        return f"it has no record {RECORD}"
    return "it is a link that leads nowhere" if os.path.islink(path) else "it is no folder"  # noqa: PTH114
