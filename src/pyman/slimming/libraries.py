"""Which shared libraries of a tree its programs load."""

from collections.abc import Iterable
from pathlib import Path


def loaded(
    programs: Iterable[Path], libraries: Iterable[Path], seen: dict[Path, set[Path]] | None = None
) -> set[Path]:
    """Return those of the `libraries` which the `programs` load, also through each other. Raises OSError.

    A library is loaded where its name stands: it is written out where one is needed (DT_NEEDED of ELF,
    LC_LOAD_DYLIB of Mach-O), and where one is looked for while the program runs.

    What each file names is kept in `seen`, for the next look at a tree from which things are only taken away.
    """
    seen = {} if seen is None else seen
    every = set(libraries)
    waiting = [path for path in programs if path.is_file()]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            data = path.read_bytes()
            seen[path] = {library for library in every if library.name.encode() in data}
        named = (seen[path] & every) - found
        found |= named
        waiting += named
    return found
