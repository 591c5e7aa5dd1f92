"""A release host on 127.0.0.1 which can be told to misbehave.

It serves a folder in the layout of the release downloads, `/{release}/{file}`, keeps a record of what it was
asked for, and answers with a fault where a test has set one: `server.spoil("x.tar.gz", cut_body)`.
"""

import gzip
import hashlib
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote
from weakref import WeakSet

PIECE = 64 * 1024
# Of an authority that nobody knows, and of its `localhost`; good until 2124.
CERTIFICATES = Path(__file__).parent / "certificates"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived; `headers` has lower-case names."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def file(self) -> str:
        """The last part of the path, decoded."""
        return unquote(self.path.partition("?")[0]).rpartition("/")[2]


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer; a fault writes the answer in place of `send_file`."""

    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds: no client keeps the server from ending
    server: "_Http"

    def setup(self) -> None:
        super().setup()
        self.server.owner.connections.add(self.connection)

    def do_GET(self) -> None:
        owner = self.server.owner
        asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        owner.asked.append(asked)
        path = owner.folder.joinpath(*unquote(self.path.partition("?")[0]).strip("/").split("/"))
        body = path.read_bytes() if path.is_file() else None
        fault = owner.next_fault(asked.file)
        try:
            if fault:
                fault(self, body or b"")
            elif body is None:
                self.send_status(HTTPStatus.NOT_FOUND)
            else:
                self.send_file(body)
        except OSError:  # the client has gone away, as one that is stopped does
            self.close_connection = True

    def do_HEAD(self) -> None:
        self.do_GET()

    def send_status(self, status: HTTPStatus, **headers: str) -> None:
        """Answer with a status and no more than its name as body."""
        body = status.phrase.encode()
        self.head(status, len(body), **headers)
        self.write(body)

    def send_file(self, body: bytes, *, ranges: bool = True) -> None:
        """Answer as a good server does; a Range is only kept where `ranges` says so."""
        found = _RANGE.fullmatch(self.headers.get("Range", "")) if ranges else None
        if not found:
            self.head(HTTPStatus.OK, len(body), **({"Accept-Ranges": "bytes"} if ranges else {}))
            self.write(body)
            return
        start, end = int(found[1]), int(found[2] or len(body) - 1)
        if start >= len(body):
            self.send_status(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, Content_Range=f"bytes */{len(body)}")
            return
        part = body[start : end + 1]
        where = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        self.head(HTTPStatus.PARTIAL_CONTENT, len(part), Content_Range=where)
        self.write(part)

    def head(self, status: HTTPStatus, length: int, **headers: str) -> None:
        """Send the status line and the headers; `_` in a header's name stands for `-`."""
        self.send_response(status)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)} | headers
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def write(self, body: bytes) -> None:
        """Send a body, which a HEAD request does not get."""
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Keep stderr for the tests; what was asked is in `Server.asked`."""


class _Http(ThreadingHTTPServer):
    daemon_threads = False  # closing waits for the answers under way, so that no socket is left open
    owner: "Server"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up between two requests is nothing to report."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


Fault = Callable[[Exchange, bytes], None]


class Server:
    """A running server: where it is, what it serves, what it was asked."""

    def __init__(self, folder: Path, *, secure: bool = False) -> None:
        self.folder = folder
        self.secure = secure
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self.connections = WeakSet[socket.socket]()
        self._faults: dict[str, list[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), Exchange)
        self._http.owner = self
        if secure:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATES / "localhost.pem")
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)

    @property
    def url(self) -> str:
        """Its address without a slash at the end; a secure one has a certificate for `localhost` alone."""
        address = "https://localhost" if self.secure else "http://127.0.0.1"
        return f"{address}:{self._http.server_port}"

    def spoil(self, file: str, fault: Fault, *, times: int | None = None) -> None:
        """Answer requests for `file` (a name without folders) with `fault`, always or `times` times."""
        if times is None:
            self._always[file] = fault
        else:
            self._faults.setdefault(file, []).extend([fault] * times)

    def hang_up(self) -> None:
        """End the connections that clients keep for their next request."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Answer everything properly from now on."""
        self._faults.clear()
        self._always.clear()

    def next_fault(self, file: str) -> Fault | None:
        """Return what the next request for `file` is to be answered with, None for the file itself."""
        with self._lock:
            waiting = self._faults.get(file)
            return waiting.pop(0) if waiting else self._always.get(file)

    def count(self, file: str) -> int:
        """How often `file` was asked for by GET."""
        return sum(asked.file == file and asked.method == "GET" for asked in self.asked)


