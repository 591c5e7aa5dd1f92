"""The program that makes download-metadata.json: from an index, a file and words on stderr."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from tests.conftest import ELSEWHERE
from tests.support.server import Server, cut_body

from pyman.builds.target import Target
from pyman.catalogue.build import Build
from pyman.catalogue.origins import parse
from pyman.catalogue.own_form import SectionedMetadata
from pyman.metadata_fetcher.__main__ import main

ORIGIN = "https://github.com/astral-sh/python-build-standalone/releases/download"
REPOSITORY = Path(__file__).parents[2]
GNU, MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"
STRIPPED = "install_only_stripped"
A, B = "a" * 64, "b" * 64


def artifact(
    version: str, platform: str, variant: str, sha256: str | None = A, name: str = ""
) -> dict[str, Any]:
    """One entry of the index; the name is made of the other parts as the build project makes it."""
    kind = "tar.zst" if variant.endswith("full") else "tar.gz"
    options = re.sub(r"\+(full|install_only\w*)$", r"-\1", variant)
    name = name or f"cpython-{version}-{platform}-{options}.{kind}"
    url = f"{ORIGIN}/{version.partition('+')[2]}/{quote(name)}"
    return {"platform": platform, "variant": variant, "url": url, "archive_format": kind, "sha256": sha256}


def record(version: str, *artifacts: object) -> dict[str, Any]:
    return {"version": version, "date": "2025-01-01T00:00:00Z", "artifacts": list(artifacts)}


def one(version: str, platform: str, variant: str, sha256: str | None = A, name: str = "") -> dict[str, Any]:
    return record(version, artifact(version, platform, variant, sha256, name))


class Program:
    """The program with a folder of its own: `output` is made from the records it is run with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = folder / "index.ndjson"
        self.output = folder / "out.json"

    def run(self, *records: object, options: tuple[str, ...] = (), exit_code: int = 0) -> str:
        """Run it on an index of these records; return what it said."""
        self.index.write_text("".join(json.dumps(line) + "\n" for line in records))
        return self.run_on(self.index, *options, exit_code=exit_code)

    def run_on(self, index: object, *options: str, exit_code: int = 0) -> str:
        arguments = ["--index", str(index), "--output", str(self.output), *options]
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result.output

    def rows(self) -> list[tuple[str, str, str | None]]:
        """Return what a reader finds: key, file name and digest of every build, in the file's order."""
        return [(str(build.key), build.file_name, build.sha256) for build in read_both_ways(self.output)]

    def builds(self) -> list[str]:
        return [key for key, _, _ in self.rows()]


def read_both_ways(path: Path) -> list[Build]:
    """All builds, which the reader of sections and the reader of the whole see alike."""
    sections, whole = SectionedMetadata(path), parse(path.read_bytes(), str(path))
    assert sections.targets() == whole.targets()
    for target in sections.targets():
        assert sections.builds(target) == whole.builds(target)
        assert sections.builds(target)
    return [build for target in sections.targets() for build in sections.builds(target)]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


# --- what is made -----------------------------------------------------------------------------------------


def test_a_build_is_one_line_in_the_section_of_its_target(program: Program) -> None:
    program.run(one("3.12.9+20250317", GNU, STRIPPED))
    name = "cpython-3.12.9+20250317-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
    assert program.output.read_text(encoding="ascii") == (
        '{\n"format": 1,\n'
        f'"origin": "{ORIGIN}",\n'
        '"newest": "20250317",\n'
        '"count": 1,\n'
        '"sections": {"linux-x86_64-gnu": {"cpython-3.12": [22, 176]}},\n'
        '"builds": {\n'
        '"linux-x86_64-gnu": [\n'
        f'["cpython-3.12.9+20250317", "{name}", "{A}"]\n'
        "]}}\n"
    )
    assert program.rows() == [("cpython-3.12.9+20250317-linux-x86_64-gnu", name, A)]


