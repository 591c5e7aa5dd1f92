"""Unpacks the archive of a build, whatever is in it, into one directory and nowhere else.

Four stages overlap, each in threads of its own: the caller's chunks are read (and hashed) in the calling
thread, then decompressed, then told apart and checked as members, and written in two threads, for to make a
file takes the system longer than all the rest. A zip, whose directory is at its end, has to wait until all of
it is there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple, TypeVar

from pyman.archive import inflate, tar
from pyman.archive.allowance import Allowance, Supply
from pyman.archive.members import TOP, File, Limits, Unpacking, failure
from pyman.archive.pipeline import gathered, spread, through
from pyman.archive.tar import HOSTILE, Member
from pyman.archive.tree import Tree
from pyman.archive.written import Written
from pyman.errors import ArchiveError

_BATCH = 1 << 18  # bytes that go from the network to the decompressor at once
_BATCHES = 8  # ... and how many may wait for it
_BLOCKS = 8  # how many decompressed blocks may wait for being written
WRITERS = 2
_LOTS = 4  # how many lots of small files may wait for a writer

DEFAULT = Limits()
T = TypeVar("T")


class Unpacked(NamedTuple):
    """What was written: how many regular files, how many bytes they have together, and each by its name."""

    files: int
    size: int
    written: Mapping[str, Written]


def unpack(
    chunks: Iterable[bytes], destination: Path, limits: Limits = DEFAULT, writers: int = WRITERS
) -> Unpacked:
    """Unpack a .tar.gz, .tar.bz2, .tar.zst or .zip, told apart by content, into the empty `destination`.

    The archive has one folder, `python` or one whose name begins with `pypy` or `graalpy`: the tree below it
    is unpacked without it; of a `full` archive the tree below `python/install/`, nothing else. `chunks` are
    iterated in the calling thread and to their end, so that the caller may hash them on the way; what they
    raise passes through unchanged. `writers` is the number of threads that write small files.

    Raises ArchiveError if the archive is damaged, holds anything that a build has no need of, or goes beyond
    `limits`; TooLargeError if it unpacks to more than 20 times its size and 64 MiB, after all of it was read;
    StoreError if the system cannot write. What is then left inside `destination` is the caller's to remove;
    outside it nothing is ever touched.
    """
    return read_ahead(chunks, partial(_unpack, destination, limits, writers))


def read_ahead(chunks: Iterable[bytes], consume: Callable[[Iterator[bytes]], T]) -> T:
    """Read the chunks in the calling thread, and return what `consume` makes of them in another one."""
    return through(gathered(chunks, _BATCH), consume, _BATCHES)


def take_over(
    folder: Path,
    destination: Path,
    told: Callable[[int], None],
    left_out: frozenset[str] = frozenset(),
    writers: int = WRITERS,
) -> Unpacked:
    """Copy the tree in `folder`, which stays as it is, into the empty `destination`, as if it was unpacked.

    `told` and `left_out` are those of `folder_members`. Raises as `unpack` does, and FetchError for what
    cannot be read.
    """
    from pyman.archive import folder_members  # noqa: PLC0415 - few installs take a folder

    members = folder_members.members(folder, DEFAULT, told, left_out)
    work = Unpacking(_tree(destination), DEFAULT, Allowance(given=inflate.MAX_INFLATED), TOP)
    return _write(work, destination, writers, members)


def unpack_inflated(
    blocks: Iterable[bytes],
    allowance: Allowance,
    destination: Path,
    limits: Limits = DEFAULT,
    writers: int = WRITERS,
) -> Unpacked:
    """Do as `unpack` does with what another process inflates, in the calling thread.

    `allowance` has received what the blocks that have come were packed in.
    """
    work = Unpacking(_tree(destination), limits, allowance)
    return _write(work, destination, writers, tar.members(blocks))


@contextmanager
def inflated(
    chunks: Iterable[bytes], folder: Path, most: int | None = None
) -> Iterator[tuple[Supply, Iterator[bytes]]]:
    """Give the blocks that the chunks of a tar inflate to, and the supply which counts these chunks.

    No more is let through than what has come allows, or `most` bytes; what waits for that is in `folder`.
    Raises as `unpack` does.
    """
    with Supply(chunks, folder, most) as supply:
        blocks = inflate.blocks(supply, most or inflate.MAX_INFLATED)
        yield supply, _told(supply.covering(blocks), folder)


def _unpack(destination: Path, limits: Limits, writers: int, chunks: Iterator[bytes]) -> Unpacked:
    """Unpack a zip here, a tar in the next thread."""
    start, chunks = inflate.peek(chunks)
    if start.startswith(inflate.ZIP):
        return unpack_zip(chunks, destination, limits, writers)
    with inflated(chunks, destination, limits.inflated) as (supply, blocks):
        return through(
            blocks, lambda blocks: unpack_inflated(blocks, supply, destination, limits, writers), _BLOCKS
        )


def _told(blocks: Iterator[bytes], destination: Path) -> Iterator[bytes]:
    """Yield the blocks; what the system says on the way is about the archive."""
    try:
        yield from blocks
    except OSError as error:
        raise failure(error, destination, "the archive") from error


def unpack_zip(
    chunks: Iterable[bytes], destination: Path, limits: Limits = DEFAULT, writers: int = WRITERS
) -> Unpacked:
    """Keep the zip in a file that is gone when this returns, and write what it holds."""
    from pyman.archive import unzip  # noqa: PLC0415 - few archives are one

    most = limits.inflated or inflate.MAX_INFLATED
    try:
        with TemporaryFile(dir=destination) as file:
            for chunk in chunks:
                file.write(chunk)
                if file.tell() > most:
                    raise ArchiveError(f"The archive has more than {most:,} bytes.", HOSTILE)
            allowance = Allowance(file.tell(), limits.inflated)
            members = unzip.members(file, most, allowance)
            work = Unpacking(_tree(destination), limits, allowance)
            return _write(work, destination, writers, members)
    except OSError as error:
        raise failure(error, destination, "the archive") from error


def _tree(destination: Path) -> Tree:
    try:
        return Tree(destination)
    except OSError as error:
        raise failure(error, destination, "the archive") from error


def _write(
    work: Unpacking,
    destination: Path,
    writers: int,
    members: Iterator[tuple[Member, Iterator[bytes | memoryview]]],
) -> Unpacked:
    """Write the members of an archive."""
    tree = work.tree
    try:
        spread(work.lots(members), partial(_write_files, tree, destination), _LOTS, writers)
        files, size = len(tree.written), sum(written.size for written in tree.written.values())
        work.make_links()
    except OSError as error:
        raise failure(error, destination, work.name) from error
    if not files:
        raise ArchiveError(
            f"The archive holds no file below {work.prefix or TOP}/.", "It is not a Python build."
        )
    return Unpacked(files, size, tree.written)


def _write_files(tree: Tree, destination: Path, lots: Iterator[list[File]]) -> None:
    """Write small files; an error names the one it is about."""
    for lot in lots:
        for file in lot:
            try:
                tree.write_file(file.path, file.data, file.mtime, executable=file.executable)
            except OSError as error:
                raise failure(error, destination, file.name) from error
