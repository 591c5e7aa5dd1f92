"""Reads a bundle: all of it is verified, and only then is anything of it known."""

import re
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from pyman.archive import member_names
from pyman.archive.member_names import NameLimits
from pyman.bundle import bundle_form
from pyman.bundle.bundle_form import BLOCK, END, MARKER, PIECE, SUMS
from pyman.errors import ArchiveError, NewerFormError, PymanError
from pyman.network.download import LARGEST_DOCUMENT
from pyman.system import regular_file

_LARGEST_SUMS = 4 * 1024 * 1024
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) {2}(?P<name>\S+)", re.ASCII)
_SIZE = slice(124, 136)
_HINT = "Nothing of it was used. Carry it over again, or make it anew with `pyman bundle`."


class Part(NamedTuple):
    """Where in the file a member is, in bytes."""

    offset: int
    size: int


class Bundle(NamedTuple):
    """A bundle that was verified, and where in it its members are."""

    path: Path
    members: Mapping[str, Part]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the bundle at `path`, which is read to its end.

        ArchiveError if it is none, or was cut or changed; PymanError if it cannot be read, NewerFormError if
        a newer pyman made it.
        """
        try:
            with open(path, "rb", opener=regular_file.opened) as file:
                bundle = cls(path, _Verifying(file, path).members())
        except OSError as error:
            raise PymanError(f"cannot read {path}: {error.strerror or error}") from None
        if bundle.read(MARKER) != bundle_form.marker().content:
            hint = "A newer pyman made it, perhaps: install that, which reads it."
            raise NewerFormError(f"{path} is of a form that this pyman does not know", hint)
        return bundle

    def read(self, name: str) -> bytes:
        """Return what a member holds that is a document; ArchiveError if there is none."""
        part = self.members.get(name)
        if not part or part.size > LARGEST_DOCUMENT:
            raise broken(self.path, f"it has no {name}")
        with open(self.path, "rb", opener=regular_file.opened) as file:
            file.seek(part.offset)
            return file.read(part.size)


def is_bundle(path: Path) -> bool:
    """Whether the file at `path` begins as a bundle does; what cannot be read does not."""
    with suppress(OSError):
        return regular_file.head(path, len(SUMS) + 1) == SUMS.encode() + b"\0"
    return False


class _Verifying(NamedTuple):
    """A file that is compared with what pyman would write, from its start to its end."""

    file: BinaryIO
    path: Path

    def members(self) -> dict[str, Part]:
        size = self._header(SUMS)
        if size > _LARGEST_SUMS:
            raise broken(self.path, f"{SUMS} is too large")
        listed = digests_in(self._take(size), self.path)
        self._padding(size, SUMS)
        found = {}
        for name, digest in listed.items():
            size = self._header(name)
            found[name] = Part(self.file.tell(), size)
            if self._digest(size, name) != digest:
                raise broken(self.path, f"{name} was changed")
            self._padding(size, name)
        if self.file.read(len(END) + 1) != END:
            raise broken(self.path, "it does not end where it should")
        if MARKER not in found:
            raise broken(self.path, f"it has no {MARKER}")
        return found

    def _header(self, name: str) -> int:
        """Read the header of the member that has to follow, and return its size."""
        block = self._take(BLOCK)
        digits = block[_SIZE].rstrip(b"\0 ")
        if not re.fullmatch(b"[0-7]{1,12}", digits):
            raise broken(self.path, f"the header of {name} was changed")
        size = int(digits, 8)
        if bundle_form.header(name, size) != block:
            raise broken(self.path, f"the header of {name} was changed")
        return size

    def _digest(self, size: int, name: str) -> str:
        digest = sha256()
        while size:
            piece = self.file.read(min(size, PIECE))
            if not piece:
                raise broken(self.path, f"it was cut in the middle of {name}")
            digest.update(piece)
            size -= len(piece)
        return digest.hexdigest()

    def _padding(self, size: int, name: str) -> None:
        padding = bundle_form.padding(size)
        if self._take(len(padding)) != padding:
            raise broken(self.path, f"what follows {name} was changed")

    def _take(self, size: int) -> bytes:
        data = self.file.read(size)
        if len(data) != size:
            raise broken(self.path, "it was cut")
        return data


def digests_in(sums: bytes, path: Path) -> dict[str, str]:
    """Return the digests that a list of them has, by name; ArchiveError if it is none that pyman made."""
    found: dict[str, str] = {}
    for line in sums.decode("ascii", "replace").splitlines():
        match = _LINE.fullmatch(line)
        name = match["name"] if match else ""
        if not match or name in found or member_names.fault(name, NameLimits(), windows=True):
            raise broken(path, f"{SUMS} was changed")
        found[name] = match["sha256"]
    if bundle_form.sums_of(found) != sums:
        raise broken(path, f"{SUMS} was changed")
    return found


def broken(path: Path, why: str) -> ArchiveError:
    """Return the error for a file that is not the bundle which pyman made."""
    return ArchiveError(f"{path} is no whole bundle: {why}", _HINT)
