"""The members of an archive on their way into a tree: checked here, and made but for the small files.

Small files are gathered into lots, which several threads write.
"""

import errno
import os
import re
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from pyman.archive.allowance import Allowance
from pyman.archive.member_names import NameLimits, fault, shown, target_fault
from pyman.archive.tar import HOSTILE, Kind, Member
from pyman.archive.tree import Tree
from pyman.errors import ArchiveError, PymanError, StoreError

_LOT = 1 << 18  # bytes of files that go to a writer at once ...
_FILES = 64  # ... and how many files
_NAME_LIMITS = NameLimits()
TOP = "python"
# Archives of other implementations have one folder which is called as they are: pypy3.11-v7.3.23-linux64. A
# portable pyman's is `pyman`.
_TOPS = re.compile(r"python|pyman|(pypy|graalpy)[\w.+-]*", re.ASCII)
_INSTALL = "python/install"
# What stands beside the tree in a `full` archive, none of which an `install_only` archive has at its top.
_FULL = re.compile("python/(PYTHON.json$|(install|build|licenses)(/|$))")

# The name cannot be what the member wants it to be: another member or the file system is in its way.
_IN_THE_WAY = {
    errno.EEXIST: "it is there already (some systems do not tell upper from lower case)",
    errno.ENOTDIR: "a file is where its directory should be",
    errno.EISDIR: "a directory is there already",
    errno.ENAMETOOLONG: "its name is too long for this system",
    errno.EINVAL: "this system does not allow its name",
    errno.EILSEQ: "this system does not allow its name",
    errno.ELOOP: "a symbolic link is in its way",
}
_NO_ROOM = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class Limits(NamedTuple):
    """What an archive may ask for; the defaults are far above the largest builds."""

    members: int = 200_000
    """Members, and the directories that their names imply."""
    symlinks: int = 10_000
    """Symbolic links in the tree: each is followed to its end."""
    names: int = 32 << 20
    """Characters of all names and link targets together: all are remembered by name."""
    name: NameLimits = _NAME_LIMITS
    """Length and depth of one name."""
    inflated: int | None = None
    """Bytes of the whole archive, decompressed; None: what its own size allows, and at most MAX_INFLATED."""


def failure(error: OSError, destination: Path, name: str) -> PymanError:
    """Return what an error of the system means: a bad archive, or a store that cannot be written."""
    if why := _IN_THE_WAY.get(error.errno or 0):
        return refused(name, f"cannot be unpacked: {why}")
    first = "Make room" if error.errno in _NO_ROOM else "Check the permissions and the disk there"
    hint = f"{first}, or set PYMAN_HOME to a directory elsewhere."
    return StoreError(f"Cannot write {shown(name)} in {destination}: {error.strerror or error}.", hint)


def refused(name: str, why: str) -> ArchiveError:
    """Return the error for a member that `why`."""
    return ArchiveError(f"The archive's member {shown(name)} {why}.", HOSTILE)


class File(NamedTuple):
    """A file that is still to be written, with all its data; `name` is that of the member."""

    path: str
    name: str
    data: tuple[bytes | memoryview, ...]
    mtime: int
    executable: bool


