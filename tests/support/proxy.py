"""An http proxy on 127.0.0.1 which makes tunnels to hosts of its choice, or refuses to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECE = 64 * 1024


class Proxy(ThreadingHTTPServer):
    """What it was asked for, host and port, and with which credentials; all of it leads to `port` here."""

    def __init__(self, port: int, refusal: HTTPStatus | None) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.port = port
        self.refusal = refusal
        self.asked: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.server_port}"


class _Tunnel(BaseHTTPRequestHandler):
    server: Proxy

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization")))
        self.close_connection = True
        if self.server.refusal:
            self.send_error(self.server.refusal)
            return
        with socket.create_connection(("127.0.0.1", self.server.port)) as far:
            self.send_response(HTTPStatus.OK)
            self.end_headers()
            back = threading.Thread(target=_carry, args=(far, self.connection))
            back.start()
            _carry(self.connection, far)
            back.join()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Keep stderr for the tests."""


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(PIECE):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)


@contextmanager
def proxying(port: int, refusal: HTTPStatus | None = None) -> Iterator[Proxy]:
    """Run a proxy whose tunnels lead to `port` until the block ends; with `refusal` it makes none."""
    proxy = Proxy(port, refusal)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()
