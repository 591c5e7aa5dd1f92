"""`pyman audit`: what is installed that is known to be bad, lacks a patch, or is not maintained any more.

What is known to be vulnerable is shown in test_vulnerabilities.py.
"""

import re
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.imports import loaded, started
from tests.support.stores import lay
from tests.test_architecture import HEAVY

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue.advisories import ADVISORIES, facts
from pyman.catalogue.origins import parse
from pyman.catalogue.vulnerabilities import VulnerabilityList
from pyman.machine.detection import Machine
from pyman.store.installations import Installation
from pyman.upkeep.audit import Concern, Subject, Where, audit
from pyman.upkeep.conditions import Successors
from pyman.upkeep.exposure import Exposures

MUSL, GNU = "linux-aarch64-musl", "linux-x86_64_v3-gnu"
FINDINGS = ("advisories", "outdated", "end_of_life", "near_end_of_life")


def archive(name: str, target: str = MUSL) -> Archive:
    """Return the build named `3.12.9+20250317` or `3.13.3+debug+20250521`."""
    version, *variant, release = name.split("+")
    return Archive(version, release, target, "+".join(variant))


def without_vulnerabilities(text: str) -> str:
    """Return the text without those, and what was installed of which nothing else is said."""
    blocks = re.split(r"(?m)^(?=\S)", text)
    kept = [
        re.sub(r"(?m)^  (vulnerable|no fix recorded by [-0-9]+): .*\n(    .*\n?)*", "", each)
        for each in blocks
    ]
    return "".join(each for each in kept if each.count("\n") > 1)


def audited(pyman: Pyman, *args: str) -> dict[str, list[str]]:
    """Return the keys that are found, by the list they are in; the exit code must agree."""
    found = pyman("audit", "--json", "--exit-zero", *args).json
    lists = {name: [each["key"] for each in found[name]] for name in FINDINGS if found[name]}
    mended = any(each["fixed_by_patch"] for each in found["vulnerable"])
    pyman("audit", *args, code=int(mended or bool(lists.keys() - {"near_end_of_life"})))
    return lists


# The far future of Python 3: no minor version of it is known to end. What is found has a star before it.
@pytest.mark.parametrize(
    ("installed", "offered", "expected"),
    [
        ("3.99.2+20260101", "3.99.2+20260101 3.98.9+20260101 3.99.3rc1+20260101", []),
        ("3.99.2+20260101", "", []),
        ("3.99.2+20260101", "3.99.2+20260201", []),
        ("*3.99.2+20260101", "3.99.3+20260201", ["outdated"]),
        ("*3.99.2+debug+20260101", "3.99.3+20260201 3.99.3+debug+20260101", ["outdated"]),
        ("3.99.2+20260101 3.99.3+20260201", "3.99.3+20260201", []),
        ("*3.12.9+20250317", "3.12.9+20250317", ["advisories"]),
        ("*3.12.9+20250317", "3.12.9+20251028", ["advisories"]),
        ("*3.12.9+20250317 3.12.9+20251028", "3.12.9+20251028", ["advisories"]),
        ("*3.12.9+20250317", "3.12.10+20251028", ["advisories", "outdated"]),
        ("*3.14.1+20251202", "3.14.1+20251202", ["advisories"]),
        ("*3.8.20+20241002", "", ["end_of_life"]),
    ],
)
def test_what_is_found(installed: str, offered: str, expected: list[str], offer: Offer) -> None:
    keys = lay(offer.pyman.store, *(archive(name.lstrip("*")) for name in installed.split()))
    offer(*map(archive, offered.split()))
    bad = [key for name, key in zip(installed.split(), keys, strict=True) if name.startswith("*")]
    assert audited(offer.pyman) == dict.fromkeys(expected, bad)


@pytest.mark.parametrize(
    ("installed", "offered", "command"),
    [
        ("3.12.9+20250317", "3.12.9+20251028", "pyman upgrade 3.12"),
        ("3.12.9+debug+20250317", "3.12.10+debug+20251028", "pyman upgrade 3.12d"),
        ("3.14.1+20251202", "3.14.2+20251209", "pyman upgrade 3.14"),
    ],
)
def test_the_remedy_mends_it(installed: str, offered: str, command: str, offer: Offer) -> None:
    pyman = offer.pyman
    (bad,) = lay(pyman.store, archive(installed))
    offer(small_archive(offer.server.folder, archive(offered)))
    pyman.environment["PYMAN_TARGET"] = MUSL
    (finding,) = pyman("audit", "--json", code=1).json["advisories"]
    assert finding["remedy"] == command
    pyman(*command.split()[1:])
    # The bad one is still there, for what may use it.
    (finding,) = pyman("audit", "--json", code=1).json["advisories"]
    assert finding["remedy"] == f"pyman uninstall {bad}"
    pyman(*finding["remedy"].split()[1:])
    assert audited(pyman) == {}


def test_there_may_be_no_remedy(offer: Offer) -> None:
    lay(offer.pyman.store, archive("3.14.0+20251120"))
    offer(archive("3.14.1+20251202"))  # which has the same fault
    document = offer.pyman("audit", "--json", code=1).json
    assert document["advisories"][0]["remedy"] is None
    assert document["outdated"][0]["remedy"] == "pyman upgrade 3.14"


