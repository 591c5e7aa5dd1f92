"""What is printed. stdout carries data only; everything else goes to stderr. Decides nothing."""

from collections.abc import Iterable, Sequence
from typing import Any

import click

from pyman.errors import PymanError

_KILO = 1000


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
    """Print what was asked for."""
    click.echo(text)


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
        click.echo("  ".join(cells).rstrip())


def printable(text: str) -> str:
    """Return `text` without characters that would steer a terminal; lines stay."""
    return "".join(char if char.isprintable() or char == "\n" else repr(char)[1:-1] for char in text)


def size(count: int) -> str:
    """Return a number of bytes as people read it: `17.5 MB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < _KILO:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KILO
    return f"{amount:.1f} GB"
