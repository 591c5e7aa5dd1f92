"""What is printed. stdout carries data only; everything else goes to stderr. Decides nothing."""

import codecs
import io
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from pyman.errors import PymanError

_KILO = 1000
_BYTES = range(0xDC80, 0xDD00)  # the characters that stand for bytes which are no text (PEP 383)
_LENIENT = "pyman"


def error(problem: PymanError) -> None:
    """Say what happened and what to do about it."""
    click.echo(f"{click.style('error:', fg='red', bold=True)} {printable(problem.message)}", err=True)
    if problem.hint:
        click.echo(f"{click.style('hint:', fg='cyan', bold=True)} {printable(problem.hint)}", err=True)


def warning(text: str) -> None:
    """Say something the user should know, though it worked."""
    click.echo(f"{click.style('warning:', fg='yellow', bold=True)} {printable(text)}", err=True)


def note(text: str) -> None:
    """Say how it goes."""
    click.echo(printable(text), err=True)


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