def test_by_minor_version_and_variant_newest_first(
    program: Program,
) -> None:
    versions = [
        "3.9.1+20250317",
        "3.12.9+20250317",
        "3.12.9+20250409",
        "3.13.0rc1+20250317",
        "3.13.0+20250317",
    ]
    records = [
        record(
            v, *(artifact(v, GNU, variant) for variant in ("debug+full", "freethreaded+debug+full", STRIPPED))
        )
        for v in versions
    ]
    program.run(*records)
    names = [key.removesuffix("-linux-x86_64-gnu").removeprefix("cpython-") for key in program.builds()]
    assert names[:6] == [
        "3.13.0+20250317",
        "3.13.0rc1+20250317",
        "3.13.0+debug+20250317",
        "3.13.0rc1+debug+20250317",
        "3.13.0+freethreaded+debug+20250317",
        "3.13.0rc1+freethreaded+debug+20250317",
    ]
    assert names[6:8] == ["3.12.9+20250409", "3.12.9+20250317"]
    assert names[12] == "3.9.1+20250317"


def test_the_order_of_the_index_does_not_matter(program: Program) -> None:
    records = [
        record(v, *(artifact(v, platform, STRIPPED) for platform in platforms))
        for v in ("3.12.9+20250317", "3.13.2+20250317")
        for platforms in ([GNU, MUSL], ["aarch64-apple-darwin"])
    ]
    program.run(*records)
    first = program.output.read_bytes()
    program.run(*({**r, "artifacts": r["artifacts"][::-1]} for r in reversed(records)), options=("--check",))
    assert program.output.read_bytes() == first


BEST_FIRST = [
    "install_only_stripped",
    "install_only",
    "pgo+lto+full",
    "pgo+full",
    "lto+full",
    "full",
    "noopt+full",
]


@pytest.mark.parametrize("place", range(len(BEST_FIRST) - 1))
def test_a_build_is_kept_in_its_best_archive(program: Program, place: int) -> None:
    version = "3.12.9+20250317"
    better, worse = (artifact(version, GNU, variant) for variant in BEST_FIRST[place : place + 2])
    said = program.run(record(version, worse, better))
    assert [file for _, file, _ in program.rows()] == [better["url"].rpartition("/")[2].replace("%2B", "+")]
    assert "dropped, another archive of the same build is better: 1" in said


def test_an_archive_with_a_digest_is_better_than_one_without(program: Program) -> None:
    version = "3.9.7+20211017"
    program.run(
        record(version, artifact(version, GNU, STRIPPED, None), artifact(version, GNU, "noopt+full", B))
    )
    assert [digest for _, _, digest in program.rows()] == [B]


