"""Laws of the program that makes download-metadata.json."""

import json
import tempfile
from itertools import groupby, islice
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pyman.builds.key import Implementation, Key, Minor, Variant
from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.catalogue.build import Build
from pyman.catalogue.origins import parse
from pyman.catalogue.own_form import SectionedMetadata
from pyman.errors import MetadataError
from pyman.release_index import artifact, document, index, others, rules
from pyman.requests.request import Request

FORMS = [
    "install_only_stripped",
    "install_only",
    "full",
    "pgo+lto-full",
    "lto-full",
    "noopt-full",
    "debug-full",
]
TRIPLES = ["x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl", "x86_64_v3-unknown-linux-musl"]
VERSIONS = ["3.7.9", "3.8.0", "3.13.2", "3.15.0a1"]
RELEASES = ["20250310", "20250311", "20250317"]

versions = st.sampled_from([Version.parse(text) for text in VERSIONS])
targets = st.sampled_from([Target.parse(text) for text in [*TRIPLES, "aarch64-apple-darwin"]])
keys = st.builds(
    Key,
    st.just(Implementation.CPYTHON),
    versions,
    st.builds(Variant, st.booleans(), st.booleans(), st.booleans()),
    st.sampled_from(RELEASES),
    targets,
) | st.builds(
    Key,
    st.sampled_from([Implementation.PYPY, Implementation.GRAALPY]),
    versions,
    st.just(Variant()),
    st.sampled_from(["7.3.9", "7.3.23", "25.0"]),
    targets,
)
digests = st.none() | st.sampled_from(["0" * 64, "1" * 64])
folders = st.sampled_from(
    [f"{document.ORIGIN}/{release}" for release in RELEASES] + ["https://mirror.test/x"]
)
file_names = st.from_regex(r"[a-z0-9_.-]+(%2B[a-z0-9_.-]+)?\.tar\.zst", fullmatch=True)
builds = st.builds(
    lambda key, folder, name, digest: Build(key, f"{folder}/{name}", digest),
    keys,
    folders,
    file_names,
    digests,
)
artifacts = st.builds(
    lambda version, release, triple, form: artifact.parse(
        {
            "platform": triple,
            "variant": form.replace("-", "+"),
            "url": f"{document.ORIGIN}/{release}/cpython-{version}+{release}-{triple}-{form}.tar.gz",
            "archive_format": "tar.gz",
            # A function of the rest: published archives do not change.
            "sha256": f"{len(version + form):064x}" if form != "install_only" else None,
        },
        f"{version}+{release}",
    ),
    st.sampled_from(VERSIONS),
    st.sampled_from(RELEASES),
    st.sampled_from(TRIPLES),
    st.sampled_from(FORMS),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(builds, unique_by=lambda build: build.key))
def test_what_is_rendered_is_what_both_readers_read(written: list[Build]) -> None:
    data = document.render(written)
    whole = parse(data, "it")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "it.json")
        path.write_bytes(data)
        sections = SectionedMetadata(path)
        names = [str(target) for target in sections.targets()]
        assert names == sorted({str(build.key.target) for build in written})
        assert sections.targets() == whole.targets()
        found = {target: sections.builds(target) for target in sections.targets()}
    assert found == {target: whole.builds(target) for target in whole.targets()}
    assert {build.key: build for target in found for build in found[target]} == {b.key: b for b in written}
    for section in found.values():
        implementations = [implementation for implementation, _ in groupby(section, _implementation)]
        assert implementations == [one for one in Implementation if one in implementations]
        groups = [(minor, list(rows)) for minor, rows in groupby(section, _minor)]
        assert len({minor for minor, _ in groups}) == len(groups)
        for _, rows in groups:
            ranks = [build.key.preference for build in rows]
            assert ranks == sorted(ranks, reverse=True)


@given(st.lists(builds, unique_by=lambda build: build.key), st.integers(0, 3))
def test_as_much_is_read_of_a_minor_version_as_is_taken(written: list[Build], most: int) -> None:
    request = Request.parse("any")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "it.json")
        path.write_bytes(document.render(written))
        sections = SectionedMetadata(path)
        for target in sections.targets():
            meant = sections.builds(target, request)
            assert {build.key.implementation for build in meant} <= {Implementation.CPYTHON}
            expected = [list(rows)[:most] for _, rows in groupby(meant, _minor)]
            assert [list(islice(group, most)) for group in sections.minors(target, request)] == expected


def _implementation(build: Build) -> Implementation:
    return build.key.implementation


def _minor(build: Build) -> Minor:
    return build.key.minor


@given(st.lists(artifacts), st.randoms(use_true_random=False))
def test_the_order_of_the_index_does_not_matter(found: list[artifact.Artifact], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert document.render(rules.choose(found)[0]) == document.render(rules.choose(shuffled)[0])


@given(st.lists(artifacts))
def test_what_the_rules_drop_changes_nothing_else(found: list[artifact.Artifact]) -> None:
    allowed = [one for one in found if rules.rule_against(one.key) is None]
    chosen, dropped = rules.choose(found)
    assert chosen == rules.choose(allowed)[0]
    assert {build.key for build in chosen} == {one.key for one in allowed}
    assert len(chosen) + dropped.total() == len(found)


@given(st.lists(artifacts))
def test_a_file_is_a_fixed_point_of_its_index(found: list[artifact.Artifact]) -> None:
    first, _ = rules.choose(rules.settle_digests(found, {}))
    known = {build.url: build.sha256 for build in first if build.sha256}
    assert rules.choose(rules.settle_digests(found, known))[0] == first


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: anything
            | st.from_regex(r"https://x/(cpython-3\.8\.1-)?[a-z0-9_+-]*\.tar\.gz", fullmatch=True)
            for name in ("platform", "variant", "url", "archive_format", "sha256")
        },
    )
    | anything,
    st.text() | st.just("3.8.1+20250317"),
)
def test_any_entry_is_an_artifact_or_skipped_with_a_reason(entry: object, version: str) -> None:
    found, skipped = artifact.parse_all([index.Record(version, [entry])])
    assert len(found) + len(skipped) == 1
    assert all(one.name.isprintable() and one.name.isascii() and one.reason for one in skipped)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "implementation": anything | st.just("pypy"),
            "python_version": anything | st.just("3.11.15"),
            "build": anything | st.just("7.3.23"),
            "os": anything | st.just("linux"),
            "arch": anything | st.just("x86_64"),
            "libc": anything | st.just("gnu"),
            "url": anything
            | st.from_regex(r"https://x/pypy3\.11-v7\.3\.23-[a-z0-9_]*\.(zip|tar\.bz2)", fullmatch=True),
            "sha256": anything | st.just("0" * 64),
        },
    )
    | anything
)
def test_any_row_of_another_implementation_is_an_artifact_or_skipped_with_a_reason(entry: object) -> None:
    found, skipped = others.parse_all([entry])
    assert len(found) + len(skipped) == 1
    assert all(one.name.isprintable() and one.name.isascii() and one.reason for one in skipped)


@given(st.binary() | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_records_or_a_clear_error(data: bytes) -> None:
    try:
        assert index.records(data, "it")
    except MetadataError as error:
        assert error.message.startswith("it is not a release index: ")  # noqa: PT017  # either outcome is fine
