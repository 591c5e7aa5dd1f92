"""The folder `.pyman` of a prefix: made, locked, cleared of what dead processes left, and taken away again.

It stays as long as it has a record. A prefix that was made here goes with it if there is nothing else in it.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from pyman.errors import StoreError
from pyman.locking import locks
from pyman.prefix import recovery
from pyman.prefix.prefix import OWN, Prefix, failed, for_a_prefix, hint
from pyman.store import modes, stages
from pyman.system import groups
from pyman.system.folder import Folder

_LOCK = "prefix"
_FRESH = "made"  # an empty file: pyman made the prefix, and there is nothing in it yet
_READABLE = 0o755
_TRIES = 20


@dataclass(slots=True)
class Workplace:
    """A prefix under its lock: `top` is the prefix itself, `own` its `.pyman`, both open.

    `is_forsaken`: the prefix was made by pyman for what is not in it, or not any more.
    """

    prefix: Prefix
    top: Folder
    own: Folder
    is_forsaken: bool = False

    @property
    def allowed(self) -> int:
        """The mode of folders and programs here: for all to read, and as a shared folder says."""
        return (groups.mode_for(self.top.own_status()) or 0) & 0o777 | _READABLE

    @property
    def plain(self) -> int:
        """The mode of a file that is no program."""
        return self.allowed & groups.WITHOUT_EXECUTION

    @contextmanager
    def stages(self) -> Iterator[Folder]:
        """Give the folder in which stages are made, open; it is made if it is not there."""
        with suppress(FileExistsError):
            self.own.make_folder(recovery.STAGES, modes.PRIVATE)
        with self.own.inner(recovery.STAGES) as found:
            yield _trusted(found, self.top)

    def keep(self) -> None:
        """Let the prefix stay, though it was made here: there is something in it now."""
        self.is_forsaken = False
        _take_note_away(self.own)


@contextmanager
def entered(
    prefix: Prefix, on_wait: Callable[[str], None], cancelled: Event | None = None
) -> Iterator[Workplace]:
    """Hold the lock of a prefix, which is made if it is not there.

    On the way in what dead processes left is settled, on the way out what is not needed goes. Raises
    StoreError, and CancelledError soon after `cancelled` is set while it waits.
    """
    going = list[Path]()
    with ExitStack() as stack:
        stack.callback(_remove_empty, going)
        try:
            _make(prefix.path, going)
            top = stack.enter_context(Folder.open(prefix.path, follow=True))
            stack.callback(_remove_own, top)
            inside = _locked(stack, top, on_wait, cancelled or Event())
        except OSError as error:
            raise failed("write to", prefix.path, error) from None
        place = Workplace(prefix, top, inside, is_forsaken=_is_fresh(inside))
        stack.callback(_tidy, place, going)
        _settle(place)
        yield place


def _make(path: Path, made: list[Path]) -> None:
    """Make a folder and those above it, readable for all, and note in `made` which, the lowest first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(_READABLE, exist_ok=True)
        made.insert(0, folder)
        folder.chmod((groups.mode_in(folder.parent) or 0) | _READABLE)
    if missing:
        with Folder.open(path) as top:
            _make_own(top)
            with suppress(FileExistsError), top.inner(OWN) as own:
                own.make_file(_FRESH, b"")  # so that it is never half written


def _make_own(top: Folder) -> None:
    with suppress(FileExistsError):
        top.make_folder(OWN, _READABLE)
        with top.inner(OWN) as own:
            own.set_mode(stat.S_IMODE(own.own_status().st_mode) | _READABLE)


def _locked(stack: ExitStack, top: Folder, on_wait: Callable[[str], None], cancelled: Event) -> Folder:
    """Return `.pyman`, open and locked until `stack` is left.

    Who leaves it takes it away, perhaps while another one waits there: that one makes it anew.
    """
    for _ in range(_TRIES):
        _make_own(top)
        with ExitStack() as attempt:
            try:
                own = attempt.enter_context(_opened(top))
                attempt.enter_context(locks.held(own.path, _LOCK, on_wait, cancelled, fleeting=True))
            except FileNotFoundError:
                continue
            except StoreError as error:
                if top.status(OWN):
                    raise StoreError(error.message, for_a_prefix(error.hint)) from None
                continue
            if _is_there(top, own):
                stack.enter_context(attempt.pop_all())
                return own
    raise StoreError(f"{top.path / OWN} comes and goes: others work there", "Try again.")


def _is_there(top: Folder, own: Folder) -> bool:
    found = top.status(OWN)
    return found is not None and os.path.samestat(found, own.own_status())


@contextmanager
def _opened(top: Folder) -> Iterator[Folder]:
    try:
        own = top.inner(OWN)
    except NotADirectoryError:
        target = top.link_target(OWN)
        what = f"is a link to {target}" if target else "is no folder"
        raise StoreError(
            f"{top.path / OWN} {what}: pyman works only in folders of its own, and has touched nothing there",
            f"Remove {'the link' if target else 'it'}, and pyman makes a folder.",
        ) from None
    with own:
        yield _trusted(own, top)


def _trusted(folder: Folder, top: Folder) -> Folder:
    if not modes.is_trusted(folder.own_status(), top.own_status()):
        raise StoreError(f"{folder.path} belongs to another user: it cannot be trusted", hint())
    return folder


def _is_fresh(own: Folder) -> bool:
    """Whether pyman has made the prefix, and put nothing into it yet."""
    found = own.status(_FRESH)
    return found is not None and stat.S_ISREG(found.st_mode) and not found.st_size


def _take_note_away(own: Folder) -> None:
    if _is_fresh(own):
        with suppress(OSError):
            own.unlink(_FRESH)


def _settle(place: Workplace) -> None:
    """Repair what was left half done, and sweep what was staged."""
    try:
        recovery.recover(place.top, place.own)
    except OSError as error:
        raise failed("repair", place.prefix.path, error) from None
    _sweep(place)


def _sweep(place: Workplace) -> None:
    with suppress(OSError, StoreError):
        if place.own.has_folder(recovery.STAGES):
            with place.stages() as found:
                for name, key in stages.kinds(found).items():
                    stages.sweep(found, name, key)
            place.own.remove_empty(recovery.STAGES)


def _tidy(place: Workplace, going: list[Path]) -> None:
    """Take away, under the lock, what was only for the time of work; `going` goes behind it."""
    if not recovery.is_begun(place.own):
        _sweep(place)
    if place.is_forsaken:
        _take_note_away(place.own)
        going.insert(0, place.prefix.path)


def _remove_own(top: Folder) -> None:
    with suppress(OSError):
        top.remove_empty(OWN)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106 - as it is named, through no link
