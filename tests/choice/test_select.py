"""Which build a request gets, and what is said when there is none."""

import json

import pytest

from pyman.builds.target import Target
from pyman.catalogue.build import Metadata
from pyman.catalogue.origins import parse
from pyman.choice.select import candidates, verdicts
from pyman.errors import NoDownloadFoundError
from pyman.machine.detection import Machine
from pyman.requests.request import Request

MUSL = "linux-x86_64-musl"
GNU = "linux-x86_64-gnu"
DIGEST = "0" * 64


def metadata_of(**builds: str) -> Metadata:
    """Metadata with the builds (names joined by spaces) of each target (two underscores for a dash)."""
    by_target = {
        target.replace("__", "-"): [
            [f"cpython-{name.rstrip('?')}", f"https://host/{name}", _digest(name)] for name in names.split()
        ]
        for target, names in builds.items()
    }
    return parse(json.dumps({"format": 1, "origin": "https://host", "builds": by_target}).encode(), "test")


def _digest(name: str) -> str | None:
    return None if name.endswith("?") else DIGEST


def machine_of(target: str, libc_version: tuple[int, ...] | None = None) -> Machine:
    return Machine(Target.parse(target), {}, ask_libc_version=lambda: libc_version)


def chosen(request: str, builds: str, target: str = MUSL, libc_version: tuple[int, ...] | None = None) -> str:
    metadata = metadata_of(**{target.replace("-", "__"): builds})
    best = candidates(Request.parse(request), metadata, machine_of(target, libc_version))[0]
    return best.key.build_name.removeprefix("cpython-")


@pytest.mark.parametrize(
    ("request_text", "builds", "best"),
    [
        ("3.13", "3.13.4+20250603 3.13.5+20250612", "3.13.5+20250612"),
        ("3.13", "3.13.9+20251014 3.13.10+20251202", "3.13.10+20251202"),
        ("3.13.5", "3.13.5+20250612 3.13.5+20250708", "3.13.5+20250708"),
        ("3.13.5+20250612", "3.13.5+20250612 3.13.5+20250708", "3.13.5+20250612"),
        # Dynamic before static, even an older version.
        ("3.13", "3.13.5+static+20260127 3.13.5+20250612", "3.13.5+20250612"),
        ("3", "3.14.2+static+20260127 3.13.5+20250612", "3.13.5+20250612"),
        ("3.13", "3.13.5+static+20260127", "3.13.5+static+20260127"),
        ("3.13+static", "3.13.5+static+20260127 3.13.9+20260127", "3.13.5+static+20260127"),
        # Pre-releases only when named, or when the minor version has nothing else.
        ("3", "3.15.0rc1+20260814 3.14.7+20260814", "3.14.7+20260814"),
        ("latest", "3.15.0rc1+20260814 3.14.7+20260814", "3.14.7+20260814"),
        ("3-dev", "3.15.0rc1+20260814 3.14.7+20260814", "3.15.0rc1+20260814"),
        ("any-dev", "3.15.0rc1+20260814 3.15.0+20261014", "3.15.0+20261014"),
        ("3.14-dev", "3.15.0rc1+20260814 3.14.7+20260814 3.14.0rc1+20250808", "3.14.7+20260814"),
        ("3.15.0-dev", "3.15.0rc1+20260814 3.14.7+20260814", "3.15.0rc1+20260814"),
        (">=3.11-dev", "3.15.0rc1+20260814 3.14.7+20260814", "3.15.0rc1+20260814"),
        ("~3.12 || ~3.10", "3.13.5+20260814 3.10.1+20260814 3.12.9+20260814", "3.12.9+20260814"),
        ("3.15", "3.15.0rc1+20260814 3.14.7+20260814", "3.15.0rc1+20260814"),
        ("3.15", "3.15.0b4+20260728 3.15.0rc1+20260814", "3.15.0rc1+20260814"),
        ("3.15", "3.15.0rc1+20260814 3.15.0+20261009", "3.15.0+20261009"),
        ("3.15.0rc1", "3.15.0rc1+20260814 3.15.0+20261009", "3.15.0rc1+20260814"),
        # debug and freethreaded only when asked for.
        ("3.13", "3.13.9+debug+20251014 3.13.5+20250612", "3.13.5+20250612"),
        ("3.13t", "3.13.5+20250612 3.13.4+freethreaded+20250612", "3.13.4+freethreaded+20250612"),
        # The window in which musl builds were broken, on both sides of both its dates.
        ("3.12", "3.12.9+20250311 3.12.8+20250310", "3.12.8+20250310"),
        ("3.12", "3.12.12+20251027 3.12.11+20251028", "3.12.11+20251028"),
        ("3.12.9+20250317", "3.12.9+20250317", "3.12.9+20250317"),
        ("3.13", "3.13.2+20250317", "3.13.2+20250317"),
        ("3.12", "3.12.11+20251007 3.12.10+static+20250818", "3.12.10+static+20250818"),
        # A row without a checksum comes into question only where the user insists.
        ("3.13", "3.13.6+20250807? 3.13.5+20250612", "3.13.5+20250612"),
    ],
)
def test_the_best_build_on_musl(request_text: str, builds: str, best: str) -> None:
    assert chosen(request_text, builds) == best


