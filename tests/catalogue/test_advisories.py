"""Builds that are known to be bad: the list itself, and that nobody gets one unless he names it."""

from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import Offer, Pyman
from tests.property.strategies import keys
from tests.support.builds import Archive, small_archive
from tests.support.stores import lay

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue.advisories import ADVISORIES, Advisory, affecting, facts
from pyman.catalogue.build import Build
from pyman.catalogue.own_form import bundled
from pyman.choice.select import verdicts
from pyman.machine.detection import Machine
from pyman.requests.request import Request

GNU, MUSL, ARM_MUSL = "linux-x86_64-gnu", "linux-x86_64-musl", "linux-aarch64-musl"
WINDOWS, MACOS = "windows-x86_64-none", "macos-aarch64-none"
SUFFIX, FOLDED, TKINTER, FREETHREADED = (
    "musl-extension-suffix",
    "bolt-folded-functions",
    "tkinter-init-tcl",
    "windows-freethreaded",
)
FIXES = {SUFFIX: "20251028", FOLDED: "20250529", TKINTER: "20251209", FREETHREADED: "20241206"}


def archive(name: str, target: str) -> Archive:
    """Return the build named `3.12.9+20250317` or `3.13.0+freethreaded+20241016`."""
    version, *variant, release = name.split("+")
    return Archive(version, release, target, "+".join(variant))


def offered(offer: Offer, names: str, target: str) -> Pyman:
    """Offer the builds, and return a pyman which has no others and for which `target` is this machine."""
    offer(*(small_archive(offer.server.folder, archive(name, target)) for name in names.split()))
    offer.pyman.environment["PYMAN_TARGET"] = target
    return offer.pyman


@pytest.fixture(scope="module")
def published() -> list[Key]:
    """Every build of the bundled metadata."""
    metadata = bundled()
    return [build.key for target in metadata.targets() for build in metadata.builds(target)]


def test_each_entry_is_complete() -> None:
    assert {each.id: each.fixed for each in ADVISORIES} == FIXES
    for each in ADVISORIES:
        assert date.fromisoformat(each.date) <= date.today()  # noqa: DTZ011 - a day more or less
        assert each.since < each.fixed
        assert each.problem
        assert each.references
        assert all(place.startswith("https://github.com/astral-sh/") for place in each.references)


@pytest.mark.parametrize("advisory", ADVISORIES, ids=FIXES)
def test_each_entry_means_builds_for_which_there_is_a_better_one(
    advisory: Advisory, published: list[Key]
) -> None:
    bad = [key for key in published if advisory.covers(key)]
    assert bad
    mended = {key.release for key in published if not affecting(key)}
    assert advisory.fixed in mended
    good: dict[str, Key] = {}
    for key in published:
        if key.release >= advisory.fixed and not affecting(key):
            good[key.link_name] = max(key, good.get(key.link_name, key), key=lambda each: each.version)
    assert [key for key in bad if key.version > good[key.link_name].version] == []


@pytest.mark.parametrize("advisory", ADVISORIES, ids=FIXES)
def test_each_window_is_closed_and_catches_nothing_newer(advisory: Advisory, published: list[Key]) -> None:
    newest = max(int(key.release) for key in published if key.implementation == "cpython")
    assert int(advisory.fixed) <= newest
    first, last = (date.fromisoformat(text) for text in (advisory.since, advisory.fixed))
    assert timedelta(0) < last - first < timedelta(days=365)
    caught = {key.release for key in published if advisory.covers(key)}
    # A window catches what was there when it was closed; all since then is good.
    assert max(caught) < advisory.fixed <= advisory.date.replace("-", "")
    later = [key for key in published if key.release >= max(FIXES.values()) and affecting(key)]
    assert later == []