def test_an_archive_elsewhere_keeps_its_whole_url(program: Program) -> None:
    url = "https://mirror.test/pbs/cpython-3.12.9%2B20250317-x86_64-unknown-linux-gnu-install_only.tar.gz"
    version = "3.12.9+20250317"
    program.run(record(version, artifact(version, GNU, "install_only") | {"url": url}))
    assert url in program.output.read_text(encoding="ascii")
    assert [build.url for build in read_both_ways(program.output)] == [url]


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "platform", "variant", "name", "key"),
    [
        (
            "3.9.7+20211017",
            "aarch64-apple-darwin",
            "lto+full",
            "cpython-3.9.7-aarch64-apple-darwin-lto-20211017T1616.tar.zst",
            "cpython-3.9.7+20211017-macos-aarch64-none",
        ),
        (  # built two days before it was released
            "3.10.2+20220222",
            "aarch64-apple-darwin",
            "debug+full",
            "cpython-3.10.2-aarch64-apple-darwin-debug-20220220T1113.tar.zst",
            "cpython-3.10.2+debug+20220222-macos-aarch64-none",
        ),
        (
            "3.15.0a5+20260127",
            "aarch64-apple-darwin-debug",
            "full",
            "cpython-3.15.0a5+20260127-aarch64-apple-darwin-debug-full.tar.zst",
            "cpython-3.15.0a5+debug+20260127-macos-aarch64-none",
        ),
        (
            "3.13.2+20250212",
            "i686-pc-windows-msvc",
            "shared+pgo+full",
            "cpython-3.13.2+20250212-i686-pc-windows-msvc-shared-pgo-full.tar.zst",
            "cpython-3.13.2+20250212-windows-i686-none",
        ),
        (
            "3.8.2+20200418",
            "windows-amd64-shared",
            "pgo+full",
            "cpython-3.8.2-windows-amd64-shared-pgo-20200418T0022.tar.zst",
            "cpython-3.8.2+20200418-windows-x86_64-none",
        ),
        (
            "3.13.5+20250818",
            "x86_64_v3-unknown-linux-musl",
            "freethreaded+lto+static+full",
            "cpython-3.13.5+20250818-x86_64_v3-unknown-linux-musl-freethreaded+lto+static-full.tar.zst",
            "cpython-3.13.5+freethreaded+static+20250818-linux-x86_64_v3-musl",
        ),
        (
            "3.14.0+20251014",
            "armv7-unknown-linux-gnueabihf",
            "freethreaded+install_only_stripped",
            "cpython-3.14.0+20251014-armv7-unknown-linux-gnueabihf-freethreaded-install_only_stripped.tar.gz",
            "cpython-3.14.0+freethreaded+20251014-linux-armv7-gnueabihf",
        ),
    ],
)
def test_names_of_all_times_are_understood(  # noqa: PLR0913, PLR0917  # a row of the table has that many parts
    program: Program, version: str, platform: str, variant: str, name: str, key: str
) -> None:
    program.run(one(version, platform, variant, name=name))
    assert program.rows() == [(key, name, A)]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"url": f"{ORIGIN}/20250317/linux64.tar.gz"}, "linux64.tar.gz: its name is not cpython-VERSION"),
        ({"url": f"{ORIGIN}/20250317/%1b]0;x%07.tar.gz"}, r"'\x1b]0;x\x07.tar.gz': its name is not"),
        ({"url": f"{ORIGIN}/20250317/cpython-3.12.9%2B20250317-hurd-full.tar.gz"}, "unknown: 'hurd'"),
        (
            {"url": f"{ORIGIN}/20250317/cpython-3.12%2B20250317-{GNU}-{STRIPPED}.tar.gz"},
            "of version 3.12, its",
        ),
        (
            {"url": f"{ORIGIN}/20250318/cpython-3.12.9-{GNU}-{STRIPPED}.tar.gz"},
            "of release 20250318, its record",
        ),
        (
            {"url": f"{ORIGIN}/20250317/cpython-3.12.9%2B20250318-{GNU}-{STRIPPED}.tar.gz"},
            "of release 20250318",
        ),
        ({"url": f"20250317/cpython-3.12.9-{GNU}-{STRIPPED}.tar.gz"}, "its url is not a URL"),
        ({"url": None}, "an artifact of '3.12.9+20250317': it has no text 'url'"),
        ({"platform": MUSL}, f"its name and its fields disagree: platform '{MUSL}'"),
        ({"platform": "x86_64-apple-darwin-gnu"}, "unknown: 'x86_64-apple-darwin-gnu'"),
        ({"platform": 5}, "it has no text 'platform'"),
        ({"variant": f"debug+{STRIPPED}"}, "its name and its fields disagree"),
        ({"variant": f"full-{STRIPPED}"}, "it is said to be full and install_only_stripped"),
        ({"variant": "fast"}, f"unknown: '{GNU}-fast'"),
        ({"archive_format": "tar.zst"}, "its archive_format is 'tar.zst'"),
        ({"sha256": "abc"}, "its sha256 is not one: 'abc'"),
        ({"sha256": 5}, "it has no text 'sha256'"),
    ],
)
def test_what_is_not_understood_is_named_with_the_reason(
    program: Program, changed: dict[str, Any], reason: str
) -> None:
    version = "3.12.9+20250317"
    said = program.run(
        record(version, artifact(version, GNU, STRIPPED) | changed, artifact(version, GNU, "noopt+full"))
    )
    assert "skipped: 1\n" in said
    assert reason in said
    assert len(program.rows()) == 1


@pytest.mark.parametrize("entry", [None, [], "text", 5, {}])
def test_an_artifact_that_is_none_is_skipped(program: Program, entry: object) -> None:
    version = "3.12.9+20250317"
    said = program.run(record(version, entry, artifact(version, GNU, STRIPPED)))
    assert "an artifact of '3.12.9+20250317': it has no text 'url'" in said


def test_a_record_of_an_unknown_version_is_skipped(program: Program) -> None:
    said = program.run(one("3.12+20250317", GNU, STRIPPED), one("3.12.9+20250317", GNU, STRIPPED))
    assert "not a version: '3.12'" in said
    bare = artifact("3.12.9+20250317", GNU, STRIPPED)
    said = program.run(record("3.12.9", bare), record("3.12.9+20250317", bare))
    assert "its record's version is not VERSION+RELEASE: '3.12.9'" in said


# --- rules ------------------------------------------------------------------------------------------------


