"""Reads a folder with a Python in it as the members of an archive, so that it is taken over as safely.

Bytecode is left out, which names the old place and is made anew, and so is pyman's own record of the tree.
"""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from pyman.archive.inflate import MAX_INFLATED
from pyman.archive.member_names import fault, shown, target_fault
from pyman.archive.members import TOP, Limits
from pyman.archive.tar import Kind, Member
from pyman.errors import ArchiveError, FetchError, TooLargeError
from pyman.system.regular_file import ITSELF

_PIECE = 1 << 20
_BYTECODE = "__pycache__"
_HINT = "Name the folder of one Python and nothing else, such as an archive unpacks to."
_KINDS = {
    stat.S_IFIFO: "a fifo",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


def members(
    root: Path, limits: Limits, told: Callable[[int], None], left_out: frozenset[str]
) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """Yield what is in the folder `root`, in the order of its names, each with the pieces of its data.

    `told` is called with the number of bytes of each file before it is read. The names at the top that are
    `left_out` are passed over. Raises ArchiveError for what no build has (devices, links out of the folder),
    TooLargeError for more than 8 GiB, and FetchError for what cannot be read.
    """
    size = 0
    for name, entry, status in _entries(os.fspath(root), left_out):
        if why := fault(name, limits.name):
            raise _refused(root, name, f"has a name that {why}")
        member = _member(root, name, entry, status, limits)
        size += member.size
        if size > (limits.inflated or MAX_INFLATED):
            raise TooLargeError(f"The folder {root} has more than {size:,} bytes.", _HINT)
        told(member.size)
        yield member, _pieces(entry.path) if member.kind is Kind.FILE else iter(())


def _entries(root: str, left_out: frozenset[str]) -> Iterator[tuple[str, "os.DirEntry[str]", os.stat_result]]:
    """Yield each name below `root`, a folder before what is in it; links are not followed."""
    waiting = [("", root)]
    while waiting:
        prefix, folder = waiting.pop()
        try:
            with os.scandir(folder) as found:
                here = sorted(found, key=lambda each: each.name)
            seen = [(each, each.stat(follow_symlinks=False)) for each in here]
        except OSError as error:
            raise _unreadable(folder, error) from None
        for entry, status in seen:
            is_folder = stat.S_ISDIR(status.st_mode)
            if (not prefix and entry.name in left_out) or (is_folder and entry.name == _BYTECODE):
                continue
            if is_folder:
                waiting.append((f"{prefix}{entry.name}/", entry.path))
            yield prefix + entry.name, entry, status


def _member(
    root: Path, name: str, entry: "os.DirEntry[str]", status: os.stat_result, limits: Limits
) -> Member:
    kind, size, target = Kind.FILE, status.st_size, ""
    if stat.S_ISDIR(status.st_mode):
        kind, size = Kind.DIRECTORY, 0
    elif stat.S_ISLNK(status.st_mode):
        kind, size, target = Kind.SYMLINK, 0, _target(root, name, entry.path, limits)
    elif not stat.S_ISREG(status.st_mode):
        what = _KINDS.get(stat.S_IFMT(status.st_mode), "no file")
        raise _refused(root, name, f"is {what}, which no build contains")
    return Member(f"{TOP}/{name}", kind, size, status.st_mode, int(status.st_mtime), target)


def _target(root: Path, name: str, path: str, limits: Limits) -> str:
    """Return where a link leads, relative; ArchiveError if it is not inside of the folder."""
    try:
        target = os.readlink(path)  # noqa: PTH115 - a string
    except OSError as error:
        raise _unreadable(path, error) from None
    inside = os.path.relpath(target, root) if os.path.isabs(target) else ""  # noqa: PTH117 - the same
    if inside:
        target = os.path.relpath(inside, os.path.dirname(name) or ".")  # noqa: PTH120 - the same
    target = target.replace(os.sep, "/")
    if why := target_fault(name, target, limits.name):
        said = "leads out of the folder" if "out of" in why else why
        raise _refused(root, name, f"is a symbolic link to {shown(target)}, which {said}")
    return target


def _pieces(path: str) -> Iterator[bytes]:
    try:
        file = os.open(path, ITSELF)
        try:
            while piece := os.read(file, _PIECE):
                yield piece
        finally:
            os.close(file)
    except OSError as error:
        raise _unreadable(path, error) from None


def _refused(root: Path, name: str, why: str) -> ArchiveError:
    return ArchiveError(f"{shown(name)} in {root} {why}.", _HINT)


def _unreadable(path: str, error: OSError) -> FetchError:
    return FetchError(f"cannot read {path}: {error.strerror or error}", "Check the permissions there.")
