"""The form of a bundle: a tar that can be made in one way only, so that any change to it shows.

    SHA256SUMS                 the digest of everything that follows, in its order
    bundle.json                {"format": 1}
    download-metadata.json     the builds, in pyman's own form
    licenses/{key}/…           the licence texts that are in the archives
    pyman/…                    pyman itself, if it was wanted: the portable ones, install.sh, SHA256SUMS
    pyman.lock                 the same builds, as a lock
    {release}/{file}           the archives, as a mirror has them

Unpacked it is a mirror. Each header is the one that follows from name and size: whoever reads a bundle makes
it anew and compares, so there is nothing in it that is not covered, be it a header or what pads the data.
"""

import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pyman.errors import PymanError
from pyman.system import regular_file

SUMS = "SHA256SUMS"
MARKER = "bundle.json"
FORMAT = 1
BLOCK = 512
END = bytes(2 * BLOCK)
PIECE = 1 << 20  # bytes
# The first day that a zip archive can tell, as all that pyman makes: of an earlier one GNU tar complains.
_TIME = 315_532_800


class Entry(NamedTuple):
    """A file of a bundle: its name, and a file or the bytes that it has."""

    name: str
    content: Path | bytes

    def opened(self) -> BinaryIO:
        """Open it; OSError if it cannot be."""
        if isinstance(self.content, bytes):
            return BytesIO(self.content)
        return open(self.content, "rb", opener=regular_file.opened)


def marker() -> Entry:
    """Return what says that it is a bundle, and of which form."""
    return Entry(MARKER, json.dumps({"format": FORMAT}).encode() + b"\n")


def write(entries: Iterable[Entry], out: BinaryIO) -> None:
    """Write a bundle of these entries: the same bytes in whatever order they come. Raises OSError."""
    entries = sorted(entries, key=_order)
    known = {entry.name: _digest_and_size(entry) for entry in entries}
    sums = sums_of({name: digest for name, (digest, _) in known.items()})
    for entry in (Entry(SUMS, sums), *entries):
        size = known[entry.name][1] if entry.name in known else len(sums)
        out.write(header(entry.name, size))
        out.writelines(pieces(entry))
        out.write(padding(size))
    out.write(END)


def header(name: str, size: int) -> bytes:
    """Return the one header that a file of that name and size has; PymanError for a name that is too long."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, _TIME, 0o755 if name.endswith(".sh") else 0o644
    try:
        return member.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")
    except ValueError as error:
        raise PymanError(f"{name} cannot be in a bundle: {error}") from None


def padding(size: int) -> bytes:
    """Return what follows so many bytes up to the next header."""
    return bytes(-size % BLOCK)


def sums_of(digests: Mapping[str, str]) -> bytes:
    """Return the list of digests, in the form that `sha256sum -c` reads."""
    return "".join(f"{digest}  {name}\n" for name, digest in digests.items()).encode()


def pieces(entry: Entry) -> Iterator[bytes]:
    """Yield what an entry holds."""
    with entry.opened() as file:
        while piece := file.read(PIECE):
            yield piece


def _digest_and_size(entry: Entry) -> tuple[str, int]:
    digest, size = sha256(), 0
    for piece in pieces(entry):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def _order(entry: Entry) -> tuple[bool, bool, str]:
    """The marker first, and what is small before the archives."""
    return (entry.name != MARKER, entry.name[:1].isdigit(), entry.name)
