"""A disk that is full at any byte, a file that may not grow, a read-only store or folder of links."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.reliability.aftermath import again
from tests.reliability.bench import Bench, Row
from tests.reliability.checks import losses, unverified
from tests.reliability.runs import Ended
from tests.reliability.world import Deed, World

_PAGE = os.sysconf("SC_PAGESIZE")
_ROOM = 64 << 20
_FILES, _BYTES = 6, 60_000
_TOLD = 2_000  # bytes that an error message may take
_GROWING, _SHRINKING = ("install", "reinstall", "upgrade"), ("uninstall", "prune")


@dataclass(frozen=True, slots=True)
class _Case:
    """A command, and how much room it is given: bytes or files on the disk, or bytes in one file."""

    name: str
    room: str
    count: int

    def __str__(self) -> str:
        return f"{self.name}: {self.count:,} {self.room}"


def run(bench: Bench) -> list[Row]:
    """Try every amount of room, from none to enough; bounded, some of them."""
    with bench.worlds(files=_FILES, padding=_BYTES) as worlds:
        cases = _limits(bench)
        reason = reason_not_mounted(bench.folder)
        if not reason:
            cases += [*_sizes(bench, worlds[0]), *_read_only(worlds[0])]
        rows = bench.each("disk", cases, worlds, _attempt, _named)
        skipped = Row("disk", "a full disk, a read-only store", 0, 0, f"skipped: {reason}")
        return [*rows, skipped] if reason else rows


def reason_not_mounted(folder: Path) -> str:
    """Return why no disk can be mounted here, nothing if that works."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "only root on Linux can mount a small disk"
    probe = folder / "probe"
    probe.mkdir()
    try:
        _mount("-t", "tmpfs", "tmpfs", probe)
    except subprocess.CalledProcessError as error:
        return f"a disk cannot be mounted: {error.stderr.decode().strip()}"
    _mount(probe, program="umount")
    return ""


def _mount(*arguments: str | Path, program: str = "mount") -> None:
    subprocess.run([program, *arguments], check=True, capture_output=True)


def _limits(bench: Bench) -> list[_Case]:
    """The largest file that may be written, up to the size of the largest; messages go to files, too."""
    step = bench.wanted.amount(20_000, 500)
    return [_Case(name, "bytes in a file", size) for name in _GROWING for size in range(_TOLD, _BYTES, step)]


def _sizes(bench: Bench, world: World) -> list[_Case]:
    """Room in pages and in files, up to what the installation needs and a bit more."""
    tree = world.trees[world.builds.new.key]
    pages = _BYTES // _PAGE + 3 * len(tree) + 10
    cases = [_Case(name, "bytes on the disk", n * _PAGE) for name in _GROWING for n in range(pages)]
    cases += [_Case(name, "files on the disk", n) for name in _GROWING for n in range(len(tree) + 10)]
    cases += [_Case(name, "bytes on the disk", n * _PAGE) for name in _SHRINKING for n in range(4)]
    cases += [_Case(name, "files on the disk", n) for name in _SHRINKING for n in range(4)]
    step = bench.wanted.amount(20, 1)
    return cases[::step]


def _read_only(world: World) -> list[_Case]:
    return [
        _Case(deed.name, f"a read-only {what}", 0)
        for deed in world.deeds()
        for what in ("store", "folder of links")
    ]


def _named(case: _Case) -> str:
    kinds = {
        "bytes in a file": "a limit on the size of a file",
        "bytes on the disk": "a disk with no room for more bytes",
        "files on the disk": "a disk with no room for more files",
    }
    return kinds.get(case.room, case.room)


def _attempt(world: World, case: _Case, random: Random) -> list[str]:
    del random
    deed = _deed(world, case)
    world.reset(deed.before)
    if case.room == "bytes in a file":
        ended = world.forks.run(world.pyman, *deed.arguments, largest_file=case.count)
        return _judged(world, deed, ended) or again(world, deed)
    if case.room.startswith("a read-only"):
        return _read_only_attempt(world, deed, world.pyman.store if "store" in case.room else world.pyman.bin)
    with _disk(world) as narrow:
        narrow(case)
        ended = world.forks.run(world.pyman, *deed.arguments)
        wrong = _judged(world, deed, ended)
        narrow(None)
        return wrong or again(world, deed)


def _deed(world: World, case: _Case) -> Deed:
    return next(deed for deed in world.deeds() if deed.name == case.name)


def _judged(world: World, deed: Deed, ended: Ended, *, may_succeed: bool = True) -> list[str]:
    """It works or fails clearly, and what was there is there."""
    wrong = (
        ended.faults() + losses(world.pyman, world.trees, deed.kept) + unverified(world.forks, world.pyman)
    )
    if ended.code or not may_succeed:
        wrong += ended.unclear()
    return wrong


@contextmanager
def _disk(world: World) -> Iterator[Callable[[_Case | None], None]]:
    """Put the store on a disk of its own; gives what leaves only so much room on it, None for plenty."""
    store = world.pyman.store
    aside = store.with_name("aside")
    store.rename(aside)
    store.mkdir()
    _mount("-t", "tmpfs", "-o", f"size={_ROOM},mode=755", "tmpfs", store)
    try:
        shutil.copytree(aside, store, symlinks=True, dirs_exist_ok=True)
        yield lambda case: _narrow(store, case)
    finally:
        _mount(store, program="umount")
        shutil.rmtree(aside)


def _narrow(store: Path, case: _Case | None) -> None:
    here = os.statvfs(store)
    used, files = (here.f_blocks - here.f_bfree) * here.f_frsize, here.f_files - here.f_ffree
    size, inodes = _ROOM, 1 << 20
    if case and case.room == "bytes on the disk":
        size = used + case.count
    elif case:
        inodes = files + case.count
    _mount("-o", f"remount,size={size},nr_inodes={inodes}", store)


def _read_only_attempt(world: World, deed: Deed, folder: Path) -> list[str]:
    with _sealed(folder):
        ended = world.forks.run(world.pyman, *deed.arguments)
        # A removal may have no link to move, so that it works though the links are out of reach.
        wrong = _judged(world, deed, ended, may_succeed=folder != world.pyman.store)
        wrong += _readers(world, ["list", "--only-installed"], ["find", world.builds.other.key])
    return wrong or again(world, deed)


@contextmanager
def _sealed(folder: Path) -> Iterator[None]:
    _mount("--bind", folder, folder)
    try:
        _mount("-o", "remount,bind,ro", folder)
        yield
    finally:
        _mount(folder, program="umount")


def _readers(world: World, *commands: Sequence[str]) -> list[str]:
    """What only reads must work on a store that cannot be written."""
    wrong = []
    for arguments in commands:
        done = world.forks.run(world.pyman, *arguments)
        if done.code or not done.stdout:
            wrong.append(f"`pyman {' '.join(arguments)}` ends with {done.code}: {done.stderr[-500:]}")
    return wrong
