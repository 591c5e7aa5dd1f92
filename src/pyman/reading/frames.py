"""What goes through a lane: lines of JSON to the process that reads, frames from it.

A frame is a header (the number of the job, its kind, bytes of the archive received so far, bytes that follow)
and these bytes. Errors go as their name, message and hint, and are raised as what they were.
"""

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pyman import errors
from pyman.errors import PymanError
from pyman.network.policy import Network
from pyman.reading.source import Source

_HEADER = struct.Struct("=IcQI")
_AT_ONCE = 1 << 20  # bytes read from a pipe at once

# Commands: a word, the number of a job, and what it is about.
OPEN = "open"  # a job begins: a source
GO = "go"  # unpack it into that folder
SKIP = "skip"  # nothing of it but its digest is wanted any more
CLOSE = "close"  # nothing at all
STOP = "stop"  # the same, and end all connections

# Kinds of frames.
OPENED = b"O"  # JSON: size
BLOCK = b"B"  # inflated bytes of a tar
CHUNK = b"C"  # bytes of a zip
WARNING = b"W"  # JSON: what to say
ENDED = b"E"  # JSON: sha256, and the errors of reading and of the check


class Broken(Exception):  # noqa: N818 - no error of a user's: the other process is gone
    """The other end of a lane was closed."""


def write(pipe: int, job: int, kind: bytes, received: int, data: bytes = b"") -> None:
    """Write a frame; BrokenPipeError where nobody reads."""
    _write_all(pipe, _HEADER.pack(job, kind, received, len(data)))
    _write_all(pipe, data)


class Frame(NamedTuple):
    """A frame, or a piece of it."""

    job: int
    kind: bytes
    received: int
    data: bytes


def read(pipe: int) -> Iterator[Frame]:
    """Yield each frame that comes; a BLOCK or CHUNK in pieces, as it is in the pipe. Raises Broken."""
    while True:
        job, kind, received, length = _HEADER.unpack(_read_all(pipe, _HEADER.size))
        if kind not in (BLOCK, CHUNK) or not length:
            yield Frame(job, kind, received, _read_all(pipe, length))
        while kind in (BLOCK, CHUNK) and length:
            piece = _read_some(pipe, length)
            length -= len(piece)
            yield Frame(job, kind, received, piece)


def say(pipe: int, word: str, job: int = 0, about: object = None) -> None:
    """Write a command; BrokenPipeError where nobody reads."""
    _write_all(pipe, json.dumps([word, job, about]).encode() + b"\n")


def told(source: Source) -> list[Any]:
    """Return a source as JSON has it."""
    network = source.network
    return [
        source.url,
        source.sha256,
        source.part,
        network._replace(
            insecure_hosts=sorted(network.insecure_hosts),  # type: ignore[arg-type]
            cache_dir=network.cache_dir and os.fspath(network.cache_dir),  # type: ignore[arg-type]
            allowed_hosts=network.allowed_hosts and sorted(network.allowed_hosts),  # type: ignore[arg-type]
        ),
    ]


def understood(words: list[Any]) -> Source:
    """Return the source that `told` has put so."""
    url, sha256, part, network = words
    known = Network(*network)
    known = known._replace(
        insecure_hosts=frozenset(known.insecure_hosts),
        cache_dir=known.cache_dir and Path(known.cache_dir),
        allowed_hosts=None if known.allowed_hosts is None else frozenset(known.allowed_hosts),
    )
    return Source(url, known, sha256, part and (part[0], part[1]))


def spoken(error: BaseException | None) -> list[str] | None:
    """Return an error as JSON has it."""
    if isinstance(error, PymanError):
        return [type(error).__name__, error.message, error.hint]
    return ["", f"{type(error).__name__}: {error}", ""] if error else None


def heard(words: list[str] | None) -> Exception | None:
    """Return the error that `spoken` has put so; a RuntimeError for one that is a fault of pyman's."""
    if not words:
        return None
    name, message, hint = words
    kind = getattr(errors, name, None)
    return kind(message, hint) if kind else RuntimeError(message)


def _write_all(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


def _read_all(pipe: int, length: int) -> bytes:
    parts = []
    while length:
        parts.append(_read_some(pipe, length))
        length -= len(parts[-1])
    return b"".join(parts)


def _read_some(pipe: int, at_most: int) -> bytes:
    data = os.read(pipe, min(at_most, _AT_ONCE))
    if not data:
        raise Broken
    return data
