"""What is printed. stdout carries data only; everything else goes to stderr. Decides nothing."""

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from pyman.errors import PymanError

_KILO = 1000
_BYTES = range(0xDC80, 0xDD00)  # the characters that stand for bytes which are no text (PEP 383)
_LENIENT = "pyman"
_speakers: list[Callable[[str], None]] = []


def error(problem: PymanError) -> None:
    """Say what happened and what to do about it."""
    _say(f"{_styled('error:', 'red')} {printable(problem.message)}")
    if problem.hint:
        _say(f"{_styled('hint:', 'cyan')} {printable(problem.hint)}")


def warning(text: str) -> None:
    """Say something the user should know, though it worked."""
    _say(f"{_styled('warning:', 'yellow')} {printable(text)}")


def note(text: str) -> None:
    """Say how it goes."""
    _say(printable(text))


@contextmanager
def spoken_by(say: Callable[[str], None]) -> Iterator[None]:
    """Let `say` print what is said meanwhile: who owns the terminal's last lines knows where they end."""
    _speakers.append(say)
    try:
        yield
    finally:
        _speakers.remove(say)


def _say(text: str) -> None:
    if _speakers:
        _speakers[-1](text)
    else:
        click.echo(text, err=True)


def _styled(text: str, colour: str) -> str:
    """The text in a colour, unless the user wants none (no-color.org)."""
    return text if os.environ.get("NO_COLOR") else click.style(text, fg=colour, bold=True)


def data(text: str) -> None:
    """Print what was asked for; whoever reads it gets it as it is, a terminal nothing that would steer it."""
    steered = sys.stdout and sys.stdout.isatty()
    click.echo(
        printable(text) if steered else text, color=True
    )  # else click takes out what looks like colour


def document(value: dict[str, Any]) -> None:
    """Print what was asked for as JSON, one fact a line: indenting takes ten times as long."""
    import json  # noqa: PLC0415 - every start loads this module, few print JSON

    click.echo(json.dumps(value, separators=(",\n", ": ")))


def table(rows: Iterable[Sequence[str]]) -> None:
    """Print rows in columns as wide as their widest cell."""
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        data("  ".join(cells).rstrip())


def printable(text: str) -> str:
    """Return `text` without characters that would steer a terminal; lines stay."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def let_bytes_through(stream: io.TextIOWrapper) -> None:
    """Let `stream` take any text.

    What in a path is no text comes out as the bytes it is, and what the encoding has no character for is
    escaped. Where it can only write ASCII nobody has said which encoding is wanted: it is UTF-8 then.
    """
    codecs.register_error(_LENIENT, _as_bytes)
    ascii_only = codecs.lookup(stream.encoding).name == "ascii"
    stream.reconfigure(encoding="utf-8" if ascii_only else None, errors=_LENIENT)


def _as_bytes(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    chars = error.object[error.start : error.end]
    return b"".join(map(_byte, chars)), error.end


def _byte(char: str) -> bytes:
    found = ord(char)
    return bytes([found & 0xFF]) if found in _BYTES else char.encode("ascii", "backslashreplace")


def size(count: int) -> str:
    """Return a number of bytes as people read it: `17.5 MB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < _KILO:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KILO
    return f"{amount:.1f} GB"