def mixed(release: str) -> dict[str, Any]:
    """A release with everything that the musl rule could touch, and what it must not."""
    version = f"3.13.2+{release}"
    return record(
        version,
        artifact(version, GNU, STRIPPED),
        artifact(version, MUSL, STRIPPED),
        artifact(version, "x86_64_v2-unknown-linux-musl", "freethreaded+lto+full"),
        artifact(version, MUSL, "lto+static+full"),
        artifact(version, "aarch64-apple-darwin", STRIPPED),
    )


def test_the_musl_rule_on_the_day_before(program: Program) -> None:
    said = program.run(mixed("20250310"))
    assert program.builds() == [
        "cpython-3.13.2+20250310-linux-x86_64-gnu",
        "cpython-3.13.2+20250310-macos-aarch64-none",
    ]
    assert "dropped, musl before release 20250311, static without saying so: 3\n" in said


def test_the_musl_rule_on_its_day(program: Program) -> None:
    said = program.run(mixed("20250311"))
    assert program.builds() == [
        "cpython-3.13.2+20250311-linux-x86_64-gnu",
        "cpython-3.13.2+20250311-linux-x86_64-musl",
        "cpython-3.13.2+static+20250311-linux-x86_64-musl",
        "cpython-3.13.2+freethreaded+20250311-linux-x86_64_v2-musl",
        "cpython-3.13.2+20250311-macos-aarch64-none",
    ]
    assert "dropped, musl before release 20250311, static without saying so: 0\n" in said


def test_python_before_3_8_is_dropped(program: Program) -> None:
    said = program.run(
        one(
            "3.7.6+20200216",
            "windows-amd64-shared",
            "pgo+full",
            name="cpython-3.7.6-windows-amd64-shared-pgo-20200217T0022.tar.zst",
        ),
        one("3.8.0+20200216", GNU, "pgo+full"),
    )
    assert program.builds() == ["cpython-3.8.0+20200216-linux-x86_64-gnu"]
    assert "dropped, Python before 3.8: 1\n" in said


def test_a_file_without_builds_can_be_read(program: Program) -> None:
    program.run(one("3.7.6+20200216", GNU, "pgo+full"))
    assert program.rows() == []


# --- digests ----------------------------------------------------------------------------------------------


def test_a_digest_that_is_known_is_never_changed(program: Program) -> None:
    program.run(one("3.12.9+20250317", GNU, STRIPPED, A))
    before = program.output.read_bytes()
    changed = one("3.12.9+20250317", GNU, STRIPPED, B)
    said = program.run(changed, one("3.13.2+20250317", GNU, STRIPPED), exit_code=1)
    assert f"the metadata has {A}, the index has {B}" in said
    assert changed["artifacts"][0]["url"] in said
    assert program.output.read_bytes() == before


def test_another_spelling_of_a_url_is_no_way_around(program: Program) -> None:
    program.run(one("3.12.9+20250317", GNU, STRIPPED, A))
    changed = one("3.12.9+20250317", GNU, STRIPPED, B)
    changed["artifacts"][0]["url"] = changed["artifacts"][0]["url"].replace("%2B", "+")
    assert "error: the sha256 of" in program.run(changed, exit_code=1)


def test_two_rows_of_one_index_may_not_disagree(program: Program) -> None:
    version = "3.12.9+20250317"
    rows = [artifact(version, GNU, STRIPPED, digest) for digest in (A, B)]
    assert f"the index also has {A}, the index has {B}" in program.run(record(version, *rows), exit_code=1)
    assert not program.output.exists()


def test_digests_of_builds_that_are_dropped_count_too(program: Program) -> None:
    version = "3.12.9+20240107"
    rows = [artifact(version, MUSL, STRIPPED, digest) for digest in (A, B)]
    program.run(record(version, *rows), exit_code=1)


def test_a_digest_that_went_missing_is_kept(program: Program) -> None:
    program.run(one("3.12.9+20250317", GNU, STRIPPED, A))
    said = program.run(one("3.12.9+20250317", GNU, STRIPPED, None))
    assert [digest for _, _, digest in program.rows()] == [A]
    assert "up to date" in said


def test_a_digest_in_capitals_is_the_same_digest(program: Program) -> None:
    program.run(one("3.12.9+20250317", GNU, STRIPPED, A))
    program.run(one("3.12.9+20250317", GNU, STRIPPED, A.upper()), options=("--check",))


# --- what it says, and when it writes ---------------------------------------------------------------------


