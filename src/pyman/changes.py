"""The store as it is changed: stage, publish, remove.

Work on a build happens in `.staging/<key>/` under the lock `.locks/<key>.lock`. `new-…` is what will be
published. Publishing is a rename, so what is visible is whole; where there is something to replace, the two
change places in one step, and `new-…` is then what was there before. Where the system cannot do that, what is
replaced is called `old` until its successor is in its place.

A process that dies leaves its rubbish there; whoever next takes a lock on the store sweeps what no living
process holds: an `old` without a successor is put back, all else is discarded. Discarding begins with a
rename, to a name with `~` in it: half an `old` must never be taken for a whole one. Removing is discarding.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from pyman import groups, locks, manifest, modes
from pyman.errors import StoreError
from pyman.filesystem import exchange, flush, flush_names
from pyman.key import Key
from pyman.store import RECORD, Installation, Store

_README = """\
This directory belongs to pyman, the Python version manager.

Each folder is one Python installation; do not change what is in it. Remove one with `pyman uninstall`.
"""
_DISCARDED = "~"  # is in no key
_IN_USE = "Close the programs that run from it, and check the permissions there."


@contextmanager
def locked(
    store: Store, key: Key, on_wait: Callable[[str], None], cancelled: Event | None = None
) -> Iterator[None]:
    """Hold the build's lock. StoreError if that fails.

    If another process has it `on_wait` is called once, with what that process is called.

    CancelledError soon after `cancelled` is set while it waits.

    On the way in, what dead processes left in `.staging` is swept; on the way out, what `remove` left.
    """
    _prepare(store)
    with locks.held(_locks(store), str(key), on_wait, cancelled or Event()):
        try:
            _settle(store, str(key))
        except OSError as error:
            raise StoreError.of("put back", store.path_of(key), error) from None
        _sweep(store)
        try:
            yield
        finally:
            with suppress(OSError):
                _settle(store, str(key))


def is_possible(store: Store) -> bool:
    """Whether this user may change what is in the store, or make it if there is none."""
    return not store.home.exists() or os.access(store.home, os.W_OK | os.X_OK)


def sweep(store: Store) -> None:
    """Settle what dead processes left in `.staging`. StoreError when the store cannot be written."""
    try:
        is_needed = next(_stages(store).iterdir(), None) is not None
    except OSError:  # there is none, or it is somebody else's
        return
    if is_needed:
        _prepare(store)
        _sweep(store)


@contextmanager
def links_locked(store: Store) -> Iterator[None]:
    """Hold the lock under which links are moved: short, so waiting for it is not announced."""
    _prepare(store)
    with locks.held(_locks(store), "links", lambda _: None, Event()):
        yield


@contextmanager
def metadata_locked(store: Store) -> Iterator[None]:
    """Hold the lock under which what was learned is replaced: short, so waiting for it is not announced."""
    _prepare(store)
    with locks.held(_locks(store), "metadata", lambda _: None, Event()):
        yield


@contextmanager
def staging(store: Store, key: Key) -> Iterator[Path]:
    """Give an empty directory, one rename away from the store; it is removed unless it was published.

    The caller holds the build's lock. StoreError when it cannot be made.
    """
    # A name of its own: whoever had the lock before and lost it (see claims) must not publish this half made.
    new = _stage(store, str(key)) / f"new-{os.urandom(4).hex()}"
    try:
        for folder in (new.parent, new):
            folder.mkdir(exist_ok=folder != new)
            groups.hand_down(folder)
        yield new
    except OSError as error:
        raise StoreError.of("change", new, error) from None
    finally:
        # Not only discarded: ^C may have come between the two renames of publish().
        with suppress(OSError):
            _settle(store, str(key))


def publish(store: Store, key: Key, tree: Path, record: dict[str, Any]) -> Installation:
    """Write the record into the staged `tree`, and make it the installation of `key` by a rename.

    An installation that was there before is kept until its successor is in its place. The files of `tree` are
    on the disk before they are seen, and the rename is before this returns: where the system keeps to that
    (see `flush`), a crash of the machine leaves one of the two whole, and no empty files.
    """
    final, here = store.path_of(key), tree / RECORD
    try:
        here.unlink(missing_ok=True)  # an archive may have one, and be it a link to another of its files
        here.write_text(manifest.document(record), encoding="utf-8")
        modes.settle(tree, store.home)
        flush(tree)
        _put_in_place(tree, final)
        flush_names(store.home)
    except OSError as error:
        raise StoreError.of("publish", final, error) from None
    return Installation(key, final)


def _put_in_place(tree: Path, final: Path) -> None:
    """Rename `tree` to `final`. What was there is afterwards where `tree` was, or called `old` beside it."""
    if not final.exists():
        tree.rename(final)
        return
    if exchange(tree, final):
        return
    # For a moment there is none. Who dies in it leaves `old` to be put back by whoever settles the stage.
    old = tree.parent / "old"
    final.rename(old)
    try:
        tree.rename(final)
    except OSError:
        old.rename(final)
        raise


def remove(store: Store, installation: Installation) -> None:
    """Take an installation out of the store, by a rename; it is deleted when its lock is left.

    The caller holds that lock. StoreError when it cannot be done; the installation is then as it was.
    """
    try:
        # Nothing is made for it: it has to work on a full disk.
        installation.path.rename(_rubbish(_stage(store, str(installation.key))))
    except OSError as error:
        raise StoreError.of("remove", installation.path, error, _IN_USE) from None


def _prepare(store: Store) -> None:
    """Make the store's own folders; StoreError when it cannot be written, or others could interfere."""
    try:
        modes.check_place(store.home)
        modes.make_home(store.home)
        for folder in (_stages(store), _locks(store)):
            modes.make_private(folder)
        _write_readme(store)
    except OSError as error:
        raise StoreError.of("write to", store.home, error) from None


