"""The texts of `pyman help TOPIC`: Markdown that reads well as it stands, on a page and in a terminal.

Owns the names of the texts and how they look without a page around them; prints nothing.
Each topic is a file in `pyman/manual`. `tests/commands/test_readme.py` runs every command in them.
"""

import pkgutil
import re
from collections.abc import Iterator
from typing import NamedTuple

TOPICS = {
    "setup": "ways to get pyman, to keep it up to date and to remove it",
    "commands": "all commands, what they print, and their exit codes",
    "requests": "how to say which Python is wanted",
    "containers": "images of Alpine, Debian and others",
    "ci": "GitHub, GitLab and others: a cache, locks, no network",
    "settings": "every environment variable, files for a user and for a site",
    "mirrors": "mirrors, metadata and builds of your own, and no network",
    "fleet": "what a thousand machines need: bandwidth, a cache, what to pin",
    "locks": "exact builds in a file, and one file to carry over",
    "store": "where things are, stores for several users, what verify compares",
    "project": "`python` is the project's Python: shims, for cron and editors as well",
    "environments": "making them, also by tox and nox; which keep a Python from removal",
    "editors": "where VS Code, PyCharm and others look, and what to set",
    "updates": "newer builds without a newer pyman",
    "security": "what is checked, known-bad builds and vulnerabilities",
    "api": "pyman in other programs",
    "speed": "how fast it is, measured beside others",
}
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
_COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
_HEADING = re.compile(r"#+ ")
_FENCE = "```"
_INDENT = "  "


class Line(NamedTuple):
    """A line of a text, without its end, and whether it is a heading."""

    text: str
    is_heading: bool = False


def lines(topic: str) -> Iterator[Line]:
    """Yield the text of a topic as it is read without a page: no marks around commands and links."""
    is_inside = False
    for line in _COMMENT.sub("", source(topic)).splitlines():
        if line.startswith(_FENCE):
            is_inside = not is_inside
        elif is_inside:
            yield Line((_INDENT + line).rstrip())
        elif heading := _HEADING.match(line):
            yield Line(line[heading.end() :], is_heading=True)
        else:
            yield Line(_LINK.sub(r"\1", line))


def source(topic: str) -> str:
    """Return the text of a topic as it is written. It may lie in a zip archive, as all of pyman may."""
    data = pkgutil.get_data("pyman", f"manual/{topic}.md")
    assert data  # noqa: S101 - every loader that pyman is started by gives data
    return data.decode("utf-8")