# A star stands before what is affected.
@pytest.mark.parametrize(
    ("advisory", "target", "builds"),
    [
        (SUFFIX, MUSL, "3.12.9+20250310 *3.12.9+20250311 *3.12.12+20251027 3.12.12+20251028 3.13.2+20250317"),
        (SUFFIX, ARM_MUSL, "*3.9.23+20250828 *3.12.11+debug+20250828 3.12.11+static+20250818"),
        (SUFFIX, GNU, "3.12.9+20250317 3.11.13+20250612"),
        (FOLDED, GNU, "3.12.10+20250516 *3.12.10+20250517 *3.13.3+freethreaded+20250521 3.12.10+20250529"),
        (FOLDED, GNU, "3.11.12+20250517 *3.14.0a7+20250521"),
        (FOLDED, "linux-x86_64_v3-gnu", "*3.13.3+20250517"),
        (FOLDED, "linux-aarch64-gnu", "3.13.3+20250517"),
        (FOLDED, MACOS, "3.13.3+20250517"),
        (TKINTER, GNU, "3.14.0+20251031 *3.14.0+20251120 *3.14.1+20251202 *3.14.2+20251205 3.14.2+20251209"),
        (TKINTER, MACOS, "*3.14.1+20251202 3.13.10+20251202 *3.15.0a2+20251120"),
        (TKINTER, WINDOWS, "3.14.1+20251202"),
        (FREETHREADED, WINDOWS, "*3.13.0+freethreaded+20241008 *3.13.0+freethreaded+20241016"),
        (FREETHREADED, WINDOWS, "3.13.0+20241016 3.13.1+freethreaded+20241206"),
        (FREETHREADED, GNU, "3.13.0+freethreaded+20241016"),
    ],
)
def test_what_is_affected(advisory: str, target: str, builds: str) -> None:
    for name in builds.split():
        key = Key.parse(archive(name.lstrip("*"), target).key)
        assert (advisory in [each.id for each in affecting(key)]) is name.startswith("*"), name


@given(keys)
def test_no_other_implementation_and_no_other_release(key: Key) -> None:
    for each in affecting(key):
        assert each.covers(key)
        assert key.implementation == "cpython"
        assert each.since <= key.release < each.fixed


@given(keys, st.sampled_from(ADVISORIES))
def test_the_short_way_leaves_none_out(key: Key, advisory: Advisory) -> None:
    assert (advisory in affecting(key)) is advisory.covers(key)


def builds_of(names: Iterable[str]) -> list[Build]:
    return [Build(Key.parse(f"cpython-{name}-{MUSL}"), "https://host/", "0" * 64) for name in names]


_RELEASES = ["20250317", "20250521", "20251027", "20251028", "20251120", "20251202", "20251209"]
_VERSIONS = ["3.12.9", "3.12.12", "3.13.3", "3.14.0", "3.14.1"]


@given(
    st.sets(st.tuples(st.sampled_from(_VERSIONS), st.sampled_from(_RELEASES)), min_size=1),
    st.sampled_from(["3", "3.12", "3.14", "3.14.1", ">=3.12,<3.14", "latest"]),
)
def test_never_chosen_while_it_can_be_helped(offered: set[tuple[str, str]], request_text: str) -> None:
    request = Request.parse(request_text)
    builds = builds_of(f"{version}+{release}" for version, release in offered)
    judged = verdicts(request, builds, Machine(Target.parse(MUSL), {}, ask_libc_version=lambda: None))
    kept = [verdict.build.key for verdict in judged if not verdict.objection]
    assert not any(each.grave for key in kept for each in affecting(key))
    if kept and affecting(kept[0]):
        assert all(affecting(key) for key in kept if key.version == kept[0].version)


@pytest.mark.parametrize(
    ("request_", "target", "builds"),  # what is to be chosen has a star before it
    [
        ("3.12", MUSL, "3.12.10+20251027 *3.12.9+20251028"),
        ("3.12", GNU, "3.12.10+20250521 *3.12.10+20250409"),
        ("3.12.10", GNU, "3.12.10+20250521 *3.12.10+20250529"),
        ("3.13t", WINDOWS, "3.13.0+freethreaded+20241016 *3.13.1+freethreaded+20241206"),
        ("3.14.0", GNU, "3.14.0+20251120 *3.14.0+20251031"),
        ("3.14", GNU, "3.14.0+20251120 3.14.1+20251202 *3.14.2+20251209"),
    ],
)
def test_another_build_is_taken(request_: str, target: str, builds: str, offer: Offer) -> None:
    (best,) = (name.lstrip("*") for name in builds.split() if name.startswith("*"))
    pyman = offered(offer, builds.replace("*", ""), target)
    result = pyman("install", request_, "--no-bin", "--no-smoke-test")
    assert pyman.installed() == [archive(best, target).key]
    assert "warning" not in result.stderr


@pytest.mark.parametrize(
    ("request_", "target", "build", "advisory"),
    [
        ("3.12.9+20250317", ARM_MUSL, "3.12.9+20250317", SUFFIX),
        ("3.12.10+20250517", "linux-x86_64_v3-gnu", "3.12.10+20250517", FOLDED),
        ("3.13.0t+20241016", WINDOWS, "3.13.0+freethreaded+20241016", FREETHREADED),
        # What only lacks something is taken where nothing else fits.
        ("3.14.1", MACOS, "3.14.1+20251202", TKINTER),
    ],
)
def test_whoever_insists_gets_it_with_a_warning(
    request_: str, target: str, build: str, advisory: str, offer: Offer
) -> None:
    pyman = offered(offer, build, target)
    key = archive(build, target).key
    for options in (["--dry-run"], ["-q"]):
        result = pyman("install", request_, "--no-bin", "--no-smoke-test", *options)
        (warning,) = (line for line in result.stderr.splitlines() if line.startswith("warning: "))
        assert warning.startswith(f"warning: {key} is known to be bad: ")
        assert f"(advisory {advisory}, fixed in release {FIXES[advisory]}; see https://" in warning
    assert pyman.installed() == [key]


