"""Connections whose time-out covers the look-up of the name: the system's own waits as long as it likes.

The C library asks each name server again and again, and cannot be told to stop. So it is asked in a thread,
which is left behind where it takes too long.
"""

import socket
from collections.abc import Iterable
from contextlib import suppress
from threading import Event, Thread
from time import monotonic

from pyman.network.lean_httpx import httpcore

_GLANCE = 0.1  # seconds
_LEAST = 0.001  # seconds; 0 would mean not to wait at all
_stops: list[None] = []  # one for each time that all were to give up


class Backend(httpcore.SyncBackend):
    """Makes the connections of a client: httpcore's own, but for the look-up and how long all of it takes."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of the host that answers; each has its share of the time left."""
        if timeout is None:
            return super().connect_tcp(host, port, timeout, local_address, socket_options)
        end = monotonic() + timeout
        *others, last = look_up(host, port, timeout)
        for number, address in enumerate(others):
            share = (end - monotonic()) / (len(others) + 1 - number)
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return super().connect_tcp(address, port, max(share, _LEAST), local_address, socket_options)
        rest = max(end - monotonic(), _LEAST)
        return super().connect_tcp(last, port, rest, local_address, socket_options)


def look_up(host: str, port: int, timeout: float) -> list[str]:
    """Return the addresses of a host; ConnectTimeout or ConnectError of httpcore if they cannot be had."""
    found: list[str] = []
    failure: list[OSError] = []
    done = Event()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))
        except (OSError, UnicodeError) as error:
            failure.append(error if isinstance(error, OSError) else OSError(f"not a name: {host}"))
        finally:
            done.set()

    Thread(target=ask, daemon=True).start()  # nobody waits for it when the interpreter ends
    end, stops = monotonic() + timeout, len(_stops)
    while not done.wait(max(0, min(_GLANCE, end - monotonic()))):
        if monotonic() >= end or len(_stops) > stops:
            raise httpcore.ConnectTimeout(f"looking up {host}")
    if failure:
        raise httpcore.ConnectError(str(failure[0])) from failure[0]
    return found


def give_up() -> None:
    """Let nobody wait any longer for a look-up. For a signal handler: it takes no lock."""
    _stops.append(None)
