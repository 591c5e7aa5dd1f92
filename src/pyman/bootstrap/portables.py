"""The portable pyman for one target: `pyman-<version>-<target>.tar.gz`."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyman import __version__
from pyman.bootstrap import compiling, own, slim, tarball, wheels
from pyman.bootstrap.launchers import put_launcher
from pyman.bootstrap.own_interpreter import Interpreter
from pyman.bootstrap.platforms import Platform
from pyman.bootstrap.wheels import Wheels
from pyman.builds.target import Target
from pyman.portable import whereabouts

TOP = "pyman"


@dataclass(frozen=True, slots=True)
class Order:
    """What portables are made of and for: wheels from a folder (None: the index), the time of all files.

    `address` is where this release can be had, `newest` where the newest can; both end without a slash.
    """

    wheels: Path | None
    time: int
    address: str
    newest: str


@dataclass(frozen=True, slots=True)
class Portable:
    """A portable pyman that was made: its file, what went into it, and its size when it is unpacked."""

    path: Path
    target: Target
    interpreter: Interpreter
    wheels: Wheels
    unpacked: int


def file_name(target: Target) -> str:
    """Return how the portable pyman for `target` is called."""
    return f"pyman-{__version__}-{target}.tar.gz"


def make(interpreter: Interpreter, compilers: Iterable[Path], order: Order, folder: Path) -> Portable:
    """Write the portable pyman into `folder`. The interpreter's tree is used up.

    `compilers` are programs of which the first that fits makes the bytecode. Raises PymanError.
    """
    target = interpreter.key.target
    python = compiling.first_fit(interpreter.key, compilers)
    with TemporaryDirectory(prefix="pyman-portable-") as scratch:
        tree = Path(scratch, TOP)
        slim.slim(interpreter)
        packages = slim.site_packages(interpreter)
        found = wheels.download(Platform.of(interpreter.key), Path(scratch, "wheels"), order.wheels)
        for wheel in found.found:
            wheels.unpack(wheel, packages, tree / "licenses")
        own.copy(packages)
        compiling.compile_tree(python, interpreter.installation.path, whereabouts.PYTHON)
        shutil.copytree(interpreter.installation.path, tree / whereabouts.PYTHON, symlinks=True)
        put_launcher(tree / "bin", target)
        _describe(tree, interpreter, found, order)
        archive = folder / file_name(target)
        tarball.write(archive, tree, TOP, order.time)
        return Portable(archive, target, interpreter, found, _size(tree))


def _describe(tree: Path, interpreter: Interpreter, found: Wheels, order: Order) -> None:
    """Write down what this is, what it was made of, and the names of its files."""
    document = {
        "format": whereabouts.FORMAT,
        "version": __version__,
        "target": str(interpreter.key.target),
        "newest": order.newest,
        "python": {
            "key": str(interpreter.key),
            "origin": interpreter.origin,
            "sha256": interpreter.sha256,
        },
        "packages": [
            {"name": each.name, "version": each.version, "file": each.path.name, "sha256": each.sha256}
            for each in found.found
        ],
        "left_out": list(found.missing),
        "files": [*sorted(whereabouts.names(tree)), whereabouts.MARKER],
    }
    text = json.dumps(document, indent=1) + "\n"
    (tree / whereabouts.MARKER).write_text(text, encoding="utf-8")


def _size(tree: Path) -> int:
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
