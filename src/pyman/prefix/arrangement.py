"""What of a staged tree goes where in a prefix, and what is in the way. Only looks.

What is there and has not been put there by pyman, or was changed since, is never replaced. Another Python
that pyman has put there keeps the names that both have (`python3`, `pip`); what is the same file is shared.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pyman.builds.key import Key
from pyman.errors import StoreError
from pyman.inventory.manifest import File, Manifest, Record
from pyman.prefix import belongings, recovery
from pyman.prefix.prefix import Prefix
from pyman.store.installations import executable_name
from pyman.system.descent import Descent
from pyman.system.folder import Folder

_SHOWN = 20
# The scripts of what is in the site-packages of a build, and changes with it.
_SCRIPT = re.compile(r"bin/(?:pip|easy_install|wheel)[0-9.-]*", re.ASCII)
_HINT = (
    "pyman replaces only what it has put there, with --force, and nothing that was changed since. Move or "
    "delete what is in the way, or choose another directory with --prefix."
)


class Tree(NamedTuple):
    """A staged tree: its files, and its folders; `library` is that of the standard library."""

    key: Key
    files: Manifest
    folders: set[str]
    library: str

    def is_essential(self, name: str) -> bool:
        """Whether this Python would not be one, if something was another's."""
        program = re.escape(executable_name(self.key))
        own = re.match(rf"(?:bin|include|lib)/(?:lib)?{program}(?![0-9a-z])", name)
        return own is not None or name.startswith(f"{self.library}/")


class Predecessor(NamedTuple):
    """What is in the prefix by the record that is to be replaced, and in what it is not as it was."""

    files: Manifest
    folders: set[str]
    changed: Mapping[str, str]
    missing: set[str]

    def is_touched(self, site: str) -> bool:
        """Whether somebody has installed or removed packages among those that it came with."""
        return any(name.startswith(f"{site}/") for name in (*self.changed, *self.missing))


NOBODY = Predecessor({}, set(), {}, set())


@dataclass(slots=True)
class Arrangement:
    """What is moved in and set aside; `files` and `folders` are then the Python's own.

    `left` are names that another Python keeps; `is_site_kept`: its packages are left out, for those that are
    there were changed.
    """

    entering: list[str] = field(default_factory=list)
    leaving: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    emptied: list[str] = field(default_factory=list)
    files: Manifest = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    is_site_kept: bool = False


def arrange(prefix: Prefix, top: Folder, tree: Tree, before: Predecessor, others: Record) -> Arrangement:
    """Return what is to be done; StoreError, which lists it, if something is in the way.

    `others` is what the other Pythons there have by their records: a folder that was made for one of them is
    there for both. Raises OSError.
    """
    with Descent(top) as below:
        work = _Arranging(below, top.own_status().st_dev, tree, before, others)
        work.look()
    if work.conflicts:
        raise _in_the_way(prefix, tree.key, work.conflicts)
    return work.result


class _Arranging:
    """The looking, folder by folder."""

    def __init__(self, below: Descent, device: int, tree: Tree, before: Predecessor, others: Record) -> None:
        self._below = below
        self._device = device
        self._tree = tree
        self._before = before
        self._others = others.files
        self._shared = set(recovery.folders_in(others))
        self._site = f"{tree.library}/site-packages"
        self._new = set[str]()  # folders that are not there
        self._closed = set[str]()  # folders that something else has the place of
        modules = before.files.keys() - before.changed.keys()
        self._stale = set(belongings.bytecode_of(below, modules)) - before.files.keys()
        self.conflicts: dict[str, str] = {}
        self.result = Arrangement(is_site_kept=before.is_touched(self._site))

    def look(self) -> None:
        """Look at all of it."""
        tree, before, result = self._tree, self._before, self.result
        for name in sorted(tree.folders):
            self._look_at_folder(name)
        for name, listed in tree.files.items():
            self._look_at_file(name, listed)
        old = before.files.keys() - before.changed.keys() - before.missing - tree.files.keys()
        gone = {*result.leaving, *old, *self._stale} - self._others.keys()
        result.leaving = sorted(name for name in gone if not self._is_kept(name))
        made = {*before.folders, *self._shared, *result.made}
        result.folders = sorted(made & {*tree.folders, "."})
        result.emptied = sorted(before.folders - set(result.folders))

    def _look_at_folder(self, name: str) -> None:
        above = name.rpartition("/")[0]
        kind = "" if above in self._new else self._below.kind(name)
        if self._is_kept(name):
            return
        if above in self._closed:
            self._closed.add(name)
        elif not kind:
            self._new.add(name)
            self.result.made.append(name)
            if above not in self._new:
                self.result.entering.append(name)
        elif kind != "folder":
            self._close(name, f"is a {kind}, and no folder")
        elif self._below.folder(name).own_status().st_dev != self._device:
            self._close(name, "is on another file system")

    def _close(self, name: str, why: str) -> None:
        self._closed.add(name)
        self.conflicts[name] = why

    def _look_at_file(self, name: str, listed: File | str) -> None:
        folder, result = name.rpartition("/")[0], self.result
        if self._is_kept(name):
            return
        if folder in self._new:
            result.files[name] = listed
        elif folder not in self._closed:
            kind = self._below.kind(name)
            if not kind:
                result.files[name] = listed
                result.entering.append(name)
            else:
                self._look_at_taken(name, listed, kind)

    def _look_at_taken(self, name: str, listed: File | str, kind: str) -> None:
        before, result = self._before, self.result
        if name in self._others:
            if self._is_there(name, listed):
                result.files[name] = listed
            elif self._tree.is_essential(name):
                self.conflicts[name] = "belongs to another Python that pyman has put there"
            else:
                result.left.append(name)
        elif name in before.changed:
            self.conflicts[name] = f"was changed since pyman put it there: it {before.changed[name]}"
        elif name in before.files:
            result.files[name] = listed
            if before.files[name] != listed:
                result.leaving.append(name)
                result.entering.append(name)
        elif name in self._stale:
            result.files[name] = listed
            result.entering.append(name)
        else:
            self.conflicts[name] = f"is a {kind} that pyman has not put there"

    def _is_kept(self, name: str) -> bool:
        """Whether something belongs to packages that were changed, and stays as it is."""
        is_package = name.startswith(f"{self._site}/") or _SCRIPT.fullmatch(name) is not None
        return self.result.is_site_kept and is_package

    def _is_there(self, name: str, listed: File | str) -> bool:
        place, last = self._below.at(name)
        return belongings.is_same(place, last, listed)


def _in_the_way(prefix: Prefix, key: Key, conflicts: Mapping[str, str]) -> StoreError:
    count = len(conflicts)
    what = "something is" if count == 1 else f"{count:,} things are"
    rows = [f"{name} {why}" for name, why in sorted(conflicts.items())]
    more = [f"and {count - _SHOWN:,} more"] if count > _SHOWN else []
    head = f"cannot install {key} into {prefix.path}: {what} in the way"
    return StoreError("\n  ".join([head, *rows[:_SHOWN], *more]), _HINT)
