"""Known vulnerabilities of CPython: the packaged list, what audit says of versions, the remark of an install.

What audit says is compared with a reading of the list that shares nothing with pyman's.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as Plain
from tests.conftest import ELSEWHERE, Offer, Pyman, Result
from tests.support import needs
from tests.support.builds import Archive
from tests.support.imports import loaded, started
from tests.support.interpreters import TARGET, alone, unpack_others
from tests.support.stores import lay

from pyman.builds.key import Implementation
from pyman.builds.version import Version
from pyman.catalogue import vulnerabilities
from pyman.catalogue.own_form import bundled
from pyman.catalogue.vulnerabilities import Range, Severity, Vulnerability, VulnerabilityList
from pyman.errors import MetadataError

GNU, MUSL = "linux-x86_64-gnu", "linux-aarch64-musl"
LIST = Path(vulnerabilities.__file__).with_name("vulnerabilities.json")
DOCUMENT = json.loads(LIST.read_text(encoding="utf-8"))
LATER = "20990101"


# --- a plain reading of the list ----------------------------------------------------------------------------


@cache
def plain(text: str) -> Plain:
    return Plain(text)


def ranges_of(row: Mapping[str, Any], version: str) -> list[Mapping[str, Any]]:
    """The ranges of a row that a version is in: half open, in the order of PEP 440, `0` is all before."""
    at = plain(version)
    return [
        each
        for each in row["affected"]
        if (each["introduced"] == "0" or plain(each["introduced"]) <= at)
        and (each["fixed"] is None or at < plain(each["fixed"]))
    ]


def having(version: str) -> set[str]:
    return {row["id"] for row in DOCUMENT["vulnerabilities"] if ranges_of(row, version)}


def open_ended(version: str) -> set[str]:
    """Those of which no fix is recorded."""
    rows = {row["id"]: ranges_of(row, version) for row in DOCUMENT["vulnerabilities"]}
    return {name for name, found in rows.items() if found and all(each["fixed"] is None for each in found)}


def first_releases(target: str) -> dict[str, str]:
    """Every version of CPython in the bundled metadata with its first release, for one target."""
    metadata = bundled()
    (found,) = (each for each in metadata.targets() if str(each) == target)
    first: dict[str, str] = {}
    for build in metadata.builds(found):
        if build.key.implementation is Implementation.CPYTHON:
            version = str(build.key.version)
            first[version] = min(build.key.release, first.get(version, LATER))
    return first


@pytest.mark.parametrize("target", [GNU, MUSL])
def test_audit_says_what_the_ranges_say(target: str, pyman: Pyman) -> None:
    first = first_releases(target)
    pyman.environment["PYMAN_TARGET"] = target
    document = pyman("audit", "--json", "--exit-zero", *first).json
    said = {each["version"]: each for each in document["vulnerable"]}
    not_known = {each["version"]: set(each["vulnerabilities"]) for each in document["not_known"]}
    assert len(document["available"]) == len(first)
    day = DOCUMENT["date"].replace("-", "")
    unsure = {version: open_ended(version) if first[version] > day else set[str]() for version in first}
    assert not_known == {version: found for version, found in unsure.items() if found}
    assert said.keys() == {version for version in first if having(version) - unsure[version]}
    for version, each in said.items():
        later = unsure[version]
        assert {row["id"] for row in each["vulnerabilities"]} == having(version) - later, version
        assert each["not_known"] == len(later), version
        assert each["no_fix_recorded"] == len(open_ended(version) - later), version
        assert each["fixed_by_patch"] + each["fixed_by_minor"] == len(having(version) - open_ended(version))


def test_the_version_that_mends_is_the_nearest(pyman: Pyman) -> None:
    first = first_releases(GNU)
    pyman.environment["PYMAN_TARGET"] = GNU
    finals = sorted((each for each in first if Plain(each).pre is None), key=Plain)
    left = {version: having(version) - open_ended(version) for version in finals}
    for each in pyman("audit", "--json", "--exit-zero", *finals).json["vulnerable"]:
        version = each["version"]
        later = [other for other in finals if Plain(other) >= Plain(version)]
        own = [other for other in later if series(other) == series(version)]
        best = min(own, key=lambda other: (len(left[other]), Plain(other)))
        assert (each["patch"] or each)["version"] == best
        whole = [other for other in later if not left[other]]
        expected = (whole[0] if left[best] else best) if left[version] and whole else None
        assert (each["nearest"] or {"version": None})["version"] == expected, version
        for mending in filter(None, (each["patch"], each["nearest"])):
            assert mending["fixes"] == len(left[version] - left[mending["version"]])


def series(version: str) -> tuple[int, ...]:
    return Plain(version).release[:2]


# --- the law of ranges --------------------------------------------------------------------------------------

_TEXTS = st.builds(
    "3.{}.{}{}".format,
    st.integers(11, 13),
    st.integers(0, 3),
    st.sampled_from(["", "", "a1", "b2", "rc1"]),
)


@given(_TEXTS, _TEXTS | st.just("0"), _TEXTS | st.none(), st.booleans())
def test_ranges_are_half_open(version: str, introduced: str, end: str | None, inclusive: bool) -> None:  # noqa: FBT001
    row = {"introduced": introduced, **({"last_affected": end} if inclusive and end else {"fixed": end})}
    data = listing({"id": "CVE-2026-1", "affected": [row]})
    (known,) = vulnerabilities.parse(data, "test").known
    at = Plain(version)
    begun = introduced == "0" or Plain(introduced) <= at
    ended = end is not None and (at > Plain(end) if inclusive else at >= Plain(end))
    assert known.affects(Version.parse(version)) is (begun and not ended)


def listing(*rows: Mapping[str, Any], **head: object) -> bytes:
    """A list of such rows; what is not given is as it mostly is."""
    usual = {"published": "2026-01-02", "severity": "high", "score": 7.5, "vector": "CVSS:3.1/AV:N"}
    rows_ = [usual | {"affected": [{"introduced": "0", "fixed": "3.12.5"}]} | dict(row) for row in rows]
    return json.dumps({"format": 1, "date": "2026-01-03", "vulnerabilities": rows_} | head).encode()


# --- the packaged list --------------------------------------------------------------------------------------


def test_the_list_is_shipped_and_whole() -> None:
    found = vulnerabilities.bundled()
    assert found.date == DOCUMENT["date"]
    assert len(found.known) == len(DOCUMENT["vulnerabilities"]) >= 87
    places = [list(Severity).index(each.severity) for each in found.known]
    assert places == sorted(places)
    scores = [each.score for each in found.known if each.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert all((each.vector is None) is (each.severity is Severity.UNKNOWN) for each in found.known)


# Qualitative severity rating scale: CVSS 3.1, section 5; CVSS 4.0, section 6.
_BANDS = {"critical": (9.0, 10.0), "high": (7.0, 8.9), "medium": (4.0, 6.9), "low": (0.1, 3.9)}
# Metric values: CVSS 3.1, section 7.4.
_WEIGHTS = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    **{name: {"H": 0.56, "L": 0.22, "N": 0.0} for name in "CIA"},
}


def base_score(vector: str) -> float:
    """The base score of a vector of CVSS 3.1: section 7.1, and appendix A for the rounding."""
    metrics = dict(part.split(":") for part in vector.split("/")[1:])
    weights = {name: values[metrics[name]] for name, values in _WEIGHTS.items()}
    changed = metrics["S"] == "C"
    if changed:
        weights["PR"] = {"N": 0.85, "L": 0.68, "H": 0.5}[metrics["PR"]]
    loss = 1 - (1 - weights["C"]) * (1 - weights["I"]) * (1 - weights["A"])
    impact = 7.52 * (loss - 0.029) - 3.25 * (loss - 0.02) ** 15 if changed else 6.42 * loss
    exploitability = 8.22 * weights["AV"] * weights["AC"] * weights["PR"] * weights["UI"]
    if impact <= 0:
        return 0.0
    tenths = round(min((1.08 if changed else 1) * (impact + exploitability), 10) * 100_000)
    return tenths / 100_000 if tenths % 10_000 == 0 else (tenths // 10_000 + 1) / 10


def test_severities_are_those_that_the_vectors_give() -> None:
    rated = [row for row in DOCUMENT["vulnerabilities"] if row["vector"]]
    assert {row["vector"].partition("/")[0] for row in rated} == {"CVSS:3.1", "CVSS:4.0"}
    for row in rated:
        lowest, highest = _BANDS[row["severity"]]
        assert lowest <= row["score"] <= highest, row["id"]
        if row["vector"].startswith("CVSS:3.1/"):
            assert row["score"] == base_score(row["vector"]), row["id"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        listing(format=0),
        listing(format="1"),
        listing(date="lately"),
        listing(vulnerabilities=None),
        listing({"id": "CVE-1", "severity": "awful"}),
        listing({"id": "CVE-1", "score": "9"}),
        listing({"id": "CVE-1", "affected": [{"fixed": "3.12.5"}]}),
        listing({"id": "CVE-1", "affected": [{"introduced": "x", "fixed": "3.12.5"}]}),
        listing({"severity": "low"}),
    ],
)
def test_what_is_no_list_is_an_error(data: bytes) -> None:
    with pytest.raises(MetadataError) as problem:
        vulnerabilities.parse(data, "here.json")
    assert problem.value.message.startswith("here.json is not a list of vulnerabilities: ")


def test_a_list_of_a_newer_form_needs_a_newer_pyman() -> None:
    with pytest.raises(MetadataError) as problem:
        vulnerabilities.parse(listing(format=2), "here.json")
    assert problem.value.message == "here.json is of form 2, which needs a newer pyman"


def test_the_newer_list_counts() -> None:
    row = Vulnerability("CVE-1", "2026-02-01", Severity.LOW, 1.0, "", (Range(Version(3, 12, 0)),))
    old, new = VulnerabilityList("2026-01-01", (row, row)), VulnerabilityList("2026-01-02", ())
    assert vulnerabilities.newest([old, new]) is vulnerabilities.newest([new, old]) is new
    fuller = VulnerabilityList("2026-01-01", (row, row._replace(published="2026-02-02")))
    assert vulnerabilities.newest([old, fuller]) is fuller


# --- audit --------------------------------------------------------------------------------------------------


def archive(name: str, target: str = MUSL) -> Archive:
    """Return the build named `3.12.9+20250317` or `3.13.3+debug+20250521`."""
    version, *variant, release = name.split("+")
    return Archive(version, release, target, "+".join(variant))


def vulnerable(pyman: Pyman, *args: str) -> dict[str, Any]:
    (found,) = pyman("audit", "--json", "--exit-zero", *args).json["vulnerable"]
    assert isinstance(found, dict)
    return found


def test_the_real_ones(fixtures: Path, offer: Offer) -> None:
    pyman = offer.pyman
    if needs.MUSL or not Path("/lib64/ld-linux-x86-64.so.2").exists():
        pytest.skip(f"{ELSEWHERE}the fixtures of these versions are for glibc on x86-64")
    real = [Archive.of_file(path) for path in sorted(fixtures.glob("cpython-*-linux-gnu-install_only*"))]
    for each in real:
        place = offer.server.folder / each.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(next(fixtures.glob(f"*{each.version}+{each.release}-*gnu*")))
    newer = "3.12.15+20261001 3.12.16+20261110 3.13.16+20261001 3.14.8+20261001 3.15.0+20261009"
    offer(*real, *(archive(name, GNU) for name in newer.split()))
    told = pyman("install", "3.13.0", "3.12.1", "--no-bin").stderr
    for version, newest in (("3.13.0", "3.13.16"), ("3.12.1", "3.12.16")):
        count = len(having(version) - having(newest))
        remark = f"warning: {version} has {count} known vulnerabilities that are fixed in {newest}"
        assert told.splitlines().count(remark) == 1
    document = pyman("audit", "--json", code=1).json
    new, old = document["vulnerable"]
    for each, version, patch in ((new, "3.13.0", "3.13.16"), (old, "3.12.1", "3.12.15")):
        assert each["version"] == version
        assert {row["id"] for row in each["vulnerabilities"]} == having(version)
        assert (each["patch"]["version"], each["nearest"]["version"]) == (patch, "3.15.0")
        assert each["remedy"] == f"pyman upgrade {version.rpartition('.')[0]}"
    text = pyman("audit", code=1).stdout
    for version in ("3.13.0", "3.12.1"):
        (block,) = (part for part in re.split(r"(?m)^(?=cpython)", text) if version in part[:20])
        assert set(re.findall(r"CVE-\d+-\d+", block)) == having(version)
        assert f"{len(having(version) - open_ended(version))} known vulnerabilities by the list of " in block
        assert f"no fix recorded by {DOCUMENT['date']}: {len(open_ended(version))} known" in block


def test_the_worst_comes_first_and_the_unknown_last(pyman: Pyman) -> None:
    rows = vulnerable(pyman, "3.13.0")["vulnerabilities"]
    order = [row["severity"] for row in rows]
    assert order == sorted(order, key=["critical", "high", "medium", "low", "none", "unknown"].index)
    assert order[-1] == "unknown"
    lines = [line.split() for line in pyman("audit", "3.13.0", "--exit-zero").stdout.splitlines()]
    shown = [words[0] for words in lines if words[0] in {"critical", "high", "medium", "low", "unknown"}]
    assert shown[0] == "critical"


@pytest.mark.parametrize(
    ("version", "level", "code"),
    [
        ("3.13.0", "critical", 1),
        ("3.13.0", "any", 1),
        # One of 8.7, fixed in 3.15.0 only, and others without a fix.
        ("3.14.7", "critical", 0),
        ("3.14.7", "high", 1),
        ("3.14.7", "low", 1),
        # After the list: of those without a fix nothing is known.
        ("3.15.0", "any", 0),
        # In these no newer patch mends anything, but --fail-on does not ask for that.
        ("3.12.99", "", 0),
        ("3.12.99", "any", 1),
        ("3.8.20", "", 1),
    ],
)
def test_the_exit_code(version: str, level: str, code: int, offer: Offer) -> None:
    offer(archive("3.14.7+20260805"), archive("3.15.0+20261009"))
    pyman = offer.pyman
    pyman.environment["PYMAN_TARGET"] = MUSL
    options = [f"--fail-on={level}"] if level else []
    pyman("audit", version, *options, code=code)
    pyman("audit", version, "--json", *options, code=code)
    pyman("audit", version, "--exit-zero", *options)


def test_with_fail_on_nothing_else_counts(offer: Offer) -> None:
    lay(offer.pyman.store, archive("3.99.1+20990101"))
    offer(archive("3.99.1+20990101"), archive("3.99.2+20990101"))
    assert "outdated" in offer.pyman("audit", code=1).stdout
    assert "outdated" in offer.pyman("audit", "--fail-on", "any").stdout
    for words in (["--fail-on", "awful"], ["--list", "--fail-on", "low"], ["--list", "3.12"]):
        offer.pyman("audit", *words, code=2)


def test_later_versions_are_never_called_fixed_or_not(offer: Offer) -> None:
    without = open_ended("3.99.1")
    assert without
    offer(archive("3.99.1+20990101"), archive("3.99.0+20200101"))
    old, new = lay(offer.pyman.store, archive("3.99.0+20200101"), archive("3.99.1+20990101"))
    result = offer.pyman("audit", "--exit-zero")
    assert new not in result.stdout
    assert f"No fix of {len(without)} more was recorded by {DOCUMENT['date']}; " in result.stderr
    assert f"later have them is not known: {new}\n" in result.stderr
    assert f"{old}\n" in result.stdout
    assert f"no fix recorded by {DOCUMENT['date']}: {len(without)} known vulnerabilities\n" in result.stdout
    document = offer.pyman("audit", "--json", "--exit-zero").json
    (found,), (unsure,) = document["vulnerable"], document["not_known"]
    assert (found["key"], unsure["key"]) == (old, new)
    assert set(unsure["vulnerabilities"]) == without
    assert {row["status"] for row in found["vulnerabilities"]} == {"no_fix_recorded"}


@pytest.mark.parametrize(
    ("version", "known"),
    [
        ("3.8.7", True),  # none of it is built for this target, but its minor version has ended
        ("2.7.18", True),
        ("3.14.2", True),  # a later one was built before the list was made
        ("3.14.8", False),
        ("3.98.0", False),
    ],
)
def test_what_is_in_no_metadata(version: str, *, known: bool, offer: Offer) -> None:
    offer(archive("3.14.3+20260203"), archive("3.14.9+20990101"))
    offer.pyman.environment["PYMAN_TARGET"] = MUSL
    document = offer.pyman("audit", "--json", "--exit-zero", version).json
    told = [*document["vulnerable"], *document["not_known"]]
    assert {(each["key"], each["where"]) for each in told} == {(None, "available")}
    assert (document["not_known"] == []) is known
    assert sum(each["no_fix_recorded"] for each in document["vulnerable"]) == len(open_ended(version)) * known


def test_a_minor_version_that_gets_no_fixes_says_so(offer: Offer) -> None:
    offer(archive("3.8.20+20241002"), archive("3.12.16+20261110"))
    offer.pyman.environment["PYMAN_TARGET"] = MUSL
    ended = offer.pyman("audit", "3.8.20", code=1).stdout
    assert re.search(
        r"\d+ got no fix in 3\.8 by [-0-9]+, only in a later minor version; 3\.8 has had no", ended
    )
    maintained = offer.pyman("audit", "3.12.16").stdout
    assert re.search(r"15 got no fix in 3\.12 by [-0-9]+, only in a later minor version\n", maintained)
    assert f"no later version is known for {MUSL} that has none of these\n" in maintained


def test_what_would_be_installed_is_looked_at(offer: Offer) -> None:
    pyman = offer.pyman
    pyman.environment["PYMAN_TARGET"] = MUSL
    offer(archive("3.12.4+20260101"), archive("3.12.5+20260101"))
    document = pyman("audit", "3.12", "--json", "--exit-zero").json
    assert document["available"] == [archive("3.12.5+20260101").key]
    (key,) = lay(pyman.store, archive("3.12.4+20260101"))
    document = pyman("audit", "3.12", "--json", "--exit-zero").json
    assert (document["installations"], document["available"]) == ([key], [])
    assert pyman("audit", "3.12.5", "--json", "--exit-zero").json["installations"] == []


def test_others_than_cpython_are_not_judged(pyman: Pyman) -> None:
    pyman.environment["PYMAN_TARGET"] = GNU
    result = pyman("audit", "pypy@3.10", "--fail-on", "any")
    assert result.stdout == ""
    assert "Vulnerabilities are known of CPython only; not looked at for any: pypy-3.10." in result.stderr
    document = pyman("audit", "pypy@3.10", "--json").json
    assert document["not_looked_at"] == document["available"]
    assert document["vulnerable"] == []


def test_foreign_ones_are_looked_at_when_asked_for(
    fixtures: Path, offer: Offer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    offer(archive("3.12.16+20261110", TARGET))
    pyman = offer.pyman
    alone(pyman, pyenv=unpack_others(fixtures, tmp_path_factory.getbasetemp()))
    assert pyman("audit", "--json").json["foreign"] == []
    document = pyman("audit", "--foreign", "--json", code=1).json
    assert {f"cpython-3.12.1-{TARGET}", f"cpython-3.13.0-{TARGET}"} <= set(document["foreign"])
    (found,) = (each for each in document["vulnerable"] if each["version"] == "3.12.1")
    assert {row["id"] for row in found["vulnerabilities"]} == having("3.12.1")
    assert (found["where"], found["key"], found["remedy"]) == ("foreign", None, "pyman install 3.12")
    result = pyman("audit", "--foreign", "3.12.1", code=1)
    assert "A distribution may have fixed some of them" in result.stderr
    assert "cpython-3.13.0" not in result.stdout


# --- the remark ---------------------------------------------------------------------------------------------


def remarks(result: Result) -> list[str]:
    return [line for line in result.stderr.splitlines() if "known vulnerabilit" in line]


def remark(version: str, newest: str) -> str:
    count = len(having(version) - having(newest))
    return f"warning: {version} has {count} known vulnerabilities that are fixed in {newest}"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("3.12.4", remark("3.12.4", "3.12.16")),
        ("3.12.4+20240726", remark("3.12.4", "3.12.16")),
        (f"cpython-3.12.4-{GNU}", remark("3.12.4", "3.12.16")),
        ("3.13.0rc2", remark("3.13.0rc2", "3.13.18")),
        ("3.12.15", ""),
        ("3.12.16", ""),
        ("3.12", ""),
        ("~=3.12.4", ""),
        ("latest", ""),
    ],
)
def test_an_install_of_a_version_in_full_says_so(request_: str, said: str, offer: Offer) -> None:
    names = "3.12.4+20240726 3.12.15+20261001 3.12.16+20261110 3.13.0rc2+20240909 3.13.18+20261110"
    offer(*(archive(name, GNU) for name in names.split()))
    offer.pyman.environment["PYMAN_TARGET"] = GNU
    assert remarks(offer.pyman("install", "--dry-run", request_)) == ([said] if said else [])


def test_the_figure_of_the_documentation() -> None:
    said = "3.12.4 has 28 known vulnerabilities that are fixed in 3.12.16"
    assert remark("3.12.4", "3.12.16") == f"warning: {said}"


def test_run_and_pin_say_so_as_well(offer: Offer) -> None:
    pyman = offer.pyman
    lay(pyman.store, archive("3.12.4+20240726", GNU))
    offer(archive("3.12.4+20240726", GNU), archive("3.12.16+20261110", GNU))
    pyman.environment["PYMAN_TARGET"] = GNU
    said = [remark("3.12.4", "3.12.16")]
    assert remarks(pyman("run", "--dry-run", "3.12.4")) == said
    assert remarks(pyman("run", "--dry-run", "3.12")) == []
    assert remarks(pyman("run", "--dry-run", "3.12.4+20240726", "x.py")) == said
    assert remarks(pyman("install", "3.12.4", "--no-bin")) == said
    assert remarks(pyman("pin", "3.12")) == []
    assert remarks(pyman("pin", "3.12.4")) == said
    # From the version file.
    assert remarks(pyman("run", "--dry-run")) == said
    assert remarks(pyman("install", "--no-bin")) == said
    assert remarks(pyman("find")) == []
    assert remarks(pyman("pin")) == []
    assert remarks(pyman("pin", "--resolved", "3.12")) == said
    # What an install says is not said again by the run that installs.
    (pyman.store / archive("3.12.4+20240726", GNU).key).rename(pyman.root / "away")
    alone(pyman)
    assert remarks(pyman("run", "--dry-run", "3.12.4")) == said


def test_one_is_one(offer: Offer) -> None:
    offer(archive("3.14.0rc1+20250723", GNU), archive("3.14.10+20261110", GNU))
    offer.pyman.environment["PYMAN_TARGET"] = GNU
    assert len(having("3.14.0rc1") - having("3.14.10")) == 1
    (said,) = remarks(offer.pyman("install", "--dry-run", "3.14.0rc1"))
    assert said == "warning: 3.14.0rc1 has 1 known vulnerability that is fixed in 3.14.10"


def test_a_remark_opens_no_connection(offer: Offer) -> None:
    pyman = offer.pyman
    lay(pyman.store, archive("3.12.4+20240726", GNU))
    pyman.environment |= {"PYMAN_TARGET": GNU, "PYMAN_METADATA": f"{offer.server.url}/metadata.json"}
    for command in (["install", "--no-bin"], ["run", "--dry-run"]):
        assert len(remarks(pyman(*command, "3.12.4"))) == 1
    assert offer.server.asked == []
    # Nor is it worth an error.
    pyman.environment["PYMAN_METADATA"] = str(pyman.root / "missing.json")
    assert remarks(pyman("install", "3.12.4", "--no-bin")) == []


@pytest.mark.parametrize(
    ("command", "needs_list"),
    [
        ("list", False),
        ("find 3.12.4", False),
        ("run --dry-run 3.12", False),
        ("install --dry-run 3.12", False),
        ("pin --dry-run 3.12", False),
        ("outdated", False),
        ("run --dry-run 3.12.4", True),
        ("install --dry-run 3.12.4", True),
        ("pin --dry-run 3.12.4", True),
    ],
)
def test_only_who_shows_it_loads_the_list(command: str, *, needs_list: bool, pyman: Pyman) -> None:
    lay(pyman.store, archive("3.12.4+20240726", GNU))
    pyman.environment["PYMAN_TARGET"] = GNU
    done = started(pyman.variables(), "-m", "pyman", *command.split(), cwd=pyman.work)
    assert ("pyman.catalogue.vulnerabilities" in loaded(done)) is needs_list, done.stderr
    assert loaded(done) & {"pyman.metadata_fetcher", "cvss"} == set()
