"""Takes parts out of a staged tree, says how many bytes that was, and leaves word of what is missing."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pyman.slimming import debug_sections, stand_ins
from pyman.slimming.ledger import Ledger
from pyman.slimming.libraries import loaded
from pyman.slimming.parts import DEBUG, ENSUREPIP, EXTENSIONS, LIB, LIBPYTHON, Part
from pyman.store.installations import Installation


def leave_out(staged: Installation, parts: Iterable[Part], *, is_slim: bool) -> Ledger:
    """Take the `parts` out of the tree, and return what went; a part of which it has nothing is not in it.

    Who imports what is missing is told what left it out: --slim, if `is_slim`, or --drop. Raises OSError.
    """
    before = _size(staged.path)
    gone: dict[str, int] = {}
    if staged.standard_library:
        tree = _Tree(staged.path, staged.standard_library, {})
        for part in parts:
            option = "--slim" if is_slim and part.in_slim else f"--drop {part.name}"
            gone[part.name] = _take(tree, part, option)
    gone = {name: size for name, size in gone.items() if size}
    return Ledger(before, before - sum(gone.values()), gone)


class _Tree(NamedTuple):
    """A staged tree, the folder of its standard library, and what its files name of libraries."""

    root: Path
    stdlib: Path
    seen: dict[Path, set[Path]]

    def found(self, patterns: Iterable[str]) -> Iterator[Path]:
        """Yield what is there of a part."""
        places = {LIB: [self.stdlib], EXTENSIONS: [self.stdlib / "lib-dynload", self.root / "DLLs"]}
        for pattern in patterns:
            first, _, rest = pattern.partition("/")
            for place in places.get(first, ()):
                yield from sorted(place.glob(rest))
            if first not in places:
                yield from sorted(self.root.glob(pattern))

    def has_module(self, name: str) -> bool:
        """Whether there is a module of that name."""
        return any(self.found((f"{LIB}/{name}", f"{LIB}/{name}.py", f"{EXTENSIONS}/{name}.*")))

    def programs(self) -> list[Path]:
        """Return the interpreter, all else in `bin`, and the extension modules."""
        found = (*self.root.glob("bin/*"), *self.stdlib.rglob("*.so"))
        return [path for path in found if path.is_file() and not path.is_symlink()]

    def libraries(self) -> list[Path]:
        """Return the shared libraries."""
        found = (*self.root.glob("lib/*.so*"), *self.root.glob("lib/*.dylib"))
        return [path for path in found if path.is_file() and not path.is_symlink()]

    def loaded(self) -> set[Path]:
        """Return the shared libraries that something loads."""
        return loaded(self.programs(), self.libraries(), self.seen)

    def remove(self, paths: Iterable[Path]) -> int:
        """Remove files and folders, and the folders that are empty then; returns how many bytes they had."""
        removed = 0
        for path in paths:
            removed += _size(path)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            for folder in path.parents:
                if folder == self.root or any(folder.iterdir()):
                    break
                folder.rmdir()
        return removed


def _take(tree: _Tree, part: Part, option: str) -> int:
    """Take a part out of the tree; returns how many bytes that has lost."""
    if part.name == ENSUREPIP:
        return _take_wheels(tree)
    if part.name == LIBPYTHON and tree.loaded() & set(tree.found(part.paths)):
        return 0
    has_programs = any(path.startswith(EXTENSIONS) for path in part.paths)
    needed = tree.loaded() if has_programs else set()
    missed = [name for name in part.modules if tree.has_module(name)]
    removed = tree.remove(tree.found(part.paths))
    if needed:
        removed += tree.remove(sorted(needed & set(tree.libraries()) - tree.loaded()))
    if part.name == DEBUG:
        removed += sum(debug_sections.strip(path) for path in (*tree.programs(), *tree.libraries()))
    return removed - sum(stand_ins.say_missing(tree.stdlib, name, part.name, option) for name in missed)


def _take_wheels(tree: _Tree) -> int:
    """Take the wheels out of ensurepip, where there is a pip from which one can be made."""
    wheels = sorted(tree.found((f"{LIB}/ensurepip/_bundled/*.whl",)))
    if not wheels or not tree.has_module("site-packages/pip"):
        return 0
    return tree.remove(wheels) - stand_ins.put_ensurepip(tree.stdlib)


def _size(path: Path) -> int:
    """Return how many bytes a file has, or the files below a folder; links have none."""
    if path.is_symlink():
        return 0
    if path.is_dir():
        return sum(_size(each) for each in path.iterdir())
    return path.stat().st_size
