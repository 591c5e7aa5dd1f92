"""What is in a bundle, or in a folder laid out as one or as a mirror: builds whose archives are here."""

import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pyman.builds.target import Target
from pyman.bundle.bundle_form import MARKER, SUMS
from pyman.bundle.bundle_reader import Bundle, broken, digests_in, is_bundle
from pyman.catalogue import origins
from pyman.catalogue.build import Build, Metadata, best_first, by_minor
from pyman.catalogue.own_form import BUNDLED
from pyman.errors import PymanError
from pyman.lockfile import lock_reader
from pyman.lockfile.lock import Lock
from pyman.lockfile.lock_place import NAME
from pyman.network.download import LARGEST_DOCUMENT
from pyman.requests.request import Request
from pyman.system import regular_file


class Here(NamedTuple):
    """Metadata of which only those builds count that `placed` finds here; it serves as Metadata."""

    named: Metadata
    placed: Callable[[Build], Build | None]

    def targets(self) -> list[Target]:
        """Return the targets for which there may be builds."""
        return self.named.targets()

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        """Return the builds for `target` that are here."""
        return [here for build in self.named.builds(target, request) if (here := self.placed(build))]

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        """Yield the same by minor version and variant."""
        return by_minor(best_first(self.builds(target, request)))


class Found(NamedTuple):
    """The builds that are here, and the lock they were brought along for, if there is one."""

    metadata: Metadata
    lock: Lock | None


def in_file(path: Path) -> Found | None:
    """Return what is in the bundle at `path`, all of which is verified; None if it is none.

    Raises as `Bundle.open` does, and MetadataError.
    """
    if not is_bundle(path):
        return None
    bundle = Bundle.open(path)

    def placed(build: Build) -> Build | None:
        part = bundle.members.get(_place(build))
        return build._replace(local=path, part=part) if part else None

    return _found(path, bundle.read, placed, has_lock=NAME in bundle.members)


def in_folder(path: Path) -> Found:
    """Return what is in the folder at `path`; PymanError if it has no metadata, ArchiveError if changed.

    Only what it says of its archives is looked at: those themselves are verified when one is installed.
    """
    if not (path / BUNDLED).is_file():
        raise PymanError(
            f"{path} has no {BUNDLED}",
            "--from takes a folder that was unpacked from a bundle, or a mirror's; "
            f"`pyman install {path}` takes over a Python that is in a folder.",
        )
    digests = digests_in(_document(path / SUMS), path) if (path / MARKER).is_file() else {}

    def read(name: str) -> bytes:
        data = _document(path / name)
        if digests.get(name) not in (None, sha256(data).hexdigest()):
            raise broken(path, f"{name} was changed")
        return data

    def placed(build: Build) -> Build | None:
        archive = path / _place(build)
        return build._replace(local=archive) if archive.is_file() else None

    return _found(path, read, placed, has_lock=(path / NAME).is_file())


def _document(path: Path) -> bytes:
    try:
        return regular_file.whole(path, LARGEST_DOCUMENT)
    except OSError as error:
        raise PymanError(f"cannot read {path}: {error.strerror or error}") from None


def _found(
    path: Path, read: Callable[[str], bytes], placed: Callable[[Build], Build | None], *, has_lock: bool
) -> Found:
    metadata = origins.parse(read(BUNDLED), os.fspath(path / BUNDLED))
    lock = _lock(read(NAME), path / NAME) if has_lock else None
    return Found(Here(metadata, placed), lock)


def _lock(data: bytes, path: Path) -> Lock:
    try:
        return lock_reader.parse(data.decode("utf-8"), path)
    except UnicodeDecodeError:
        raise broken(path.parent, f"its {NAME} is no text") from None


def _place(build: Build) -> str:
    return f"{build.key.release}/{build.file_name}"
