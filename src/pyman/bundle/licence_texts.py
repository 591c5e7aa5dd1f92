"""The licence texts that are in an archive: of Python, and in `full` archives of what is built into it."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from pyman.archive import inflate, tar
from pyman.archive.allowance import Allowance
from pyman.archive.tar import Kind, Member
from pyman.builds.key import Key
from pyman.bundle.bundle_form import PIECE, Entry
from pyman.system import regular_file

_LARGEST = 1024 * 1024
_MOST_INFLATED = 4 << 30
# python/lib/python3.13/LICENSE.txt, python/LICENSE.txt on Windows; python/licenses/… of full archives.
_LICENCE = re.compile(
    r"[^/]+/(install/)?(lib/[^/]+/)?(?P<name>(LICEN[CS]E|COPYING|THIRD_PARTY)[^/]*)|[^/]+/licenses/(?P<part>[^/]+)",
    re.ASCII,
)
_PLAIN = re.compile(r"[^A-Za-z0-9._+-]")


def licence_texts(key: Key, archive: Path) -> Iterator[Entry]:
    """Yield the licence texts in the archive of the build `key`; ArchiveError for a damaged one."""
    with open(archive, "rb", opener=regular_file.opened) as file:
        if file.read(len(inflate.ZIP)) == inflate.ZIP:
            from pyman.archive import unzip  # noqa: PLC0415 - few archives are one

            size = archive.stat().st_size
            members: Iterator[tuple[Member, Iterator[bytes | memoryview]]] = unzip.members(
                file, _MOST_INFLATED, Allowance(size)
            )
            yield from _among(members, key)
            return
        file.seek(0)
        chunks = iter(partial(file.read, PIECE), b"")
        yield from _among(tar.members(inflate.blocks(chunks)), key)


def _among(members: Iterator[tuple[Member, Iterator[bytes | memoryview]]], key: Key) -> Iterator[Entry]:
    for member, data in members:
        found = _LICENCE.fullmatch(member.name)
        if found and member.kind is Kind.FILE and member.size <= _LARGEST:
            name = _PLAIN.sub("_", found["name"] or found["part"])
            yield Entry(f"licenses/{key}/{name}", b"".join(map(bytes, data)))