@contextmanager
def serving(folder: Path, *, secure: bool = False) -> Iterator[Server]:
    """Serve `folder` until the block ends, by https if it is to be `secure`."""
    server = Server(folder, secure=secure)
    thread = threading.Thread(target=server._http.serve_forever, args=(0.01,), daemon=True)  # noqa: SLF001
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server._http.shutdown()  # noqa: SLF001
        server.hang_up()
        server._http.server_close()  # noqa: SLF001
        thread.join()


def cut_body(exchange: Exchange, body: bytes) -> None:
    """Promise the whole body, send half of it, hang up."""
    exchange.head(HTTPStatus.OK, len(body))
    exchange.write(body[: len(body) // 2])
    exchange.close_connection = True


def stalled_body(exchange: Exchange, body: bytes) -> None:
    """Send half of the body, then nothing until the test is over."""
    exchange.head(HTTPStatus.OK, len(body))
    exchange.write(body[: len(body) // 2])
    exchange.server.owner.closing.wait()
    exchange.close_connection = True


def too_long_length(exchange: Exchange, body: bytes) -> None:
    """Send the whole body, but promise more."""
    exchange.head(HTTPStatus.OK, len(body) + 1000)
    exchange.write(body)
    exchange.close_connection = True


def too_short_length(exchange: Exchange, body: bytes) -> None:
    """Promise less than the body has, and send it whole."""
    exchange.head(HTTPStatus.OK, len(body) - 1000)
    exchange.write(body)
    exchange.close_connection = True


def wrong_byte(exchange: Exchange, body: bytes) -> None:
    """Send a body of the right length, one bit in the middle turned over."""
    spoiled = bytearray(body)
    spoiled[len(body) // 2] ^= 1
    exchange.send_file(bytes(spoiled))


def not_found(exchange: Exchange, _: bytes) -> None:
    """Say that there is no such file."""
    exchange.send_status(HTTPStatus.NOT_FOUND)


def unavailable(exchange: Exchange, _: bytes) -> None:
    """Say to come back later, at once."""
    exchange.send_status(HTTPStatus.SERVICE_UNAVAILABLE, Retry_After="0")


def slow(exchange: Exchange, body: bytes) -> None:
    """Send the body in small pieces, 20 of them, with a pause after each."""
    exchange.head(HTTPStatus.OK, len(body))
    step = max(1, len(body) // 20)
    for start in range(0, len(body), step):
        exchange.write(body[start : start + step])
        exchange.server.owner.closing.wait(0.05)


def without_ranges(exchange: Exchange, body: bytes) -> None:
    """Send the whole body whatever part of it was asked for."""
    exchange.send_file(body, ranges=False)


def versioned(exchange: Exchange, body: bytes) -> None:
    """Send the file with an ETag of its bytes, or 304 to who has those; packed by gzip if that is taken."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if exchange.headers.get("If-None-Match") == etag:
        exchange.send_response(HTTPStatus.NOT_MODIFIED)
        exchange.send_header("ETag", etag)
        exchange.end_headers()
        return
    packed = "gzip" in exchange.headers.get("Accept-Encoding", "")
    sent = gzip.compress(body) if packed else body
    exchange.head(HTTPStatus.OK, len(sent), ETag=etag, **({"Content_Encoding": "gzip"} if packed else {}))
    exchange.write(sent)


def web_page(exchange: Exchange, _: bytes) -> None:
    """Answer 200 with a page, as a captive portal or a company's proxy does."""
    page = b"<!doctype html><title>Welcome</title><p>Please sign in to go on.</p>"
    exchange.head(HTTPStatus.OK, len(page), Content_Type="text/html")
    exchange.write(page)


def redirect_to(url: str) -> Fault:
    """Send the client elsewhere."""

    def answer(exchange: Exchange, _: bytes) -> None:
        exchange.send_status(HTTPStatus.FOUND, Location=url)

    return answer
