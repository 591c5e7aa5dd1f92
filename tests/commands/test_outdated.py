"""`pyman outdated`, and how long minor versions are maintained."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive
from tests.support.imports import loaded, started
from tests.support.stores import lay
from tests.test_architecture import HEAVY

from pyman.catalogue.lifecycle import Support, end_of_life, is_end_of_life, support

GNU, MUSL = "linux-x86_64-gnu", "linux-x86_64-musl"


def build(name: str, target: str = GNU) -> Archive:
    """Return the build named `99.1+20250612` or `99.1+debug+20250612`, of Python 3."""
    version, *variant, release = name.split("+")
    return Archive(f"3.{version}", release, target, "+".join(variant))


# What is newer has a star before it.
@pytest.mark.parametrize(
    ("installed", "offered", "change"),
    [
        ("99.1+20250612", "*99.2+20250708", "patch"),
        ("99.1+20250612", "*99.1+20250708", "build"),
        ("99.1+20250612", "*99.2+20250610 99.1+20250708", "patch"),
        ("99.0rc1+20250612", "*99.0+20250708", "patch"),
        ("99.1+freethreaded+20250612", "99.2+20250708 *99.1+freethreaded+20250620", "build"),
        ("99.1+static+20250612", "99.2+20250708 *99.2+static+20250708", "patch"),
    ],
)
def test_something_newer(installed: str, offered: str, change: str, offer: Offer) -> None:
    pyman = offer.pyman
    (key,) = lay(pyman.store, build(installed, MUSL))
    (newer,) = (name.lstrip("*") for name in offered.split() if name.startswith("*"))
    offer(build(installed, MUSL), *(build(name.lstrip("*"), MUSL) for name in offered.split()))
    (facts,) = pyman("outdated", "--json", code=1).json["outdated"]
    assert (facts["key"], facts["newer"], facts["change"]) == (key, build(newer, MUSL).key, change)
    result = pyman("outdated", code=1)
    version, *_, release = newer.split("+")
    assert result.stdout == f"{key}  newer {change} 3.{version}+{release}\n"
    assert "pyman upgrade" in result.stderr
    assert pyman("outdated", "--exit-zero").stdout == result.stdout


@pytest.mark.parametrize(
    ("installed", "offered"),
    [
        ("99.2+20250612", "99.2+20250612 99.1+20250708"),
        ("99.2+20250612", ""),
        ("99.2+20250612", "98.9+20250708 100.0+20250708 99.9+debug+20250708 99.9+static+20250708"),
        ("99.2+20250612", "99.3rc1+20250708"),
        ("99.1+20250612 99.2+20250612", "99.2+20250612"),
    ],
)
def test_nothing_newer(installed: str, offered: str, pyman: Pyman, offer: Offer) -> None:
    lay(pyman.store, *(build(name) for name in installed.split()))
    # What is newer for another target does not count.
    offer(build("99.9+20260101", MUSL), *(build(name) for name in offered.split()))
    result = pyman("outdated")
    assert result.stdout + result.stderr == ""
    assert pyman("outdated", "--json").json == {"outdated": []}


def test_each_kind_by_itself(pyman: Pyman, offer: Offer) -> None:
    here = [build("99.1+20250612"), build("99.1+20250612", MUSL), build("98.1+20250612")]
    lay(pyman.store, *here)
    offer(build("99.2+20250708"), build("99.1+20250612", MUSL), build("98.1+20250708"))
    found = pyman("outdated", "--json", code=1).json["outdated"]
    assert [each["key"] for each in found] == [here[0].key, here[2].key]


def test_end_of_life(pyman: Pyman, offer: Offer) -> None:
    (key,) = lay(pyman.store, build("8.20+20241002"))
    offer(build("8.20+20241002"))
    assert pyman("outdated", code=1).stdout == f"{key}    end of life 2024-10\n"
    (facts,) = pyman("outdated", "--json", "--exit-zero").json["outdated"]
    assert facts["newer"] is None
    assert (facts["support"], facts["end_of_life"]) == ("ended", "2024-10")


def test_nothing_installed(pyman: Pyman) -> None:
    result = pyman("outdated")
    assert result.stdout + result.stderr == ""
    assert not pyman.store.exists()


def test_the_bundled_metadata_needs_no_network(pyman: Pyman) -> None:
    (key,) = lay(pyman.store, build("12.1+20240107"))
    assert key in pyman("outdated", code=1).stdout


def test_loads_nothing_heavy(pyman: Pyman) -> None:
    lay(pyman.store, build("12.1+20240107"))
    done = started(pyman.variables(), "-m", "pyman", "outdated")
    assert "pyman.upkeep.conditions" in loaded(done)
    assert loaded(done) & HEAVY == set()


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2028, 3, 31), Support.MAINTAINED),
        (date(2028, 4, 1), Support.ENDING),
        (date(2028, 10, 31), Support.ENDING),
        (date(2028, 11, 1), Support.ENDED),
    ],
)
def test_support_of_3_12(today: date, expected: Support) -> None:
    assert end_of_life((3, 12)) == "2028-10"
    assert support((3, 12), today) is expected


def test_the_table_is_that_of_the_release_pages(fixtures: Path) -> None:
    place = fixtures.parent / "data" / "release-cycle.json"
    if not place.is_file():
        pytest.skip(f"there is no life-cycle table {place}")
    facts = json.loads(place.read_text(encoding="utf-8"))["end_of_life"]
    assert facts
    known = {name: end_of_life((3, int(name.partition(".")[2]))) for name in facts}
    assert known == facts


@given(minor=st.integers(5, 20), first=st.dates(), second=st.dates())
def test_support_only_ever_lessens(minor: int, first: date, second: date) -> None:
    order = list(Support)
    states = [order.index(support((3, minor), day)) for day in sorted((first, second))]
    assert states == sorted(states)
    assert is_end_of_life((3, minor), first) is (support((3, minor), first) is Support.ENDED)
