"""Several installs at once, each in a forked process of its own: files are written at the pace of Python.

All are forked at once, while there is one thread here, and begin when it is their turn. What a process tells
goes through a pipe to the one reporter there is. It ends, and cleans up, when its parent is gone: then nobody
holds the other end of the pipe on which it waited for its turn.
"""

import os
import pickle
import select
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NoReturn, cast

from pyman.errors import PymanError
from pyman.installer.reporter import Reporter
from pyman.store.installations import Installation
from pyman.system import stopping
from pyman.system.stopping import held_back, stoppable

Outcome = Installation | PymanError
Work = Callable[[int, int | None, Reporter], tuple[Outcome, bool]]
_LENGTH = struct.Struct("=I")
_NO_SLOT = 255
_GLANCE = 50  # milliseconds, after which signals are looked for that another thread has got
_PATIENCE = 30.0  # seconds in which a process that is to end has cleaned up
_ENDED = "Run the command again. PYMAN_ONE_PROCESS=1 does without such processes."


def at_once(count: int, slots: int) -> int:
    """Return how many processes may install at the same time; 1 if that is not to be done in processes."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return max(1, min(count, slots, len(os.sched_getaffinity(0))))


def install(count: int, work: Work, reporter: Reporter, most: int, slots: int) -> list[Outcome]:
    """Do the `work` of each number below `count`, `most` at the same time; returns what came of each.

    It is called in the process of its own, with the number, its slot below `slots` or None, and the reporter
    there; it returns what came of it, and whether another one may have the slot.
    """
    children: list[_Child] = []
    with stoppable(lambda: _terminate(children)):
        try:
            with held_back():
                for number in range(count):
                    children.append(_Child(number, work, children))
            _attend(children, reporter, most, list(range(slots)))
        except BaseException:
            with held_back():
                _terminate(children)
                _wait(children)
            raise
    return [child.outcome() for child in children]


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


def _terminate(children: Sequence["_Child"]) -> None:
    for child in children:
        child.terminate()


def _wait(children: Sequence["_Child"]) -> None:
    """Wait until all have cleaned up; by force in the end."""
    end = time.monotonic() + _PATIENCE
    for child in children:
        while not child.has_ended() and time.monotonic() < end:
            time.sleep(0.005)
        if not child.has_ended():
            os.kill(child.pid, signal.SIGKILL)
            child.end()


class _Child:
    """A process that installs one build, as its parent sees it."""

    def __init__(self, number: int, work: Work, others: Sequence["_Child"]) -> None:
        turn, self._turn = os.pipe()
        self.events, events = os.pipe()
        self.status: int | None = None
        self._heard = bytearray()
        self.slot_left: list[int] = []  # the slot that another may have
        self._slot: int | None = None
        self._outcome: Outcome | None = None
        self._fault = ""
        self.pid = os.fork()
        if self.pid == 0:
            for pipe in (self._turn, self.events, *(end for each in others for end in each.pipes)):
                os.close(pipe)
            _be_child(number, work, turn, events)
        os.close(turn)
        os.close(events)

    @property
    def pipes(self) -> tuple[int, int]:
        """The ends of its pipes that are here."""
        return self._turn, self.events

    def begin(self, slot: int | None) -> None:
        """Tell it that it is its turn, and its slot."""
        self._slot = slot
        with suppress(BrokenPipeError):  # that it has ended is seen at the other pipe
            os.write(self._turn, bytes([_NO_SLOT if slot is None else slot]))

    def attend(self, reporter: Reporter) -> bool:
        """Hand on what it tells; False if it will tell nothing more."""
        data = os.read(self.events, 1 << 16)
        self._heard += data
        while len(self._heard) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._heard)[0]
            if len(self._heard) < end:
                break
            # It is this very program that has written it.
            name, args, more = pickle.loads(self._heard[_LENGTH.size : end])  # noqa: S301
            del self._heard[:end]
            if name == "outcome":
                self._outcome, self._fault, is_clean = args
                self.slot_left = [self._slot] if is_clean and self._slot is not None else []
            else:
                getattr(reporter, name)(*args, **more)
        return bool(data)

    def end(self) -> None:
        """Wait for it."""
        _, self.status = os.waitpid(self.pid, 0)
        for pipe in self.pipes:
            os.close(pipe)

    def has_ended(self) -> bool:
        """Whether it has."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def terminate(self) -> None:
        """Have it clean up and end."""
        if self.status is None:
            os.kill(self.pid, signal.SIGTERM)

    def outcome(self) -> Outcome:
        """Return what came of it; RuntimeError for a fault of pyman's."""
        if self._fault:
            raise RuntimeError(self._fault)
        if self._outcome is None:
            code = os.waitstatus_to_exitcode(self.status or 0)
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
            return PymanError(f"a process that installs {how}", _ENDED)
        return self._outcome


class _Teller:
    """The reporter of a process: all that it is told, it tells its parent."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._turn = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **more: self.tell(name, args, more)

    def tell(self, name: str, args: Any, more: Any) -> None:  # noqa: ANN401 - whatever there is to tell
        """Tell one thing, in one piece."""
        data = pickle.dumps((name, args, more))
        view = memoryview(_LENGTH.pack(len(data)) + data)
        with self._turn:
            while view:
                view = view[os.write(self._pipe, view) :]


def _be_child(number: int, work: Work, turn: int, events: int) -> NoReturn:
    code = 1
    try:
        stopping.begin_anew()
        if told := os.read(turn, 1):
            threading.Thread(target=_end_with_parent, args=(turn,), daemon=True).start()
            _do(number, None if told[0] == _NO_SLOT else told[0], work, _Teller(events))
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    except KeyboardInterrupt:
        code = stopping.INTERRUPTED
    except BaseException:  # noqa: BLE001, S110 - its parent sees that nothing came of it
        pass
    finally:
        os._exit(code)


def _do(number: int, slot: int | None, work: Work, teller: "_Teller") -> None:
    outcome: Outcome | None = None
    fault, is_clean = "", False
    try:
        outcome, is_clean = work(number, slot, cast("Reporter", teller))
    except Exception as error:  # noqa: BLE001 - raised in the parent
        fault = f"{type(error).__name__}: {error}"
    teller.tell("outcome", (outcome, fault, is_clean), {})


def _end_with_parent(turn: int) -> None:
    """Clean up and end when the parent is gone, or wants that."""
    os.read(turn, 1)
    os.kill(os.getpid(), signal.SIGTERM)