def test_all_that_is_known_is_told(offer: Offer) -> None:
    pyman = offer.pyman
    bad, old, good = lay(
        pyman.store, archive("3.12.9+20250317"), archive("3.8.19+20240415"), archive("3.99.1+20260101")
    )
    offer(archive("3.12.10+20251028"), archive("3.8.20+20241002"))
    result = pyman("audit", code=1)
    assert without_vulnerabilities(result.stdout) == (
        f"{bad}\n"
        "  advisory musl-extension-suffix: its extension modules are tagged for glibc, "
        "musl wheels do not import\n"
        "    see https://github.com/astral-sh/python-build-standalone/issues/724\n"
        "    fixed in release 20251028; to mend it: pyman upgrade 3.12\n"
        "  outdated: 3.12.10 is out, in release 20251028\n"
        "    to mend it: pyman upgrade 3.12\n"
        f"{old}\n"
        "  outdated: 3.8.20 is out, in release 20241002\n"
        "    to mend it: pyman upgrade 3.8\n"
        "  end of life: 3.8 has had no fixes since 2024-10: move on to a later minor version\n"
    )
    assert "3 installations, 2 with findings\n" in result.stderr
    assert pyman("audit", "--exit-zero").stdout == result.stdout
    document = pyman("audit", "--json", code=1).json
    assert document["installations"] == [good, bad, old]
    assert document["newest_release"] == "20251028"
    (finding,) = document["advisories"]
    (advisory,) = (each for each in ADVISORIES if each.id == "musl-extension-suffix")
    assert finding["advisory"] == {**facts(advisory), "references": list(advisory.references)}
    assert finding["path"] == str(pyman.store / bad)
    assert document["outdated"][0]["newer"] == archive("3.12.10+20251028").key
    assert document["end_of_life"][0]["end_of_life"] == "2024-10"


def test_nothing_to_report(offer: Offer) -> None:
    # After the list of vulnerabilities: of others it says that no fix is recorded.
    offer(archive("3.99.1+20990101"), archive("3.98.1+20990101", GNU))
    lay(offer.pyman.store, archive("3.99.1+20990101"), archive("3.98.1+20990101", GNU))
    result = offer.pyman("audit")
    assert result.stdout == ""
    assert result.stderr.splitlines()[0] == "2 installations, nothing to report"


def test_old_metadata_are_mentioned(offer: Offer) -> None:
    lay(offer.pyman.store, archive("3.99.1+20200101"))
    offer(archive("3.99.1+20200101"))
    assert "The newest release that is known is " in offer.pyman("audit").stderr
    offer(archive(f"3.99.1+{date.today():%Y%m%d}"))  # noqa: DTZ011 - a day more or less
    assert "newest release" not in offer.pyman("audit").stderr


def test_nothing_installed(pyman: Pyman) -> None:
    result = pyman("audit")
    assert result.stdout == ""
    assert result.stderr == "0 installations, nothing to report\n"
    assert not pyman.store.exists()


def test_only_what_was_asked_for(offer: Offer) -> None:
    pyman = offer.pyman
    bad, good = lay(pyman.store, archive("3.12.9+20250317"), archive("3.99.1+20260101"))
    offer(archive("3.99.1+20260101"))
    assert audited(pyman, "3.99") == {}
    assert audited(pyman, "3.12.9") == {"advisories": [bad]}
    assert pyman("audit", "--json", "3.12", "3.99", "3.99.1", code=1).json["installations"] == [bad, good]
    assert "No Python download found for request: cpython-3.13-" in pyman("audit", "3.13", code=1).stderr
    assert "not a Python request" in pyman("audit", "three", code=2).stderr


def test_the_known_ones(pyman: Pyman) -> None:
    text = pyman("audit", "--list").stdout
    document = pyman("audit", "--list", "--json").json
    assert [each["id"] for each in document["advisories"]] == [each.id for each in ADVISORIES]
    for each in document["advisories"]:
        for part in (each["id"], each["date"], each["problem"], each["builds"], each["fixed"]):
            assert part in text
        assert all(place in text for place in each["references"])
    assert "CPython, up to 3.12, linux-any-musl, not static" in text


@pytest.mark.parametrize(
    ("today", "concern"),
    [
        (date(2028, 3, 31), []),
        (date(2028, 4, 1), [Concern.NEAR_END_OF_LIFE]),
        (date(2028, 10, 31), [Concern.NEAR_END_OF_LIFE]),
        (date(2028, 11, 1), [Concern.END_OF_LIFE]),
    ],
)
def test_the_end_of_life_of_3_12(today: date, concern: list[Concern], tmp_path: Path) -> None:
    key = Key.parse("cpython-3.12.12+20260101-linux-x86_64-gnu")
    metadata = parse(b'{"format": 1, "origin": "", "builds": {}}', "test")
    found = Successors(metadata, Machine(Target.parse("linux-x86_64-gnu"), {}))
    subject = Subject(key, Where.INSTALLED, tmp_path)
    exposures = Exposures(VulnerabilityList("2026-01-01", ()), found)
    (judgement,) = audit([subject], [Installation(key, tmp_path)], exposures, today)
    findings = judgement.findings
    assert judgement.is_bad is (concern == [Concern.END_OF_LIFE])
    assert [each.concern for each in findings] == concern
    assert all(each.concern.is_notice is (each.concern is Concern.NEAR_END_OF_LIFE) for each in findings)


def test_no_network_and_nothing_heavy(pyman: Pyman) -> None:
    lay(pyman.store, archive("3.12.9+20250317"))
    done = started(pyman.variables(), "-m", "pyman", "audit")
    assert "pyman.upkeep.audit" in loaded(done)
    assert loaded(done) & HEAVY == set()
    # The bundled metadata know better ones.
    assert "to mend it: pyman upgrade 3.12\n" in done.stdout
