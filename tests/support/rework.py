"""Archives made from others: with files changed, taken out or added."""

import io
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support.builds import MEMBER_TIME, Archive, save

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Change = Callable[[str, bytes], bytes | None]
"""Gets a file's name and content, and returns its new content; None takes it out."""


def unchanged(_: str, data: bytes) -> bytes:
    """Leave a file as it is."""
    return data


def without(*names: str) -> Change:
    """Take files out, which are named by how their names end."""
    return lambda name, data: None if name.endswith(names) else data


def rework(
    source: Path,
    folder: Path,
    archive: Archive,
    change: Change = unchanged,
    extra: Mapping[str, bytes] | None = None,
) -> Archive:
    """Publish in `folder`, as `archive`, what `source` holds with `change` made to its files.

    `extra` are files to add, executable in `bin`. Returns the archive with its digest.
    """
    buffer = io.BytesIO()
    with opened(source) as old, tarfile.open(fileobj=buffer, mode="w") as new:
        for member in old:
            if not member.isreg():
                new.addfile(member)
                continue
            content = old.extractfile(member)
            assert content
            data = change(member.name, content.read())
            if data is not None and member.name not in (extra or {}):
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
        for name, data in (extra or {}).items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), MEMBER_TIME
            member.mode = 0o755 if "/bin/" in name else 0o644
            new.addfile(member, io.BytesIO(data))
    return save(folder, archive, buffer.getvalue())


def opened(path: Path) -> tarfile.TarFile:
    """Open an archive for reading, whichever way it is compressed."""
    if path.suffix != ".zst":
        return tarfile.open(path)
    return tarfile.open(fileobj=io.BytesIO(zstd.decompress(path.read_bytes())))
