"""The download metadata as it is read: pyman's own form, uv's form, and damage."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyman.builds.target import Target
from pyman.catalogue.origins import parse
from pyman.catalogue.own_form import SectionedMetadata, bundled
from pyman.errors import MetadataError

ENTRY = {
    "name": "cpython",
    "arch": {"family": "x86_64", "variant": None},
    "os": "linux",
    "libc": "musl",
    "major": 3,
    "minor": 13,
    "patch": 5,
    "prerelease": "",
    "url": "https://host/20250612/cpython-3.13.5%2B20250612-x86_64-unknown-linux-musl-install_only.tar.gz",
    "sha256": "0" * 64,
    "variant": None,
    "build": "20250612",
}


def keys_of(document: object) -> list[str]:
    metadata = parse(json.dumps(document).encode(), "test")
    return [str(build.key) for target in metadata.targets() for build in metadata.builds(target)]


def test_the_bundled_metadata_is_read_one_target_at_a_time() -> None:
    metadata = bundled()
    assert len(metadata.targets()) > 10
    for target in metadata.targets():
        builds = metadata.builds(target)
        assert builds
        assert {build.key.target for build in builds} == {target}
    assert metadata.builds(Target.parse("linux-i686-musl")) == []


def test_sections_whose_places_are_wrong_are_damage(tmp_path: Path) -> None:
    path = tmp_path / "metadata.json"
    sections = '{"linux-x86_64-gnu": {"cpython-3.13": [3, 9]}}'
    head = f'{{\n"format": 1,\n"origin": "o",\n"sections": {sections},\n"builds": {{\n'
    path.write_text(head + '"linux-x86_64-gnu": [\n]}}')
    with pytest.raises(MetadataError):
        SectionedMetadata(path).builds(Target.parse("linux-x86_64-gnu"))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({}, "cpython-3.13.5+20250612-linux-x86_64-musl"),
        ({"build": None}, "cpython-3.13.5+20250612-linux-x86_64-musl"),
        ({"build": 20250613}, "cpython-3.13.5+20250613-linux-x86_64-musl"),
        # Of a file from before it was known that these are static.
        ({"build": "20250310"}, "cpython-3.13.5+static+20250310-linux-x86_64-musl"),
        ({"build": "20250310", "variant": "debug"}, "cpython-3.13.5+debug+static+20250310-linux-x86_64-musl"),
        ({"build": "20250310", "libc": "gnu"}, "cpython-3.13.5+20250310-linux-x86_64-gnu"),
        ({"variant": "freethreaded"}, "cpython-3.13.5+freethreaded+20250612-linux-x86_64-musl"),
        ({"prerelease": "rc1"}, "cpython-3.13.5rc1+20250612-linux-x86_64-musl"),
        ({"prerelease": None}, "cpython-3.13.5+20250612-linux-x86_64-musl"),
        (
            {"arch": {"family": "x86_64", "variant": "v3"}, "libc": "gnu"},
            "cpython-3.13.5+20250612-linux-x86_64_v3-gnu",
        ),
        (
            {"os": "darwin", "libc": "none", "arch": {"family": "aarch64"}},
            "cpython-3.13.5+20250612-macos-aarch64-none",
        ),
    ],
)
def test_uvs_form(changes: dict[str, Any], key: str) -> None:
    assert keys_of({"some-name": ENTRY | changes, "another": ENTRY | {"name": "pyodide"}}) == [key]


PYPY = ENTRY | {
    "name": "pypy",
    "libc": "gnu",
    "minor": 11,
    "patch": 15,
    "url": "https://downloads.python.org/pypy/pypy3.11-v7.3.23-linux64.tar.bz2",
    "build": "7.3.23",
}
GRAALPY = PYPY | {
    "name": "graalpy",
    "patch": 0,
    "url": "https://host/graal-24.2.2/graalpy-24.2.2-linux-amd64.tar.gz",
    "build": "24.2.2",
}


@pytest.mark.parametrize("build", ["as it is", None])
def test_uvs_form_of_other_implementations(build: str | None) -> None:
    changes = {} if build else {"build": None}
    assert keys_of({"a": PYPY | changes, "b": GRAALPY | changes}) == [
        "pypy-3.11.15+7.3.23-linux-x86_64-gnu",
        "graalpy-3.11.0+24.2.2-linux-x86_64-gnu",
    ]


@pytest.mark.parametrize(
    "changes", [{"os": "freebsd"}, {"arch": {"family": "loongarch64"}}, {"libc": "uclibc"}]
)
def test_systems_that_pyman_does_not_know_are_left_out(changes: dict[str, Any]) -> None:
    assert keys_of({"one": ENTRY, "other": ENTRY | changes}) == ["cpython-3.13.5+20250612-linux-x86_64-musl"]


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        "text",
        {"builds": {}},
        {"format": 2, "builds": {}},
        {"format": 1, "builds": []},
        {"format": 1, "builds": {"nowhere": []}},
        {"format": 1, "builds": {"linux-x86_64-gnu": [["cpython-3.13.5+20250612", "file"]]}},
        {"format": 1, "builds": {"linux-x86_64-gnu": [["cpython-3.13+20250612", "file", None]]}},
        {"format": 1, "builds": {"linux-x86_64-gnu": 3}},
        {"key": 3},
        {"key": {"name": "cpython"}},
        {"key": ENTRY | {"os": "plan9"}},
        {"key": ENTRY | {"os": 9}},
        {"key": ENTRY | {"arch": "x86_64"}},
        {"key": ENTRY | {"patch": "../../x"}},
        {"key": ENTRY | {"build": "../../x"}},
        {"key": ENTRY | {"url": None}},
        {"key": ENTRY | {"sha256": 5}},
        {"key": ENTRY | {"variant": "fast"}},
        {"key": PYPY | {"build": None, "url": "https://host/pypy.tar.bz2"}},
    ],
)
def test_garbage_is_a_metadata_error(document: object) -> None:
    with pytest.raises(MetadataError) as caught:
        keys_of(document)
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xfe", b"[" * 100_000, b'{"builds": '])
def test_what_is_not_json_is_a_metadata_error(data: bytes) -> None:
    with pytest.raises(MetadataError, match="test is not usable"):
        parse(data, "test")
