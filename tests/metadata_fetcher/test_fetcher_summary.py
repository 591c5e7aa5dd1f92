"""What the fetcher says of a change in Markdown, and the list of what is new."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from tests.metadata_fetcher.test_metadata_fetcher import (
    GNU,
    MUSL,
    ORIGIN,
    REPOSITORY,
    STRIPPED,
    A,
    B,
    Program,
    artifact,
    one,
    read_both_ways,
    record,
)

from pyman.metadata_fetcher.__main__ import main
from pyman.metadata_fetcher.summary import code
from pyman.release_index import document

MOST = 65_536  # characters in the text of a pull request
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")


class Account(Program):
    """The program, whose words are in a file and whose list of what is new is in another."""

    def told(self, *records: object, options: tuple[str, ...] = (), exit_code: int = 0) -> str:
        """Run it on an index of these records; return the summary."""
        summary, new = self.folder / "summary.md", self.folder / "new.json"
        papers = ("--summary", str(summary), "--new", str(new))
        self.run(*records, options=(*papers, *options), exit_code=exit_code)
        return summary.read_text(encoding="utf-8")

    @property
    def new(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "new.json").read_bytes())
        return found


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path)


def tokens(text: str) -> list[Token]:
    """All that a reader of Markdown finds in the text."""
    return [token for each in MARKDOWN.parse(text) for token in (each, *(each.children or ()))]


def kinds(text: str) -> set[str]:
    return {token.type for token in tokens(text)}


# --- what it says -----------------------------------------------------------------------------------------

BEFORE = [
    record(
        "3.13.1+20250317",
        artifact("3.13.1+20250317", GNU, STRIPPED),
        artifact("3.13.1+20250317", MUSL, STRIPPED),
    ),
    one("3.13.2+20250409", GNU, STRIPPED),
]
AFTER = [
    *BEFORE,
    one("3.14.0rc1+20250501", GNU, STRIPPED),
    record(
        "3.13.3+20250501",
        artifact("3.13.3+20250501", GNU, STRIPPED),
        artifact("3.13.3+20250501", GNU, "freethreaded+debug+full"),
        artifact("3.13.3+20250501", "hurd", STRIPPED),
    ),
    record(
        "3.13.2+20250409",
        artifact("3.13.2+20250409", MUSL, STRIPPED),
        artifact("3.13.2+20250409", MUSL, "full"),
    ),
    one("3.7.9+20250317", GNU, STRIPPED),
]


def test_new_versions_then_new_builds_by_target_then_what_was_skipped(account: Account) -> None:
    account.run(*BEFORE)
    assert account.told(*AFTER) == (
        "## New versions\n"
        "\n"
        "- **CPython 3.14.0rc1** (20250501) for 1 target\n"
        "- **CPython 3.13.3** (20250501) for 1 target\n"
        "- **CPython 3.13.2** (20250409), known before, also for `linux-x86_64-musl`\n"
        "\n"
        "## New builds\n"
        "\n"
        "4 builds: 3 of 20250501, 1 of 20250409.\n"
        "\n"
        "| Target | Builds | Of |\n"
        "|---|--:|---|\n"
        "| `linux-x86_64-gnu` | 3 | 3.14.0rc1, 3.13.3 |\n"
        "| `linux-x86_64-musl` | 1 | 3.13.2 |\n"
        "\n"
        "## Skipped\n"
        "\n"
        "- 1 not understood, `its platform or one of its options is unknown: 'hurd'`: "
        "`cpython-3.13.3+20250501-hurd-install_only_stripped.tar.gz`\n"
        "- 1 by a rule: Python before 3.8\n"
        "- 1 by a rule: another archive of the same build is better\n"
    )


def test_a_target_that_a_new_version_is_not_for_is_named(account: Account) -> None:
    account.run(BEFORE[0])
    assert "3.13.2** (20250409) for 1 target, not for `linux-x86_64-musl`\n" in account.told(*BEFORE)


def test_nothing_new_is_said_too(account: Account) -> None:
    account.run(*BEFORE)
    said = account.told(*BEFORE)
    assert said == "## New versions\n\nNone.\n\n## New builds\n\nNone.\n\n## Skipped\n\nNothing.\n"
    assert account.new == {"release": "", "builds": []}


def test_what_a_reviewer_should_not_miss_is_said(account: Account) -> None:
    account.run(
        one("3.12.9+20250317", GNU, STRIPPED, None),
        one("3.11.0+20250317", GNU, STRIPPED),
        one("3.10.0+20250317", GNU, "install_only"),
    )
    said = account.told(
        one("3.12.9+20250317", GNU, STRIPPED, B),
        one("3.10.0+20250317", GNU, STRIPPED),
        one("3.9.0+20250317", GNU, STRIPPED, None),
    )
    assert (
        "## Other changes\n"
        "\n"
        "- 1 build removed: `cpython-3.11.0+20250317-linux-x86_64-gnu`\n"
        "- 1 build moved to another archive: `cpython-3.10.0+20250317-linux-x86_64-gnu`\n"
        "- 1 build given a checksum: `cpython-3.12.9+20250317-linux-x86_64-gnu`\n"
        "- 1 build new, without a checksum: `cpython-3.9.0+20250317-linux-x86_64-gnu`\n"
    ) in said
    assert account.new["builds"] == [
        {"key": f"cpython-{version}+20250317-linux-x86_64-gnu", "url": url(version), "sha256": digest}
        for version, digest in (("3.12.9", B), ("3.10.0", A), ("3.9.0", None))
    ]


def url(version: str) -> str:
    return f"{ORIGIN}/20250317/cpython-{version}%2B20250317-{GNU}-{STRIPPED}.tar.gz"


def test_both_are_written_though_the_file_is_not(account: Account) -> None:
    said = account.told(*BEFORE, options=("--check",), exit_code=1)
    assert said.startswith("## New versions\n\n- **CPython 3.13.2**")
    assert account.new["release"] == "20250409"
    assert len(account.new["builds"]) == 3
    assert not account.output.exists()


def test_a_summary_that_cannot_be_written_leaves_the_file_alone(account: Account) -> None:
    for place in (account.folder, account.folder / "missing" / "summary.md"):
        said = account.run(*BEFORE, options=("--summary", str(place)), exit_code=1)
        assert f"Could not open file {str(place)!r}" in said
    assert not account.output.exists()


def test_the_summary_can_go_to_stdout(account: Account) -> None:
    assert "## New versions\n\n- **CPython 3.13.2**" in account.run(*BEFORE, options=("--summary", "-"))


# --- an update that only adds -----------------------------------------------------------------------------


def test_what_is_there_stays_and_what_is_newer_comes(account: Account) -> None:
    account.run(*BEFORE, one("3.12.1+20250317", GNU, "install_only"))
    before = set(account.rows())
    said = account.told(
        one("3.14.0+20250501", GNU, STRIPPED),
        one("3.13.2+20250409", MUSL, STRIPPED),  # late, but newer than what there is for musl
        one("3.12.9+20250317", GNU, STRIPPED),  # older than what there is for glibc
        one("3.12.1+20250317", GNU, STRIPPED, B),  # a better archive of what is known
        options=("--only-newer",),
    )
    assert set(account.rows()) >= before
    assert {key for key, *_ in set(account.rows()) - before} == {
        "cpython-3.14.0+20250501-linux-x86_64-gnu",
        "cpython-3.13.2+20250409-linux-x86_64-musl",
    }
    assert "- 1 build of 1 release older than the newest known for their target and variant\n" in said
    assert [row["key"] for row in account.new["builds"]] == [
        "cpython-3.14.0+20250501-linux-x86_64-gnu",
        "cpython-3.13.2+20250409-linux-x86_64-musl",
    ]


def test_a_missing_digest_is_filled_in(account: Account) -> None:
    account.run(one("3.12.9+20250317", GNU, STRIPPED, None))
    account.told(one("3.12.9+20250317", GNU, STRIPPED, B), options=("--only-newer",))
    assert [digest for _, _, digest in account.rows()] == [B]
    assert [row["sha256"] for row in account.new["builds"]] == [B]


def test_a_changed_digest_is_refused_then_too(account: Account) -> None:
    account.run(*BEFORE)
    changed = one("3.13.2+20250409", GNU, STRIPPED, B)
    assert "error: the sha256 of" in account.run(changed, options=("--only-newer",), exit_code=1)


def test_a_file_that_is_not_there_gets_all(account: Account) -> None:
    account.told(*BEFORE, options=("--only-newer",))
    assert len(account.rows()) == 3


# --- known vulnerabilities --------------------------------------------------------------------------------

HOLE = {
    "cve": "CVE-2024-0397",
    "published": "2024-06-17",
    "cvss": None,
    "affected": [{"introduced": "0", "fixed": "3.13.0"}],
}


def test_what_is_known_to_be_wrong_has_a_part_of_its_own(account: Account) -> None:
    records = account.folder / "records.json"
    records.write_text(json.dumps([HOLE, {"cve": "CVE-`<b>@x"}]))
    found = account.folder / "list.json"
    options = ("--vulnerabilities", str(records), "--vulnerabilities-output", str(found))
    said = account.told(*BEFORE, options=options)
    assert "\n## Skipped\n\nNothing.\n\n## Known vulnerabilities\n\n- `skipped: 1`\n" in said
    assert "- ``CVE-`<b>@x: it has no text 'published'``\n" in said
    assert "- `vulnerabilities: 1`\n- `added: 1`\n" in said
    assert "html_inline" not in kinds(said)
    summary = account.folder / "alone.md"
    alone = [*options, "--summary", str(summary)]
    result = CliRunner().invoke(main, alone, catch_exceptions=False)
    assert result.exit_code == 0
    assert summary.read_text(encoding="utf-8").startswith("\n## Known vulnerabilities\n\n- `skipped: 1`\n")


# --- Markdown ---------------------------------------------------------------------------------------------

NASTY = [
    "`", "``", " ` ", "a`b", "`a", "a``", " ", "", "a\nb", "a\r\n\r\n# b", "|", "<b>", "![x](y)", "@somebody",
    "\u202e", "\ud800", "\\", "\\`", "a" * 500, "`" * 500, "\t", "&lt;", "~~~", "$`x`$",
]  # fmt: skip


@given(text=st.text(alphabet=st.characters(exclude_categories=())) | st.text("`ab \n|<*"))
@example("`")
def test_a_code_span_holds_any_text_and_ends_with_it(text: str) -> None:
    for around in ("{}", "- 1 not understood, {}: {}", "a {} b\n"):
        found = [token for token in tokens(around.format(*[code(text)] * 2)) if not token.hidden]
        spans = [token for token in found if token.type == "code_inline"]
        assert len(spans) == around.count("{}")
        assert {token.type for token in found} <= {
            "paragraph_open", "paragraph_close", "inline", "text", "code_inline",
            "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
        }  # fmt: skip
        for span in spans:
            assert span.content.isprintable()
            if text.strip() and text.isprintable() and len(text) <= 120:
                assert span.content == text


@pytest.mark.parametrize("nasty", NASTY)
def test_no_name_of_the_index_is_read_as_markdown(account: Account, nasty: str) -> None:
    usual = record(
        "3.13.3+20250501",
        artifact("3.13.3+20250501", GNU, STRIPPED),
        artifact("3.13.3+20250501", "hurd", "x"),
    )
    plain = kinds(account.told(usual))
    bad = artifact("3.13.3+20250501", GNU, STRIPPED)
    entries: list[dict[str, Any]] = [
        bad | {field: nasty} for field in ("platform", "variant", "archive_format")
    ]
    entries += [bad | {"url": f"{ORIGIN}/{nasty}"}, bad | {"url": nasty}, bad | {"sha256": nasty}]
    said = account.told(record("3.13.3+20250501", bad, *entries), record(f"3.13.3+{nasty}", bad), usual)
    assert kinds(said) <= plain
    assert [line for line in said.splitlines() if line.startswith("#")] == [
        "## New versions", "## New builds", "## Other changes", "## Skipped",
    ] or "## Other changes" not in said  # fmt: skip
    account.output.unlink()


def test_a_pull_request_can_hold_it_whatever_came(account: Account) -> None:
    platforms = [GNU, MUSL, "aarch64-apple-darwin", "x86_64-pc-windows-msvc"]
    records = [
        record(version, *(artifact(version, platform, STRIPPED) for platform in platforms), *hostile(number))
        for number in range(300)
        for version in [f"3.{8 + number % 12}.{number}+{20250401 + number}"]
    ]
    holes = account.folder / "records.json"
    holes.write_text(json.dumps([HOLE] + [{"cve": "`" * 400}] * 100))
    options = ("--vulnerabilities", str(holes), "--vulnerabilities-output", str(account.folder / "list.json"))
    said = account.told(*records, options=options)
    assert len(said) < MOST - 2_000  # what provenance adds: a line a release
    assert "- and 240 older ones\n" in said
    assert re.search(r"^- \d+ not understood for \d+ other reasons$", said, re.MULTILINE)


def hostile(number: int) -> Iterable[dict[str, Any]]:
    """What is not understood: with a name that has no end, and for a reason of its own that has none."""
    bad = artifact("3.13.3+20250501", GNU, STRIPPED)
    for each in range(8):
        yield bad | {"url": f"{bad['url'][:-7]}-{each}{'`' * 300}.tar.gz"}
        yield bad | {"archive_format": f"{number}-{each}{'`' * 300}"}


# --- the real index ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(fixtures: Path) -> Path:
    """The folder of the release index, beside that of the fixtures."""
    folder = fixtures.parent / "data"
    if not folder.is_dir():
        pytest.skip(f"there is no release index in {folder}")
    return folder


def test_the_real_index_on_a_file_of_two_months_before(account: Account, data: Path) -> None:
    """As when musl was behind: its builds came later than those of others, and were of known versions."""
    now = read_both_ways(REPOSITORY / document.NAME)
    old = [
        build
        for build in now
        if "." not in build.key.release
        and build.key.release <= ("20260814" if build.key.target.libc == "musl" else "20261021")
    ]
    account.output.write_bytes(document.render(old))
    options = ("--others", str(data / "other-implementations.json"))
    summary = account.folder / "summary.md"
    account.run_on(data / "python-build-standalone.ndjson.gz", "--summary", str(summary), *options)
    said = summary.read_text(encoding="utf-8")
    assert said.startswith("## New versions\n\n- **CPython 3.16.0a2** (20261110) for ")
    versions, builds, *_ = said.split("\n## ")
    for version in ("3.15.2", "3.14.10", "3.13.18"):
        assert f"- **CPython {version}** (20261110" in versions
    assert re.search(r"3\.15\.1\*\* \(20261021\), known before, also for .*`linux-aarch64-musl`", versions)
    assert "- **PyPy 3.11.17** (8.0.1) for " in versions
    assert f"{len(now) - len(old)} builds: 400 of 20261110" in builds
    counted = re.findall(r"^\| `\S+` \| (\d+) \|", builds, re.MULTILINE)
    assert sum(map(int, counted)) == len(now) - len(old)
    assert read_both_ways(account.output) == now


def test_only_newer_takes_nothing_from_the_file_in_the_repository(account: Account) -> None:
    """The index that is published lacks rows of the first releases, which the file has."""
    whole = (REPOSITORY / document.NAME).read_bytes()
    account.output.write_bytes(whole)
    account.told(one("3.16.0+20991231", GNU, STRIPPED), options=("--only-newer",))
    assert len(account.rows()) == len(document.builds_in(whole, "the file")) + 1
    assert [row["key"] for row in account.new["builds"]] == ["cpython-3.16.0+20991231-linux-x86_64-gnu"]
