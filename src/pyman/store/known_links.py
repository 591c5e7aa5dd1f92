"""Which links are pyman's: told by their names in full, and by where they lead. Others are left alone.

On Windows the minor link is a junction, and the name in the directory of links a `.cmd` file.
"""

import re
import sys
from pathlib import Path

from pyman.builds.key import Key
from pyman.store.installations import Store

# Names that are taken only when that is asked for.
DEFAULT_NAMES = ("python", "python3")
_COMMAND_FILE = re.compile('@"(?P<path>[^"]+)" %[*]\\s*')
_LONGEST_COMMAND = 40_000  # characters; Windows' paths have up to 32,767
# As `executable_name` makes them, and what a link is called until it takes its place.
_NAME = re.compile(r"(?:python|pypy|graalpy)[0-9]+\.[0-9]+t?d?", re.ASCII)
_WAITING = re.compile(r"\.(?P<name>.+)\.(?:[0-9]+|[0-9a-f]{16})", re.ASCII)


def is_minor(link: Path) -> bool:
    """Whether `link` is a minor link as pyman makes it, or the hidden name under which it makes one."""
    name = _final_name(link.name)
    try:
        target = link.readlink()
    except (OSError, ValueError):
        return False
    if sys.platform == "win32":
        target = Path(target.name)
    found = Key.find(str(target))
    return found is not None and found.link_name == name


def is_rubbish(link: Path, store: Store) -> bool:
    """Whether `link`, in the directory of links, was made by pyman and is half made or leads nowhere."""
    name = _final_name(link.name)
    is_named = name in DEFAULT_NAMES or _NAME.fullmatch(name) is not None
    return is_named and is_ours(link, store) and (name != link.name or is_gone(link))


def is_gone(link: Path) -> bool:
    """Whether what `link` points at is gone; not if this user may not look there."""
    try:
        return not link.exists()
    except PermissionError:
        return False


def _final_name(name: str) -> str:
    """The name that is meant by that under which a link is made."""
    found = _WAITING.fullmatch(name)
    return found["name"] if found else name


def is_ours(link: Path, store: Store) -> bool:
    """Whether `link` points into the store or that beneath, even if what it points at is gone."""
    try:
        if sys.platform == "win32":
            target = Path(command_in(link))
        else:
            target = link.readlink()
    except (OSError, ValueError):
        return False
    return any(
        target.is_relative_to(home) and ".." not in target.relative_to(home).parts for home in store.homes
    )


def command_in(file: Path) -> str:
    """Return what a `.cmd` file of pyman's starts; ValueError for any other, OSError if it is closed."""
    if file.is_symlink():
        raise ValueError(file)
    with file.open(encoding="utf-8") as opened:
        found = _COMMAND_FILE.fullmatch(opened.read(_LONGEST_COMMAND))
    if not found:
        raise ValueError(file)
    return found["path"]