def test_the_summary_reads_like_a_release_note(program: Program) -> None:
    old = one("3.12.9+20250317", GNU, STRIPPED, None)
    program.run(old, one("3.11.0+20250317", GNU, STRIPPED), one("3.10.0+20250317", GNU, "install_only"))
    said = program.run(
        one("3.12.9+20250317", GNU, STRIPPED, B),
        one("3.10.0+20250317", GNU, STRIPPED),
        *(one(f"3.13.{patch}+20250409", GNU, STRIPPED) for patch in range(6)),
    )
    assert said == (
        "skipped: 0\n"
        "kept: 0\n"
        "added: 6\n"
        "  by release: 20250409 6\n"
        "  cpython-3.13.0+20250409-linux-x86_64-gnu, cpython-3.13.1+20250409-linux-x86_64-gnu, "
        "cpython-3.13.2+20250409-linux-x86_64-gnu, cpython-3.13.3+20250409-linux-x86_64-gnu, "
        "cpython-3.13.4+20250409-linux-x86_64-gnu, …\n"
        "removed: 1\n"
        "  by release: 20250317 1\n"
        "  cpython-3.11.0+20250317-linux-x86_64-gnu\n"
        "moved to another archive: 1\n"
        "  by release: 20250317 1\n"
        "  cpython-3.10.0+20250317-linux-x86_64-gnu\n"
        "given a digest: 1\n"
        "  by release: 20250317 1\n"
        "  cpython-3.12.9+20250317-linux-x86_64-gnu\n"
        "dropped, musl before release 20250311, static without saying so: 0\n"
        "dropped, Python before 3.8: 0\n"
        "dropped, another archive of the same build is better: 0\n"
        f"{program.output}: written\n"
    )


def test_check_writes_nothing(program: Program) -> None:
    records = [one("3.12.9+20250317", GNU, STRIPPED)]
    assert "would change" in program.run(*records, options=("--check",), exit_code=1)
    assert not program.output.exists()
    program.run(*records)
    assert "up to date" in program.run(*records, options=("--check",))
    before = program.output.read_bytes()
    program.run(*records, one("3.13.2+20250317", GNU, STRIPPED), options=("--check",), exit_code=1)
    assert program.output.read_bytes() == before


def test_a_damaged_file_is_not_replaced(program: Program) -> None:
    for damaged in (b"", b"{}", b"[]", b'{"format": 1, "builds": {"x": 1}}', b'{"format": 2, "builds": {}}'):
        program.output.write_bytes(damaged)
        said = program.run(one("3.12.9+20250317", GNU, STRIPPED), exit_code=1)
        assert "restore it, or remove it to begin anew" in said
        assert program.output.read_bytes() == damaged


def test_a_file_of_another_tool_is_not_replaced(program: Program) -> None:
    entry: dict[str, Any] = {"name": "cpython", "arch": {"family": "x86_64", "variant": None}, "os": "linux"}
    entry |= {
        "libc": "gnu",
        "major": 3,
        "minor": 12,
        "patch": 9,
        "url": "https://x.test/20250317/a.tar.gz",
        "sha256": None,
    }
    program.output.write_text(json.dumps({"cpython-3.12.9-linux-x86_64-gnu": entry}))
    assert "not pyman's own form" in program.run(one("3.12.9+20250317", GNU, STRIPPED), exit_code=1)


def test_an_output_that_cannot_be_written_is_an_error(program: Program) -> None:
    program.output = program.folder / "missing" / "out.json"
    assert "error: cannot write" in program.run(one("3.12.9+20250317", GNU, STRIPPED), exit_code=1)
    program.output = program.folder
    assert "error: cannot write" in program.run(one("3.12.9+20250317", GNU, STRIPPED), exit_code=1)


def test_nothing_but_the_file_is_left_behind(program: Program) -> None:
    program.run(one("3.12.9+20250317", GNU, STRIPPED))
    assert sorted(path.name for path in program.folder.iterdir()) == ["index.ndjson", "out.json"]


@pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "symbolic links need a privilege there")
def test_a_symbolic_link_stays_one(program: Program) -> None:
    program.output.symlink_to(program.folder / "elsewhere.json")
    program.run(one("3.12.9+20250317", GNU, STRIPPED))
    assert program.output.is_symlink()
    assert len(program.rows()) == 1


# --- where the index comes from ---------------------------------------------------------------------------


