"""The journal of a prefix: what is about to be moved, written before the first move, so as to be undone.

    .pyman/journal                                 names the stage, and what is moved
           .staging/<key>/new-1f2e3d4c/tree/       what goes into the prefix
                                       aside/      what was there, by the record that is replaced
                                       record      put in its place when all is moved: from then on it is done
           python3.13.removing                     the record of what is being removed: that is gone on with

Before the record is in its place all is undone: what the staged record lists is taken out where it is as it
is listed, and what is aside goes back where nothing is. What a journal names and is something else stays.
"""

import json
import stat
from contextlib import suppress
from typing import Any, NamedTuple

from pyman.builds.key import Key
from pyman.errors import StoreError
from pyman.inventory import manifest
from pyman.inventory.manifest import Manifest, Record
from pyman.prefix import belongings
from pyman.prefix.prefix import hint, key_of, record_name
from pyman.store import modes
from pyman.store.installations import executable_name
from pyman.system.descent import Descent, move_in
from pyman.system.folder import Folder

JOURNAL = "journal"
RECORD = "record"
ASIDE = "aside"
STAGES = ".staging"
_REMOVING = ".removing"
_FORM = 1
_LARGEST = 16 << 20


class Journal(NamedTuple):
    """What is about to be done for `key`, in the stage of that name.

    `entering` are files, links and whole folders that are moved in, `made` the folders among and in them;
    `emptied` are folders which are removed afterwards if nothing is in them.
    """

    key: Key
    stage: str
    entering: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()

    def document(self) -> bytes:
        """Return it as it is written down."""
        return json.dumps({"pyman": _FORM, **self._asdict(), "key": str(self.key)}).encode()

    @classmethod
    def read(cls, own: Folder) -> "Journal | None":
        """Return the journal that is there; None if there is none, or one that pyman has not written."""
        found = own.status(JOURNAL)
        if not found or not stat.S_ISREG(found.st_mode) or not modes.is_trusted(found, own.own_status()):
            return None
        try:
            document = json.loads(own.read(JOURNAL, _LARGEST))
            return cls._parsed(document) if document["pyman"] == _FORM else None
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None

    @classmethod
    def _parsed(cls, document: dict[str, Any]) -> "Journal":
        names = [tuple(map(str, document[each])) for each in ("entering", "made", "emptied")]
        return cls(Key.parse(document["key"]), str(document["stage"]), *names)


def is_begun(own: Folder) -> bool:
    """Whether something was begun and has not come to its end."""
    return Journal.read(own) is not None or bool(_half_removed(own))


def recover(top: Folder, own: Folder) -> None:
    """Undo, or finish, what a dead process has begun. Raises OSError, and StoreError for a damaged record.

    The caller holds the lock.
    """
    for key in _half_removed(own):
        _go_on_removing(top, own, key)
    journal = Journal.read(own)
    if journal is None:
        return
    staged = _staged(own, journal)
    if staged is None:
        belongings.remove_empty(top, journal.emptied)
    else:
        undo(top, own, journal, staged)
    own.unlink(JOURNAL)


def _staged(own: Folder, journal: Journal) -> Manifest | None:
    """Return what is listed in the staged record; None if that is in its place."""
    name = f"{STAGES}/{journal.stage}/{RECORD}"
    with Descent(own) as below:
        if below.kind(name) != "file":
            return None
    try:
        return manifest.read(str(own.path / name), journal.key).files
    except StoreError as error:
        raise StoreError(
            f"an install into {own.path.parent} was interrupted, and cannot be undone: {error.message}",
            f"Remove {own.path}, and what of {journal.key} is there.",
        ) from None


def undo(top: Folder, own: Folder, journal: Journal, staged: Manifest) -> None:
    """Take out what was moved in, as far as it was, and put back what is aside. Raises OSError."""
    inside = tuple(f"{name}/" for name in journal.entering)
    names = set(journal.entering)
    entered = {name: each for name, each in staged.items() if name in names or name.startswith(inside)}
    belongings.take_out(top, entered, journal.made)
    with suppress(FileNotFoundError), Descent(own) as below:
        _put_back(below.folder(f"{STAGES}/{journal.stage}/{ASIDE}"), top)


def _put_back(aside: Folder, top: Folder) -> None:
    """Move all that is in `aside` to where it was; what has its place by now stays there."""
    with Descent(aside) as source, Descent(top) as below:
        for name in _files(aside):
            place, last = source.at(name)
            with suppress(NotADirectoryError, FileExistsError):
                move_in(place, last, below.at(name, make=0o755)[0])


def _files(folder: Folder, prefix: str = "") -> list[str]:
    """Return the names of all that is no folder below one."""
    found = []
    for name in folder.names():
        if folder.has_folder(name):
            with folder.inner(name) as inner:
                found += _files(inner, f"{prefix}{name}/")
        else:
            found.append(prefix + name)
    return found


def remove(top: Folder, own: Folder, key: Key) -> None:
    """Take out what the record of `key` lists, as far as it is as it was; the record goes last.

    Raises OSError, and StoreError for a damaged record. What is done by then is done, and the rest is for
    whoever works there next.
    """
    own.replace(record_name(key), executable_name(key) + _REMOVING)
    _go_on_removing(top, own, key)


def _go_on_removing(top: Folder, own: Folder, key: Key) -> None:
    name = executable_name(key) + _REMOVING
    record = manifest.read(str(own.path / name), key)
    shared = others(own, key).files
    files = {each: listed for each, listed in record.files.items() if each not in shared}
    belongings.take_out(top, files, folders_in(record))
    own.unlink(name)


def _half_removed(own: Folder) -> list[Key]:
    """Return what a removal has been begun of."""
    return [key for name in own.names() if (key := key_of(own, name, _REMOVING))]


def others(own: Folder, key: Key) -> Record:
    """Return what the records of the other Pythons list, files and folders; StoreError if one is damaged."""
    files: Manifest = {}
    folders: list[str] = []
    for name in own.names():
        other = key_of(own, name) if name != record_name(key) else None
        if other:
            try:
                record = manifest.read(str(own.path / name), other)
            except StoreError as error:
                where = f"{other} is in {own.path.parent} too"
                raise StoreError(f"{where}, and {error.message}", hint()) from None
            files |= record.files
            folders += folders_in(record)
    return Record({"folders": folders}, files)


def folders_in(record: Record) -> list[str]:
    """Return the folders that were made for an installation, `.` for the prefix itself."""
    found = record.facts.get("folders")
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
