"""Requests as people bring them from other tools: what each means, in pyman's own spelling."""

import pytest
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive
from tests.support.interpreters import TARGET, alone
from tests.support.stores import lay

from pyman.errors import UsageError
from pyman.requests.request import Request
from pyman.requests.spelling import spelled

MEANINGS = {
    "people": """
        v3.12                   3.12
        V3.12.1                 3.12.1
        v312                    3.12
        Python 3.12             3.12
        python v3.12.1          3.12.1
        py312                   3.12
        py3                     3
        3.12.x                  3.12
        3.12.X                  3.12
        3.12.*                  3.12
        3.x                     3
        3.x.x                   3
        3.12.*-musl             cpython-3.12-any-any-musl
        *                       any
        pypy@*                  pypy@any
        default                 any
        3.13-freethreaded       3.13t
        3.13+nogil              3.13t
        3.13-debug              3.13d
        3.15.0c1                3.15.0rc1
        3.15.0-alpha1           3.15.0a1
    """,
    "pyenv": """
        3-dev                   3-dev
        3.14-dev                3.14-dev
        3.14t-dev               3.14t-dev
        pypy3.10-dev            pypy@3.10-dev
        pypy3.10-7.3.16-src     pypy@3.10+7.3.16
        3.12:latest             3.12:latest
        3.12-latest             3.12:latest
        3:latest                3:latest
        pypy3.10:latest         pypy@3.10:latest
    """,
    "asdf, mise": """
        latest:3.12             3.12:latest
        latest:3.13t            3.13t:latest
        prefix:3.12             3.12
        python@3.12             3.12
        python@latest           latest
    """,
    "poetry": """
        ~3.12                   >=3.12,<3.13
        ~3                      >=3,<4.0
        ~3.12.1                 >=3.12.1,<3.13
        ^3.12                   >=3.12,<4.0
        ^3                      >=3,<4.0
        ^3.12.1                 >=3.12.1,<4.0
        ^0.9                    >=0.9,<0.10
        ^2.7 || ^3.8            >=2.7,<3.0||>=3.8,<4.0
        ~2.7 | ^3.8             >=2.7,<2.8||>=3.8,<4.0
        3.8.* || >=3.10         ==3.8.*||>=3.10
        3.8.1 || ^3.9           ==3.8.1||>=3.9,<4.0
        ^3.9, !=3.9.7           >=3.9,<4.0,!=3.9.7
        >=3.9 <3.13             >=3.9,<3.13
        pypy^3.10               pypy@>=3.10,<4.0
        ~3.13t                  >=3.13,<3.14+freethreaded
        ^3.12+debug             >=3.12,<4.0+debug
    """,
    "setup actions": """
        3.15.0-alpha.1          3.15.0a1
        3.15.0-beta.2           3.15.0b2
        3.15.0-rc.1             3.15.0rc1
        pypy3.10-v7.3.16        pypy@3.10+7.3.16
    """,
    "pip, setuptools": """
        >=3.8,                  >=3.8
        >=3.6.*                 >=3.6
        ==3.12.x                ==3.12.*
        !=3.12.*                !=3.12.*
    """,
    "uv": """
        >=3.13t                 >=3.13+freethreaded
        >=3.12+debug            >=3.12+debug
        >=3.13td                >=3.13+freethreaded+debug
        >=3.13,<3.15t           >=3.13,<3.15+freethreaded
        3.14+gil                3.14
        any-3.12-any            3.12
        any-3.12-any-any-any    3.12
        linux                   cpython-any-linux-any-any
        linux-x86_64            cpython-any-linux-x86_64-any
        linux-x86_64-musl       cpython-any-linux-x86_64-musl
        musl                    cpython-any-any-any-musl
        aarch64                 cpython-any-any-aarch64-any
        darwin-arm64            cpython-any-macos-aarch64-any
        windows                 cpython-any-windows-any-any
        latest-musl             cpython-latest-any-any-musl
        3.14-dev-linux          cpython-3.14-dev-linux-any-any
        x86_64-unknown-linux-musl   cpython-any-linux-x86_64-musl
        3.12-aarch64-apple-darwin   cpython-3.12-macos-aarch64-none
    """,
}
TABLE = [
    pytest.param(*line.strip().replace("   ", "\t").split("\t", 1), id=f"{tool}: {line.split('   ')[-1]}")
    for tool, text in MEANINGS.items()
    for line in text.strip().splitlines()
]


@pytest.mark.parametrize(("typed", "meant"), TABLE)
def test_means(typed: str, meant: str) -> None:
    request = Request.parse(typed)
    assert spelled(request) == meant.strip()
    assert Request.parse(meant.strip()) == request
    assert Request.parse(str(request)) == request


@pytest.mark.parametrize(
    "typed", ["3.12.1.x", "3.x.1", "3.15rc1.x", "latest:", "||3.12", "~3.12.*.1", "^latest"]
)
def test_means_nothing(typed: str) -> None:
    with pytest.raises(UsageError):
        Request.parse(typed)


@pytest.mark.parametrize(
    ("typed", "what"),
    [
        ("miniconda3-latest", "a distribution of conda"),
        ("anaconda3-2024.10-1", "a distribution of conda"),
        ("miniforge3", "a distribution of conda"),
        ("mambaforge-pypy3", "a distribution of conda"),
        ("Jython-2.7.2", "a Python for the Java virtual machine"),
        ("ironpython", "a Python for .NET"),
        ("stackless-3.7.5", "a fork of CPython"),
        ("micropython-1.20", "a Python for microcontrollers"),
        ("pyston-2.3.5", "a fork of CPython"),
        ("nogil-3.9.10-1", "3.13t is built without"),
    ],
)
def test_another_world_is_named(typed: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        Request.parse(typed)
    assert f"{typed!r} is " in caught.value.message
    assert what in caught.value.message
    assert "CPython, PyPy and GraalPy" in caught.value.hint


def test_on_the_command_line(pyman: Pyman, offer: Offer) -> None:
    alone(pyman)
    pyman.environment["PYMAN_TARGET"] = TARGET
    stable = Archive("3.14.2", "20260101", TARGET)
    offer(*(Archive(version, "20260101", TARGET) for version in ("3.15.0rc1", "3.14.3", "3.14.2", "3.12.9")))
    lay(pyman.store, stable, linked=False)
    assert "3.15.0rc1" in pyman("install", "--dry-run", "3-dev").stderr
    told = pyman("install", "--dry-run", "^3.14", "linux", "default").stderr
    assert told.count("3.14.2") == 1, "it is there already"
    for text in ("3.14:latest", "3.14-dev"):
        assert "Would install cpython-3.14.3" in pyman("install", "--dry-run", text).stderr
    assert pyman("find", "v3.14.x", "--show-version").stdout == "3.14.2\n"
    # What `==3.12` means, and what was meant.
    for words in (["find", "==3.12"], ["run", "--no-install", "==3.12"], ["install", "==3.12"]):
        assert "==3.12.* means each 3.12" in pyman(*words, code=1).stderr
    for words in (["find", ""], ["run", "", "x"], ["run", "-p", "", "x"], ["pin", " "], ["list", ""]):
        error, hint = pyman(*words, code=2).stderr.splitlines()
        assert "an empty request" in error
        assert "`any` means" in hint
