"""Stages in threads: in order, bounded, and gone whatever happens."""

import threading
import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyman.archive.pipeline import gathered, spread, through

PROMPT = 5.0


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def test_order_and_result() -> None:
    assert through(range(1000), list, 3) == list(range(1000))


def test_stages_nest() -> None:
    def doubled(items: Iterable[int]) -> list[int]:
        return through((2 * item for item in items), list, 2)

    assert through(range(100), doubled, 2) == list(range(0, 200, 2))


def test_stages_overlap() -> None:
    ahead, behind = threading.Event(), threading.Event()

    def source() -> Iterator[int]:
        yield 0
        ahead.set()
        assert behind.wait(PROMPT), "nobody took the first one while the second was made"
        yield from range(1, 20)

    def consume(items: Iterator[int]) -> list[int]:
        first = next(items)
        behind.set()
        assert ahead.wait(PROMPT), "the second one was not made while the first was in hand"
        return [first, *items]

    assert through(source(), consume, 4) == list(range(20))


def test_several_threads_share_the_items() -> None:
    meet = threading.Barrier(3, timeout=PROMPT)

    def consume(items: Iterator[int]) -> list[int]:
        first = next(items)
        meet.wait()  # each of them has got one
        return [first, *items]

    shares = spread(range(100), consume, 3, 3)
    assert len(shares) == 3
    assert sorted(item for share in shares for item in share) == list(range(100))


@pytest.mark.parametrize("at", [0, 1, 50, 99])
def test_one_of_several_threads_fails(at: int) -> None:
    def consume(items: Iterator[int]) -> None:
        for item in items:
            if item == at:
                raise LookupError(item)

    with pytest.raises(LookupError, match=str(at)):
        spread(range(100), consume, 3, 3)


def test_one_of_several_threads_has_enough() -> None:
    def consume(items: Iterator[int]) -> int:
        return next(items)

    assert spread(iter(range(10**9)), consume, 3, 3)


def test_items_fail_for_several_threads() -> None:
    def items() -> Iterator[int]:
        yield from range(10)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        spread(items(), list, 3, 3)


def test_producer_is_not_far_ahead() -> None:
    made, taken = [0], [0]
    ahead = []

    def items() -> Iterator[int]:
        for number in range(50):
            made[0] = number
            ahead.append(made[0] - taken[0])
            yield number

    def consume(items: Iterable[int]) -> None:
        for number in items:
            taken[0] = number
            time.sleep(0.002)

    through(items(), consume, 3)
    assert max(ahead) <= 3 + 2


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), StopIteration(), GeneratorExit()])
def test_error_of_the_consumer(error: BaseException) -> None:
    def consume(items: Iterator[int]) -> int:
        next(items)
        raise error

    with pytest.raises(type(error)) as caught:
        through(iter(int, 1), consume, 2)
    assert caught.value is error


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_error_of_the_items_ends_all_stages(error: BaseException) -> None:
    def items() -> Iterator[int]:
        yield from range(10)
        raise error

    reached: list[int] = []

    def innermost(items: Iterable[int]) -> None:
        reached.extend(items)
        reached.append(-1)

    with pytest.raises(type(error)) as caught:
        through(items(), lambda middle: through(middle, innermost, 2), 2)
    assert caught.value is error
    assert -1 not in reached, "what broke off looked like an end"


def test_error_of_the_innermost_stage_stops_an_endless_source() -> None:
    def innermost(items: Iterator[int]) -> None:
        next(items)
        raise ValueError("enough")

    began = time.monotonic()
    with pytest.raises(ValueError, match="enough"):
        through(iter(int, 1), lambda middle: through(middle, innermost, 2), 2)
    assert time.monotonic() - began < PROMPT


def test_consumer_that_wants_no_more() -> None:
    assert through(iter(int, 1), next, 2) == 0


def test_no_items() -> None:
    assert through((), list, 2) == []


@given(st.lists(st.binary(max_size=50)), st.integers(1, 20))
def test_gathered_bytes_are_the_same(chunks: list[bytes], size: int) -> None:
    pieces = list(gathered(chunks, size))
    assert b"".join(pieces) == b"".join(chunks)
    assert all(0 < len(piece) <= 2 * size for piece in pieces)


def test_gathered_makes_few_of_many() -> None:
    assert len(list(gathered([b"x" * 100] * 10_000, 100_000))) <= 30


def test_gathered_does_not_keep_a_slow_source_back() -> None:
    def slow() -> Iterator[bytes]:
        for _ in range(4):
            time.sleep(0.05)
            yield b"x"

    assert list(gathered(slow(), 1000)) == [b"x"] * 4
