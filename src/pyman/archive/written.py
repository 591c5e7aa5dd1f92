"""What is known of a file that was written while an archive was unpacked: its size, digest and time."""

from typing import NamedTuple


class Written(NamedTuple):
    """What is known of a file that was hashed while it was written, and the time it was given then."""

    size: int
    sha256: str
    mtime_ns: int
