"""Serves a mirror's folder by the standard library: for a test bench, on one machine.

Only files are served, by their own names: no listing, nothing that begins with a dot, and nothing that is
reached through a link. A part of a file may be asked for, as a download that goes on does.
"""

import os
import re
import stat
import sys
from collections.abc import Callable
from contextlib import ExitStack
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from pathlib import Path
from urllib.parse import unquote

from pyman.errors import PymanError
from pyman.system.folder import Folder

_CHUNK = 256 * 1024
_MOST_FOLDERS = 8
_RANGE = re.compile(r"bytes=([0-9]{1,19})-([0-9]{0,19})")


class MirrorServer(ThreadingHTTPServer):
    """A server of the folder at `path`, listening already; PymanError if it cannot."""

    daemon_threads = True

    def __init__(self, path: Path, host: str, port: int, log: Callable[[str], None]) -> None:
        self.folder = path
        self.log = log
        self._host = f"[{host}]" if ":" in host else host
        try:
            super().__init__((host, port), _Exchange)
        except (OSError, OverflowError) as error:
            raise PymanError(
                f"cannot listen at {host}, port {port}: {error}", "Choose another with --port, or --host."
            ) from None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self._host}:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is nothing to report."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # seconds
    server: MirrorServer

    def do_GET(self) -> None:
        """Send a file, or the part of it that was asked for."""
        with ExitStack() as stack:
            try:
                file = self._file(stack)
            except (OSError, ValueError):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            found = os.fstat(file.fileno())
            first, last = self._wanted(found)
            if first > last and found.st_size:
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{found.st_size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._head(found, first, last)
            if self.command == "GET":
                file.seek(first)
                self._send(file, last - first + 1)

    def do_HEAD(self) -> None:
        """Send what would come before a file."""
        self.do_GET()

    def _file(self, stack: ExitStack) -> BufferedReader:
        """Open what was asked for; OSError or ValueError if it is not to be had."""
        *folders, name = unquote(self.path.partition("?")[0], errors="strict").strip("/").split("/")
        if any(not each or each.startswith(".") or "\0" in each for each in (*folders, name)):
            raise ValueError(name)
        if len(folders) > _MOST_FOLDERS:
            raise ValueError(name)
        folder = stack.enter_context(Folder.open(self.server.folder, follow=True))
        for each in folders:
            folder = stack.enter_context(folder.inner(each))
        descriptor = stack.enter_context(folder.opened(name))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(name)
        return stack.enter_context(os.fdopen(descriptor, "rb", closefd=False))

    def _wanted(self, found: os.stat_result) -> tuple[int, int]:
        """The first and the last byte to send; all of them where the file has changed since."""
        asked = _RANGE.fullmatch(self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", "")
        if not asked or (condition and condition != _date(found)):
            return 0, found.st_size - 1
        return int(asked[1]), min(int(asked[2] or found.st_size), found.st_size - 1)

    def _head(self, found: os.stat_result, first: int, last: int) -> None:
        part = last - first + 1 != found.st_size
        if self.headers.get("If-Modified-Since") == _date(found):
            self.send_response(HTTPStatus.NOT_MODIFIED)
            self.end_headers()
            self.command = "HEAD"  # nothing follows
            return
        self.send_response(HTTPStatus.PARTIAL_CONTENT if part else HTTPStatus.OK)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("Last-Modified", _date(found))
        self.send_header("Accept-Ranges", "bytes")
        if part:
            self.send_header("Content-Range", f"bytes {first}-{last}/{found.st_size}")
        self.end_headers()

    def _send(self, file: BufferedReader, count: int) -> None:
        while count > 0 and (chunk := file.read(min(_CHUNK, count))):
            self.wfile.write(chunk)
            count -= len(chunk)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Say what was asked for, and how it was answered."""
        self.server.log(f"{self.address_string()} {format % args}")


def _date(found: os.stat_result) -> str:
    return formatdate(found.st_mtime, usegmt=True)
