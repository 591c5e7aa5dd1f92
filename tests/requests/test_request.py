"""What users type, and what it means."""

import pytest

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.errors import UsageError
from pyman.requests.request import Request

SPELLINGS = [
    ("3", "cpython-3"),
    ("3.12", "cpython-3.12"),
    ("3.12.9", "cpython-3.12.9"),
    ("3.12.9+20250317", "cpython-3.12.9+20250317"),
    ("3.13t", "cpython-3.13+freethreaded"),
    ("3.13+freethreaded", "cpython-3.13+freethreaded"),
    ("3.13d", "cpython-3.13+debug"),
    ("3.13+debug", "cpython-3.13+debug"),
    ("3.13td", "cpython-3.13+freethreaded+debug"),
    ("3.12+static", "cpython-3.12+static"),
    ("3.15.0rc1", "cpython-3.15.0rc1"),
    ("3.15rc1", "cpython-3.15.0rc1"),
    (">=3.11,<3.13", "cpython->=3.11,<3.13"),
    (" >= 3.11, < 3.13 ", "cpython->=3.11,<3.13"),
    (">=3.13+freethreaded", "cpython->=3.13+freethreaded"),
    ("~=3.12", "cpython-~=3.12"),
    ("==3.12.*", "cpython-==3.12.*"),
    ("!=3.12.1", "cpython-!=3.12.1"),
    ("cp312", "cpython-3.12"),
    ("cp313t", "cpython-3.13+freethreaded"),
    ("312", "cpython-3.12"),
    ("39", "cpython-3.9"),
    ("python3.12", "cpython-3.12"),
    ("cpython@3.12", "cpython-3.12"),
    ("cpython3.12", "cpython-3.12"),
    ("CPython-3.12.9-Linux-x86_64-musl", "cpython-3.12.9-linux-x86_64-musl"),
    ("cpython-3.12-linux", "cpython-3.12-linux-any-any"),
    ("cpython-3.12-any-any-musl", "cpython-3.12-any-any-musl"),
    ("cpython-3.12-musl", "cpython-3.12-any-any-musl"),
    ("3.12-darwin-arm64", "cpython-3.12-macos-aarch64-any"),
    ("cpython-3.12-linux-x86_64_v3-gnu", "cpython-3.12-linux-x86_64_v3-gnu"),
    ("latest", "cpython-latest"),
    ("any", "cpython-any"),
    ("cpython", "cpython-any"),
    ("cpython@latest", "cpython-latest"),
    ("pypy@3.10", "pypy-3.10"),
    ("pypy3.10", "pypy-3.10"),
    ("PyPy-3.10", "pypy-3.10"),
    ("pypy", "pypy-any"),
    ("pypy@latest", "pypy-latest"),
    ("pypy3", "pypy-3"),
    ("pp310", "pypy-3.10"),
    ("pp3.10", "pypy-3.10"),
    ("pypy>=3.9,<3.11", "pypy->=3.9,<3.11"),
    ("graalpy", "graalpy-any"),
    ("graalpy@3.11", "graalpy-3.11"),
    ("gp311", "graalpy-3.11"),
    ("pypy-3.10-linux-x86_64-gnu", "pypy-3.10-linux-x86_64-gnu"),
    ("pypy-3.10.16+7.3.19", "pypy-3.10.16+7.3.19"),
    # As pyenv and mise spell them: the implementation's own version after Python's, or alone.
    ("pypy3.10-7.3.16", "pypy-3.10+7.3.16"),
    ("pypy3.10-v7.3.16", "pypy-3.10+7.3.16"),
    ("pypy3.10-7.3.16-linux", "pypy-3.10+7.3.16-linux-any-any"),
    ("graalpy-24.0.2", "graalpy-any+24.0.2"),
    ("pypy-7.3.16", "pypy-any+7.3.16"),
]


@pytest.mark.parametrize(("typed", "canonical"), SPELLINGS)
def test_spellings(typed: str, canonical: str) -> None:
    assert str(Request.parse(typed)) == canonical


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("lates", "latest"),
        ("3.12.1.x", "3.12.1"),
        ("3.12+", ">=3.12"),
        (">=3.13t,<3.15", ">=3.13,<3.15t"),
        ("freethreaded", "any+freethreaded"),
        ("=>3.12", ">=3.12"),
        ("=3.12", "==3.12"),
        ("3.12+freethreded", "3.12+freethreaded"),
        ("cpyhton@3.12", "cpython@3.12"),
        ("3.13.1.1", "3.13.1"),
        ("python 3.12 please", "3.12"),
        ("3.12_linux", "3.12-linux"),
        ("pypi3.10", "pypy3.10"),
        ("graalpython@3.11", "graalpy@3.11"),
        ("3.10-7.3.16", "pypy-3.10-7.3.16"),
    ],
)
def test_a_mistake_is_answered_with_what_was_meant(typed: str, meant: str) -> None:
    with pytest.raises(UsageError) as caught:
        Request.parse(typed)
    assert f"Did you mean {meant}?" in caught.value.hint


