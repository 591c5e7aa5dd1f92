"""A web page, or another text, in the place of the file that was asked for.

A log-in of the network, a proxy's notice, a server's message: it comes with status 200, and all that would be
noticed is a wrong digest. So it is told by its type and its first bytes, and what it says is shown.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser

from pyman.archive.inflate import is_archive, plain
from pyman.errors import ArchiveError, WebPageError
from pyman.network.address import public
from pyman.network.download import START
from pyman.network.problems import through_proxy

_MOST_UNPACKED = 1024 * 1024
_HTML = ("text/html", "application/xhtml+xml")
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*<(?:!--|!doctype\s+html|html|head|body|title|script|meta)", re.IGNORECASE
)
_SILENT = {"script", "style", "template"}
_MOST_WORDS = 100  # characters
_HINT = (
    "Is there a page to log in on this network, or a proxy that refuses the address? A browser shows it; "
    "else check the address."
)


def in_place_of_archive(url: str, start: bytes, content_type: str) -> WebPageError | None:
    """Return the error for what is no archive by its first bytes, but a web page, say; None for one."""
    if is_archive(start):
        # A server may pack a page that it sends.
        page = _unpacked(start)
        return _error(url, "a web page", page) if _MARKUP.match(page) else None
    if _is_html(content_type) or _MARKUP.match(start):
        return _error(url, "a web page", start)
    if _is_text(start):
        return _error(url, "text and no archive", start)
    return _error(url, "no archive" if start else "empty", b"")


def in_place_of_document(url: str, start: bytes, content_type: str) -> WebPageError | None:
    """Return the error for a document that is a web page, by its first bytes; None if it is none.

    Some servers call every document a page: what begins as JSON does is none.
    """
    is_page = _MARKUP.match(start) or (_is_html(content_type) and not start.lstrip().startswith((b"{", b"[")))
    return _error(url, "a web page", start) if is_page and not is_archive(start) else None


def refused(url: str, chunks: Iterator[bytes], content_type: str) -> Iterator[bytes]:
    """Yield the chunks of a document, packed or not; WebPageError if it is a web page."""
    held: list[bytes] = []
    for chunk in chunks:
        held.append(chunk)
        if sum(map(len, held)) >= START:
            break
    if page := in_place_of_document(url, _unpacked(b"".join(held)), content_type):
        raise page
    yield from held
    yield from chunks


def _unpacked(start: bytes) -> bytes:
    parts = []
    with suppress(ArchiveError):  # what was held is but the beginning of a stream
        for part in plain(iter((start,)), _MOST_UNPACKED):
            parts.append(part)  # noqa: PERF402 - what came before the error counts
    return b"".join(parts)[:START]


def _is_html(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in _HTML


def _error(url: str, what: str, start: bytes) -> WebPageError:
    words = _words(start)
    said = f', which says "{words}"' if words else ""
    through = "" if url.startswith("file:") else through_proxy(url)
    return WebPageError(f"{public(url)} is {what}{through}{said}", _HINT)


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8", "replace")
    # The last character may have been cut in two.
    return bool(text.strip()) and all(char.isprintable() or char in "\t\r\n\f" for char in text[:-1])


def _words(start: bytes) -> str:
    """What it says to people, as far as that fits in a line: nothing in it steers a terminal."""
    text = start.decode("utf-8", "replace").lstrip("\ufeff")
    if _MARKUP.match(start):
        page = _Page()
        page.feed(text)
        text = " ".join(page.said)
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS].rstrip()}…"


class _Page(HTMLParser):
    """Collects what a page shows, its title first."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._silent += tag in _SILENT

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _SILENT and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)
