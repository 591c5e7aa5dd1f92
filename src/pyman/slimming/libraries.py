"""Which shared libraries of a tree its programs load."""

from collections.abc import Iterable
from pathlib import Path


def loaded(programs: Iterable[Path], libraries: Iterable[Path]) -> set[Path]:
    """Return those of the `libraries` which the `programs` load, also through each other. Raises OSError.

    A library is loaded where its name stands: it is written out where one is needed (DT_NEEDED of ELF,
    LC_LOAD_DYLIB of Mach-O), and where one is looked for while the program runs.
    """
    rest = set(libraries)
    waiting = [path.read_bytes() for path in programs if path.is_file()]
    found: set[Path] = set()
    while waiting:
        data = waiting.pop()
        named = {path for path in rest if path.name.encode() in data}
        rest -= named
        found |= named
        waiting += [path.read_bytes() for path in named]
    return found