def test_an_index_is_read_from_everywhere(program: Program, server: Server) -> None:
    data = json.dumps(one("3.12.9+20250317", GNU, STRIPPED)).encode()
    plain, packed = server.folder / "a b.ndjson", server.folder / "index.gz"
    plain.write_bytes(data)
    packed.write_bytes(gzip.compress(data, mtime=0))
    program.run_on(plain)
    places = (packed, plain.as_uri(), packed.as_uri(), f"{server.url}/a%20b.ndjson", f"{server.url}/index.gz")
    for place in places:
        program.run_on(place, "--check")


def test_an_index_that_cannot_be_had_is_an_error(program: Program, server: Server) -> None:
    (server.folder / "cut").write_bytes(LINE)
    server.spoil("cut", cut_body)
    assert "answered 404" in program.run_on(f"{server.url}/none", exit_code=1)
    places = (
        f"{server.url}/cut",
        program.folder / "none",
        program.folder,
        "file:///none",
        "https://[",
        "x://y",
        "a\0b",
    )
    for place in places:
        assert program.run_on(place, exit_code=1).startswith("error: ")
    assert program.run_on("http://mirror.invalid/index", exit_code=2).startswith("error: ")
    assert not program.output.exists()


LINE = json.dumps(one("3.12.9+20250317", GNU, STRIPPED)).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it holds no record"),
        (b"\n \n", "it holds no record"),
        (LINE + b"\n<html>\n", "line 2: it is not JSON"),
        (LINE + b"\n\n" + LINE[:-9], "line 3: it is not JSON"),
        (LINE.replace(b"3.12.9", b"\xff"), "line 1: it is not JSON"),
        (b"[" * 100_000, "line 1: "),
        (b"9" * 10_000, "line 1: it is not JSON"),
        (b"[]", "line 1: it is not a JSON object"),
        (b"{}", "line 1: a record has a text 'version' and a list 'artifacts'"),
        (b'{"version": 3, "artifacts": []}', "line 1: a record has"),
        (b'{"version": "3.12.9+20250317", "artifacts": {}}', "line 1: a record has"),
        (b'{"version": "3.12.9+20250317", "artifacts": []}', "no artifact of"),
        (gzip.compress(LINE, mtime=0)[:-20], "is a damaged gzip file"),
        (gzip.compress(LINE, mtime=0)[:15] + b"garbage garbage garbage", "is a damaged gzip file"),
        (gzip.compress(LINE, mtime=0)[:-8] + b"\0" * 8, "is a damaged gzip file"),
        (b"\x1f\x8b", "is a damaged gzip file"),
    ],
)
def test_bad_input_is_an_error_and_changes_nothing(program: Program, data: bytes, said: str) -> None:
    program.run(one("3.11.0+20250317", GNU, STRIPPED))
    before = program.output.read_bytes()
    program.index.write_bytes(data)
    assert said in program.run_on(program.index, exit_code=1)
    assert program.output.read_bytes() == before


