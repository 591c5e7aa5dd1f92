"""The body at one http address, taken up again where a connection breaks or stalls.

RFC 9110, section 14: `Range` asks for what is missing, `If-Range` for all of it in case the file is another
one by now. A source that cannot give a part gives all: what had come before is then read again and compared,
for those bytes have been used already.
"""

import hashlib
import random
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import TYPE_CHECKING

from pyman.errors import CancelledError, DigestMismatchError, FetchError
from pyman.network import problems
from pyman.network.address import CHECK, public
from pyman.network.client import opened
from pyman.network.lean_httpx import httpx
from pyman.network.policy import Network

if TYPE_CHECKING:
    from _hashlib import HASH

AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_PARTIAL = 206
_NOT_SATISFIABLE = 416
_FIRST_PAUSE = 0.5  # seconds, doubled each time
_LONGEST_PAUSE = 30.0
_LONGEST_RETRY_AFTER = 120.0  # a source that wants to be left alone for longer is passed over
_STALL_BYTES = 64 * 1024
_MOST_CONNECTIONS = 100  # for one body, however much progress each of them made
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")


class Body:
    """One GET until all of its body has come. FetchError if it cannot be had.

    Its `size` in bytes and its `content_type` are known at once, as far as the source tells them.
    `digest` is that of the chunks that were taken: who takes a chunk adds it there before the next. So many
    bytes as `received` says are there already, of a download that was broken off.
    """

    def __init__(
        self, url: str, network: Network, digest: "HASH", cancelled: Event, received: int = 0
    ) -> None:
        self.size: int | None = None
        self.content_type = ""
        self._is_first = True
        self._url = url
        self._network = network
        self._cancelled = cancelled
        self._received = received
        self._digest = digest
        self._validators: tuple[str, ...] = ()
        self._failures = 0
        self._stack = ExitStack()
        self._response = self._connected()

    def close(self) -> None:
        """Let go of the connection."""
        self._stack.close()

    def chunks(self) -> Iterator[bytes]:
        """Yield the body to its end, across broken connections."""
        for _ in range(_MOST_CONNECTIONS):
            try:
                for chunk in self._unseen(self._response):
                    self._received += len(chunk)
                    self._failures = 0
                    yield chunk
            except (httpx.TransportError, httpx.StreamError) as error:
                self._wait_or_raise(problems.failed(self._url, error))
            else:
                return  # a body shorter than announced is a RemoteProtocolError
            self._stack.close()
            self._response = self._connected()
        raise FetchError(f"{public(self._url)}: the connection broke {_MOST_CONNECTIONS} times", CHECK)

    def _connected(self) -> httpx.Response:
        """Ask for what is missing, again and again as the settings allow, and return the answer."""
        while True:
            try:
                response = self._stack.enter_context(opened(self._url, self._headers(), self._network))
            except httpx.HTTPError as error:
                problem = problems.failed(self._url, error)
                if problems.lasts(error):
                    raise problem from None
                self._wait_or_raise(problem)
                continue
            except httpx.InvalidURL:
                # What httpx says of it may be a piece of a password.
                raise FetchError(f"{public(self._url)} is no address to ask", "Check the address.") from None
            if response.is_success:
                self._learn(response)
                return response
            if self._received and response.status_code == _NOT_SATISFIABLE:
                if not self._is_all(response):
                    raise self._changed()
                return response
            refusal = problems.refused(self._url, response)
            self._stack.close()
            if response.status_code not in AGAIN:
                raise refusal
            self._wait_or_raise(refusal, _retry_after(response))

    def _headers(self) -> dict[str, str]:
        if not self._received:
            return {}
        headers = {"Range": f"bytes={self._received}-"}
        validator = next(filter(None, self._validators), None)
        return headers | ({"If-Range": validator} if validator else {})

    def _learn(self, response: httpx.Response) -> None:
        """Note size and validator of the first answer; later ones must fit, or the file is another one."""
        size, validators = _whole_size(response), _validators(response)
        if self._is_first:
            self.size, self._validators, self._is_first = size, validators, False
            self.content_type = response.headers.get("Content-Type", "")
        elif None not in (size, self.size) and size != self.size:
            raise self._changed()
        elif response.status_code == _PARTIAL and _differ(validators, self._validators):
            raise self._changed()  # If-Range was not understood

    def _is_all(self, response: httpx.Response) -> bool:
        """Whether there is no part left, as where only the last word of a chunked body was missing."""
        whole = response.headers.get("Content-Range") == f"bytes */{self._received}"
        return whole and self.size in (None, self._received)

    def _unseen(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield what follows the bytes that have come before; what a source sends again is compared."""
        chunks = steady(response.iter_raw(), self._network.stall)
        if response.status_code == _NOT_SATISFIABLE:
            return
        if response.status_code == _PARTIAL:
            if _first_byte(response) != self._received:
                raise self._changed()
        elif self._received and (rest := self._compared(chunks)):
            yield rest
        yield from chunks

    def _compared(self, chunks: Iterator[bytes]) -> bytes:
        """Read again what had come; return what came with it beyond that."""
        again, left = hashlib.sha256(), self._received
        for chunk in chunks:
            again.update(chunk[:left])
            rest = chunk[left:]
            left -= min(left, len(chunk))
            if not left:
                if again.digest() != self._digest.digest():
                    raise self._changed()
                return rest
        raise self._changed()

    def _changed(self) -> DigestMismatchError:
        return DigestMismatchError(f"{public(self._url)} changed while it was being downloaded", "Try again.")

    def _wait_or_raise(self, error: FetchError, pause: float | None = None) -> None:
        """Wait before the next try, longer each time; raise `error` once there were too many."""
        self._failures += 1
        if self._failures > self._network.retries or (pause or 0) > _LONGEST_RETRY_AFTER:
            raise error from None
        if pause is None:
            # Jitter, so that many clients which lost one server do not all come back at once.
            longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** (self._failures - 1))
            pause = longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        if self._cancelled.wait(pause):
            raise CancelledError("Stopped.")


def size_at(url: str, network: Network) -> int | None:
    """Return how many bytes are at an http address, None where that is not told; FetchError as for a body.

    One byte is asked for, not the head alone: an address that was signed for GET answers nothing else.
    """
    try:
        with opened(url, {"Range": "bytes=0-0"}, network) as response:
            if not response.is_success:
                raise problems.refused(url, response)
            if response.status_code == _PARTIAL:
                response.read()  # so that the connection can be used again
            return _whole_size(response)
    except httpx.HTTPError as error:
        raise problems.failed(url, error) from None
    except httpx.InvalidURL:
        raise FetchError(f"{public(url)} is no address to ask", "Check the address.") from None


def steady(chunks: Iterator[bytes], stall: float) -> Iterator[bytes]:
    """Yield the chunks; httpx.ReadTimeout if `stall` seconds bring less than 64 KiB, a trickle."""
    waited, count = 0.0, 0
    began = time.monotonic()
    for chunk in chunks:
        waited += time.monotonic() - began
        yield chunk
        began = time.monotonic()  # what the chunk is used for may take its time
        count += len(chunk)
        if count >= _STALL_BYTES:
            waited, count = 0.0, 0
        elif waited > stall:
            raise httpx.ReadTimeout(f"less than {_STALL_BYTES} bytes in {stall:g} s")


def _validators(response: httpx.Response) -> tuple[str, ...]:
    """What tells this version of the file from others, the best first; a weak ETag does not name bytes."""
    etag = response.headers.get("ETag", "")
    return ("" if etag.startswith("W/") else etag, response.headers.get("Last-Modified", ""))


def _differ(some: Iterable[str], others: Iterable[str]) -> bool:
    return any(one and other and one != other for one, other in zip(some, others, strict=True))


def _whole_size(response: httpx.Response) -> int | None:
    """The size of the whole file in bytes, as the answer tells it."""
    if response.status_code == _PARTIAL:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return int(found[3]) if found and found[3] != "*" else None
    length = response.headers.get("Content-Length", "")
    return int(length) if re.fullmatch("[0-9]{1,19}", length) else None


def _first_byte(response: httpx.Response) -> int | None:
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the source wants to be left alone; RFC 9110 10.2.3: a number or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
