"""Packs an installation into an archive as the build project publishes them: the same bytes every time.

Everything is below `python/`, in order, with plain modes, nobody's name and the date of its release. What an
install makes anew is left out: bytecode, and what pyman has put there. Where the tree says in which folder it
is, `/install` stands in the archive, as in those of the build project: an install writes its own path there.
"""

import gzip
import io
import os
import re
import stat
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pyman.builds.key import Key
from pyman.errors import UsageError
from pyman.prepare import externally_managed
from pyman.prepare.path_spelling import PREFIX, Spelling
from pyman.prepare.rewriting import as_written
from pyman.prepare.rewriting import data as data_of
from pyman.prepare.rewriting import text as text_of
from pyman.store.record import RECORD

_TOP = "python"
_LEFT_OUT = frozenset({"__pycache__", RECORD, externally_managed.NAME})
_LARGEST_TEXT = 4 * 1024 * 1024
_EARLIEST = 315_532_800  # 1980, before which zip has no dates: wheels are made of these files
# What says where the tree is, by its place in it; in all else a path is somebody's data.
_TELLS = re.compile(
    r"""
    bin/[^/]+
  | lib/pkgconfig/[^/]+\.pc
  | (?: lib/[^/]+ | Lib )/(?: _sysconfigdata[^/]*\.py | _sysconfig_vars[^/]*\.json | build-details\.json )
  | lib/[^/]+/config-[^/]+/(?: Makefile | python-config\.py )
    """,
    re.VERBOSE,
)


def pack(prefix: Path, key: Key, file: BinaryIO) -> None:
    """Write the archive of the tree at `prefix` to `file`; UsageError for what cannot be in one.

    Raises OSError where it cannot be read.
    """
    root = Path(os.path.realpath(prefix))
    when = _date_of(key)
    paths = _Paths({Path(os.path.abspath(prefix)), root})  # noqa: PTH100 - links stay as they are
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        tar.addfile(_member(_TOP, tarfile.DIRTYPE, when))
        for name, path in _below(root):
            _add(tar, name, path, root, paths, when)


def _below(root: Path) -> Iterator[tuple[str, Path]]:
    """All that is packed, by its name in the tree, folders before what is in them."""
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        inside = sorted(each for each in folder.iterdir() if each.name not in _LEFT_OUT)
        waiting += [each for each in reversed(inside) if each.is_dir() and not each.is_symlink()]
        yield from ((each.relative_to(root).as_posix(), each) for each in inside if each.suffix != ".pyc")


def _add(  # noqa: PLR0913, PLR0917 - what a member is made of
    tar: tarfile.TarFile, name: str, path: Path, root: Path, paths: "_Paths", when: int
) -> None:
    found = path.lstat()
    member = _member(f"{_TOP}/{name}", tarfile.REGTYPE, when)
    if stat.S_ISLNK(found.st_mode):
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, _target(path, root), 0o777
        tar.addfile(member)
    elif stat.S_ISDIR(found.st_mode):
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
    elif stat.S_ISREG(found.st_mode):
        member.mode = 0o755 if found.st_mode & 0o111 else 0o644
        if _TELLS.fullmatch(name) and found.st_size <= _LARGEST_TEXT:
            data = paths.taken_out(path.read_bytes())
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        else:
            member.size = found.st_size
            with path.open("rb") as file:
                tar.addfile(member, file)
    else:
        raise UsageError(f"{path} is neither a file, a folder nor a link", "No archive of a build has such.")


def _member(name: str, kind: bytes, when: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, 0o755, when
    return member


def _target(link: Path, root: Path) -> str:
    """Where a link leads, by a relative path inside the tree; UsageError if it leads out."""
    target = link.readlink()
    place = Path(os.path.normpath(link.parent / target))
    if not place.is_relative_to(root):
        raise UsageError(
            f"{link} leads out of the installation, to {target}", "Put the file itself there, and try again."
        )
    return target.as_posix() if not target.is_absolute() else os.path.relpath(place, link.parent)


class _Paths:
    """The ways in which the place of a tree may be written in its files."""

    def __init__(self, prefixes: set[Path]) -> None:
        spellings = [
            spelling
            for prefix in prefixes
            for make in (
                Spelling.of_values,
                Spelling.of_pkg_config,
                Spelling.of_make,
                Spelling.of_double_quotes,
            )
            for spelling in make(as_written(prefix))
        ]
        each = sorted(map(re.escape, set(spellings)), key=len, reverse=True)
        # A path ends there: /opt/python is not in /opt/python3.
        self._known = re.compile(rf"(?<![\w./-])(?:{'|'.join(each)})(?=$|[/\s'\":,;)\\])", re.MULTILINE)

    def taken_out(self, data: bytes) -> bytes:
        """Return a text with `/install` where the place of the tree stood; what is no text as it is."""
        if b"\0" in data:
            return data
        return data_of(self._known.sub(PREFIX, text_of(data)))


def _date_of(key: Key) -> int:
    """The date of a release in seconds since 1970."""
    try:
        when = datetime.strptime(key.release, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        return _EARLIEST
    return max(_EARLIEST, int(when.timestamp()))