def put(store: Store, path: Path, data: bytes) -> None:
    """Write a file of the store's own, in the place of what it was; StoreError if that fails.

    It is written whole or not at all, and whoever may read the store may read it.
    """
    waiting = path.with_name(f".{path.name.removeprefix('.')}.{os.urandom(4).hex()}")
    mode = modes.readable(store.home)
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode, exist_ok=True)
            path.parent.chmod(mode)
            groups.hand_down(path.parent)
        try:
            waiting.write_bytes(data)
            waiting.chmod(mode & 0o666)
            waiting.replace(path)
        finally:
            waiting.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError.of("write", path, error) from None


def _write_readme(store: Store) -> None:
    readme = store.home / "README"
    if not readme.exists():
        put(store, readme, _README.encode())


def _sweep(store: Store) -> None:
    """Settle what processes that are no longer alive left behind: those whose lock is free."""
    for stage in _stages(store).iterdir():
        if _DISCARDED in stage.name:
            shutil.rmtree(stage, ignore_errors=True)  # also if somebody else is at it
            continue
        with suppress(OSError), locks.held_if_free(_locks(store), stage.name) as held:
            if held:
                _settle(store, stage.name)


def _settle(store: Store, name: str) -> None:
    """Put back what was moved aside for a successor that never came, and discard the rest."""
    stage = _stage(store, name)
    final = store.home / name
    if (stage / "old").exists() and not final.exists():
        (stage / "old").rename(final)
    # What cannot be moved or deleted now (an open file on Windows) is swept by a later run.
    with suppress(OSError):
        stage.rename(_rubbish(stage))
    for rubbish in _stages(store).glob(f"{name}{_DISCARDED}*"):
        shutil.rmtree(rubbish, ignore_errors=True)


def _rubbish(stage: Path) -> Path:
    return stage.with_name(f"{stage.name}{_DISCARDED}{os.getpid()}-{time.monotonic_ns()}")


def _stages(store: Store) -> Path:
    return store.home / ".staging"


def _stage(store: Store, name: str) -> Path:
    return _stages(store) / name


def _locks(store: Store) -> Path:
    return store.home / ".locks"
