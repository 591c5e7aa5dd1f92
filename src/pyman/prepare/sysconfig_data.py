"""What an interpreter says about how to compile for it: sysconfig's data, *.pc, Makefile, python3.12-config.

The path written there is the installation's own, not that of the minor link: an installation is never
changed, so what it says of itself must stay true after an upgrade has moved the link, else extensions for it
would be compiled with the headers of another patch. A virtual environment made through the link loses nothing
by that: once the link has moved, it is the newer interpreter, with its own data, which runs in it.
"""

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from pyman.prepare.path_spelling import Spelling, with_path, with_tools
from pyman.prepare.rewriting import data as data_of
from pyman.prepare.rewriting import plain_files, replace
from pyman.prepare.rewriting import text as text_of

_ASSIGNMENT = re.compile(r"^(?P<name>[A-Za-z_]\w*[ \t]*[:?+]?=[ \t]*)(?P<value>.*)$", re.MULTILINE)
_PATH_BY_SED = ' | sed "s#$prefix#$prefix_real#"'
_PATH_BY_PLACE = 'prefix_real=$(installed_prefix "$0")'


def settle(tree: Path, stdlib: Path | None, final: Path, *, macos: bool) -> None:
    """Rewrite what in `tree` says where and by what it was built, to say `final` and `cc`. Raises OSError."""
    for path, rewritten in _files(tree, stdlib, final, macos=macos):
        try:
            before = text_of(path.read_bytes())
            after = rewritten(before)
        except (SyntaxError, ValueError, RecursionError):
            continue  # not in a form that is known: as it was is the best that can be had
        if after != before:
            replace(path, data_of(after))


def _files(
    tree: Path, stdlib: Path | None, final: Path, *, macos: bool
) -> Iterator[tuple[Path, Callable[[str], str]]]:
    """Yield the few files there are, found without a walk through the tree, and how each is rewritten."""
    for path in plain_files(tree / "lib" / "pkgconfig", "*.pc"):
        yield path, partial(_with_path, Spelling.of_pkg_config(final))
    for path in plain_files(tree / "bin", "python*-config"):
        yield path, partial(_config_script, final)
    if stdlib is None:
        return
    value = partial(_value, Spelling.of_values(final), macos)
    for path in plain_files(stdlib, "_sysconfigdata*.py"):
        yield path, partial(_python_data, value)
    for pattern in ("_sysconfig_vars*.json", "build-details.json"):  # since 3.14; the second is PEP 739's
        for path in plain_files(stdlib, pattern):
            yield path, partial(_json_data, value)
    for path in plain_files(stdlib, "config-*/Makefile"):
        yield path, partial(_makefile, partial(_value, Spelling.of_make(final), macos))


def _with_path(spelling: Spelling, text: str) -> str:
    return with_path(text, spelling)


def _value(spelling: Spelling, macos: bool, value: str) -> str:  # noqa: FBT001 - bound by partial()
    return with_path(with_tools(value, macos=macos), spelling)


def _python_data(value: Callable[[str], str], source: str) -> str:
    """Return the module with the values of its dictionary rewritten; it stays what it was around that."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict):
            data = _walked(value, ast.literal_eval(node.value))
            rows = "".join(f" {name!r}: {each!r},\n" for name, each in data.items())
            return _with_node(source, node.value, f"{{\n{rows}}}")
    return source


def _with_node(source: str, node: ast.expr, text: str) -> str:
    """Return `source` with `text` in the place of `node`; ast.get_source_segment takes 20 ms to find it."""
    code = data_of(source)  # in which ast counts columns
    starts = [0, *accumulate(map(len, code.splitlines(keepends=True)))]
    begin = starts[node.lineno - 1] + node.col_offset
    end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
    return text_of(code[:begin] + data_of(text) + code[end:])


def _json_data(value: Callable[[str], str], text: str) -> str:
    data = _walked(value, json.loads(text))
    written = json.dumps(data, indent=2, ensure_ascii=False)
    # JSON is UTF-8: what is none has to be escaped.
    is_utf8 = not any("\udc80" <= char <= "\udcff" for char in written)
    return (written if is_utf8 else json.dumps(data, indent=2)) + "\n"


def _walked(value: Callable[[str], str], data: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    if isinstance(data, str):
        return value(data)
    if isinstance(data, dict):
        return {name: _walked(value, each) for name, each in data.items()}
    return [_walked(value, each) for each in data] if isinstance(data, list) else data


def _makefile(value: Callable[[str], str], text: str) -> str:
    """Variables only: in recipes `clang` and `gcc` are words that are compared and printed."""
    return _ASSIGNMENT.sub(lambda found: found["name"] + value(found["value"]), text)


def _config_script(final: Path, text: str) -> str:
    """Return `python3.12-config`, a shell script, with the path in it.

    As it is shipped it asks for its own place, in a way that fails where that has a space and where it was
    started through a link, and edits the prefix in what it prints by sed. It prints flags as a shell reads
    them, as pkg-config does: `eval "cc $(python3.12-config --includes)"`. On macOS it is a Python script.
    """
    if not text.startswith("#!/bin/sh") or _PATH_BY_PLACE not in text:
        return text
    text = text.replace(_PATH_BY_PLACE, f"prefix_real={shlex.quote(str(final))}")
    return with_path(text.replace(_PATH_BY_SED, ""), Spelling.of_double_quotes(final))