@pytest.mark.parametrize(
    "typed",
    [
        "",
        " ",
        "cp",
        "pp",
        "gp",
        "foo",
        "²",
        "9" * 6000,
        "../etc",
        "3.12-linux-linux",
        "\0",
        ">=",
        "3.1+7.3.1",
    ],
)
def test_nonsense_is_a_usage_error(typed: str) -> None:
    with pytest.raises(UsageError):
        Request.parse(typed)


@pytest.mark.parametrize(
    ("typed", "build", "meant"),
    [
        ("3.12", "cpython-3.12.9+20250317", True),
        ("3.1", "cpython-3.12.9+20250317", False),
        ("3.12.9", "cpython-3.12.9+20250409", True),
        ("3.12.9+20250317", "cpython-3.12.9+20250409", False),
        ("3.15", "cpython-3.15.0rc1+20260814", True),
        ("3.15.0", "cpython-3.15.0rc1+20260814", False),
        ("3.15.0rc1", "cpython-3.15.0+20261009", False),
        ("3.13", "cpython-3.13.2+freethreaded+20250409", False),
        ("3.13", "cpython-3.13.2+debug+20250409", False),
        ("3.13", "cpython-3.13.2+static+20250409", True),
        ("3.13+static", "cpython-3.13.2+20250409", False),
        ("3.13d", "cpython-3.13.2+debug+static+20250409", True),
        ("3.13td", "cpython-3.13.2+freethreaded+debug+20250409", True),
        (">=3.11,<3.13", "cpython-3.13.0+20241016", False),
        (">=3.11,<3.13", "cpython-3.12.15+20261021", True),
        ("<3.15", "cpython-3.15.0rc1+20260814", False),
        ("!=3.12.9", "cpython-3.12.9+20250317", False),
    ],
)
def test_which_builds_are_meant(typed: str, build: str, meant: bool) -> None:  # noqa: FBT001 - a table's column
    key = Key.parse(f"{build}-linux-x86_64-musl")
    assert Request.parse(typed).matches(key) is meant


@pytest.mark.parametrize(
    ("typed", "build", "meant"),
    [
        ("3.10", "pypy-3.10.16+7.3.19", False),
        ("any", "pypy-3.10.16+7.3.19", False),
        ("latest", "pypy-3.10.16+7.3.19", False),
        ("python3.10", "pypy-3.10.16+7.3.19", False),
        (">=3.8", "graalpy-3.12.0+25.0.1", False),
        ("pypy", "pypy-3.10.16+7.3.19", True),
        ("pypy", "graalpy-3.12.0+25.0.1", False),
        ("pypy@3.10", "pypy-3.10.16+7.3.19", True),
        ("pypy@3.10", "cpython-3.10.16+20250317", False),
        ("pypy3.10-7.3.19", "pypy-3.10.16+7.3.19", True),
        ("pypy3.10-7.3.16", "pypy-3.10.16+7.3.19", False),
        ("pypy3.10t", "pypy-3.10.16+7.3.19", False),
        ("graalpy-25.0.1", "graalpy-3.12.0+25.0.1", True),
        ("gp312", "graalpy-3.12.0+25.0.1", True),
    ],
)
def test_which_implementation_is_meant(typed: str, build: str, meant: bool) -> None:  # noqa: FBT001 - a table's column
    assert Request.parse(typed).matches(Key.parse(f"{build}-linux-x86_64-gnu")) is meant


@pytest.mark.parametrize(
    ("typed", "machine", "target"),
    [
        ("3.12", "linux-x86_64-musl", "linux-x86_64-musl"),
        ("3.12-gnu", "linux-x86_64-musl", "linux-x86_64-gnu"),
        ("3.12-aarch64", "linux-x86_64-musl", "linux-aarch64-gnu"),
        ("3.12-armv7", "linux-x86_64-gnu", "linux-armv7-gnueabihf"),
        ("3.12-x86_64_v3", "linux-x86_64-musl", "linux-x86_64_v3-musl"),
        ("3.12-macos", "linux-aarch64-gnu", "macos-aarch64-none"),
        ("3.12-linux", "macos-aarch64-none", "linux-aarch64-gnu"),
        ("3.12", "linux-x86_64_v2-gnu", "linux-x86_64_v2-gnu"),
    ],
)
def test_the_target_that_is_meant(typed: str, machine: str, target: str) -> None:
    assert Request.parse(typed).target_on(Target.parse(machine)) == Target.parse(target)
