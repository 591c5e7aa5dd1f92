"""All that is made in one go: portables, pyman.pyz, install.sh, an SBOM, and the digests of all of them."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyman import __version__
from pyman.bootstrap import portables, pyz, sbom, script
from pyman.bootstrap.compilers import compilers
from pyman.bootstrap.own_interpreter import Interpreter, Shelf, from_file
from pyman.bootstrap.portables import Order, Portable
from pyman.builds.target import Target
from pyman.errors import NoDownloadFoundError
from pyman.requests.request import Request

_KILO = 1000
SUMS = "SHA256SUMS"
_Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """For which targets portables are made, of which Python or archives, and what compiles if it is given."""

    targets: tuple[Target, ...]
    archives: tuple[Path, ...]
    request: Request
    compiler: Path | None


def make(wanted: Wanted, shelf: Shelf, order: Order, folder: Path, tell: _Tell) -> None:
    """Write everything into `folder`; PymanError where that cannot be.

    A target for which nothing is built is left out and said, unless it is the only one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = list(_portables(wanted, shelf, order, folder, tell))
    if not made:
        raise NoDownloadFoundError(
            "there is no portable pyman to be made", "What was left out is said above."
        )
    app = pyz.make(folder, order)
    tell(f"{app.path.name}: {_mega(app.path.stat().st_size)}")
    script.write(folder / "install.sh", made, order)
    sbom.write(folder / f"pyman-{__version__}.cdx.json", made, app)
    _write_sums(folder)


def _portables(wanted: Wanted, shelf: Shelf, order: Order, folder: Path, tell: _Tell) -> Iterator[Portable]:
    with TemporaryDirectory(prefix="pyman-bootstrap-") as scratch:
        work = Path(scratch)
        for interpreter in _interpreters(wanted, shelf, work, tell):
            programs = compilers(interpreter, wanted.compiler, shelf, work)
            made = portables.make(interpreter, programs, order, folder)
            left_out = f", without {' and '.join(made.wheels.missing)}" if made.wheels.missing else ""
            size = f"{_mega(made.path.stat().st_size)} packed, {_mega(made.unpacked)} unpacked"
            tell(f"{made.path.name}: {interpreter.key}, {size}{left_out}")
            yield made


def _interpreters(wanted: Wanted, shelf: Shelf, work: Path, tell: _Tell) -> Iterator[Interpreter]:
    for path in wanted.archives:
        yield from_file(path, work)
    for target in wanted.targets:
        try:
            build = shelf.best(wanted.request, target)
        except NoDownloadFoundError as error:
            if len(wanted.targets) == 1:
                raise
            tell(f"{target} is left out: {error.message}")
            continue
        yield shelf.unpacked(build, work)


def _write_sums(folder: Path) -> None:
    """Write the digest of each file in the form that `sha256sum -c` reads."""
    lines = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != SUMS:
            with path.open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def _mega(size: int) -> str:
    return f"{size / _KILO / _KILO:.1f} MB"
