"""Requests: any text is one, or a clear error; what one prints means the same; a key means its build."""

from hypothesis import example, given
from hypothesis import strategies as st
from tests.property.strategies import keys, requests

from pyman.builds.key import Key
from pyman.errors import UsageError
from pyman.requests.request import Request
from pyman.requests.spelling import spelled

_PIECES = (
    *("3", "3.12", "312", "3.15.0rc1", "cp", "cpython", "python", "latest", "any", "t", "d", "td", "@", "-"),
    *("pypy", "pp", "graalpy", "gp", "7.3.16", "+7.3.16", "-7.3.16", "-v7.3.16"),
    *(">=", "<", "==", "~=", "!=", ",", ".*", "+", "+static", "+debug", "+freethreaded", "+20250317"),
    *(
        "~",
        "^",
        "||",
        ".x",
        "*",
        "v",
        "py",
        "-dev",
        ":latest",
        "-latest",
        "latest:",
        "-rc.1",
        "+gil",
        "default",
    ),
    *("linux", "musl", "-linux", "-x86_64", "-x86_64_v3", "-musl", "-gnu", "-any", " ", "x", "."),
)
# Texts that nearly are requests find more than random ones.
near_requests = st.lists(st.sampled_from(_PIECES), max_size=6).map("".join)


@given(st.text() | near_requests)
@example("0903")
def test_any_text_is_a_request_or_an_error_with_a_hint(text: str) -> None:
    try:
        request = Request.parse(text)
    except UsageError as error:
        problem = error
    else:
        assert Request.parse(str(request)) == request
        return
    assert problem.hint
    assert problem.exit_code == 2


@given(st.text("0123.", max_size=12) | st.text("0123.²٣", max_size=5))
@example("3.12345")
@example("3.1.2.3")
@example("312")
def test_numbers_alone_mean_what_they_mean_beside_a_name(text: str) -> None:
    """Numbers alone are read without the grammar, which takes long to compile."""
    assert request_or_none(text) == request_or_none(f"cpython@{text}")


def request_or_none(text: str) -> Request | None:
    try:
        return Request.parse(text)
    except UsageError:
        return None


@given(requests)
def test_what_a_request_prints_means_the_same(request: Request) -> None:
    assert Request.parse(str(request)) == request
    assert Request.parse(spelled(request)) == request


@given(keys)
def test_a_key_is_a_request_for_that_very_build(key: Key) -> None:
    request = Request.parse(str(key))
    assert request.matches(key)
    assert request.covers(key)
    assert str(request) == str(key)


@given(keys, keys)
def test_a_key_as_request_means_no_other_build(key: Key, other: Key) -> None:
    assert Request.parse(str(key)).matches(other) == (key == other)


@given(keys, near_requests)
def test_what_a_request_matches_its_list_shows(key: Key, text: str) -> None:
    try:
        request = Request.parse(text)
    except UsageError:
        return
    assert request.covers(key) or not request.matches(key)
