"""Stages of one piece of work that overlap, each in a thread of its own.

Worth it where stages spend their time outside the interpreter's lock: reading a socket, hashing,
decompressing, writing files. What is handed over should be few and large, for each waits for that lock.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Generic, TypeVar

from pyman.system.stopping import held_back

T = TypeVar("T")
R = TypeVar("R")

# Seconds after which bytes are passed on though there are few of them: a slow network keeps nobody waiting.
_PATIENCE = 0.02
_GLANCE = 0.05  # seconds


def gathered(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of `size` to twice that, smaller ones where the chunks come slowly."""
    held: list[bytes] = []
    length, due = 0, 0.0
    for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length >= size or time.monotonic() >= due:
            yield from _cut(b"".join(held), 2 * size)
            held.clear()
            length, due = 0, time.monotonic() + _PATIENCE
    yield from _cut(b"".join(held), 2 * size)


def _cut(data: bytes, at_most: int) -> Iterator[bytes]:
    """Yield `data` in pieces: what waits in a line is bounded by count, so no piece may be huge."""
    for start in range(0, len(data), at_most):
        yield data[start : start + at_most]


def through(items: Iterable[T], consume: Callable[[Iterator[T]], R], depth: int) -> R:
    """Return `consume(items)`, which runs in a thread of its own, at most `depth` items behind.

    `items` are produced in the calling thread: there ^C arrives, and there it can break into a read from the
    network. What `items` or `consume` raises is raised here, unchanged. If `items` fail, `consume` is ended
    when it asks for the next one; once `consume` has returned or failed, no more `items` are asked for. The
    thread has ended when this returns or raises.
    """
    return spread(items, consume, depth, 1)[0]


def spread(items: Iterable[T], consume: Callable[[Iterator[T]], R], depth: int, threads: int) -> list[R]:
    """Do as `through` does with several threads, each of which takes the next item when it is ready for one.

    Returns what they returned. Where one fails, or returns before the last item, the others are ended when
    they ask for the next.
    """
    line = _Line[T](depth)
    consumers = [_Consumer(line, consume) for _ in range(threads)]
    try:
        for consumer in consumers:
            consumer.start()
        for item in items:
            if not line.put(item):
                break
        line.end()
        _join(consumers)
    except BaseException:
        line.break_off()
        _join(consumers)
        raise
    for consumer in consumers:
        consumer.check()
    return [result for consumer in consumers for result in consumer.results]


def awaited(result: Future[R]) -> R:
    """Return the result; look up now and then, for then Python hands over the signals that have come.

    The system may give a signal to any thread, as Linux does to one that is just starting another; the main
    thread is not woken by it, and waiting without an end it would never know. Nor may it come in between: an
    exception while a lock is being taken leaves it taken, and the thread that has the result waits for it.
    """
    while True:
        with held_back():
            if wait([result], _GLANCE).done:
                return result.result()


def as_they_come(results: Iterable[Future[R]]) -> Iterator[Future[R]]:
    """Yield each as soon as it has its result, looking up now and then as `awaited` does."""
    waiting = set(results)
    while waiting:
        with held_back():
            done = wait(waiting, _GLANCE, FIRST_COMPLETED).done
        waiting -= done
        yield from done


def _join(consumers: Iterable["_Consumer[T, R]"]) -> None:
    """Wait until all are at their end; the system may have refused to start some of them."""
    for consumer in consumers:
        if consumer.ident is not None:
            consumer.join()


class _StoppedError(BaseException):
    """Unwinds a consumer whose items broke off; never leaves this module's threads."""


class _Line(Generic[T]):
    """A bounded queue from one thread to others, which each of them can break off."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._ended = False
        self._broken = False

    def put(self, item: T) -> bool:
        """Wait for room and add `item`; False if the line was broken off and nothing more is wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._broken or len(self._items) < self._depth)
            self._items.append(item)
            self._changed.notify_all()
            return not self._broken

    def end(self) -> None:
        """Say that no item follows."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def break_off(self) -> None:
        """Drop what waits in the line, if anything does or may, and let no side wait for another any more."""
        with self._changed:
            self._broken = self._broken or not self._ended or bool(self._items)
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended or self._broken)
                if self._broken:
                    raise _StoppedError
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


class _Consumer(threading.Thread, Generic[T, R]):
    """Runs `consume` over a line and keeps what came of it."""

    def __init__(self, line: _Line[T], consume: Callable[[Iterator[T]], R]) -> None:
        # A daemon, for a second ^C during the join: the interpreter must not wait for it once more.
        super().__init__(daemon=True)
        self._line = line
        self._consume = consume
        self.results: list[R] = []  # one, or none if it was ended
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self.results.append(self._consume(iter(self._line)))
        except _StoppedError:
            pass  # why is known to who broke it off
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asked for the result
            self._error = error
        finally:
            self._line.break_off()

    def check(self) -> None:
        """Raise what `consume` raised."""
        error, self._error = self._error, None  # else thread and traceback would keep each other alive
        if error:
            raise error