def test_the_broken_window_is_musls_alone() -> None:
    assert chosen("3.12", "3.12.9+20250317", GNU) == "3.12.9+20250317"


@pytest.mark.parametrize(
    ("target", "version", "fits"),
    [
        (GNU, (2, 17), True),
        (GNU, (2, 16), False),
        (GNU, None, True),
        ("linux-riscv64-gnu", (2, 27), False),
        ("linux-riscv64-gnu", (2, 28), True),
        (MUSL, (1, 1, 23), False),
        (MUSL, (1, 1, 24), True),
        (MUSL, None, True),
    ],
)
def test_the_floor_of_the_c_library(
    target: str,
    version: tuple[int, ...] | None,
    fits: bool,  # noqa: FBT001 - a table's column
) -> None:
    builds = metadata_of(**{target.replace("-", "__"): "3.13.5+20250612"})
    (verdict,) = verdicts(
        Request.parse("3.13"), builds.builds(Target.parse(target)), machine_of(target, version)
    )
    assert (not verdict.objection) is fits
    assert fits or "or later" in verdict.objection


def test_the_floor_does_not_count_for_another_target() -> None:
    metadata = metadata_of(linux__aarch64__gnu="3.13.5+20250612")
    request = Request.parse("cpython-3.13-linux-aarch64-gnu")
    assert candidates(request, metadata, machine_of(GNU, (2, 5)))


def test_a_build_for_another_libc_is_never_chosen() -> None:
    metadata = metadata_of(linux__x86_64__gnu="3.13.5+20250612")
    with pytest.raises(NoDownloadFoundError) as caught:
        candidates(Request.parse("3.13"), metadata, machine_of(MUSL))
    assert caught.value.message == "No Python download found for request: cpython-3.13-linux-x86_64-musl"
    assert "linux-x86_64-gnu" in caught.value.hint


@pytest.mark.parametrize(
    ("request_text", "message", "hint"),
    [
        ("3.4", "cpython-3.4-linux-x86_64-musl", "Python 3.11 to 3.13"),
        ("3.13.99", "cpython-3.13.99-linux-x86_64-musl", "The newest 3.13 for linux-x86_64-musl is 3.13.5."),
        (">=3.99", "cpython->=3.99-linux-x86_64-musl", "Python 3.11 to 3.13"),
        ("3.11t", "cpython-3.11+freethreaded-linux-x86_64-musl", "Python 3.13 as freethreaded"),
        ("3.13d", "cpython-3.13+debug-linux-x86_64-musl", "nothing as debug"),
        ("3.12", "cpython-3.12-linux-x86_64-musl", "tagged for glibc"),
        ("3.13-x86_64_v3", "cpython-3.13-linux-x86_64_v3-musl", "Nothing is built for linux-x86_64_v3-musl"),
    ],
)
def test_what_is_said_when_nothing_fits(request_text: str, message: str, hint: str) -> None:
    builds = "3.13.5+20250612 3.13.5+freethreaded+20250612 3.12.9+20250317 3.11.14+20260127"
    with pytest.raises(NoDownloadFoundError) as caught:
        chosen(request_text, builds)
    assert caught.value.message == f"No Python download found for request: {message}"
    assert hint in caught.value.hint
    assert caught.value.exit_code == 1


