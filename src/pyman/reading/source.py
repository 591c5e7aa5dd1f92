"""What is to be read, and what a reader gives of it: the same whichever process reads."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pyman.network.policy import Network

if TYPE_CHECKING:
    from pyman.archive.unpack import Unpacked

Told = Callable[[int], None]  # is told how many bytes of an archive have come, each time


class Source(NamedTuple):
    """An archive at `url` (http, https or file), of a file perhaps only a part: offset and size in bytes.

    `sha256` is the digest that it must have, None where none is known. What comes through the network is kept
    in the cache under it.
    """

    url: str
    network: Network = Network()
    sha256: str | None = None
    part: tuple[int, int] | None = None


class Stream(Protocol):
    """An archive that has begun to come."""

    @property
    def url(self) -> str:
        """The address that was asked for."""
        ...

    @property
    def size(self) -> int | None:
        """What the source announced, in bytes; None if it did not."""
        ...

    @property
    def received(self) -> int:
        """So many bytes have come."""
        ...

    @property
    def sha256(self) -> str:
        """The digest of what has come, in hex; final once `check` has been called."""
        ...

    def unpack(self, tree: Path, told: Told, writers: int) -> "Unpacked":
        """Unpack it into the empty folder `tree`; raises as `archive.unpack` does, and FetchError."""
        ...

    def check(self) -> None:
        """Read what is left; DigestMismatchError or WebPageError unless it is what it must be."""
        ...


class Reader(Protocol):
    """Reads archives, several at a time."""

    def announced(self, source: Source) -> AbstractContextManager[None]:
        """Ask already for a source that is likely to be read in the block; nothing is written for that."""
        ...

    def reading(
        self, source: Source, cancelled: Event, warn: Callable[[str], None]
    ) -> AbstractContextManager[Stream]:
        """Open a source; FetchError if it cannot be had, CancelledError soon after `cancelled` is set.

        `warn` is told why it cannot be kept in the cache.
        """
        ...

    def lend(self) -> int:
        """Return how many forked processes may share it from now on."""
        ...

    @property
    def is_clean(self) -> bool:
        """Whether what was read was read to its end, so that another process may have the slot."""
        ...

    def shared(self, slot: int | None) -> "Reader":
        """Return the reader of a forked process that has this slot, or none: then it reads in threads."""
        ...

    def stop(self) -> None:
        """Make everybody that waits for bytes end soon; for a signal handler."""
        ...

    def close(self) -> None:
        """Let go of what the reader has; nothing is read any more."""
        ...
