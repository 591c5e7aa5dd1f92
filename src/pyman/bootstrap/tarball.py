"""A .tar.gz whose bytes depend on nothing but names, contents and one time."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path

EXECUTABLE = 0o755
_PLAIN = 0o644


def write(archive: Path, tree: Path, top: str, time: int) -> None:
    """Write all that is in `tree` as the folder `top`, each member with the same `time` (seconds since 1970).

    Everything belongs to root and may be read by everybody. Folders are members, so that root's umask
    does not close them to others.
    """
    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", 9, file, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in (tree, *_inside(tree)):
            name = f"{top}/{path.relative_to(tree).as_posix()}".removesuffix("/.")
            _add(tar, path, name, time)


def _inside(tree: Path) -> Iterator[Path]:
    return iter(sorted(tree.rglob("*"), key=lambda path: path.relative_to(tree).as_posix()))


def _add(tar: tarfile.TarFile, path: Path, name: str, time: int) -> None:
    member = tarfile.TarInfo(name)
    member.mtime = time
    if path.is_symlink():
        member.type, member.linkname = tarfile.SYMTYPE, str(path.readlink())
        tar.addfile(member)
    elif path.is_dir():
        member.type, member.mode = tarfile.DIRTYPE, EXECUTABLE
        tar.addfile(member)
    else:
        status = path.stat()
        member.size, member.mode = status.st_size, EXECUTABLE if status.st_mode & 0o100 else _PLAIN
        with path.open("rb") as data:
            tar.addfile(member, data)
