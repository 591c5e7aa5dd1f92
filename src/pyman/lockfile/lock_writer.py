"""Writes a lock. Comments stay where they are, and those above a build stay with what becomes of it."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, Table, Whitespace

from pyman.errors import MetadataError
from pyman.lockfile.lock import FORMAT, Lock, Locked
from pyman.network.address import public
from pyman.requests.spelling import spelled

_FRESH = """\
# The exact builds of Python that are used here. `pyman lock` wrote this, `pyman install --locked` installs
# these and no others, `pyman upgrade --lock` moves them on. Comments stay.
"""


class _Block(NamedTuple):
    """The table of a build, and the lines above it that belong to it."""

    above: str
    table: Table


def rendered(lock: Lock, before: str = "") -> str:
    """Return the text of the lock, with the comments of `before`, the text of one that was read."""
    document = _parsed(before or _FRESH)
    old, end = _blocks(document)
    document["format"] = FORMAT
    _set_list(document, "requests", map(spelled, lock.requests))
    _set_list(document, "targets", map(str, lock.to))
    text = document.as_string().rstrip("\n") + "\n"
    for locked in lock.locked:
        block = _of(locked, old) or _Block("\n", tomlkit.table())
        text += block.above if block.above.startswith("\n") else "\n" + block.above
        text += f"[[build]]{_beside(block.table)}\n{_body(locked, block.table)}"
    return text + end


def _parsed(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except (TOMLKitError, RecursionError) as error:  # it reads nearly all that the standard library does
        raise MetadataError(
            f"cannot keep the comments of the lock: {error}", "Move the file away to have a new one."
        ) from None


def _blocks(document: tomlkit.TOMLDocument) -> tuple[list[_Block], str]:
    """Take the tables of builds out of the document, and what stands after the last of them."""
    found = document.get("build")
    if not isinstance(found, AoT):
        return [], ""
    document.remove("build")
    above, blocks = _taken_from_end(document.body), []
    for table in found.body:
        blocks.append(_Block(above, table))
        above = _taken_from_end(table.value.body)
    return blocks, above


def _taken_from_end(body: list[Any]) -> str:
    """Take the comments and empty lines off the end, which belong to what comes next; returns their text."""
    text = ""
    while body and isinstance(body[-1][1], Comment | Whitespace | tomlkit.items.Null):
        text = body.pop()[1].as_string() + text
    return text


def _of(locked: Locked, old: list[_Block]) -> _Block | None:
    """The block of the same build, else of what was locked for the same request and target."""
    same = [each for each in old if each.table.get("key") == str(locked.key)]
    requests = set(map(spelled, locked.requests))
    ending = f"-{locked.key.target}"
    akin = [
        each
        for each in old
        if str(each.table.get("key")).endswith(ending) and requests & set(each.table.get("requests", ()))
    ]
    return next(iter(same or akin), None)


def _beside(table: Table) -> str:
    """The comment on the line of the table's name."""
    return f"{table.trivia.comment_ws}{table.trivia.comment}"


def _body(locked: Locked, table: Table) -> str:
    facts: dict[str, Any] = {
        "key": str(locked.key),
        "requests": list(map(spelled, locked.requests)),
        "url": public(locked.build.url),
        "size": locked.size,
        "sha256": locked.build.sha256,
    }
    for name, value in facts.items():
        if value is None:
            table.pop(name, None)
        elif isinstance(value, list):
            _set_list(table, name, value)
        elif table.get(name) != value:
            table[name] = value
    return table.value.as_string().rstrip("\n") + "\n"


def _set_list(table: Any, name: str, texts: Iterable[str]) -> None:  # noqa: ANN401 - a table or the document
    """Make the list have these texts; where that needs no more than that some come or go, comments stay."""
    texts, found = list(texts), table.get(name)
    if not isinstance(found, Array):
        table[name] = texts
        return
    for gone in [each for each in found if each not in texts]:
        found.remove(gone)
    for new in [each for each in texts if each not in found]:
        found.append(new)
    if list(found) != texts:
        table[name] = texts
