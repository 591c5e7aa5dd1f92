"""Publishes a build of one's own in a mirror: an archive as it is, or an installation that is packed.

It is unpacked, prepared and, where it is for this machine, started before it gets its place: what nobody
could install is not published.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pyman.archive import inflate, unpack
from pyman.builds.key import Implementation, Key
from pyman.builds.target import Os
from pyman.catalogue.build import Build, Metadata
from pyman.catalogue.sources import OF_MIRROR
from pyman.errors import ArchiveError, ContradictionError, PymanError, UsageError
from pyman.installer import smoke
from pyman.machine import elf
from pyman.machine.libc import libc_of
from pyman.machine.linux import architecture_of
from pyman.mirror import packing
from pyman.mirror.mirror_folder import WORK, Contents, MirrorFolder, part_of, path_of, told
from pyman.prepare import steps
from pyman.release_index import document, rules
from pyman.requests.request import Request
from pyman.store.installations import Installation
from pyman.system import regular_file
from pyman.system.filesystem import flush_file

_CHUNK = 1024 * 1024


class Published(NamedTuple):
    """A build that is in the mirror: its path there, its size in bytes, and whether it was there before."""

    build: Build
    path: str
    size: int
    before: bool


def publish(folder: MirrorFolder, source: Path, key: Key, metadata: Metadata) -> Published:
    """Put the archive or installation at `source` into the open and locked mirror as the build `key`.

    `metadata` are those that pyman knows, in which the key may be another's. UsageError, ArchiveError or
    DoesNotRunError where it cannot be that build, ContradictionError where another has that key.
    """
    _check_key(key)
    folder.sweep()
    minor = Request(key.implementation, key.version.series)
    known = next((each for each in metadata.builds(key.target, minor) if each.key == key), None)
    try:
        return _publish(folder, source, key, known)
    finally:
        folder.sweep()


def _publish(folder: MirrorFolder, source: Path, key: Key, known: Build | None) -> Published:
    here = folder.contents()
    name = part_of(key)
    with told("read", source), folder.begin(name) as file:
        if source.is_dir():
            packing.pack(source, key, file)
        else:
            _copy(source, file)
        flush_file(file)
        file.seek(0)
        _check(folder, file, key)
        file.seek(0)
        sha256, size = file_digest(file, "sha256").hexdigest(), file.tell()
        file.seek(0)
        path = f"{key.release}/{key}.{inflate.ending(file.read(4))}"
    build = Build(key, OF_MIRROR + path, sha256)
    for other in (here.builds.get(key), known):
        if other and other.sha256 != sha256:
            raise _taken(key)
    if before := here.builds.get(key):
        return Published(before, path_of(before), size, before=True)
    _place(folder, here, build, size)
    return Published(build, path, size, before=False)


def _place(folder: MirrorFolder, here: Contents, build: Build, size: int) -> None:
    path = path_of(build)
    if folder.size(path) is not None:
        raise UsageError(f"{folder.path / path} is there already", "Move it away, or delete it.")
    with told("write into the mirror", folder.path):
        folder.place(part_of(build.key), path)
    more = here._replace(
        builds={**here.builds, build.key: build},
        sizes={**here.sizes, build.key: size},
        added=here.added | {path},
    )
    folder.publish(document.NAME, more.document())


def _check_key(key: Key) -> None:
    if rule := rules.rule_against(key):
        raise UsageError(f"{key} would be passed over: {rule}", "Publish it under another key.")


def _copy(source: Path, file: BinaryIO) -> None:
    with open(source, "rb", opener=regular_file.opened) as archive:
        shutil.copyfileobj(archive, file, _CHUNK)


def _check(folder: MirrorFolder, file: BinaryIO, key: Key) -> None:
    """See that an archive can be installed as `key`."""
    with _scratch(folder) as tree:
        unpack.unpack(iter(partial(file.read, _CHUNK), b""), tree)
        staged = Installation(key, tree)
        program = staged.executable
        if not program.is_file():
            raise ArchiveError(
                f"it has no {program.relative_to(tree).as_posix()}, which {key} has to have",
                "Check the version and the target in --as.",
            )
        if key.implementation is Implementation.CPYTHON and not staged.standard_library:
            raise ArchiveError(
                "it has no standard library", "An installation has it in lib/python3.x or Lib."
            )
        _check_target(program, key)
        steps.prepare(staged, tree, is_external=False)
        if smoke.concerns(key):
            smoke.check(staged)


def _check_target(program: Path, key: Key) -> None:
    """See that an interpreter for Linux is for the target of `key`: one for elsewhere cannot be started."""
    found = elf.read_program(program)
    if not found or key.target.os is not Os.LINUX:
        return
    is_static = found.interpreter is None
    if architecture_of(found) is not key.target.arch or (not is_static and libc_of(found) != key.target.libc):
        loader = found.interpreter or "no loader"
        raise ArchiveError(
            f"its {program.name} is for {architecture_of(found)} with {loader}, not for {key.target}",
            "Check the target in --as.",
        )


@contextmanager
def _scratch(folder: MirrorFolder) -> Iterator[Path]:
    """A folder of our own in the mirror's, gone afterwards."""
    place = folder.path / WORK / f"{os.urandom(8).hex()}.tree"
    place.mkdir(mode=0o700)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _taken(key: Key) -> PymanError:
    return ContradictionError(
        f"{key} is the name of another build, with another sha256",
        "Published builds never change: give it another release, the date in the key.",
    )
