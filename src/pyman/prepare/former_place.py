"""A tree that was installed somewhere before says so in its files: let it speak of `/install` again.

So it is as it came out of its archive, and is finished for its new place like one. Where the former place is
not written plainly (a path that a shell would quote), or others live there as well, so that not all it is
named for is this Python's, the files stay as they are.
"""

import ast
import re
from pathlib import Path

from pyman.prepare.path_spelling import PREFIX
from pyman.prepare.rewriting import plain_files, replace

_PLAIN = re.compile(r"/[\w.+/-]+", re.ASCII)
_SHARED = {"/usr", "/usr/local", "/opt", "/opt/local", "/opt/homebrew"}
_FOLDERS = (("lib/pkgconfig", "*.pc"), ("bin", "*"))
_OF_LIBRARY = (
    "_sysconfigdata*.py",
    "_sysconfig_vars*.json",
    "build-details.json",
    "config-*/Makefile",
    "config-*/python-config.py",
)
_LONGEST = 1 << 20  # bytes; none of those files has more, and no interpreter less


def forget(tree: Path, stdlib: Path | None) -> None:
    """Rewrite what in `tree` names the place where it was installed. Raises OSError."""
    former = _former(stdlib) if stdlib else ""
    if not _PLAIN.fullmatch(former) or former in {PREFIX, *_SHARED}:
        return
    named = re.compile(re.escape(former.encode()) + rb"(?![\w.+-])")
    files = [path for folder, pattern in _FOLDERS for path in plain_files(tree / folder, pattern)]
    files += [path for pattern in _OF_LIBRARY if stdlib for path in plain_files(stdlib, pattern)]
    for path in files:
        if path.stat().st_size > _LONGEST:
            continue
        before = path.read_bytes()
        after = named.sub(PREFIX.encode(), before)
        if after != before and b"\0" not in before:
            replace(path, after)


def _former(stdlib: Path) -> str:
    """Return the prefix that sysconfig's data name; "" where they name none."""
    for path in plain_files(stdlib, "_sysconfigdata*.py"):
        try:
            body = ast.parse(path.read_bytes()).body
            values = [ast.literal_eval(each.value) for each in body if isinstance(each, ast.Assign)]
        except (SyntaxError, ValueError, RecursionError):
            continue
        found = next((each["prefix"] for each in values if isinstance(each, dict) and "prefix" in each), "")
        if isinstance(found, str):
            return found.rstrip("/")
    return ""
