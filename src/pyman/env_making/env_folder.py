"""A folder in which an environment is made: if that fails, or is stopped, all is as it was before.

An environment cannot be made elsewhere and moved, for its own path stands in its files. So what was in the
folder waits in a folder within until the new one is whole, and its name says how far it has come:

    .pyman-moving   takes in what was there, or gives it back: what lies beside it is old as well
    .pyman-before   has all that was there: what lies beside it is new, and not whole
    .pyman-gone     is only to be removed: what lies beside it is a whole environment

A process that dies leaves one of them. Whoever comes next does the rest of the way back, or forward.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyman.env_making import env_place
from pyman.env_making.env_place import BEFORE, GONE, LOCK, MOVING, OURS
from pyman.errors import PymanError
from pyman.locking import locks
from pyman.system.emptying import remove_tree
from pyman.system.folder import Folder

_WHERE = "Check the permissions and the free space there, or name another folder."
_NO_MATTER = 0o700


@contextmanager
def emptied(
    path: Path, *, clear: bool, stores: Iterable[Path] = (), note: Callable[[str], None]
) -> Iterator[None]:
    """Have an empty folder at `path` during the block, which makes the environment there.

    What was there is gone when the block ends, and there again if it raises. What an interrupted run left is
    put right first, and `note` told of it. PymanError as `env_place.check` raises it, or where the folder
    cannot be had.
    """
    made = _missing(path)
    try:
        try:
            path.mkdir(parents=True, exist_ok=True)
            with locks.held_if_free(path, LOCK, fleeting=True) as held, Folder.open(path) as folder:
                _check_held(path, held=held)
                _put_right(folder, note)
                env_place.check(path, clear=clear, stores=stores)
                _put_aside(folder)
                with _undone_if_it_fails(folder):
                    yield
                folder.rename(BEFORE, folder, GONE)
                _remove(folder, GONE)
        except OSError as error:
            raise PymanError(f"cannot make {path}: {error.strerror or error}", _WHERE) from None
    except BaseException:
        for each in made:
            with suppress(OSError):
                each.rmdir()
        raise


def _missing(path: Path) -> list[Path]:
    """The folders that have to be made, the innermost first."""
    return [each for each in (path, *path.parents) if not os.path.lexists(each)]


def _check_held(path: Path, *, held: bool) -> None:
    if not held:
        raise PymanError(f"another process makes an environment in {path}", "Wait until it has ended.")


@contextmanager
def _undone_if_it_fails(folder: Folder) -> Iterator[None]:
    try:
        yield
    except BaseException:
        _give_back(folder)
        raise


def _put_right(folder: Folder, note: Callable[[str], None]) -> None:
    """Go the rest of the way that an interrupted run went."""
    names = folder.names()
    if MOVING in names or BEFORE in names:
        _give_back(folder)
        is_back = bool(_content(folder))
        what = "what was there before is there again" if is_back else "what it had made is removed"
        note(f"An earlier `pyman venv` was interrupted in {folder.path}: {what}.")
    if GONE in names:
        _remove(folder, GONE)


def _put_aside(folder: Folder) -> None:
    names = _content(folder)
    folder.make_folder(MOVING, _NO_MATTER)
    with folder.inner(MOVING) as inner:
        for name in names:
            folder.rename(name, inner, name)
    folder.rename(MOVING, folder, BEFORE)


def _give_back(folder: Folder) -> None:
    """Remove what is new, and move back what was there."""
    if folder.has_folder(BEFORE):
        for name in _content(folder):
            _remove(folder, name)
        folder.rename(BEFORE, folder, MOVING)
    with folder.inner(MOVING) as inner:
        for name in inner.names():
            inner.rename(name, folder, name)
    folder.remove_empty(MOVING)


def _content(folder: Folder) -> list[str]:
    return [name for name in folder.names() if name not in OURS]


def _remove(folder: Folder, name: str) -> None:
    """Remove what this made, a folder or a file."""
    if folder.has_folder(name):
        remove_tree(folder, name)
    else:
        folder.unlink(name)
