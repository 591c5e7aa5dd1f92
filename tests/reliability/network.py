"""A server that errs at random, request by request: what is installed is right, or nothing is."""

import gzip
import http
import threading
from collections import Counter
from random import Random

from tests.reliability.bench import Bench, Row
from tests.reliability.checks import losses
from tests.reliability.world import Deed, World
from tests.support.server import (
    Exchange,
    Fault,
    cut_body,
    not_found,
    redirect_to,
    slow,
    stalled_body,
    too_long_length,
    too_short_length,
    unavailable,
    web_page,
    without_ranges,
    wrong_byte,
)

# Short, for most of the time goes into waiting.
_PATIENCE = {
    "PYMAN_RETRIES": "2",
    "PYMAN_READ_TIMEOUT": "0.5",
    "PYMAN_STALL_TIMEOUT": "1",
    "PYMAN_CONNECT_TIMEOUT": "2",
}
_WORLDS = 8


def run(bench: Bench) -> list[Row]:
    """Install, reinstall and upgrade from such a server."""
    workers = bench.wanted.workers
    with bench.worlds(files=10, padding=300_000, count=max(_WORLDS, workers)) as worlds:
        for world in worlds:
            world.pyman.environment |= _PATIENCE
        names = ["install", "reinstall", "upgrade"] * bench.wanted.amount(8, 100)
        ends = Counter[str]()
        lock = threading.Lock()

        def attempt(world: World, name: str, random: Random) -> list[str]:
            deed = next(deed for deed in world.deeds() if deed.name == name)
            installed, wrong = _attempt(world, deed, random)
            with lock:
                ends["worked"] += installed
            return wrong

        rows = bench.each("network", names, worlds, attempt, _named)
    return [
        Row(row.subject, row.tried, row.times, row.lost, f"{ends['worked']} worked all the same")
        for row in rows
    ]


def _named(_: str) -> str:
    return "random faults of the server"


def _attempt(world: World, deed: Deed, random: Random) -> tuple[bool, list[str]]:
    """Return whether it worked, and what is wrong."""
    world.reset(deed.before)
    told: list[str] = []
    for archive in (world.builds.old, world.builds.new):
        world.server.spoil(archive.file, _erring(world, random, told))
    try:
        ended = world.forks.run(world.pyman, *deed.arguments)
    finally:
        world.server.mend()
    visible = deed.after if ended.code == 0 else deed.kept
    wrong = ended.faults() + (ended.unclear() if ended.code else [])
    wrong += losses(world.pyman, world.trees, visible) + _more(world, visible)
    return ended.code == 0, [*wrong, f"the server did: {', '.join(told)}"] if wrong else []


def _more(world: World, visible: frozenset[str]) -> list[str]:
    return [f"{key} was published" for key in world.pyman.installed() if key not in visible]


def _erring(world: World, random: Random, told: list[str]) -> Fault:
    """Return what answers each request in another way, as chance has it."""
    faults = _faults(world, random)

    def answer(exchange: Exchange, body: bytes) -> None:
        name = random.choice(sorted(faults))
        told.append(name)
        faults[name](exchange, body)

    return answer


def _faults(world: World, random: Random) -> dict[str, Fault]:
    url = f"{world.server.url}/{world.builds.other.path}"
    known: tuple[Fault, ...] = (
        cut_body, not_found, slow, stalled_body, too_long_length, too_short_length, unavailable, web_page,
        without_ranges, wrong_byte,
    )  # fmt: skip
    faults = {fault.__name__: fault for fault in known}
    return faults | {
        "fine": lambda exchange, body: exchange.send_file(body),
        "fine again": lambda exchange, body: exchange.send_file(body),
        "cut anywhere": lambda exchange, body: _cut(exchange, body, random.randrange(len(body) + 1)),
        "wrong bytes": lambda exchange, body: exchange.send_file(_damaged(body, random)),
        "another file": redirect_to(url),
        "redirect loop": redirect_to(f"{world.server.url}/{world.builds.new.path}"),
        "to another scheme": redirect_to("ftp://127.0.0.1/file"),
        "nothing": lambda exchange, _: exchange.head(http.HTTPStatus.OK, 0),
        "any status": lambda exchange, _: exchange.send_status(random.choice(list(http.HTTPStatus)[2:])),
        "another archive": lambda exchange, _: exchange.send_file(gzip.compress(random.randbytes(5000))),
        "no HTTP": lambda exchange, _: exchange.write(random.randbytes(300)),
    }


def _cut(exchange: Exchange, body: bytes, length: int) -> None:
    """Send a part of what was asked for, be it a range or all, and hang up."""
    exchange.close_connection = True
    exchange.head(http.HTTPStatus.OK, len(body))
    exchange.write(body[:length])


def _damaged(body: bytes, random: Random) -> bytes:
    spoiled = bytearray(body)
    for _ in range(random.randint(1, 5)):
        spoiled[random.randrange(len(spoiled))] = random.randrange(256)
    return bytes(spoiled)
