"""The folder of answers: `answers` in the user's cache, closed to others, so that a shell may go by it.

    .ground                    what all of them rest on: the variables, then each path, a line each
    .ground.1 …                has the time of the first of these paths; missing where that is
    .none                      the answer where no file asks for anything
    .named/python3.12          the answer to a name, where a folder asks for another version
    home/u/p/.python-version   the answer about /home/u/p/.python-version, with the time of that file
    home/u/p/pyman.lock.with   has the time of the version file that has a say with the lock

An answer is lines: the `bin` folder, `-` where the file names no Python, nothing where there is none to
start; the program in it; what that is called everywhere; and, for a lock, the version file. In place of these
three an answer that there is none tells why. Where anything of the ground has changed all answers are dropped
at once, by a rename: within one ground none is stale.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pyman.discovery.finder import Here
from pyman.errors import PymanError
from pyman.remembered.ground import Ground
from pyman.system.emptying import remove_tree
from pyman.system.folder import Folder

GROUND = ".ground"
NONE = ".none"
NAMED = ".named"
WITH = ".with"
TOLD = ".told"
PASSED_OVER = "-"
_PRIVATE = 0o700
_DIGITS = 16
_LARGEST = 64 * 1024


class Answer(NamedTuple):
    """What is written down: for `path`, or a name in the folder of answers, its lines and its time."""

    path: str
    lines: tuple[str, ...]
    time: int | None = None

    @property
    def is_possible(self) -> bool:
        """Whether each line is one."""
        return not any("\n" in line for line in self.lines)


def put(ground: Ground, answers: list[Answer]) -> None:
    """Write down answers that rest on `ground`, each whole or not at all; nothing where that cannot be.

    What rested on another ground is dropped.
    """
    with suppress(OSError), _folder(ground) as folder:
        for answer in answers:
            if answer.is_possible:
                _put(folder, answer)


def is_news(here: Here, text: str) -> bool:
    """Whether nobody was told of it since all answers rest on what they do; from now on somebody was."""
    with suppress(OSError, PymanError), _folder(Ground.now(here.store, here.environ)) as folder:
        name = hashlib.sha256(os.fsencode(text)).hexdigest()[:_DIGITS]
        with _inner(folder, [TOLD]) as place:
            if place.status(name):
                return False
            place.make_file(name, b"", 0o600)
    return True


@contextmanager
def _folder(ground: Ground) -> Iterator[Folder]:
    """The folder of answers that rest on `ground`, open; OSError where it cannot be made or is not safe."""
    with _parent(ground.folder) as parent:
        name = ground.folder.name
        if parent.status(name) is None:
            _make(parent, name, ground)
        with parent.inner(name) as found:
            _check(found)
            if _rests_on(found, ground):
                yield found
                return
        _drop(parent, name)
        _make(parent, name, ground)
        with parent.inner(name) as made:
            yield made


@contextmanager
def _parent(place: Path) -> Iterator[Folder]:
    place.parent.mkdir(_PRIVATE, parents=True, exist_ok=True)
    with Folder.open(place.parent, follow=True) as parent:
        if parent.descriptor is None:
            raise OSError(errno.ENOTSUP, "no shell here reads answers")
        yield parent


def _check(folder: Folder) -> None:
    """OSError unless the folder is this user's own and nobody else's."""
    found = folder.own_status()
    if found.st_uid != os.geteuid():
        raise OSError(errno.EPERM, "it belongs to another user", str(folder.path))
    if stat.S_IMODE(found.st_mode) != _PRIVATE:
        folder.set_mode(_PRIVATE)


def _rests_on(folder: Folder, ground: Ground) -> bool:
    try:
        if folder.read(GROUND, _LARGEST) != os.fsencode(ground.text):
            return False
    except FileNotFoundError:
        return False
    found = (folder.status(f"{GROUND}.{number}") for number, _ in enumerate(ground.times, 1))
    return tuple(each and each.st_mtime_ns for each in found) == ground.times


def _make(parent: Folder, name: str, ground: Ground) -> None:
    """Make a folder of answers, whole before it has its name; where another process was first that stays."""
    waiting = f".{name}.{os.urandom(8).hex()}"
    parent.make_folder(waiting, _PRIVATE)
    try:
        with parent.inner(waiting) as folder:
            folder.set_mode(_PRIVATE)
            for number, when in enumerate(ground.times, 1):
                if when is not None:
                    _put(folder, Answer(f"{GROUND}.{number}", (), when))
            _put(folder, Answer(GROUND, tuple(ground.text.splitlines())))
        with suppress(FileExistsError):
            _take_place(parent, waiting, name)
    finally:
        remove_tree(parent, waiting)


def _take_place(parent: Folder, waiting: str, name: str) -> None:
    try:
        parent.rename(waiting, parent, name)
    except OSError as error:
        if error.errno == errno.ENOTEMPTY:
            raise FileExistsError(error.errno, error.strerror) from None
        raise


def _drop(parent: Folder, name: str) -> None:
    """Drop all answers in one step; and what processes that died have left of such steps."""
    parent.rename(name, parent, f".{name}.{os.urandom(8).hex()}")
    for each in parent.names():
        if each.startswith(f".{name}."):
            remove_tree(parent, each)


def _put(folder: Folder, answer: Answer) -> None:
    """Write an answer into the folder, or below, under a name of its own until it is whole."""
    *parts, name = answer.path.strip("/").split("/")
    with _inner(folder, parts) as place:
        waiting = f".{os.urandom(8).hex()}"
        place.make_file(waiting, os.fsencode("".join(f"{line}\n" for line in answer.lines)), 0o600)
        try:
            if answer.time is not None:
                os.utime(waiting, ns=(answer.time, answer.time), dir_fd=place.descriptor)
            place.replace(waiting, name)
        except OSError:
            place.unlink(waiting)
            raise


@contextmanager
def _inner(folder: Folder, parts: list[str]) -> Iterator[Folder]:
    if not parts:
        yield folder
        return
    with suppress(FileExistsError):
        folder.make_folder(parts[0], _PRIVATE)
    with folder.inner(parts[0]) as inner, _inner(inner, parts[1:]) as place:
        yield place
