"""Several installs at once, each in a forked process of its own: files are written at the pace of Python.

All are forked at once, while there is one thread here, and begin when it is their turn. What a process tells
goes through a pipe to the one reporter there is. It ends, and cleans up, when its parent is gone: then nobody
holds the other end of the pipe on which it waited for its turn.
"""

import os
import pickle
import select
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from pyman.errors import PymanError
from pyman.installer.forked import LENGTH, NO_SLOT, Outcome, Work, be_child
from pyman.installer.reporter import Reporter
from pyman.system.forked_child import Child
from pyman.system.stopping import held_back, stoppable

_CLOSED = -1
_GLANCE = 50  # milliseconds, after which signals are looked for that another thread has got
_PATIENCE = 30.0  # seconds in which a process that is to end has cleaned up
_ENDED = "Run the command again. PYMAN_ONE_PROCESS=1 does without such processes."


def install(count: int, work: Work, reporter: Reporter, slots: int) -> list[Outcome] | None:
    """Do the `work` of each number below `count`; returns what came of each, None if processes cannot do it.

    It is called in the process of its own, with the number, its slot below `slots` or None, and the reporter
    there; it returns what came of it, and whether another one may have the slot.
    """
    most = _at_once(count, slots)
    children: list[_Child] = []
    with stoppable(lambda: _end(children)):
        try:
            with held_back():
                is_possible = most > 1 and _forked(count, work, children)
            if is_possible:
                _attend(children, reporter, most, list(range(slots)))
        except BaseException:
            with held_back():
                _end(children)
                _wait(children)
            raise
    return [child.outcome() for child in children] if is_possible else None


def _at_once(count: int, slots: int) -> int:
    """Return how many processes may install at the same time; none where threads run already."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 0
    return min(count, slots, len(os.sched_getaffinity(0)))


def _forked(count: int, work: Work, children: list["_Child"]) -> bool:
    """Fork the processes; where the system refuses one, there are none."""
    try:
        for number in range(count):
            children.append(_Child(number, work, children))
    except OSError:
        _end(children)
        _wait(children)
        return False
    return True


def _attend(children: Sequence["_Child"], reporter: Reporter, most: int, slots: list[int]) -> None:
    """Let one after the other begin, and hand on what they tell, until all have ended."""
    waiting, running = list(children), dict[int, _Child]()
    poll = select.poll()
    while waiting or running:
        while waiting and len(running) < most:
            child = waiting.pop(0)
            child.begin(slots.pop() if slots else None)
            running[child.events] = child
            poll.register(child.events, select.POLLIN)
        for pipe, _ in poll.poll(_GLANCE):
            if not running[pipe].attend(reporter):
                poll.unregister(pipe)
                ended = running.pop(pipe)
                ended.end()
                slots += ended.slot_left


def _end(children: Sequence["_Child"]) -> None:
    for child in children:
        child.give_up()


def _wait(children: Sequence["_Child"]) -> None:
    """Wait until all have cleaned up; by force in the end."""
    end = time.monotonic() + _PATIENCE
    for child in children:
        child.listen_no_more()
        child.process.wait(max(0.0, end - time.monotonic()))


class _Child:
    """A process that installs one build, as its parent sees it."""

    def __init__(self, number: int, work: Work, others: Sequence["_Child"]) -> None:
        self.slot_left: list[int] = []  # the slot that another may have
        self._slot: int | None = None
        self._heard = bytearray()
        self._outcome: Outcome | None = None
        self._fault = ""
        with ExitStack() as refused:
            turn, self._turn = _pipe(refused)
            self.events, events = _pipe(refused)
            pid = os.fork()
            refused.pop_all()
        if pid == 0:
            for pipe in (*self._pipes(), *(pipe for each in others for pipe in each._pipes())):  # noqa: SLF001
                os.close(pipe)
            be_child(number, work, turn, events)
        self.process = Child(pid)
        os.close(turn)
        os.close(events)

    def _pipes(self) -> list[int]:
        """Return the ends of its pipes that are here, and open."""
        return [pipe for pipe in (self._turn, self.events) if pipe != _CLOSED]

    def begin(self, slot: int | None) -> None:
        """Tell it that it is its turn, and its slot."""
        self._slot = slot
        with suppress(BrokenPipeError):  # that it has ended is seen at the other pipe
            os.write(self._turn, bytes([NO_SLOT if slot is None else slot]))

    def attend(self, reporter: Reporter) -> bool:
        """Hand on what it tells; False if it will tell nothing more."""
        data = os.read(self.events, 1 << 16)
        self._heard += data
        while len(self._heard) >= LENGTH.size:
            end = LENGTH.size + LENGTH.unpack_from(self._heard)[0]
            if len(self._heard) < end:
                break
            # It is this very program that has written it.
            name, args, more = pickle.loads(self._heard[LENGTH.size : end])  # noqa: S301
            del self._heard[:end]
            if name == "outcome":
                self._outcome, self._fault, is_clean = args
                self.slot_left = [self._slot] if is_clean and self._slot is not None else []
            else:
                getattr(reporter, name)(*args, **more)
        return bool(data)

    def end(self) -> None:
        """Wait for it, which tells nothing more."""
        self.give_up()
        self.listen_no_more()
        self.process.wait(_PATIENCE)

    def give_up(self) -> None:
        """Have it clean up and end, unless that was said already: it waits for the end of this pipe."""
        pipe, self._turn = self._turn, _CLOSED
        if pipe != _CLOSED:
            os.close(pipe)

    def listen_no_more(self) -> None:
        """Take in nothing more, so that it does not wait for that."""
        pipe, self.events = self.events, _CLOSED
        if pipe != _CLOSED:
            os.close(pipe)

    def outcome(self) -> Outcome:
        """Return what came of it; RuntimeError for a fault of pyman's."""
        if self._fault:
            raise RuntimeError(self._fault)
        if self._outcome is None:
            return PymanError(f"a process that installs {self.process.fate()}", _ENDED)
        return self._outcome


def _pipe(refused: ExitStack) -> tuple[int, int]:
    """Return a new pipe, which is closed if the process is refused."""
    ends = os.pipe()
    for end in ends:
        refused.callback(os.close, end)
    return ends
