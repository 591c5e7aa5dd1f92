"""What lies in `.staging`, and how pyman tells what it made there: only that does it ever delete.

    .staging/<key>/                       a stage: work on one build, under its lock
                   new-1f2e3d4c/          what will be published; after an exchange, what was there before
                   new-1f2e3d4c.made      the note: written before it, removed after it
                   old                    what was moved aside where two names cannot be exchanged
    .staging/<key>~<pid>-<time>/          a stage that is discarded, or an installation that was removed

Names alone prove nothing, anybody may have chosen them. `new-…` is pyman's if its note is there; `old`, and
what was removed, if the record in it is that of the build: deleted last, so that half of one can still be
told. All else stays, and so does the folder it is in. Nothing here follows a link.
"""

import os
import re
import time
from contextlib import suppress

from pyman.builds.key import Key
from pyman.store import modes, premises, record
from pyman.system.emptying import remove_tree
from pyman.system.folder import Folder

OLD = "old"
_NEW = re.compile(r"new-[0-9a-f]{8}", re.ASCII)
_NOTE = ".made"
_LONGEST_NOTE = 1000
_DISCARDED = re.compile(r"(?P<key>.+)~[0-9]+-[0-9]+", re.ASCII)  # ~ is in no key


def begin(stages: Folder, key: str) -> str:
    """Make a stage for the build, and in it an empty folder of a name of its own, which is returned.

    Raises OSError, and StoreError when something else has the stage's place.
    """
    with suppress(FileExistsError):
        stages.make_folder(key)
    # A name of its own: whoever had the lock before and lost it (see claims) must not publish this half made.
    name = f"new-{os.urandom(4).hex()}"
    with premises.working(stages, key) as stage:
        stage.make_file(name + _NOTE, key.encode())
        stage.make_folder(name)
    return name


def is_installation(folder: Folder, name: str, key: str) -> bool:
    """Whether an entry is a directory, no link to one, with the record of that build."""
    try:
        with folder.inner(name) as inner, inner.opened(record.RECORD) as file:
            return not record.fault_in(file, key)
    except OSError:
        return False


def is_link_to_installation(folder: Folder, name: str, key: str) -> bool:
    """Whether an entry is a link that leads to an installation of that build, which is elsewhere.

    One in a stage has been moved there: where a relative one leads counts from the store.
    """
    target = folder.link_target(name)
    if not target:
        return False
    stood_in = folder.path if name == key else folder.path.parent.parent
    return not record.fault(os.fspath(stood_in / target), key)


def kinds(stages: Folder) -> dict[str, str]:
    """Return what is in `.staging` and has a name as pyman gives: each with the key it belongs to."""
    found = {}
    for name in stages.names():
        discarded = _DISCARDED.fullmatch(name)
        key = discarded["key"] if discarded else name
        if Key.find(key):
            found[name] = key
    return found


def settle(home: Folder, stages: Folder, key: str) -> None:
    """Put back what was moved aside for a successor that never came, and delete the rest. Raises OSError.

    The caller holds the build's lock.
    """
    with suppress(OSError):  # another member's that died before the group was let in cannot be looked into
        stages.remove_empty(key)
    if stages.has_folder(key) and _is_trusted(stages, key):
        _put_back(home, stages, key)
        # What cannot be moved or deleted now (an open file on Windows) is swept by a later run.
        with suppress(OSError):
            _discard(stages, key)
    for name, owner in kinds(stages).items():
        if owner == key and name != key:
            sweep(stages, name, key)


def sweep(stages: Folder, name: str, key: str) -> None:
    """Delete what was discarded, as far as it is pyman's; also if another process is at it."""
    if not stages.has_folder(name) or not _is_trusted(stages, name):
        return
    if is_installation(stages, name, key):
        remove_tree(stages, name, last=record.RECORD)
        return
    with suppress(OSError), stages.inner(name) as stage:
        _clear(stage, key)
    with suppress(OSError):
        stages.remove_empty(name)


def discarded_name(key: str) -> str:
    """Return a new name for what is discarded."""
    return f"{key}~{os.getpid()}-{time.monotonic_ns()}"


def _put_back(home: Folder, stages: Folder, key: str) -> None:
    with stages.inner(key) as stage:
        is_whole = is_installation(stage, OLD, key) or is_link_to_installation(stage, OLD, key)
        if is_whole and home.status(key) is None:
            stage.rename(OLD, home, key)


def _discard(stages: Folder, key: str) -> None:
    """Rename a stage, so that half an `old` is never taken for a whole one.

    Where somebody keeps other things in it they stay in their place, and only `old` is renamed.
    """
    with stages.inner(key) as stage:
        if all(_is_own(stage, name, key) for name in stage.names()):
            stages.rename(key, stages, discarded_name(key))
            return
        if is_installation(stage, OLD, key):
            stage.rename(OLD, stages, discarded_name(key))
        _clear(stage, key)


def _clear(stage: Folder, key: str) -> None:
    """Delete what pyman made in a stage: a note after what it tells of."""
    for name in stage.names():
        if name != OLD and not name.endswith(_NOTE) and _is_own(stage, name, key):
            _remove(stage, name)
    for name in stage.names():
        if name == OLD and _is_own(stage, name, key):
            _remove(stage, name)
        elif _is_own(stage, name, key) and not stage.status(name.removesuffix(_NOTE)):
            with suppress(OSError):
                stage.unlink(name)


def _remove(stage: Folder, name: str) -> None:
    if stage.has_folder(name):
        remove_tree(stage, name, last=record.RECORD)
    elif stage.link_target(name):  # to an installation elsewhere, which was replaced
        with suppress(OSError):
            stage.unlink(name)


def _is_own(stage: Folder, name: str, key: str) -> bool:
    """Whether pyman made what is in a stage: by its name in full, and its note or record.

    It counts who wrote the note. An installation that was replaced may have been anybody's.
    """
    if name == OLD:
        return _is_replaced(stage, key)
    made = name.removesuffix(_NOTE)
    note = made + _NOTE
    is_noted = _NEW.fullmatch(made) is not None and _is_trusted(stage, note)
    return is_noted and _note(stage, note) in ((key, "") if name == note else (key,))


def _is_replaced(stage: Folder, key: str) -> bool:
    if is_installation(stage, OLD, key) or is_link_to_installation(stage, OLD, key):
        return True
    with suppress(OSError), stage.inner(OLD) as old:  # all of it is deleted, but for itself
        return not old.names()
    return False


def _note(stage: Folder, name: str) -> str | None:
    try:
        return stage.read(name, _LONGEST_NOTE).decode("ascii", "replace")
    except PermissionError:
        found = stage.status(name)  # of another member that died before the group was let in: it is empty
        return "" if found and not found.st_size else None
    except OSError:
        return None


def _is_trusted(folder: Folder, name: str) -> bool:
    found = folder.status(name)
    return found is not None and modes.is_trusted(found, folder.own_status())
