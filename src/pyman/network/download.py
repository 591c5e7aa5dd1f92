"""The bytes of one source: hashed as they pass, and taken up again where a connection breaks."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from threading import Event
from typing import TYPE_CHECKING, BinaryIO

from pyman.errors import AbsentError, CancelledError, DigestMismatchError, FetchError, OfflineError
from pyman.network.address import CHECK, path_of, public
from pyman.network.policy import Network
from pyman.system import regular_file

if TYPE_CHECKING:
    from _hashlib import HASH

_CHUNK = 256 * 1024
START = 16 * 1024  # bytes: in them a web page says what it wants
_LARGEST_ARCHIVE = 4 * 1024**3
LARGEST_DOCUMENT = 256 * 1024**2  # bytes; of what is read whole, unpacked


class Download:
    """The bytes of one source as they arrive, each once, hashed with `digest` as they pass.

    `size` is what the source announced, in bytes; None when it did not. `content_type` is its kind, "" when
    it did not say. `received` is how many bytes have passed, those that were there before with them, and
    `start` are the first that passed.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is known of an answer
        self,
        url: str,
        size: int | None,
        chunks: Iterator[bytes],
        digest: "HASH",
        cancelled: Event,
        content_type: str = "",
        *,
        received: int = 0,
    ) -> None:
        self.url = url
        self.size = size
        self.content_type = content_type
        self.received = received
        self.start = b""
        self._chunks = chunks
        self._digest = digest
        self._cancelled = cancelled
        self._copy: Callable[[bytes], None] | None = None

    def copy_to(self, write: Callable[[bytes], None]) -> None:
        """Hand each chunk that passes from now on to `write` as well."""
        self._copy = write

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if self._cancelled.is_set():
                raise CancelledError("Stopped.")
            self._digest.update(chunk)
            self.received += len(chunk)
            if len(self.start) < START:
                self.start += chunk[:START]
            if self.received > _LARGEST_ARCHIVE:
                raise FetchError(
                    f"{public(self.url)} does not end: more than {_LARGEST_ARCHIVE} bytes came", CHECK
                )
            if self._copy:
                self._copy(chunk)
            yield chunk

    @property
    def sha256(self) -> str:
        """The digest of what has passed so far, in hex."""
        return self._digest.hexdigest()

    def check(self, expected: str | None) -> None:
        """Read what is left, and raise DigestMismatchError unless all of it has the digest `expected`.

        What is a page or a message and no archive is a WebPageError; also where no digest is known, None.
        """
        for _ in self:
            pass
        if expected is not None and self.sha256 == expected.lower():
            return
        from pyman.network.web_page import in_place_of_archive  # noqa: PLC0415 - hardly ever needed

        if page := in_place_of_archive(self.url, self.start, self.content_type):
            raise page
        if expected is not None:
            raise DigestMismatchError(
                f"{public(self.url)} has sha256 {self.sha256}, expected {expected}",
                "The file was changed on the way or at its source. Nothing of it was installed.",
            )


@contextmanager
def downloading(
    url: str,
    cancelled: Event,
    network: Network = Network(),  # noqa: B008 - frozen
    had: Iterable[bytes] = (),
) -> Iterator[Download]:
    """Open `url` (http, https or file) and give its bytes; of what begins with `had` those that follow.

    FetchError when that fails, then or on the way; CancelledError soon after `cancelled` is set.
    """
    digest, received = sha256(), 0
    for chunk in had:
        digest.update(chunk)
        received += len(chunk)
    if url.startswith("file:"):
        with _opened(url) as file:
            file.seek(received)
            size = os.fstat(file.fileno()).st_size
            yield Download(url, size, _pieces(file), digest, cancelled, received=received)
        return
    check_online(url, network)
    from pyman.network.body import Body  # noqa: PLC0415 - local files need nothing of it

    body = Body(url, network, digest, cancelled, received)
    with closing(body):
        yield Download(url, body.size, body.chunks(), digest, cancelled, body.content_type, received=received)


def size_of(url: str, network: Network) -> int | None:
    """Return how many bytes are at `url` (http, https or file), None where that is not told; FetchError."""
    if url.startswith("file:"):
        with _opened(url) as file:
            return os.fstat(file.fileno()).st_size
    check_online(url, network)
    from pyman.network.body import size_at  # noqa: PLC0415 - the same

    return size_at(url, network)


def check_online(url: str, network: Network) -> None:
    """Raise OfflineError where no connection may be opened."""
    if network.offline:
        raise OfflineError(
            f"offline: {public(url)} would have been fetched",
            "Leave --offline out and PYMAN_OFFLINE unset to open connections.",
        )


def read_url(url: str, network: Network = Network()) -> bytes:  # noqa: B008 - frozen
    """Return all that is at `url`, a document of at most 256 MiB; FetchError when it cannot be had.

    WebPageError for a web page, which no document is.
    """
    from pyman.network.web_page import in_place_of_document  # noqa: PLC0415 - archives need it only if wrong

    parts = []
    with downloading(url, Event(), network) as stream:
        for chunk in stream:
            parts.append(chunk)
            if stream.received > LARGEST_DOCUMENT:
                raise FetchError(f"{public(url)} is too large: more than {LARGEST_DOCUMENT} bytes", CHECK)
    if page := in_place_of_document(url, stream.start, stream.content_type):
        raise page
    return b"".join(parts)


def _opened(url: str) -> BinaryIO:
    try:
        return open(path_of(url), "rb", opener=regular_file.opened)
    except OSError as error:
        kind = AbsentError if isinstance(error, FileNotFoundError) else FetchError
        raise kind(f"cannot read {public(url)}: {error.strerror}", CHECK) from None
    except ValueError as error:  # a NUL in the path, a broken host
        raise FetchError(f"cannot read {public(url)}: {error}", CHECK) from None


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := file.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise FetchError(f"cannot read {file.name}: {error.strerror}", CHECK) from None