@pytest.mark.parametrize(
    ("request_", "target", "build", "fixed"),
    [
        ("3.12", MUSL, "3.12.9+20250317", "20251028"),
        ("3.13.3", GNU, "3.13.3+20250521", "20250529"),
        ("3.13t", WINDOWS, "3.13.0+freethreaded+20241016", "20241206"),
    ],
)
def test_only_bad_ones_fit(request_: str, target: str, build: str, fixed: str, offer: Offer) -> None:
    pyman = offered(offer, build, target)
    key = archive(build, target).key
    lines = pyman("install", request_, code=1).stderr.splitlines()
    assert lines[0].startswith("error: No Python download found for request: ")
    assert lines[1].startswith(f"hint: {key} was left out: ")
    assert f"fixed in release {fixed}" in lines[1]
    # The hint does what it says.
    assert lines[1].endswith(f" `pyman install {key}` installs it all the same.")
    pyman("install", key, "--no-bin", "--no-smoke-test")
    assert pyman.installed() == [key]


def test_the_published_ones_are_never_chosen(published: list[Key]) -> None:
    """For the version of each affected build, asked for on its own target."""
    metadata = bundled()
    affected = {(key.target, key.version, key.variant) for key in published if affecting(key)}
    for target, version, variant in sorted(affected, key=str):
        text = "+".join(part for part in (str(version), str(variant)) if part)
        # A request for a version in full is met by no other: to judge the thousands of others takes a minute.
        same = [build for build in metadata.builds(target) if build.key.version == version]
        judged = verdicts(Request.parse(text), same, Machine(target, {}, lambda: None))
        kept = [each.build.key for each in judged if not each.objection]
        assert not any(each.grave for key in kept for each in affecting(key))


def test_pins_and_upgrades_choose_as_an_install_does(offer: Offer) -> None:
    # A debug build, for a plain one may be on PATH.
    names = "3.12.9+debug+20250317 3.12.8+debug+20250310"
    pyman = offered(offer, names, MUSL)
    assert "3.12.8" in pyman("pin", "--resolved", "3.12d").stderr
    lay(pyman.store, archive("3.12.8+debug+20250310", MUSL))
    assert pyman("outdated").stdout == ""
    assert "up to date" in pyman("upgrade", "--dry-run").stderr
    pyman = offered(offer, f"{names} 3.12.9+debug+20251028", MUSL)
    assert "3.12.9+20251028" in pyman("outdated", code=1).stdout
    assert "3.12.9+debug+20251028" in pyman("upgrade", "--dry-run").stderr


def test_what_is_installed_is_not_refused(offer: Offer) -> None:
    pyman = offered(offer, "3.12.9+20250317 3.12.9+20251028", MUSL)
    (key,) = lay(pyman.store, archive("3.12.9+20250317", MUSL))
    assert f"Already installed: {key}" in pyman("install", "3.12", "--no-bin").stderr
    assert f"advisory {SUFFIX}" in pyman("list", "--only-installed").stdout
    assert "3.12.9+20251028" in pyman("outdated", code=1).stdout


def test_explain_and_list_name_it(offer: Offer) -> None:
    pyman = offered(offer, "3.14.1+20251202 3.14.0+20251120 3.14.0+20251031 3.13.3+20250521", GNU)
    document = pyman("explain", "3.14.0", "--json").json
    assert [(each["status"], each["rule"]) for each in document["candidates"]] == [
        ("chosen", "best"),
        ("kept", "advisory"),
    ]
    assert document["candidates"][1]["advisories"] == [TKINTER]
    assert document["advisories"] == [
        {**facts(each), "references": list(each.references)} for each in ADVISORIES if each.id == TKINTER
    ]
    told = pyman("explain", "3.14.1").stdout
    assert f"so no window opens (advisory {TKINTER}" in told
    assert f"(advisory {FOLDED}, fixed in release 20250529" in pyman("explain", "3.13", code=1).stdout
    rows = pyman("list", "--only-available", "--all-builds", "--json").json["available"]
    assert [each["advisories"] for each in rows] == [[TKINTER], [TKINTER], [], [FOLDED]]
    rows = pyman("list", "--only-available", "--all-versions", "--json").json["available"]
    assert [each["release"] for each in rows] == ["20251202", "20251031"]
