"""A stream of bytes from a source: http, https or a file; with its digest.

The only user of httpx. What a source is asked for is never decoded on the way (no Content-Encoding): the
digest is that of the bytes as they were published.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Event
from typing import BinaryIO
from urllib.parse import quote, urlsplit, urlunsplit
from urllib.request import url2pathname

import httpx

from pyman import __version__
from pyman.errors import CancelledError, DigestMismatchError, FetchError
from pyman.metadata import Build

GITHUB = "https://github.com/astral-sh/python-build-standalone/releases/download/"
# The build project's own mirror, which it asks to be used first (astral-sh/uv issue 18503).
PROJECT_MIRROR = "https://releases.astral.sh/github/python-build-standalone/releases/download/"

_CHECK = "Check the network and the address, or name another source with --mirror or PYMAN_MIRROR."
_CHUNK = 256 * 1024
_LARGEST_ARCHIVE = 4 * 1024**3
_LARGEST_DOCUMENT = 256 * 1024**2
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


def sources(build: Build, mirror: str = "") -> list[str]:
    """Return the URLs at which `build` may be had, in the order in which to try them.

    `mirror` is a URL or a folder laid out as the release downloads are: `{mirror}/{release}/{file}`.
    """
    urls = []
    if mirror:
        base = mirror if "://" in mirror else Path(mirror).expanduser().resolve().as_uri()
        urls.append(f"{base.rstrip('/')}/{build.key.release}/{quote(build.file_name)}")
    if build.url.startswith(GITHUB):
        urls.append(PROJECT_MIRROR + build.url.removeprefix(GITHUB))
    return [*urls, build.url]


class Download:
    """The bytes of one source as they arrive, hashed as they pass.

    `size` is what the source announced, in bytes; None when it did not.
    """

    def __init__(self, url: str, size: int | None, chunks: Iterator[bytes], cancelled: Event) -> None:
        self.url = url
        self.size = size
        self.received = 0
        self._chunks = chunks
        self._hash = hashlib.sha256()
        self._cancelled = cancelled

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if self._cancelled.is_set():
                raise CancelledError("Stopped.")
            self._hash.update(chunk)
            self.received += len(chunk)
            if self.received > _LARGEST_ARCHIVE:
                raise FetchError(f"{public(self.url)} does not end: more than {_LARGEST_ARCHIVE} bytes came")
            yield chunk

    @property
    def sha256(self) -> str:
        """The digest of what has passed so far, in hex."""
        return self._hash.hexdigest()

    def check(self, expected: str) -> None:
        """Read what is left, and raise DigestMismatchError unless all of it has the digest `expected`."""
        for _ in self:
            pass
        if self.sha256 != expected.lower():
            raise DigestMismatchError(
                f"{public(self.url)} has sha256 {self.sha256}, expected {expected}",
                "The file was changed on the way or at its source. Nothing of it was installed.",
            )


@contextmanager
def download(url: str, cancelled: Event) -> Iterator[Download]:
    """Open `url` (http, https or file) and give its bytes; FetchError when that fails, then or on the way."""
    opened = _open_file(url, cancelled) if url.startswith("file:") else _open_http(url, cancelled)
    with opened as stream:
        yield stream


def read(url: str) -> bytes:
    """Return all that is at `url`, a document of at most 256 MiB; FetchError when it cannot be had."""
    parts = []
    with download(url, Event()) as stream:
        for chunk in stream:
            parts.append(chunk)
            if stream.received > _LARGEST_DOCUMENT:
                raise FetchError(f"{public(url)} is too large: more than {_LARGEST_DOCUMENT} bytes")
    return b"".join(parts)


def public(url: str) -> str:
    """Return `url` as it may be shown: without user name, password, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "<not a URL>"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@contextmanager
def _open_file(url: str, cancelled: Event) -> Iterator[Download]:
    with _opened(url) as file:
        yield Download(url, os.fstat(file.fileno()).st_size, _chunks(file), cancelled)


def _opened(url: str) -> BinaryIO:
    try:
        return Path(url2pathname(urlsplit(url).path)).open("rb")
    except OSError as error:
        raise FetchError(f"cannot read {public(url)}: {error.strerror}", _CHECK) from None
    except ValueError as error:  # a NUL in the path, a broken host
        raise FetchError(f"cannot read {public(url)}: {error}", _CHECK) from None


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := file.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise FetchError(f"cannot read {file.name}: {error.strerror}", _CHECK) from None


@contextmanager
def _open_http(url: str, cancelled: Event) -> Iterator[Download]:
    try:
        with _client().stream("GET", url) as response:
            if response.is_error:
                raise FetchError(f"{public(url)} answered {response.status_code} {response.reason_phrase}")
            yield Download(url, _length(response), response.iter_raw(), cancelled)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(f"{public(url)}: {_cause(error)}", _CHECK) from None


@cache
def _client() -> httpx.Client:
    """One client for the process: connections are used again, and it may be shared between threads."""
    headers = {"User-Agent": f"pyman/{__version__}", "Accept-Encoding": "identity"}
    return httpx.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=True)


def _length(response: httpx.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _cause(error: Exception) -> str:
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return f"no answer in time ({text})"
    if isinstance(error, httpx.RemoteProtocolError):
        return f"the connection broke ({text})"
    return text
