"""`pyman.pyz`: pyman with its dependencies in one file, for whoever has a Python that is new enough.

Only what is pure Python is in it. What needs an extension module (zstd before Python 3.14, the faster zlib)
is left out, and pyman says so where it is wanted.
"""

import time as clock
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from pyman.bootstrap import own, wheels
from pyman.bootstrap.platforms import PURE
from pyman.bootstrap.portables import Order
from pyman.bootstrap.wheels import Wheels

NAME = "pyman.pyz"
_FIRST_LINE = b"#!/usr/bin/env python3\n"
# Older Pythons have to understand it, to say that they are.
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "error: pyman needs Python 3.11 or later, this is %d.%d\\n"
        "hint: install.sh brings a pyman that needs none.\\n" % sys.version_info[:2]
    )
    sys.exit(1)

from pyman.__main__ import main

main()
"""


@dataclass(frozen=True, slots=True)
class App:
    """The file, and what is in it beside pyman."""

    path: Path
    wheels: Wheels


def make(folder: Path, order: Order) -> App:
    """Write `pyman.pyz` into `folder`. Raises PymanError where the dependencies cannot be had."""
    with TemporaryDirectory(prefix="pyman-pyz-") as scratch:
        tree = Path(scratch, "tree")
        found = wheels.download(PURE, Path(scratch, "wheels"), order.wheels)
        for wheel in found.found:
            wheels.unpack(wheel, tree, tree / "licenses")
        own.copy(tree)
        (tree / "__main__.py").write_text(_MAIN, encoding="utf-8")
        path = folder / NAME
        _write(path, tree, order.time)
        path.chmod(0o755)
        return App(path, found)


def _write(path: Path, tree: Path, time: int) -> None:
    with path.open("wb") as file:
        file.write(_FIRST_LINE)
        with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=9) as archive:
            for each in sorted(tree.rglob("*"), key=lambda path: path.relative_to(tree).as_posix()):
                if each.is_file():
                    info = ZipInfo(each.relative_to(tree).as_posix(), clock.gmtime(time)[:6])
                    info.create_system, info.external_attr = 3, 0o644 << 16  # Unix, whatever this is
                    info.compress_type = ZIP_DEFLATED
                    archive.writestr(info, each.read_bytes(), compresslevel=9)