def test_it_is_a_program(program: Program) -> None:
    program.index.write_bytes(LINE)
    command = [sys.executable, "-m", "pyman.metadata_fetcher", "--index", "index.ndjson"]
    done = subprocess.run(command, cwd=program.folder, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "download-metadata.json: written" in done.stderr
    assert len(read_both_ways(program.folder / "download-metadata.json")) == 1


# --- other implementations --------------------------------------------------------------------------------


ROW = {
    "implementation": "pypy",
    "python_version": "3.11.15",
    "build": "7.3.23",
    "os": "linux",
    "arch": "x86_64",
    "libc": "gnu",
    "url": "https://downloads.python.org/pypy/pypy3.11-v7.3.23-linux64.tar.bz2",
    "sha256": A,
}
GRAALPY = ROW | {
    "implementation": "graalpy",
    "python_version": "3.12.0",
    "build": "25.0.1",
    "url": "https://github.com/oracle/graalpython/releases/download/graal-25.0.1/graalpy-25.0.1-linux-amd64.tar.gz",
}


def with_others(program: Program, *rows: object, exit_code: int = 0, options: tuple[str, ...] = ()) -> str:
    """Run it on one CPython build and these rows."""
    place = program.folder / "others.json"
    place.write_text(json.dumps(rows))
    index = one("3.12.9+20250317", GNU, STRIPPED)
    return program.run(index, options=("--others", str(place), *options), exit_code=exit_code)


def test_other_implementations_follow_cpython(program: Program) -> None:
    older = ROW | {"build": "7.3.9", "url": ROW["url"].replace("7.3.23", "7.3.9")}
    with_others(program, GRAALPY, older, ROW)
    assert program.builds() == [
        "cpython-3.12.9+20250317-linux-x86_64-gnu",
        "pypy-3.11.15+7.3.23-linux-x86_64-gnu",
        "pypy-3.11.15+7.3.9-linux-x86_64-gnu",
        "graalpy-3.12.0+25.0.1-linux-x86_64-gnu",
    ]
    assert read_both_ways(program.output)[1] == Build(
        read_both_ways(program.output)[1].key, ROW["url"], ROW["sha256"]
    )
    before = program.output.read_bytes()
    with_others(program, ROW, older, GRAALPY, options=("--check",))
    assert program.output.read_bytes() == before


def test_a_name_may_count_how_often_its_archive_was_made(program: Program) -> None:
    url = GRAALPY["url"].replace("graalpy-25.0.1", "graalpy3.12-25.0.1.2")
    assert "skipped: 0\n" in with_others(program, GRAALPY | {"url": url})
    build = read_both_ways(program.output)[1]
    assert (str(build.key), build.url) == ("graalpy-3.12.0+25.0.1-linux-x86_64-gnu", url)


def test_without_a_list_of_them_they_stay(program: Program) -> None:
    with_others(program, ROW, GRAALPY)
    before = program.output.read_bytes()
    said = program.run(one("3.12.9+20250317", GNU, STRIPPED))
    assert "kept: 3\n" in said
    assert "removed: 0\n" in said
    assert program.output.read_bytes() == before
    program.run(one("3.13.2+20250317", GNU, STRIPPED))
    assert len(program.builds()) == 3


def test_with_a_list_of_them_it_is_the_whole_truth_and_that_is_said(program: Program) -> None:
    with_others(program, ROW, GRAALPY)
    said = with_others(program, ROW)
    assert "removed: 1\n  by release: 25.0.1 1\n  graalpy-3.12.0+25.0.1-linux-x86_64-gnu" in said
    assert len(program.builds()) == 2


def test_a_digest_of_another_implementation_is_never_changed(program: Program) -> None:
    with_others(program, ROW)
    assert f"the metadata has {A}, the index has {B}" in with_others(
        program, ROW | {"sha256": B}, exit_code=1
    )


def test_the_archive_that_unpacks_fastest_is_kept(program: Program) -> None:
    with_others(program, ROW, ROW | {"url": ROW["url"].replace("tar.bz2", "tar.gz")})
    assert program.rows()[1][1] == "pypy3.11-v7.3.23-linux64.tar.gz"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"implementation": "ironpython"}, "its implementation is 'ironpython', not one of graalpy, pypy"),
        ({"implementation": "cpython"}, "its implementation is 'cpython'"),
        ({"implementation": "graalpy"}, "its name and its fields disagree: implementation 'graalpy'"),
        ({"python_version": "3.10.16"}, "its name and its fields disagree"),
        ({"python_version": "3.11"}, "its name and its fields disagree"),
        ({"python_version": "3.11.x"}, "not a version: '3.11.x'"),
        ({"build": "7.3.22"}, "its name and its fields disagree"),
        ({"build": "7.3.2"}, "its name and its fields disagree"),
        ({"build": "7"}, "its name and its fields disagree"),
        ({"build": "7.3.23.1"}, "its name and its fields disagree"),
        ({"os": "plan9"}, "its os, arch and libc are no target: 'plan9-x86_64-gnu'"),
        ({"libc": "none"}, "its os, arch and libc are no target: 'linux-x86_64-none'"),
        ({"arch": 5}, "it has no text 'arch'"),
        ({"url": "pypy3.11-v7.3.23-linux64.tar.bz2"}, "its url is not a URL"),
        (
            {"url": "https://x/pypy3.11-v7.3.23-linux64.tar.xz"},
            "its name is not pypy[MINOR]-VERSION-PLATFORM.",
        ),
        ({"url": "https://x/pypy3.11-v7.3.23-linux64.tar.gz"} | {"sha256": "0"}, "its sha256 is not one"),
        (
            {"build": "1.2.3.4.5", "url": "https://x/pypy3.11-v1.2.3.4.5-linux64.tar.gz"},
            "not a build's name: 'pypy-3.11.15+1.2.3.4.5'",
        ),
    ],
)
def test_a_row_that_is_not_understood_is_named_with_the_reason(
    program: Program, changes: dict[str, Any], reason: str
) -> None:
    said = with_others(program, GRAALPY, ROW | changes)
    assert "skipped: 1\n" in said
    assert reason in said
    assert len(program.builds()) == 2


