"""Unpacks the archive of a build, whatever is in it, into one directory and nowhere else.

Three stages overlap: the caller's chunks are read (and hashed) in the calling thread, decompressed in a
second and written in a third. A zip, whose directory is at its end, has to wait until all of it is there.
"""

import errno
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from pyman import inflate, tar
from pyman.errors import ArchiveError, PymanError, StoreError
from pyman.manifest import Written
from pyman.names import NameLimits, fault, shown, target_fault
from pyman.pipeline import gathered, through
from pyman.tar import HOSTILE, Kind, Member
from pyman.tree import Tree

_BATCH = 1 << 18  # bytes that go from the network to the decompressor at once
_BATCHES = 8  # ... and how many may wait for it
_BLOCKS = 8  # how many decompressed blocks may wait for being written

_NAME_LIMITS = NameLimits()
_TOP = "python"
# Archives of other implementations have one folder which is called as they are: pypy3.11-v7.3.23-linux64.
_TOPS = re.compile(r"python|(pypy|graalpy)[\w.+-]*", re.ASCII)
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
    """Characters of all names and link targets together: directories and links are remembered by name."""
    name: NameLimits = _NAME_LIMITS
    """Length and depth of one name."""
    inflated: int = inflate.MAX_INFLATED
    """Bytes of the whole archive, decompressed."""


DEFAULT = Limits()


class Unpacked(NamedTuple):
    """What was written: how many regular files, how many bytes they have together, and each by its name."""

    files: int
    size: int
    written: Mapping[str, Written]


def unpack(chunks: Iterable[bytes], destination: Path, limits: Limits = DEFAULT) -> Unpacked:
    """Unpack a .tar.gz, .tar.bz2, .tar.zst or .zip, told apart by content, into the empty `destination`.

    The archive has one folder, `python` or one whose name begins with `pypy` or `graalpy`: the tree below it
    is unpacked without it; of a `full` archive the tree below `python/install/`, nothing else. `chunks` are
    iterated in the calling thread and to their end, so that the caller may hash them on the way; what they
    raise passes through unchanged.

    Raises ArchiveError if the archive is damaged, holds anything that a build has no need of, or goes beyond
    `limits`; StoreError if the system cannot write. What is then left inside `destination` is the caller's to
    remove; outside it nothing is ever touched.
    """
    return through(gathered(chunks, _BATCH), partial(_unpack, destination, limits), _BATCHES)


def _unpack(destination: Path, limits: Limits, chunks: Iterator[bytes]) -> Unpacked:
    """Unpack a zip here, a tar in the next thread."""
    start, chunks = inflate.peek(chunks)
    if start.startswith(inflate.ZIP):
        return _unzip(destination, limits, chunks)
    blocks = inflate.blocks(chunks, limits.inflated)
    return through(blocks, lambda blocks: _write(destination, limits, tar.members(blocks)), _BLOCKS)


def _unzip(destination: Path, limits: Limits, chunks: Iterator[bytes]) -> Unpacked:
    """Keep the zip in a file that is gone when this returns, and write what it holds."""
    from pyman import unzip  # noqa: PLC0415 - few archives are one

    try:
        with TemporaryFile(dir=destination) as file:
            for chunk in chunks:
                file.write(chunk)
                if file.tell() > limits.inflated:
                    raise ArchiveError(f"The archive has more than {limits.inflated:,} bytes.", HOSTILE)
            return _write(destination, limits, unzip.members(file, limits.inflated))
    except OSError as error:
        raise _failure(error, destination, "the archive") from error


def _write(
    destination: Path, limits: Limits, members: Iterator[tuple[Member, Iterator[bytes | memoryview]]]
) -> Unpacked:
    """Write the members of an archive."""
    work = _Unpacking(Tree(destination), limits)
    try:
        for member, data in members:
            work.add(member, data)
        work.make_symlinks()
    except OSError as error:
        raise _failure(error, destination, work.name) from error
    if not work.tree.files:
        raise ArchiveError(
            f"The archive holds no file below {work.prefix or _TOP}/.", "It is not a Python build."
        )
    return Unpacked(work.tree.files, work.tree.size, work.tree.written)


