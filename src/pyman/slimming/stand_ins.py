"""What stands in the place of a module that was left out.

A module that says so when it is imported: the error is the one that a missing module gives, so that whoever
can do without goes on without. It costs nothing where nobody asks for it, and is there in isolated mode and
without `site`, when a hook in a .pth file is not. What it gives up: importlib.util.find_spec() finds it.
"""

from pathlib import Path

from pyman.prepare.rewriting import replace
from pyman.slimming import own_ensurepip

_MISSING = """\
raise ModuleNotFoundError(
    "No module named {module!r}: it was left out by {option}; reinstall with --keep {part}",
    name={module!r},
)
"""


def say_missing(stdlib: Path, module: str, part: str, option: str) -> int:
    """Let the import of a `module` say by which `option` it was left out; returns how many bytes that took.

    Raises OSError.
    """
    text = _MISSING.format(module=module, part=part, option=option).encode()
    (stdlib / f"{module}.py").write_bytes(text)
    return len(text)


def put_ensurepip(stdlib: Path) -> int:
    """Let ensurepip take the pip that is installed; returns how many bytes longer it is. Raises OSError."""
    path = stdlib / "ensurepip" / "__init__.py"
    before = path.stat().st_size
    data = own_ensurepip.SOURCE.encode()
    replace(path, data)
    return len(data) - before