@pytest.mark.parametrize("data", ["", "{}", "[]", "[" * 100_000, "[5]"])
def test_what_is_no_list_of_them_is_an_error_and_changes_nothing(program: Program, data: str) -> None:
    with_others(program, ROW)
    before = program.output.read_bytes()
    bad = program.folder / "bad.json"
    bad.write_text(data)
    said = program.run(one("3.12.9+20250317", GNU, STRIPPED), options=("--others", str(bad)), exit_code=1)
    assert "error: " in said
    assert str(bad) in said
    assert program.output.read_bytes() == before


# --- the whole index --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_index(fixtures: Path) -> Path:
    """The release index, which lies in a folder beside that of the fixtures."""
    path = fixtures.parent / "data" / "python-build-standalone.ndjson.gz"
    if not path.is_file():
        pytest.skip(f"there is no release index {path}")
    return path


@pytest.fixture(scope="module")
def shared_records(shared_index: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(shared_index.read_bytes()).splitlines()]


def test_every_artifact_is_understood_and_twice_gives_the_same(
    program: Program, shared_index: Path, shared_records: list[dict[str, Any]]
) -> None:
    said = program.run_on(shared_index)
    counts = {name: int(count) for name, count in re.findall(r"^(\w[^:\n]*): (\d+)$", said, re.MULTILINE)}
    assert counts["skipped"] == 0
    found = counts["added"] + sum(n for name, n in counts.items() if name.startswith("dropped"))
    assert found == sum(len(each["artifacts"]) for each in shared_records) > 0
    assert counts["added"] == len(read_both_ways(program.output))
    first = program.output.read_bytes()
    program.output.unlink()
    program.run_on(shared_index)
    assert program.output.read_bytes() == first


def test_the_file_in_the_repository_is_up_to_date(shared_index: Path) -> None:
    program = Program(REPOSITORY)
    program.output = REPOSITORY / "download-metadata.json"
    others = shared_index.parent / "other-implementations.json"
    program.run_on(shared_index, "--check", "--others", str(others))


def test_every_row_of_other_implementations_is_understood(program: Program, shared_index: Path) -> None:
    place = shared_index.parent / "other-implementations.json"
    said = program.run(one("3.12.9+20250317", GNU, STRIPPED), options=("--others", str(place)))
    assert "skipped: 0\n" in said
    rows = json.loads(place.read_text(encoding="utf-8"))
    found = {build.url: build for build in read_both_ways(program.output)}
    assert len(rows) == len(found) - 1 > 0
    for row in rows:
        build = found[row["url"]]
        os = row["os"].replace("darwin", "macos")
        name = (
            f"{row['implementation']}-{row['python_version']}+{row['build']}-{os}-{row['arch']}-{row['libc']}"
        )
        assert (str(build.key), build.sha256) == (name, row["sha256"])


def test_the_musl_rule_changes_nothing_else(program: Program, shared_records: list[dict[str, Any]]) -> None:
    """What is kept, computed anew from the fields alone; the program also reads the names."""
    program.run(*shared_records)
    kept = {
        (str(build.key.version), build.key.release, *_parts(build))
        for build in read_both_ways(program.output)
    }
    expected = set()
    for entry in shared_records:
        version, _, release = entry["version"].partition("+")
        for fields in entry["artifacts"]:
            build = (version, release, *_named_parts(fields))
            if not (release < "20250311" and "musl" in fields["platform"]) and not version.startswith("3.7."):
                expected.add(build)
    assert kept == expected


def _parts(build: Build) -> tuple[Target, frozenset[str]]:
    return build.key.target, frozenset(str(build.key.variant).split("+")) - {""}


def _named_parts(fields: Mapping[str, str]) -> tuple[Target, frozenset[str]]:
    platform = fields["platform"].removesuffix("-debug").removesuffix("-shared")
    words = set(fields["variant"].split("+")) | (
        {"debug"} if fields["platform"].endswith("-debug") else set()
    )
    target = Target.parse(f"{platform}-none" if platform.startswith("windows") else platform)
    return target, frozenset(words & {"debug", "freethreaded", "static"})