def _failure(error: OSError, destination: Path, name: str) -> PymanError:
    """Return what an error of the system means: a bad archive, or a store that cannot be written."""
    if why := _IN_THE_WAY.get(error.errno or 0):
        return _refused(name, f"cannot be unpacked: {why}")
    first = "Make room" if error.errno in _NO_ROOM else "Check the permissions and the disk there"
    hint = f"{first}, or set PYMAN_HOME to a directory elsewhere."
    return StoreError(f"Cannot write {shown(name)} in {destination}: {error.strerror or error}.", hint)


def _refused(name: str, why: str) -> ArchiveError:
    """Return the error for a member that `why`."""
    return ArchiveError(f"The archive's member {shown(name)} {why}.", HOSTILE)


class _Unpacking:
    """An archive on its way into a tree.

    `top` is the archive's one folder, and `prefix` the one that is unpacked; its first members decide. `name`
    is the member that is being unpacked.
    """

    def __init__(self, tree: Tree, limits: Limits) -> None:
        self.tree = tree
        self.limits = limits
        self.top = ""
        self.prefix = ""
        self.name = ""
        self.members = 0
        self.names = 0
        self.symlinks: dict[str, Member] = {}

    def add(self, member: Member, data: Iterator[bytes | memoryview]) -> None:
        """Unpack a member, or skip it if it is not in the tree; symbolic links wait until `make_symlinks`."""
        self.name = member.name
        self._count(member)
        path = self._place(member.name, is_directory=member.kind is Kind.DIRECTORY)
        if path is None:
            return
        if member.kind is Kind.FILE:
            self.tree.write_file(path, data, member.mtime, executable=bool(member.mode & 0o100))
        elif member.kind is Kind.DIRECTORY:
            self.tree.make_directory(path)
        elif member.kind is Kind.HARDLINK:
            self._link(path, member)
        else:
            self._defer(path, member)

    def make_symlinks(self) -> None:
        """Make the symbolic links, now that nothing can be written through them, and see where they lead."""
        for path, member in self.symlinks.items():
            self.name = member.name
            self.tree.make_symlink(path, member.linkname)
        for path, member in self.symlinks.items():
            if why := self.tree.symlink_fault(path):
                raise _refused(member.name, f"is a symbolic link that {why}")

    def _count(self, member: Member) -> None:
        self.members += 1
        self.names += len(member.name) + len(member.linkname)
        if self.members + self.tree.directories > self.limits.members:
            raise ArchiveError(f"The archive has more than {self.limits.members:,} members.", HOSTILE)
        if self.names > self.limits.names:
            raise ArchiveError(
                f"The names in the archive take more than {self.limits.names:,} bytes.", HOSTILE
            )

    def _place(self, name: str, *, is_directory: bool) -> str | None:
        """Return a member's name inside the tree ("" for its root), None if it is not in the tree."""
        name = name.removesuffix("/") if is_directory else name
        if why := fault(name, self.limits.name):
            raise _refused(name, f"has a name that {why}")
        first = name.partition("/")[0]
        if not self.top and _TOPS.fullmatch(first):
            self.top = first
        if first != self.top or (name == first and not is_directory):
            raise _refused(name, f"is not in {self.top or _TOP}/")
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
            raise _refused(member.name, f"is a hard link to {target}, which is no file unpacked before it")
        self.tree.link_file(path, source)

    def _defer(self, path: str, member: Member) -> None:
        if why := target_fault(path, member.linkname, self.limits.name):
            target = shown(member.linkname)
            raise _refused(member.name, f"is a symbolic link to {target}, which {why}")
        if len(self.symlinks) >= self.limits.symlinks:
            raise ArchiveError(f"The archive has more than {self.limits.symlinks:,} symbolic links.", HOSTILE)
        if path in self.symlinks:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        # Now, while there are no links yet: afterwards it could be made through one.
        self.tree.make_directory(path.rpartition("/")[0])
        self.symlinks[path] = member