def test_verdicts_name_every_build_that_was_meant_those_kept_first() -> None:
    builds = "3.12.9+20250317 3.12.12+20260127 3.12.12+static+20260127 3.11.1+20260127"
    metadata = metadata_of(linux__x86_64__musl=builds)
    judged = verdicts(Request.parse("3.12"), metadata.builds(Target.parse(MUSL)), machine_of(MUSL))
    assert [
        (verdict.build.key.build_name.removeprefix("cpython-"), bool(verdict.objection)) for verdict in judged
    ] == [
        ("3.12.12+20260127", False),
        ("3.12.12+static+20260127", False),
        ("3.12.9+20250317", True),
    ]


OTHERS = (
    "pypy-3.11.15+7.3.23 pypy-3.10.16+7.3.19 pypy-3.10.16+7.3.16 graalpy-3.12.0+25.2.4 graalpy-3.8.5+22.3.1"
)


def with_others(*more: str) -> Metadata:
    """Metadata with PyPy and GraalPy beside a few of CPython."""
    names = [*OTHERS.split(), "cpython-3.10.4+20220528", *more]
    rows = [[name, f"https://host/{name}", DIGEST] for name in names]
    document = {"format": 1, "origin": "https://host", "builds": {GNU: rows, MUSL: [rows[-1]]}}
    return parse(json.dumps(document).encode(), "test")


@pytest.mark.parametrize(
    ("request_text", "best"),
    [
        ("3.10", "cpython-3.10.4+20220528"),
        ("any", "cpython-3.10.4+20220528"),
        ("latest", "cpython-3.10.4+20220528"),
        ("pypy", "pypy-3.11.15+7.3.23"),
        ("pypy@latest", "pypy-3.11.15+7.3.23"),
        ("pp310", "pypy-3.10.16+7.3.19"),
        ("pypy3.10-7.3.16", "pypy-3.10.16+7.3.16"),
        ("pypy<3.11", "pypy-3.10.16+7.3.19"),
        ("graalpy", "graalpy-3.12.0+25.2.4"),
        ("graalpy-22.3.1", "graalpy-3.8.5+22.3.1"),
    ],
)
def test_the_best_build_of_an_implementation(request_text: str, best: str) -> None:
    choice = candidates(Request.parse(request_text), with_others(), machine_of(GNU))
    assert choice[0].key.build_name == best


def test_releases_of_an_implementation_order_as_numbers() -> None:
    metadata = with_others("pypy-3.10.16+7.3.9", "pypy-3.10.16+7.3.100")
    choice = candidates(Request.parse("pypy@3.10"), metadata, machine_of(GNU))
    assert [build.key.release for build in choice] == ["7.3.100", "7.3.19", "7.3.16", "7.3.9"]


@pytest.mark.parametrize(
    ("request_text", "target", "message", "hint"),
    [
        ("pypy@3.4", GNU, "pypy-3.4-linux-x86_64-gnu", "there is PyPy 3.10 to 3.11."),
        ("3.11", GNU, "cpython-3.11-linux-x86_64-gnu", "there is Python 3.10."),
        ("graalpy@3.10", GNU, "graalpy-3.10-linux-x86_64-gnu", "there is GraalPy 3.8 to 3.12."),
        ("pypy3.10t", GNU, "pypy-3.10+freethreaded-linux-x86_64-gnu", "but nothing as freethreaded."),
        (
            "pypy3.10-7.3.1",
            GNU,
            "pypy-3.10+7.3.1-linux-x86_64-gnu",
            f"PyPy 3.10 for {GNU} is 3.10.16+7.3.19.",
        ),
        (
            "pypy",
            MUSL,
            "pypy-any-linux-x86_64-musl",
            f"No PyPy is built for {MUSL}; there are builds for {GNU}.",
        ),
    ],
)
def test_what_is_said_when_nothing_of_an_implementation_fits(
    request_text: str, target: str, message: str, hint: str
) -> None:
    with pytest.raises(NoDownloadFoundError) as caught:
        candidates(Request.parse(request_text), with_others(), machine_of(target))
    assert caught.value.message == f"No Python download found for request: {message}"
    assert hint in caught.value.hint
