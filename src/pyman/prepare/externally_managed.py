"""The file which tells pip and its like not to install into the interpreter itself (PEP 668)."""

from pathlib import Path

from pyman.builds.key import Key
from pyman.builds.target import Os
from pyman.store.installations import executable_name

NAME = "EXTERNALLY-MANAGED"
_TEXT = """\
[externally-managed]
Error=This Python belongs to pyman, which replaces it whole: what is installed
 into it is lost with the next upgrade, and is shared by all who use it.
 Make a virtual environment, and install into that:

     {python} -m venv .venv
     {pip} install ...

 pyman install --reinstall --no-externally-managed takes this guard away; in a
 prefix, pyman install --force without --externally-managed does.
"""


def mark(stdlib: Path, key: Key) -> None:
    """Write the file into the folder of the standard library, where PEP 668 has it. Raises OSError."""
    pip = r".venv\Scripts\pip" if key.target.os is Os.WINDOWS else ".venv/bin/pip"
    text = _TEXT.format(python=executable_name(key), pip=pip)
    (stdlib / NAME).write_text(text, encoding="utf-8")
