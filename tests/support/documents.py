"""README.md and the texts of `pyman help`: the blocks of commands in them, and what is said about each.

A block is run as it stands. A comment on the line before it says where it differs from the others:

    <!-- not run: REASON -->            what cannot be run by tests
    <!-- on a machine with Python -->   not on the bare one; each block has a home of its own
    <!-- one of these, on a machine with Python -->   the same for each line
    <!-- in a checkout -->              the same, in a folder with pyman's sources
    <!-- ends with 1 -->                its exit code
"""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import CHECKOUT

README = CHECKOUT / "README.md"
MANUAL = CHECKOUT / "src" / "pyman" / "manual"
DOCUMENTS = [README, *sorted(MANUAL.glob("*.md"))]
# Blocks in these languages are commands (`yaml`: the pipelines of a CI); `text` is none.
RUN = {"sh", "console", "dockerfile", "python", "yaml"}
HOST, ONE_OF, SOURCES = "on a machine with Python", "one of these, on a machine with Python", "in a checkout"
FAILING, NOT_RUN = "ends with 1", "not run: "
_FENCE = "```"
_COMMENT = re.compile(r"<!-- (.*) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it begins, its language, its lines, and the comment before it."""

    path: Path
    line: int
    language: str
    text: str
    said: str

    @property
    def is_run(self) -> bool:
        """Whether the tests run it."""
        return self.language in RUN and not self.said.startswith(NOT_RUN)

    @property
    def is_for_host(self) -> bool:
        """Whether it is for a machine with Python."""
        return self.said in (HOST, ONE_OF, SOURCES)

    def __str__(self) -> str:
        return f"{self.path.name}:{self.line}"


def blocks(path: Path) -> list[Block]:
    """Return the blocks of a document in their order."""
    found = []
    lines = path.read_text(encoding="utf-8").splitlines()
    number = 0
    while number < len(lines):
        if lines[number].startswith(_FENCE):
            end = lines.index(_FENCE, number + 1)
            comment = _COMMENT.fullmatch(lines[number - 1])
            body = "".join(f"{line}\n" for line in lines[number + 1 : end])
            said = comment[1] if comment else ""
            found.append(Block(path, number + 1, lines[number].removeprefix(_FENCE), body, said))
            number = end
        number += 1
    return found
