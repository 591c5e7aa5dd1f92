"""Names and what they stand for: parse undoes str, and versions order as PEP 440 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as Pep440Version
from tests.property.strategies import keys, targets, variants, versions

from pyman.builds.key import Key, Variant
from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.errors import UsageError


@given(versions)
def test_a_version_is_what_it_prints(version: Version) -> None:
    assert Version.parse(str(version)) == version


@given(versions, versions)
def test_versions_order_as_pep_440_orders_them(one: Version, other: Version) -> None:
    assert (one < other) == (Pep440Version(str(one)) < Pep440Version(str(other)))
    assert (one == other) == (Pep440Version(str(one)) == Pep440Version(str(other)))


@given(targets)
def test_a_target_is_what_it_prints(target: Target) -> None:
    assert Target.parse(str(target)) == target


@given(variants)
def test_a_variant_is_what_it_prints(variant: Variant) -> None:
    assert Variant.parse(str(variant)) == variant


@given(keys)
def test_a_key_is_what_it_prints(key: Key) -> None:
    assert Key.parse(str(key)) == key


@given(st.text() | st.from_regex(r"(cpython|pypy|graalpy)-[0-9.+a-z]*(-\w*){0,4}"))
def test_any_text_is_a_key_or_a_value_error(text: str) -> None:
    try:
        key = Key.parse(text)
    except ValueError:
        return
    assert str(key) == text


@given(st.text())
def test_any_text_is_a_target_or_a_usage_error_with_a_hint(text: str) -> None:
    try:
        Target.parse(text)
    except UsageError as error:
        problem = error
    else:
        return
    assert problem.hint


@pytest.mark.parametrize(
    ("triple", "name"),
    [
        ("x86_64-unknown-linux-gnu", "linux-x86_64-gnu"),
        ("x86_64_v3-unknown-linux-musl", "linux-x86_64_v3-musl"),
        ("armv7-unknown-linux-gnueabihf", "linux-armv7-gnueabihf"),
        ("aarch64-apple-darwin", "macos-aarch64-none"),
        ("i686-pc-windows-msvc", "windows-i686-none"),
    ],
)
def test_a_triple_is_a_target(triple: str, name: str) -> None:
    assert str(Target.parse(triple)) == name
