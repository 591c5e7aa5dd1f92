"""What `pyman install` shows in a terminal: bars while it goes on, and nothing that was said is lost."""

import re
import sys
from collections.abc import Callable
from http import HTTPStatus

import pytest
from tests.conftest import ELSEWHERE, Offer
from tests.support.builds import Archive, small_archive
from tests.support.server import Exchange

if sys.platform == "win32":
    pytest.skip(f"{ELSEWHERE}no pseudo-terminals", allow_module_level=True)
from tests.support.terminal import Shown, Terminal

FOREIGN = "linux-riscv64-gnu"
WIDE, NARROW = 120, 44


def trickle(exchange: Exchange, body: bytes) -> None:
    """Send the body in small pieces, as over a slow line; the mirror has none."""
    if not body:
        exchange.send_status(HTTPStatus.NOT_FOUND)
        return
    exchange.head(HTTPStatus.OK, len(body))
    step = len(body) // 12
    for start in range(0, len(body), step):
        exchange.write(body[start : start + step])
        exchange.server.owner.closing.wait(0.05)


def offered(count: int, offer: Offer) -> list[Archive]:
    """Offer builds over a slow line, the first of which its mirror does not have."""
    server = offer.server
    archives = [
        small_archive(server.folder, Archive(f"3.{8 + number}.1", "20250612", FOREIGN), 120_000)
        for number in range(count)
    ]
    offer(*archives)
    for each in archives:
        server.spoil(each.file, trickle)
    return archives


def install(
    archives: list[Archive],
    offer: Offer,
    terminal: Terminal,
    look: Callable[[list[str]], None] | None = None,
    **env: str,
) -> Shown:
    options = ("--target", FOREIGN, "--mirror", f"{offer.server.url}/mirror")
    requests = [each.minor for each in archives]
    return terminal.run(offer.pyman, "install", *requests, *options, env=env, look=look)


def said(picture: list[str], archives: list[Archive]) -> set[str]:
    """The builds of which a picture says that they are installed."""
    text = "".join(picture)
    return {each.key for each in archives if f"Installed {each.key} in " in text}


def nothing_was_lost(shown: Shown, archives: list[Archive]) -> None:
    assert shown.code == 0
    before: set[str] = set()
    for picture in shown.pictures:
        now = said(picture, archives)
        assert before <= now, f"a line that was there is gone: {picture}"
        before = now
    assert before == {each.key for each in archives}
    text = "".join(shown.last)
    assert text.count("Installed ") == len(archives)
    assert text.count("; trying the next source for ") == len(archives), "warnings are as little lost"
    assert bars(shown.last) == [], "they are gone in the end"


def bars(picture: list[str]) -> list[str]:
    return [line for line in picture if re.search("[━╸╺]", line)]


@pytest.mark.parametrize(
    ("count", "columns"), [(1, 30), (2, WIDE), (8, WIDE)], ids=["one, narrow", "two", "eight"]
)
def test_lines_stand_above_the_bars(count: int, columns: int, offer: Offer) -> None:
    archives = offered(count, offer)
    shown = install(archives, offer, Terminal(columns))
    nothing_was_lost(shown, archives)
    most = max(shown.pictures, key=lambda picture: len(bars(picture)))
    assert 1 <= len(bars(most)) <= count
    assert most[-len(bars(most)) :] == bars(most), "each is one line, and the last ones are theirs"
    assert b"\x1b[33m" in shown.raw or b"\x1b[1;33m" in shown.raw, "a warning has its colour"


def test_a_terminal_that_is_made_narrower_and_wider(offer: Offer) -> None:
    archives, terminal = offered(2, offer), Terminal(WIDE)
    sizes = iter([NARROW, WIDE, NARROW])

    def pull(picture: list[str]) -> None:
        if bars(picture) and (columns := next(sizes, 0)):
            terminal.resize(columns)

    shown = install(archives, offer, terminal, look=pull, NO_COLOR="1")
    assert next(sizes, 0) == 0
    assert shown.code == 0
    for each in archives:  # this terminal cuts off what was there, when it is made narrower
        assert sum(line.startswith(f"Installed {each.build}") for line in shown.last) == 1, shown.last
    assert not re.search(rb"\x1b\[[0-9;]*3[0-9]", shown.raw), "no colours were wanted"


def test_a_terminal_that_cannot_write_over_what_it_shows(offer: Offer) -> None:
    archives = offered(2, offer)
    shown = install(archives, offer, Terminal(WIDE), TERM="dumb", NO_COLOR="1")
    nothing_was_lost(shown, archives)
    assert b"\x1b" not in shown.raw
    assert sum(f"Downloading {each.key}" in line for line in shown.last for each in archives) == 2
