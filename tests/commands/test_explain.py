"""`pyman explain`: what was found out, what was chosen, and why not the others."""

import sys
from typing import Any

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, own_form
from tests.support.stores import lay

from pyman.catalogue.origins import parse
from pyman.choice.explanation import explain, reading
from pyman.machine.detection import machine
from pyman.requests.request import Request

GNU, MUSL = "linux-x86_64-gnu", "linux-x86_64-musl"


def builds(names: str, target: str) -> list[Archive]:
    """Return the builds named `3.12.9+20250317`; one with a `?` after it has no checksum."""
    made = []
    for name in names.split():
        version, *variant, release = name.rstrip("?").split("+")
        sha256 = None if name.endswith("?") else "0" * 64
        made.append(Archive(version, release, target, "+".join(variant), sha256))
    return made


def judged(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return name, status and rule of each candidate."""
    return [
        (each["key"].split("-", 1)[1].rsplit("-", 3)[0], each["status"], each["rule"])
        for each in document["candidates"]
    ]


@pytest.mark.parametrize(
    ("request_", "musl", "expected"),
    [
        (
            "3.13",
            "3.13.5+20250612 3.13.5+20250708 3.13.4+20250801 3.14.0+20251007",
            [
                ("3.13.5+20250708", "chosen", "best"),
                ("3.13.5+20250612", "kept", "older release"),
                ("3.13.4+20250801", "kept", "older version"),
            ],
        ),
        (
            "3.13",
            "3.13.5+20250612 3.13.6+static+20250612 3.13.7+debug+20250708",
            [
                ("3.13.5+20250612", "chosen", "best"),
                ("3.13.6+static+20250612", "kept", "static"),
                ("3.13.7+debug+20250708", "dropped", "variant"),
            ],
        ),
        ("3.13", "3.13.6+static+20250612", [("3.13.6+static+20250612", "chosen", "static")]),
        ("3.13+static", "3.13.6+static+20250612", [("3.13.6+static+20250612", "chosen", "best")]),
        (
            "3",
            "3.15.0rc1+20260814 3.14.1+20251202",
            [("3.14.1+20251202", "chosen", "best"), ("3.15.0rc1+20260814", "kept", "pre-release")],
        ),
        (
            "3.12",
            "3.12.9+20250317 3.12.8+20241016 3.12.10+20250409?",
            [
                ("3.12.8+20241016", "chosen", "best"),
                ("3.12.10+20250409", "dropped", "advisory"),
                ("3.12.9+20250317", "dropped", "advisory"),
            ],
        ),
        ("3.12.9+20250317", "3.12.9+20250317", [("3.12.9+20250317", "chosen", "best")]),
        (
            "3.13",
            "3.13.5+20250612? 3.13.4+20250612",
            [("3.13.4+20250612", "chosen", "best"), ("3.13.5+20250612", "dropped", "no checksum")],
        ),
        (
            "3.13t",
            "3.13.5+20250612 3.13.4+freethreaded+20250612",
            [("3.13.4+freethreaded+20250612", "chosen", "best"), ("3.13.5+20250612", "dropped", "variant")],
        ),
    ],
)
def test_each_build_has_a_reason(request_: str, musl: str, expected: list[tuple[str, str, str]]) -> None:
    offered = parse(own_form(builds(musl, MUSL)), "test")
    found = explain(Request.parse(request_), offered, machine(MUSL))
    assert [
        (each.build.key.build_name.removeprefix("cpython-"), each.status, each.rule) for each in found
    ] == expected
    assert all(each.reason for each in found)


def test_it_chooses_what_an_install_chooses(offer: Offer) -> None:
    offer(*builds("3.13.5+static+20250708 3.13.5+20250612 3.13.4+20250801 3.14.0rc1+20250801", MUSL))
    for request in ("3", "latest", "3.14", "any", ">=3.13", "cpython-3.13-linux-x86_64-musl"):
        document = offer.pyman("explain", request, "--target", MUSL, "--json").json
        ranks = [each["status"] for each in document["candidates"]]
        assert ranks == sorted(ranks, key=["chosen", "kept", "dropped"].index)
        assert document["chosen"].startswith(
            "cpython-3.14.0rc1" if request == "3.14" else "cpython-3.13.5+2025"
        )


def test_the_other_c_library_is_named(offer: Offer) -> None:
    offer(*builds("3.13.5+20250612", MUSL), *builds("3.13.5+20250612 3.12.1+20250612", GNU))
    document = offer.pyman("explain", "3.13", "--target", MUSL, "--json").json
    assert judged(document) == [
        ("3.13.5+20250612", "chosen", "best"),
        ("3.13.5+20250612", "dropped", "wrong libc"),
    ]
    assert document["chosen"] == document["candidates"][0]["key"]
    assert document["request"]["text"] == "3.13"
    assert document["error"] is None
    assert document["candidates"][1]["reason"] == f"made for gnu, and {MUSL} is meant"


def test_nothing_fits(offer: Offer) -> None:
    offer(*builds("3.13.5+20250612", GNU))
    result = offer.pyman("explain", "3.13", "--target", MUSL, "--json", code=1)
    assert result.json["chosen"] is None
    assert judged(result.json) == [("3.13.5+20250612", "dropped", "wrong libc")]
    message = f"No Python download found for request: cpython-3.13-{MUSL}"
    assert result.json["error"]["message"] == message
    assert GNU in result.json["error"]["hint"]
    assert f"error: {message}\nhint: " in result.stderr
    result = offer.pyman("explain", "3.13", "--target", MUSL, code=1)
    assert "Chosen" not in result.stdout
    assert "wrong libc" in result.stdout


@pytest.mark.parametrize("request_", ["3.4", "3.13.99", "2.7", ">=4", "3.13d", "3.13.5+20200101"])
def test_a_request_nobody_can_meet(request_: str, offer: Offer) -> None:
    offer(*builds("3.13.5+20250612", MUSL))
    result = offer.pyman("explain", request_, "--target", MUSL, code=1)
    assert f"Request {request_}\n" in result.stdout
    assert "found for request" in result.stderr


def test_no_request(pyman: Pyman) -> None:
    assert "three" in pyman("explain", "three", code=2).stderr


@pytest.mark.parametrize(
    ("request_", "parts"),
    [
        ("3.13", {"version": "3.13, the newest of it", "target": "this machine's"}),
        ("3.13.5", {"version": "3.13.5, exactly"}),
        ("3.13.5+20250612", {"release": "20250612"}),
        ("latest", {"version": "the newest stable one"}),
        (">=3.12,<3.14", {"version": ">=3.12,<3.14"}),
        ("3.13t", {"variant": "freethreaded"}),
        ("cpython-3.13-linux-x86_64-musl", {"target": "linux-x86_64-musl", "implementation": "cpython"}),
        ("3.13-x86_64_v3", {"target": "x86_64_v3"}),
    ],
)
def test_how_the_request_was_read(request_: str, parts: dict[str, str]) -> None:
    assert reading(Request.parse(request_)).items() >= parts.items()


@pytest.mark.skipif(sys.platform != "linux", reason="not on this platform: libc is of Linux")
def test_how_the_machine_was_found(pyman: Pyman) -> None:
    document = pyman("explain", "3.12", "--json").json
    facts = {fact["name"]: fact for fact in document["machine"]}
    assert list(facts)[:2] == ["os", "architecture"]
    assert facts["os"]["value"] == "linux"
    assert facts["libc"]["how"].startswith("PT_INTERP of /")
    assert facts["libc version"]["value"][0].isdigit()
    assert document["target"] == "-".join(facts[name]["value"] for name in ("os", "architecture", "libc"))
    text = pyman("explain", "3.12").stdout
    assert all(fact["how"] in text for fact in facts.values())


def test_a_target_that_was_named_is_the_evidence(pyman: Pyman) -> None:
    document = pyman("explain", "3.12", "--target", "windows-aarch64-none", "--json").json
    assert {fact["how"] for fact in document["machine"]} == {
        "--target or PYMAN_TARGET says windows-aarch64-none"
    }


def test_text_is_short_unless_all_is_asked_for(pyman: Pyman) -> None:
    arguments = ("explain", "3.12", "--target", MUSL)
    document = pyman(*arguments, "--json").json
    keys = [each["key"] for each in document["candidates"]]
    short, everything = pyman(*arguments).stdout, pyman(*arguments, "--all").stdout
    assert len(short.splitlines()) < 60
    assert f"Chosen  {keys[0]}\n" in short
    assert "advisory: its extension modules are tagged for glibc" in short
    assert [key for key in keys if key not in everything] == []


def test_what_is_installed_is_told(offer: Offer) -> None:
    pyman = offer.pyman
    (key,) = lay(pyman.store, Archive("3.13.4", "20250610", MUSL))
    offer(*builds("3.13.5+20250612 3.13.4+20250610", MUSL))
    assert pyman("explain", "3.13", "--target", MUSL, "--json").json["installed"] == key
    assert f"{key} is installed and fits" in pyman("explain", "3.13", "--target", MUSL).stdout


def test_nothing_is_changed(pyman: Pyman) -> None:
    pyman("explain", "3.12")
    assert not pyman.store.exists()
