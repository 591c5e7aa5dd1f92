"""The store as it is changed: stage, publish, remove.

Work on a build happens in `.staging/<key>/` under the lock `.locks/<key>.lock`. `new-…` is what will be
published. Publishing is a rename, so what is visible is whole; where there is something to replace, the two
change places in one step, and `new-…` is then what was there before. Where the system cannot do that, what is
replaced is called `old` until its successor is in its place.

A process that dies leaves its rubbish there; whoever next takes a lock on the store sweeps what no living
process holds: an `old` without a successor is put back, all else that pyman made is discarded. Discarding
begins with a rename, to a name with `~` in it: half an `old` must never be taken for a whole one. Removing is
discarding. What is pyman's to rename or delete is told by `stages`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from pyman.builds.key import Key
from pyman.errors import StoreError
from pyman.locking import locks
from pyman.store import modes, premises, stages, times
from pyman.store.installations import Bystander, Installation, Store
from pyman.store.premises import LOCKS, STAGES
from pyman.store.record import RECORD
from pyman.system.filesystem import flush, flush_names
from pyman.system.folder import Folder

_IN_USE = "Close the programs that run from it, and check the permissions there."
_TAKEN = "pyman leaves it alone: move or delete it to install that build."


@contextmanager
def locked(
    store: Store, key: Key, on_wait: Callable[[str], None], cancelled: Event | None = None
) -> Iterator[None]:
    """Hold the build's lock. StoreError if that fails.

    If another process has it `on_wait` is called once, with what that process is called.

    CancelledError soon after `cancelled` is set while it waits.

    On the way in, what dead processes left in `.staging` is swept; on the way out, what `remove` left.
    """
    with (
        premises.entered(store) as home,
        premises.working(home, STAGES) as staged,
        locks.held(home.path / LOCKS, str(key), on_wait, cancelled or Event()),
    ):
        try:
            stages.settle(home, staged, str(key))
        except OSError as error:
            raise StoreError.of("put back", store.path_of(key), error) from None
        _sweep(home, staged)
        try:
            yield
        finally:
            with suppress(OSError):
                stages.settle(home, staged, str(key))


def is_possible(store: Store) -> bool:
    """Whether this user may change what is in the store, or make it if there is none."""
    return not store.home.exists() or os.access(store.home, os.W_OK | os.X_OK)


def sweep(store: Store) -> None:
    """Settle what dead processes left in `.staging`. StoreError when the store cannot be written."""
    try:
        with Folder.open(store.home, follow=True) as home, premises.working(home, STAGES) as staged:
            is_needed = bool(stages.kinds(staged))
    except OSError:  # there is none, or it is somebody else's
        return
    if is_needed:
        with premises.entered(store) as home, premises.working(home, STAGES) as staged:
            _sweep(home, staged)


@contextmanager
def links_locked(store: Store) -> Iterator[None]:
    """Hold the lock under which links are moved."""
    with _shortly_locked(store, "links"):
        yield


@contextmanager
def metadata_locked(store: Store) -> Iterator[None]:
    """Hold the lock under which what was learned is replaced."""
    with _shortly_locked(store, "metadata"):
        yield


@contextmanager
def _shortly_locked(store: Store, name: str) -> Iterator[None]:
    """Hold a lock that nobody has for long, so waiting for it is not announced."""
    with (
        premises.entered(store) as home,
        locks.held(home.path / LOCKS, name, lambda _: None, Event()),
    ):
        yield


def put(store: Store, path: Path, data: bytes) -> None:
    """Write a file of the store's own, in the place of what it was; StoreError if that fails.

    It is written whole or not at all, and whoever may read the store may read it.
    """
    try:
        with premises.entered(store) as home, premises.made(home, path.parent.name) as folder:
            premises.put(folder, path.name, data, modes.readable_file(store.home))
    except OSError as error:
        raise StoreError.of("write", path, error) from None


@contextmanager
def staging(store: Store, key: Key) -> Iterator[Path]:
    """Give an empty directory, one rename away from the store; it is removed unless it was published.

    The caller holds the build's lock. StoreError when it cannot be made.
    """
    with premises.entered(store) as home, premises.working(home, STAGES) as staged:
        stage = staged.path / str(key)
        try:
            yield stage / stages.begin(staged, str(key))
        except OSError as error:
            raise StoreError.of("change", stage, error) from None
        finally:
            # Not only discarded: ^C may have come between the two renames of publish().
            with suppress(OSError):
                stages.settle(home, staged, str(key))


def publish(store: Store, key: Key, tree: Path, record: str, latest: int | None = None) -> Installation:
    """Write the record, a text, into the staged `tree`, and make it the installation of `key` by a rename.

    With `latest`, in seconds since 1970, nothing in it is later than that, and its modes are the same for
    whoever makes it (see `modes.settle`).

    An installation that was there before is kept until its successor is in its place. The files of `tree` are
    on the disk before they are seen, and the rename is before this returns: where the system keeps to that
    (see `flush`), a crash of the machine leaves one of the two whole, and no empty files.

    StoreError when that cannot be done, or what has the place is no installation: it is left alone.
    """
    final = store.path_of(key)
    try:
        with (
            premises.entered(store) as home,
            premises.working(home, STAGES) as staged,
            staged.inner(str(key)) as stage,
        ):
            with stage.inner(tree.name) as new:
                if new.status(RECORD):
                    new.unlink(RECORD)  # an archive may have one, and be it a link to another of its files
                new.make_file(RECORD, record.encode())
                modes.settle(new, store.home, is_same=latest is not None)
                if latest is not None:
                    times.limit(new, latest)
            flush(tree)
            _put_in_place(stage, tree.name, home, str(key))
            flush_names(store.home)
    except OSError as error:
        raise StoreError.of("publish", final, error) from None
    return Installation(key, final)


def _put_in_place(stage: Folder, tree: str, home: Folder, key: str) -> None:
    """Rename `tree` to `key`. What was there is afterwards where `tree` was, or called `old` beside it."""
    if home.status(key) is None:
        stage.rename(tree, home, key)
        return
    if not _is_replaceable(home, key, key):
        raise taken(Store(home.path).bystander(Key.parse(key)))
    if stage.exchange(tree, home, key):
        if not _is_replaceable(stage, tree, key):  # something else took its place just now
            stage.exchange(tree, home, key)
            raise taken(None)
        return
    # For a moment there is none. Who dies in it leaves `old` to be put back by whoever settles the stage.
    home.rename(key, stage, stages.OLD)
    try:
        stage.rename(tree, home, key)
    except OSError:
        stage.rename(stages.OLD, home, key)
        raise


def _is_replaceable(folder: Folder, name: str, key: str) -> bool:
    return stages.is_installation(folder, name, key) or stages.is_link_to_installation(folder, name, key)


def remove(store: Store, installation: Installation) -> None:
    """Take an installation out of the store, by a rename; it is deleted when its lock is left.

    Of one that is elsewhere only the link is removed. The caller holds the lock. StoreError when it cannot be
    done; the installation is then as it was.
    """
    key = str(installation.key)
    try:
        with premises.entered(store) as home, premises.working(home, STAGES) as staged:
            if stages.is_link_to_installation(home, key, key):
                home.unlink(key)
            elif stages.is_installation(home, key, key):
                _set_aside(home, staged, key)
            else:
                raise taken(store.bystander(installation.key))
    except OSError as error:
        raise StoreError.of("remove", installation.path, error, _IN_USE) from None


def _set_aside(home: Folder, staged: Folder, key: str) -> None:
    # Nothing is made for it: it has to work on a full disk.
    aside = stages.discarded_name(key)
    home.rename(key, staged, aside)
    if not stages.is_installation(staged, aside, key):  # something else took its place just now
        staged.rename(aside, home, key)
        raise taken(None)


def taken(bystander: Bystander | None) -> StoreError:
    """Return the error that says what has the place of a build, and that it is left alone."""
    return StoreError(f"the place is taken: {bystander or 'something else is in it now'}", _TAKEN)


def _sweep(home: Folder, staged: Folder) -> None:
    """Settle what processes that are no longer alive left behind: those whose lock is free."""
    for name, key in stages.kinds(staged).items():
        if name != key:
            stages.sweep(staged, name, key)
            continue
        with suppress(OSError), locks.held_if_free(home.path / LOCKS, key) as held:
            if held:
                stages.settle(home, staged, key)
