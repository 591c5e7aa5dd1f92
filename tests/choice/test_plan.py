"""What requests come to: what is there is kept, what is missing gets candidates, nothing is done twice."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.builds import Archive, own_form

from pyman.builds.target import Target
from pyman.catalogue import origins
from pyman.catalogue.build import Metadata
from pyman.choice.plan import Plan, Planner
from pyman.errors import NoDownloadFoundError
from pyman.machine.detection import Machine
from pyman.requests.request import Request
from pyman.store.installations import Store

GNU = "linux-x86_64-gnu"
MUSL = "linux-x86_64-musl"
KNOWN = [
    Archive("3.14.1", "20251202", GNU),
    Archive("3.13.5", "20250612", GNU),
    Archive("3.13.5", "20250409", GNU),
    Archive("3.13.4", "20250604", GNU),
    Archive("3.13.5", "20250612", MUSL),
    Archive("3.13.4", "20250604", MUSL, variant="static"),
    Archive("3.11.13", "20250612", MUSL, variant="static"),
]


def known(archives: Iterable[Archive] = KNOWN) -> Callable[[], Metadata]:
    return lambda: origins.parse(own_form(archives, "https://mirror.invalid"), "test")


def unknown() -> Metadata:
    raise AssertionError("the plan needs no metadata")


@pytest.fixture
def planner(tmp_path: Path) -> Planner:
    """A planner for glibc, with an empty store."""
    return Planner(Store(tmp_path), Machine(Target.parse(GNU), {}), known())


def installed(planner: Planner, *keys: str) -> Planner:
    for key in keys:
        (planner.store.home / key).mkdir()
        (planner.store.home / key / ".pyman.json").write_text("{}", encoding="utf-8")
    return planner


def plan(planner: Planner, *requests: str) -> Plan:
    return planner.plan([Request.parse(request) for request in requests])


def present(found: Plan) -> list[str]:
    return [str(each.key) for each in found.present]


def best(found: Plan) -> list[str]:
    return [str(choice.best.key) for choice in found.choices]


def on_musl(planner: Planner) -> Planner:
    return planner._replace(machine=Machine(Target.parse(MUSL), {}))


def test_candidates_stand_best_first(planner: Planner) -> None:
    (choice,) = plan(planner, "3.13").choices
    assert [str(build.key) for build in choice.candidates] == [KNOWN[n].key for n in (1, 2, 3)]
    assert not choice.is_last_resort


def test_what_is_there_settles_a_request_without_metadata(planner: Planner) -> None:
    planner = installed(planner, KNOWN[3].key)._replace(load=unknown)
    found = plan(planner, "3.13", "3", "3.13.4")
    assert present(found) == [KNOWN[3].key]
    assert found.choices == []


def test_latest_looks_for_a_newer_one(planner: Planner) -> None:
    installed(planner, KNOWN[1].key)
    assert best(plan(planner, "latest")) == [KNOWN[0].key]
    installed(planner, KNOWN[0].key)
    assert present(plan(planner, "latest")) == [KNOWN[0].key]


def test_each_build_once_and_in_order(planner: Planner) -> None:
    installed(planner, KNOWN[3].key)
    found = plan(planner, "3.14", "3.13.5", "3", ">=3.14", "3.13.5+20250409", "3.13.4")
    assert best(found) == [KNOWN[n].key for n in (0, 1, 2)]
    assert present(found) == [KNOWN[3].key]


def test_nothing_is_planned_when_one_request_cannot_be_met(planner: Planner) -> None:
    with pytest.raises(NoDownloadFoundError):
        plan(planner, "3.14", "3.9")


def test_reinstall_takes_the_very_same_build(planner: Planner) -> None:
    planner = installed(planner, KNOWN[2].key)._replace(reinstall=True)
    assert best(plan(planner, "3.13")) == [KNOWN[2].key]
    assert best(plan(planner, "latest")) == [KNOWN[0].key]
    without = planner._replace(load=known(KNOWN[:2]))
    assert best(plan(without, "3.13")) == [KNOWN[1].key]


def test_a_static_build_is_a_last_resort(planner: Planner) -> None:
    planner = on_musl(installed(planner, KNOWN[5].key, KNOWN[6].key))
    assert best(plan(planner, "3.13")) == [KNOWN[4].key]
    assert present(plan(planner, "3.13+static")) == [KNOWN[5].key]
    assert present(plan(planner, "3.11")) == [KNOWN[6].key]
    (choice,) = plan(planner._replace(reinstall=True), "3.11").choices
    assert choice.is_last_resort
    (choice,) = plan(planner._replace(reinstall=True), "3.11+static").choices
    assert not choice.is_last_resort


def test_unverified_builds_are_for_those_who_ask(planner: Planner) -> None:
    bare = planner._replace(load=known([replace(KNOWN[0], sha256=None)]))
    with pytest.raises(NoDownloadFoundError, match="No Python download"):
        plan(bare, "3.14")
    assert best(plan(bare._replace(unverified=True), "3.14")) == [KNOWN[0].key]