class Unpacking:
    """An archive on its way into a tree.

    `top` is the archive's one folder, and `prefix` the one that is unpacked; its first members decide. `name`
    is the member that is being unpacked.
    """

    def __init__(self, tree: Tree, limits: Limits, allowance: Allowance, prefix: str = "") -> None:
        self.tree = tree
        self.limits = limits
        self.allowance = allowance
        self.top = prefix
        self.prefix = prefix
        self.name = ""
        self.members = 0
        self.names = 0
        self.lot: list[File] = []
        self.lot_size = 0
        self.block: object = None
        self.full: list[list[File]] = []
        self.hardlinks: dict[str, Member] = {}
        self.symlinks: dict[str, Member] = {}

    def lots(self, members: Iterator[tuple[Member, Iterator[bytes | memoryview]]]) -> Iterator[list[File]]:
        """Unpack all members but for the files yielded, which are to be written, and the links."""
        for member, data in members:
            self.add(member, data)
            yield from self.full
            self.full.clear()
        yield self.lot

    def add(self, member: Member, data: Iterator[bytes | memoryview]) -> None:
        """Unpack a member, or skip it if it is not in the tree; small files wait in the lot, and links."""
        self.name = member.name
        self._count(member)
        path = self._place(member.name, is_directory=member.kind is Kind.DIRECTORY)
        if path is None:
            return
        if member.kind is Kind.FILE:
            self._add_file(path, member, data)
        elif member.kind is Kind.DIRECTORY:
            self.tree.make_directory(path)
        elif member.kind is Kind.HARDLINK:
            self._link(path, member)
        else:
            self._defer(path, member)

    def _add_file(self, path: str, member: Member, data: Iterator[bytes | memoryview]) -> None:
        """Put a file that is in one piece into the lot; write another here, for it may be of any size."""
        self.tree.claim(path)
        executable = bool(member.mode & 0o100)
        first = tuple(islice(data, 2))
        if len(first) < 2:  # noqa: PLR2004 - and so was read to its end
            self._begin_lot(first)
            self.lot.append(File(path, member.name, first, member.mtime, executable))
            self.lot_size += member.size
        else:
            self.tree.write_file(path, chain(first, data), member.mtime, executable=executable)

    def _begin_lot(self, data: tuple[bytes | memoryview, ...]) -> None:
        """Begin another lot if this one is large enough, or would keep more than one block in memory."""
        block = data[0].obj if data and isinstance(data[0], memoryview) else self.block
        if block is not self.block or self.lot_size >= _LOT or len(self.lot) >= _FILES:
            self.full.append(self.lot)
            self.lot, self.lot_size, self.block = [], 0, block

    def make_links(self) -> None:
        """Make the links, now that nothing is written through them, and see where symbolic ones lead.

        Where the system makes none, copies stand for them: those count as what is unpacked.
        """
        self.tree.room = self.allowance.size - sum(written.size for written in self.tree.written.values())
        for path, member in self.hardlinks.items():
            self.name = member.name
            self.tree.link_file(path, member.linkname.removeprefix(f"{self.prefix}/"))
        for path, member in self.symlinks.items():
            self.name = member.name
            self.tree.make_symlink(path, member.linkname)
        for path, member in self.symlinks.items():
            if why := self.tree.symlink_fault(path):
                raise refused(member.name, f"is a symbolic link that {why}")

    def _count(self, member: Member) -> None:
        self.members += 1
        self.names += len(member.name) + len(member.linkname)
        at_most = min(self.limits.members, self.allowance.entries)
        if self.members + self.tree.directories > at_most:
            raise ArchiveError(f"The archive has more than {at_most:,} members.", HOSTILE)
        if self.names > self.limits.names:
            raise ArchiveError(
                f"The names in the archive take more than {self.limits.names:,} bytes.", HOSTILE
            )

    def _place(self, name: str, *, is_directory: bool) -> str | None:
        """Return a member's name inside the tree ("" for its root), None if it is not in the tree."""
        name = name.removesuffix("/") if is_directory else name
        if why := fault(name, self.limits.name):
            raise refused(name, f"has a name that {why}")
        first = name.partition("/")[0]
        if not self.top and _TOPS.fullmatch(first):
            self.top = first
        if first != self.top or (name == first and not is_directory):
            raise refused(name, f"is not in {self.top or TOP}/")
        if name == first:
            return ""
        if not self.prefix:
            self.prefix = _INSTALL if _FULL.match(name) else self.top
        if name == self.prefix and is_directory:
            return ""
        return name.removeprefix(f"{self.prefix}/") if name.startswith(f"{self.prefix}/") else None

    def _link(self, path: str, member: Member) -> None:
        source = member.linkname.removeprefix(f"{self.prefix}/")
        is_inside = source != member.linkname and not fault(source, self.limits.name)
        if not is_inside or not self.tree.has_file(source):
            target = shown(member.linkname)
            raise refused(member.name, f"is a hard link to {target}, which is no file unpacked before it")
        self.tree.claim(path)
        self.hardlinks[path] = member

    def _defer(self, path: str, member: Member) -> None:
        if why := target_fault(path, member.linkname, self.limits.name):
            target = shown(member.linkname)
            raise refused(member.name, f"is a symbolic link to {target}, which {why}")
        if len(self.symlinks) >= self.limits.symlinks:
            raise ArchiveError(f"The archive has more than {self.limits.symlinks:,} symbolic links.", HOSTILE)
        if path in self.symlinks:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        # Now, while there are no links yet: afterwards it could be made through one.
        self.tree.make_directory(path.rpartition("/")[0])
        self.symlinks[path] = member
