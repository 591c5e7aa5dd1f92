"""A small world in which things go wrong: a release host, a store as it may be met, what is done to it."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.conftest import Pyman, fixture_archive
from tests.reliability.checks import Tree, described
from tests.reliability.runs import Forks
from tests.support.builds import Archive, own_form, small_archive, write_archive
from tests.support.repack import this_target
from tests.support.server import Server, serving

# It answers what the smoke test asks; that real interpreters run is shown elsewhere.
_INTERPRETER = """\
#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd)
echo "{{'version': '{version}', 'suffix': 'musl', 'prefix': '$here', 'missing': {{}}}}"
"""
# Nothing of this one is ever run, and it gets no link in the folder of links.
_FOREIGN = "linux-riscv64-gnu"


@dataclass(frozen=True, slots=True)
class Builds:
    """What the host offers: an older and a newer build of one minor version, and one of another."""

    old: Archive
    new: Archive
    other: Archive

    @property
    def minor(self) -> str:
        """The minor version of old and new."""
        return self.old.version.rpartition(".")[0]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to a store: a command, and the keys of what is there before and after."""

    name: str
    arguments: tuple[str, ...]
    before: frozenset[str]
    after: frozenset[str]

    @property
    def kept(self) -> frozenset[str]:
        """What nothing may take away."""
        return self.before & self.after


@dataclass(frozen=True, slots=True)
class World:
    """A store, a release host, and how each build looks when nothing disturbed its installation."""

    pyman: Pyman
    server: Server
    forks: Forks
    builds: Builds
    trees: dict[str, Tree]
    what: str

    def deeds(self) -> list[Deed]:
        """Return the five commands which change a store, each with the store it is tried on."""
        old, new, other = self.builds.old.key, self.builds.new.key, self.builds.other.key
        return [
            Deed("install", ("install", new), frozenset({other}), frozenset({new, other})),
            Deed("reinstall", ("install", "--reinstall", old), *[frozenset({old, other})] * 2),
            Deed(
                "upgrade",
                ("upgrade", self.builds.minor),
                frozenset({old, other}),
                frozenset({old, new, other}),
            ),
            Deed("uninstall", ("uninstall", new), frozenset({old, new, other}), frozenset({old, other})),
            Deed("prune", ("prune", "--yes"), frozenset({old, new, other}), frozenset({new, other})),
        ]

    def reset(self, keys: frozenset[str]) -> None:
        """Make the store hold these builds, as undisturbed installs leave it."""
        template = self._template(keys)
        for folder in (self.pyman.store, self.pyman.bin):
            shutil.rmtree(folder, ignore_errors=True)
            # Hard links: an installation is never written to once it is there, and if it is that is seen.
            shutil.copytree(template / folder.name, folder, symlinks=True, copy_function=os.link)

    def run_to_learn(self) -> None:
        """Install everything once, undisturbed, and remember what that gives."""
        for archive in (self.builds.other, self.builds.old, self.builds.new):
            done = self.forks.run(self.pyman, "install", archive.key)
            if done.code or done.faults():
                raise RuntimeError(f"an install that nothing disturbs fails: {done.stderr}")
            self.trees[archive.key] = described(self.pyman.store / archive.key)
            template = self._template(frozenset(self.trees))
            for folder in (self.pyman.store, self.pyman.bin):
                shutil.copytree(folder, template / folder.name, symlinks=True)

    def _template(self, keys: frozenset[str]) -> Path:
        return self.pyman.root / "templates" / str(len(keys))


@contextmanager
def world(folder: Path, forks: Forks, *, files: int, padding: int) -> Iterator[World]:
    """Give a world of builds with so many files and bytes, each with a script for an interpreter."""
    with _made(folder, forks, "small builds", lambda place: _light(place, files, padding)) as made:
        yield made


@contextmanager
def real_world(folder: Path, forks: Forks, fixtures: Path) -> Iterator[World]:
    """Give a world of real interpreters: 3.12.1, and 3.13.0 in two releases."""
    with _made(folder, forks, "real interpreters", lambda place: _real(place, fixtures)) as made:
        yield made


@contextmanager
def _made(folder: Path, forks: Forks, what: str, make: Callable[[Path], Builds]) -> Iterator[World]:
    pyman = Pyman(folder / "user")
    for place in (pyman.home, pyman.bin, pyman.work, folder / "releases"):
        place.mkdir(parents=True)
    with serving(folder / "releases") as server:
        builds = make(server.folder)
        metadata = folder / "metadata.json"
        metadata.write_bytes(own_form([builds.old, builds.new, builds.other], server.url))
        pyman.environment |= {
            "PYMAN_METADATA": str(metadata),
            "PATH": f"{pyman.bin}{os.pathsep}{os.environ['PATH']}",
        }
        made = World(pyman, server, forks, builds, {}, what)
        made.run_to_learn()
        yield made


def _light(folder: Path, files: int, padding: int) -> Builds:
    versions = (("3.13.4", "20250604"), ("3.13.5", "20250612"))
    old, new = (_scripted(folder, Archive(*each, this_target()), files, padding) for each in versions)
    return Builds(old, new, small_archive(folder, Archive("3.12.11", "20250604", _FOREIGN)))


def _scripted(folder: Path, archive: Archive, files: int, padding: int) -> Archive:
    """Write an archive whose interpreter is a script, with more files, and bytes that do not compress."""
    minor = archive.version.rpartition(".")[0]
    library = f"python/lib/python{minor}"
    random = Random(archive.key)  # noqa: S311 - no secret
    members = {
        f"python/bin/python{minor}": _INTERPRETER.format(version=archive.version).encode(),
        f"{library}/os.py": b'"""Operating system."""\n',
        f"{library}/padding": random.randbytes(padding),
    }
    members |= {
        f"{library}/package{n % 5}/module{n}.py": b"x = 1\n" * random.randrange(2000) for n in range(files)
    }
    return write_archive(folder, archive, members)


def _real(folder: Path, fixtures: Path) -> Builds:
    old, other = (
        _copied(folder, fixture_archive(fixtures, f"cpython-{version}+"), "")
        for version in ("3.13.0", "3.12.1")
    )
    return Builds(old, _copied(folder, fixture_archive(fixtures, "cpython-3.13.0+"), "20250101"), other)


def _copied(folder: Path, source: Path, release: str) -> Archive:
    """Offer a fixture, perhaps as if it were of another release."""
    archive = Archive.of_file(source)
    archive = replace(archive, release=release or archive.release)
    place = folder / archive.path
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, place)
    return archive
