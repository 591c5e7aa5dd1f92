"""A prefix as the destination of an install: what it moves in, it moves in whole or not at all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

from pyman.builds.key import Key
from pyman.errors import StoreError
from pyman.inventory import access, comparison, manifest
from pyman.prefix import belongings, recovery
from pyman.prefix.arrangement import NOBODY, Arrangement, Predecessor, Tree, arrange
from pyman.prefix.prefix import (
    OWN,
    Occupant,
    Prefix,
    failed,
    for_a_prefix,
    hint,
    occupied,
    record_name,
)
from pyman.prefix.recovery import ASIDE, JOURNAL, RECORD, Journal
from pyman.prefix.workplace import Workplace, entered
from pyman.store import modes, stages, times
from pyman.store.installations import Installation
from pyman.system import groups
from pyman.system.descent import Descent, move_in
from pyman.system.filesystem import flush
from pyman.system.folder import Folder

_TREE = "tree"
_SHOWN = 8


class IntoPrefix:
    """The place of one build in a prefix; with `force` it may replace what pyman has put there before.

    To be used for one install.
    """

    def __init__(self, prefix: Prefix, key: Key, *, force: bool) -> None:
        self._prefix = prefix
        self._key = key
        self._force = force
        self._place: Workplace | None = None
        self._stage = ""
        self._done = Arrangement()
        self._latest: int | None = None

    @property
    def final(self) -> Path:
        """The prefix, as it will be called where it runs."""
        return self._prefix.final

    @contextmanager
    def locked(self, on_wait: Callable[[str], None], cancelled: Event | None = None) -> Iterator[None]:
        """Hold the lock of the prefix."""
        with entered(self._prefix, on_wait, cancelled) as place:
            self._place = place
            try:
                yield
            finally:
                self._place = None

    def present(self) -> Installation | None:
        """Return that build, if the prefix has it."""
        here = self._occupant()
        return here.installation if here and here.key == self._key else None

    def replaced(self) -> Mapping[str, Any]:
        """Return the record of the one of its minor version; empty if there is none, or it is damaged."""
        here = self._occupant()
        with suppress(StoreError):
            return here.record().facts if here else {}
        return {}

    def check(self) -> None:
        """StoreError if there is another one of its minor version, which may not be replaced."""
        here = self._occupant()
        if here and not self._force:
            raise occupied(here, self._key)
        own = self._at_work.own
        for name in (JOURNAL,) if here else (JOURNAL, record_name(self._key)):
            if own.status(name):
                raise StoreError(
                    f"{own.path / name} is not pyman's, or damaged: it is left alone",
                    "Move it away, or choose another directory with --prefix.",
                )

    def _occupant(self) -> Occupant | None:
        return self._prefix.occupant(self._at_work.own, record_name(self._key))

    @property
    def _at_work(self) -> Workplace:
        if not self._place:
            raise RuntimeError("the prefix is not locked")
        return self._place

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give a directory on the file system of the prefix."""
        try:
            with self._at_work.stages() as staged:
                name = stages.begin(staged, str(self._key))
                self._stage = f"{self._key}/{name}"
            with self._staged() as stage:
                stage.make_folder(_TREE)
                path = self._prefix.path / OWN / recovery.STAGES / self._stage / _TREE
            yield path
        except OSError as error:
            raise failed("install into", self._prefix.path, error) from None
        except StoreError as error:
            raise StoreError(error.message, for_a_prefix(error.hint)) from None

    @contextmanager
    def _staged(self) -> Iterator[Folder]:
        with Descent(self._at_work.own) as below:
            yield below.folder(f"{recovery.STAGES}/{self._stage}")

    def publish(self, tree: Path, record: Mapping[str, Any], latest: int | None = None) -> Installation:
        """Move the tree in, and put its record in place of the one before."""
        place = self._at_work
        self._latest = latest
        with self._staged() as stage:
            with stage.inner(_TREE) as new:
                if groups.is_shared(place.top.own_status()):
                    modes.make_room_for_bytecode(new)
                modes.give(new, place.allowed)
                if latest is not None:
                    times.limit(new, latest)
            before = self._predecessor()
            found = Tree(self._key, record["files"], _folders(tree), self._library(tree))
            others = recovery.others(place.own, self._key)
            self._done = arrange(self._prefix, place.top, found, before, others)
            if place.is_forsaken and "." not in self._done.folders:
                self._done.folders.insert(0, ".")
            self._write(stage, tree, record)
            self._move(stage, before)
        return Installation(self._key, self._prefix.path)

    def _predecessor(self) -> Predecessor:
        """Compare what is there by the record that will be replaced with that record."""
        here = self._occupant()
        if not here:
            return NOBODY
        try:
            record = here.record()
        except StoreError as error:
            raise StoreError(
                f"{here.key} in {self._prefix.path} cannot be replaced: {error.message}", hint()
            ) from None
        found = comparison.compare(self._prefix.path, record.files, None, set(), ())
        folders = set(recovery.folders_in(record))
        return Predecessor(record.files, folders, found.modified, set(found.missing()))

    def _library(self, tree: Path) -> str:
        found = Installation(self._key, tree).standard_library
        return found.relative_to(tree).as_posix() if found else "lib"

    def _write(self, stage: Folder, tree: Path, record: Mapping[str, Any]) -> None:
        """Write the record and the journal, and see all of it to the disk."""
        place, done = self._at_work, self._done
        rights = access.noted(tree, place.allowed) if self._latest is None else {}
        facts = {**record, **rights, "folders": done.folders, "files": dict(sorted(done.files.items()))}
        stage.make_file(RECORD, manifest.document(facts).encode())
        stage.set_mode_of(RECORD, place.plain)
        if self._latest is not None:
            stage.touch(RECORD, self._latest)
        names = (tuple(each) for each in (done.entering, done.made, done.emptied))
        stage.make_file(JOURNAL, Journal(self._key, self._stage, *names).document())
        flush(self._prefix.path)

    def _move(self, stage: Folder, before: Predecessor) -> None:
        """Do what is arranged; undone if it cannot be done to its end."""
        place, done = self._at_work, self._done
        stage.rename(JOURNAL, place.own, JOURNAL)
        try:
            stage.make_folder(ASIDE)
            with stage.inner(ASIDE) as aside, Descent(place.top) as here, Descent(aside) as there:
                for name in done.leaving:
                    _set_aside(here, there, name, before)
            with stage.inner(_TREE) as tree, Descent(place.top) as here, Descent(tree) as source:
                for name in done.entering:
                    folder, last = source.at(name)
                    move_in(folder, last, here.at(name)[0])
            stage.replace(RECORD, record_name(self._key), place.own)
        except BaseException:
            # ^C may have come when it was done already: as after a kill, the journal tells.
            with suppress(OSError):
                recovery.recover(place.top, place.own)
            raise
        place.keep()
        flush(self._prefix.path)
        recovery.recover(place.top, place.own)

    def _limit_folders(self) -> None:
        """Let the folders into which something was moved not tell when, where it is to be reproducible."""
        names = {"", OWN, *(name.rpartition("/")[0] for name in self._done.entering)}
        with Folder.open(self._prefix.path, follow=True) as top, Descent(top) as here:
            for name in sorted(names):
                here.folder(name).set_time(self._latest or 0)

    def settled(self) -> Iterator[str]:
        """Tell what was left to another Python, and which packages stay as they are."""
        done, path = self._done, self._prefix.path
        if self._latest is not None:
            with suppress(OSError):  # another process may have changed it since
                self._limit_folders()
        if done.left:
            names = ", ".join(done.left[:_SHOWN]) + (", …" if len(done.left) > _SHOWN else "")
            yield f"another Python in {path} keeps {len(done.left):,} names that both have: {names}"
        if done.is_site_kept:
            yield (
                f"the packages in {path} stay as they are, for they were changed since: what {self._key} "
                "comes with (pip) was left out"
            )


def _set_aside(here: Descent, there: Descent, name: str, before: Predecessor) -> None:
    """Move something of the predecessor's; FileExistsError if it is something else by now."""
    place, last = here.at(name)
    aside, _ = there.at(name, make=modes.PRIVATE)
    place.rename(last, aside, last)
    listed = before.files.get(name)
    is_ours = (
        belongings.is_bytecode(aside, last) if listed is None else belongings.is_same(aside, last, listed)
    )
    if not is_ours:
        raise FileExistsError(f"{name} was changed just now")


def _folders(tree: Path) -> set[str]:
    return {name for name, entry in manifest.entries(tree) if entry.is_dir(follow_symlinks=False)}
