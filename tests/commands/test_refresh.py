"""`pyman refresh`: newer builds without a newer pyman, and nothing else than that."""

import gzip
import json
import os
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import CHECKOUT, Pyman
from tests.support.builds import Archive, own_form, release_index, small_archive, uv_form
from tests.support.server import (
    Exchange,
    Fault,
    Server,
    cut_body,
    not_found,
    unavailable,
    versioned,
    web_page,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from pyman.network.download import LARGEST_DOCUMENT

FOREIGN = "linux-riscv64-gnu"
NEWS = [
    Archive("3.99.1", "20991231", FOREIGN, sha256="a" * 64),
    Archive("3.99.1", "20991231", FOREIGN, "freethreaded", sha256="b" * 64),
    Archive("3.99.0", "20991130", FOREIGN, sha256="c" * 64),
]
KEYS = [archive.key for archive in NEWS]
# Known to the pyman under test, whatever its metadata are.
KNOWN = "cpython-3.13.2+20250317-linux-riscv64-gnu"
INDEX = "index.ndjson"
WHOLE_314 = {"introduced": "3.14.0", "fixed": "3.14.99"}


@pytest.fixture
def source(server: Server, pyman: Pyman) -> "Source":
    """An index with news, which pyman asks if it is not told otherwise."""
    made = Source(server)
    made.serve(release_index(NEWS, server.url))
    server.spoil(INDEX, versioned)
    pyman.environment |= {"PYMAN_REFRESH_URL": made.url, "PYMAN_TARGET": FOREIGN}
    return made


class Source:
    """A document on a server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = f"{server.url}/{INDEX}"

    def serve(self, document: bytes) -> None:
        (self.server.folder / INDEX).write_bytes(document)


def bundled() -> list[list[Any]]:
    """Return the rows of the bundled metadata for the target."""
    document = json.loads((CHECKOUT / "download-metadata.json").read_bytes())
    rows: list[list[Any]] = document["builds"][FOREIGN]
    return rows


def known_archive() -> Archive:
    """Return an archive that is bundled: its newest release's is the first row."""
    name, _, digest = next(row for row in bundled() if row[0] + "-" + FOREIGN == KNOWN)
    version, release = name.removeprefix("cpython-").split("+")
    return Archive(version, release, FOREIGN, sha256=digest)


def available(pyman: Pyman, *args: str) -> list[str]:
    rows = pyman("list", "--only-available", "--all-builds", "--json", *args).json["available"]
    return [row["key"] for row in rows]


def state(store: Path) -> dict[str, tuple[int, bytes]]:
    """Return all files of the store with mode and content."""
    return {
        str(path): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in store.rglob("*")
        if path.is_file() and path.suffix not in (".lock", ".owner")
    }


# --- what it brings ---------------------------------------------------------------------------------------


def test_news_come_and_are_told(pyman: Pyman, source: Source) -> None:
    before = available(pyman)
    done = pyman("refresh")
    assert done.stdout == ""
    assert done.stderr == f"Learned of 3 new builds (3.99.1, 3.99.0), from {source.url}\n"
    assert available(pyman) == [*(key for key in KEYS), *before]


def test_a_second_one_is_one_conditional_request(pyman: Pyman, source: Source) -> None:
    pyman("refresh")
    source.server.asked.clear()
    assert pyman("refresh").stderr == f"Nothing is new at {source.url}\n"
    (asked,) = source.server.asked
    assert "if-none-match" in asked.headers


@pytest.mark.parametrize(
    ("form", "pack", "place"),
    [
        (release_index, gzip.compress, "url"),
        (release_index, zstd.compress, "file"),
        (own_form, bytes, "url"),
        (own_form, zstd.compress, "url"),
        (own_form, gzip.compress, "file URL"),
        (uv_form, gzip.compress, "url"),
        (uv_form, bytes, "file"),
    ],
)
def test_every_form_packed_in_every_way(
    pyman: Pyman,
    source: Source,
    form: Callable[[list[Archive], str], bytes],
    pack: Callable[[bytes], bytes],
    place: str,
) -> None:
    source.serve(pack(form(NEWS, source.server.url)))
    path = source.server.folder / INDEX
    place = {"url": source.url, "file": str(path), "file URL": path.as_uri()}[place]
    assert sorted(row["key"] for row in pyman("refresh", "--from", place, "--json").json["added"]) == sorted(
        KEYS
    )
    assert set(KEYS) <= set(available(pyman))


def test_what_json_tells(pyman: Pyman, source: Source) -> None:
    old = Archive("3.98.0", "20240107", "linux-x86_64-musl", sha256="d" * 64)
    full = Archive("3.99.1", "20991231", FOREIGN, sha256="e" * 64, suffix="pgo+lto-full.tar.zst")
    odd = json.loads(release_index([NEWS[2]], source.server.url))
    odd["artifacts"][0]["platform"] = "z80-unknown-cpm"
    source.serve(release_index([*NEWS[:2], full, old], source.server.url) + json.dumps(odd).encode())
    told = pyman("refresh", "--json").json
    assert (told["source"], told["changed"]) == (source.url, True)
    assert told["added"][0].keys() == {"key", "url", "sha256"}
    assert {each["key"]: each["sha256"] for each in told["added"]} == {KEYS[0]: "a" * 64, KEYS[1]: "b" * 64}
    assert [each["name"] for each in told["skipped"]] == [NEWS[2].file]
    assert {(each["reason"].partition(" ")[0], each["count"]) for each in told["left_out"]} == {
        ("musl", 1),
        ("another", 1),
    }
    assert pyman("refresh", "--json").json == told | {
        "added": [],
        "changed": False,
        "skipped": [],
        "left_out": [],
    }


def test_no_more_is_read_than_is_new(pyman: Pyman, source: Source) -> None:
    # After the news comes a known release, and then megabytes that nobody wants.
    known = release_index([known_archive()], source.server.url)
    # Known builds have the address under which they are known.
    line = json.loads(known)
    line["artifacts"][0]["url"] = next(
        row["url"]
        for row in pyman("list", "--all-builds", "--only-available", "--json", "3.13.2").json["available"]
        if row["key"] == KNOWN
    )
    older = json.dumps({"version": "3.8.0+20200101", "date": "", "artifacts": [os.urandom(600_000).hex()]})
    document = release_index(NEWS, source.server.url) + json.dumps(line).encode() + b"\n"
    source.serve(document + b"".join(f"{older}\n".encode() for _ in range(20)))
    sent: list[int] = []

    def counting(exchange: Exchange, body: bytes) -> None:
        exchange.head(HTTPStatus.OK, len(body))
        for start in range(0, len(body), 65536):
            exchange.wfile.write(body[start : start + 65536])
            sent.append(start)

    source.server.spoil(INDEX, counting)
    assert len(pyman("refresh", "--json").json["added"]) == len(NEWS)
    assert len(sent) * 65536 < 16_000_000, "the connection was closed"


def test_install_of_a_build_that_only_the_refresh_knows(pyman: Pyman, source: Source) -> None:
    archive = small_archive(source.server.folder, NEWS[0])
    source.serve(release_index([archive], source.server.url))
    pyman("refresh")
    pyman("install", "3.99", "--no-bin")
    assert pyman.installed() == [archive.key]


def test_learning_more_keeps_what_was_learned_and_where(pyman: Pyman, source: Source) -> None:
    source.serve(release_index(NEWS[2:], source.server.url))
    pyman("refresh")
    source.serve(release_index(NEWS, source.server.url))
    assert len(pyman("refresh", "--json").json["added"]) == 2
    document = json.loads((pyman.store / ".metadata" / "learned.json").read_bytes())
    assert [each["from"] for each in document["refreshes"]] == [source.url] * 2
    assert {row[0]: row[3] for row in document["builds"][FOREIGN]} == {
        "cpython-3.99.1+20991231": 1,
        "cpython-3.99.1+freethreaded+20991231": 1,
        "cpython-3.99.0+20991130": 0,
    }
    assert document["count"] == 3


# --- what it does not do ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [own_form, uv_form, release_index])
@pytest.mark.parametrize("learned", [False, True])
def test_a_changed_digest_is_refused_and_nothing_is_written(
    pyman: Pyman,
    source: Source,
    form: Callable[[list[Archive], str], bytes],
    learned: bool,  # noqa: FBT001
) -> None:
    known = known_archive()
    if learned:
        source.serve(form([NEWS[2]], source.server.url))
        pyman("refresh")
        known = NEWS[2]
    before = state(pyman.store)
    changed = Archive(known.version, known.release, FOREIGN, sha256="f" * 64)
    source.serve(form([NEWS[0], changed], source.server.url))
    done = pyman("refresh", code=1)
    assert f"{known.sha256} is known" in done.stderr or f"has {known.sha256}" in done.stderr
    assert "f" * 64 in done.stderr
    assert state(pyman.store) == before
    assert KEYS[0] not in available(pyman)


def test_a_key_may_not_move_to_other_bytes(pyman: Pyman, source: Source) -> None:
    row = [KNOWN.removesuffix(f"-{FOREIGN}"), f"{source.server.url}/elsewhere.tar.gz", "f" * 64]
    document = {"format": 1, "origin": "", "sections": {}, "builds": {FOREIGN: [row]}}
    source.serve(json.dumps(document).encode())
    assert f"the sha256 of {KNOWN} changed" in pyman("refresh", code=1).stderr


def test_another_archive_of_a_known_build_changes_nothing(pyman: Pyman, source: Source) -> None:
    known = known_archive()
    full = Archive(known.version, known.release, FOREIGN, sha256="f" * 64, suffix="debug-full.tar.zst")
    stripped = Archive(known.version, known.release, FOREIGN, sha256="e" * 64, suffix="install_only.tar.gz")
    source.serve(own_form([stripped, full], source.server.url))
    before = pyman("list", "--all-builds", "--only-available", "--json").stdout
    pyman("refresh")
    assert pyman("list", "--all-builds", "--only-available", "--json").stdout == before


def test_old_musl_builds_are_left_out(pyman: Pyman, source: Source) -> None:
    old = [
        Archive("3.12.99", "20250310", "linux-x86_64-musl"),
        Archive("3.12.99", "20250311", "linux-x86_64-musl"),
    ]
    for form in (release_index, own_form, uv_form):
        source.serve(form(old, source.server.url))
        pyman("refresh", "--from", str(source.server.folder / INDEX))
    assert available(pyman, "3.12.99", "--target=linux-x86_64-musl") == [old[1].key]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (cut_body, "the connection broke"),
        (web_page, 'is a web page, which says "Welcome Please sign in to go on."'),
        (not_found, "answered 404"),
        (unavailable, "answered 503"),
    ],
)
def test_what_goes_wrong_leaves_all_as_it_was(pyman: Pyman, source: Source, fault: Fault, said: str) -> None:
    pyman("refresh")
    before = state(pyman.store)
    source.serve(release_index([Archive("3.99.2", "21000101", FOREIGN), *NEWS], source.server.url))
    source.server.spoil(INDEX, fault)
    done = pyman("refresh", code=1)
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert state(pyman.store) == before
    assert set(KEYS) <= set(available(pyman))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "it is empty"),
        (b"\x1f\x8b\x08garbage", "cannot be read"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-12], "cannot be read"),
        (b"{}", "is not usable download metadata"),
        (b"[" * 100_000, "it begins with"),
        (b'{"version": "3.99.1+20991231", "artifacts": []}\n{"a": ', "line 2"),
        (b'{"format": 2, "origin": "", "builds": {}}', "needs a newer pyman"),
        (b'{"format": 99, "origin": "x", "count": 0, "sections": {}}', "needs a newer pyman"),
        (b'{"format": 1, "origin": "x", "count": 0, "sections": {}}', "its builds are not an object"),
        (
            gzip.compress(bytes(1 << 20)) * (LARGEST_DOCUMENT // (1 << 20) + 1),
            f"It is longer than {LARGEST_DOCUMENT:,} bytes.\nhint: No metadata are so large: ",
        ),
    ],
)
def test_what_is_no_such_document(pyman: Pyman, source: Source, document: bytes, said: str) -> None:
    source.serve(document)
    done = pyman("refresh", code=1)
    assert said in done.stderr
    assert not (pyman.store / ".metadata").exists()


def test_a_passing_fault_is_asked_again(pyman: Pyman, source: Source) -> None:
    source.server.spoil(INDEX, cut_body, times=1)
    source.server.spoil(INDEX, unavailable, times=1)
    assert len(pyman("refresh", "--json", env={"PYMAN_RETRIES": "2"}).json["added"]) == len(NEWS)


def test_offline(pyman: Pyman, source: Source) -> None:
    pyman("refresh")
    before = state(pyman.store)
    source.server.asked.clear()
    assert "offline" in pyman("refresh", "--offline", code=1).stderr
    assert source.server.asked == []
    assert state(pyman.store) == before
    assert set(KEYS) <= set(available(pyman, "--offline"))


def test_a_newer_list_of_vulnerabilities_comes_along(pyman: Pyman, source: Source) -> None:
    def list_of(day: str) -> None:
        severe = {"id": "CVE-2099-1", "published": day, "severity": "critical", "score": 10, "vector": None}
        document = {"format": 1, "date": day, "vulnerabilities": [severe | {"affected": [WHOLE_314]}]}
        (source.server.folder / "vulnerabilities.json").write_text(json.dumps(document), encoding="utf-8")

    source.serve(own_form(NEWS, source.server.url))
    list_of("2020-01-01")
    assert pyman("refresh", "--json").json["vulnerabilities"] is None
    assert "CVE-2099-1" not in pyman("audit", "3.14.1", "--json", "--exit-zero").stdout
    list_of("2099-01-01")
    source.serve(own_form(NEWS[:1], source.server.url))
    assert pyman("refresh", "--json").json["vulnerabilities"] == "2099-01-01"
    assert "CVE-2099-1" in pyman("audit", "3.14.1", "--json", "--exit-zero").stdout
    assert pyman("refresh", "--status", "--json").json["vulnerabilities"] == "2099-01-01"
    learned = pyman.store / ".metadata" / "vulnerabilities.json"
    learned.write_bytes(learned.read_bytes()[:-9])
    done = pyman("audit", "3.14.1", "--json", "--exit-zero")
    assert str(learned) in done.stderr
    assert "CVE-2099-1" not in done.stdout


# --- where it asks ----------------------------------------------------------------------------------------


def test_a_mirror_with_metadata_of_its_own_is_asked_first(
    pyman: Pyman, source: Source, tmp_path: Path
) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "download-metadata.json").write_bytes(own_form(NEWS[:1], "https://mirror.invalid"))
    told = pyman("refresh", "--mirror", mirror, "--json").json
    assert [each["key"] for each in told["added"]] == KEYS[:1]
    assert source.server.asked == []
    (mirror / "download-metadata.json").unlink()
    told = pyman("refresh", "--json", env={"PYMAN_MIRROR": str(mirror)}).json
    assert told["source"] == source.url
    assert told["not_answering"] == []


def test_a_mirror_that_does_not_answer_is_told(pyman: Pyman, source: Source) -> None:
    source.server.spoil("download-metadata.json", web_page)
    done = pyman("refresh", "--mirror", source.server.url)
    assert f"warning: {source.server.url}/download-metadata.json is a web page, " in done.stderr
    assert set(KEYS) <= set(available(pyman))


def test_a_mirror_cannot_change_a_digest_either(pyman: Pyman, source: Source, tmp_path: Path) -> None:
    changed = Archive(known_archive().version, known_archive().release, FOREIGN, sha256="f" * 64)
    (tmp_path / "download-metadata.json").write_bytes(own_form([changed], "https://mirror.invalid"))
    assert "changed" in pyman("refresh", "--mirror", tmp_path, code=1).stderr
    assert source.server.asked == []


# --- what is kept -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("source")
def test_a_damaged_file_is_told_once_and_replaced(pyman: Pyman) -> None:
    pyman("refresh")
    learned = pyman.store / ".metadata" / "learned.json"
    good = learned.read_bytes()
    for damage in (
        b"",
        b"{}",
        good[: len(good) // 2],
        good.replace(b"cpython-3.99.1+2", b"cpython-3.99.1+x"),
    ):
        learned.write_bytes(damage)
        done = pyman("list", "--only-available", "--all-builds", "--json")
        assert done.stderr.count("warning: ") == 1, damage
        assert str(learned) in done.stderr
        assert KNOWN in [row["key"] for row in done.json["available"]]
    learned.write_bytes(b"[]")
    pyman("refresh")
    done = pyman("list", "--only-available", "--all-builds", "--json")
    assert done.stderr == ""
    assert set(KEYS) <= {row["key"] for row in done.json["available"]}
    learned.unlink()
    learned.mkdir()
    told = pyman("list", "--only-available", "3.12.9").stderr
    assert f"cannot read {learned}: it is not a regular file. It is passed over; remove it, and" in told
    assert "something else has its place" in pyman("refresh", code=1).stderr
    learned.rmdir()
    assert pyman("refresh").stderr.startswith("Learned of ")


def test_a_file_of_a_newer_pyman_is_not_guessed_at(pyman: Pyman, source: Source) -> None:
    pyman("refresh")
    learned = pyman.store / ".metadata" / "learned.json"
    newer = learned.read_bytes().replace(b'"format": 1', b'"format": 2')
    learned.write_bytes(newer)
    assert "needs a newer pyman" in pyman("list", "--only-available").stderr
    source.serve(release_index([Archive("3.99.2", "21000101", FOREIGN)], source.server.url))
    assert "needs a newer pyman" in pyman("refresh", code=1).stderr
    assert learned.read_bytes() == newer


@pytest.mark.usefixtures("source")
def test_a_state_of_a_newer_pyman_is_not_guessed_at(pyman: Pyman) -> None:
    pyman("refresh")
    kept = pyman.store / ".metadata" / "refresh.json"
    kept.write_bytes(kept.read_bytes().replace(b'"format": 1', b'"format": 2'))
    assert "needs a newer pyman" in pyman("refresh", code=1).stderr


def test_a_damaged_state_costs_a_whole_answer_and_no_more(pyman: Pyman, source: Source) -> None:
    pyman("refresh")
    kept = pyman.store / ".metadata" / "refresh.json"
    good = json.loads(kept.read_bytes())
    no_times = [json.dumps(good | {"refreshed": each}).encode() for each in (1e300, float("nan"))]
    for damage in (*no_times, json.dumps(good | {"failed": 10**400}).encode()):
        kept.write_bytes(damage)
        assert "never refreshed" in pyman("refresh", "--status").stdout
    no_answers = json.dumps(good | {"answers": dict.fromkeys(good["answers"], 5)}).encode()
    for damage in (b"", b"[]", b'{"format": 1}', b'{"format": 1, "refreshed": "x"}', b"\xff", no_answers):
        kept.write_bytes(damage)
        assert pyman("refresh").stderr == f"Nothing is new at {source.url}\n"


@pytest.mark.usefixtures("source")
def test_two_at_once(pyman: Pyman) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: pyman("refresh", "--json").json["added"], range(4)))
    assert sum(map(len, done)) == len(NEWS), "each was learned by one of them"
    assert sorted(set(available(pyman)) & set(KEYS)) == sorted(KEYS)
    left = [path.name for path in (pyman.store / ".metadata").iterdir()]
    assert sorted(left) == ["learned.json", "refresh.json"]


@pytest.mark.usefixtures("source")
@pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: Windows has no such modes")
def test_whoever_may_read_the_store_may_read_it(pyman: Pyman) -> None:
    pyman.store.mkdir(mode=0o755)
    old = os.umask(0o077)
    try:
        pyman("refresh")
    finally:
        os.umask(old)
    folder = pyman.store / ".metadata"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


@pytest.mark.usefixtures("source")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root learns for everybody")
def test_roots_is_for_everybody(pyman: Pyman, tmp_path: Path) -> None:
    system = tmp_path / "system"
    pyman("refresh", env={"PYMAN_SYSTEM_HOME": str(system)})
    assert (system / ".metadata" / "learned.json").exists()
    assert not pyman.store.exists()
    assert set(KEYS) <= {
        row["key"]
        for row in pyman(
            "list", "--only-available", "--all-builds", "--json", env={"PYMAN_SYSTEM_HOME": str(system)}
        ).json["available"]
    }


def test_status(pyman: Pyman, source: Source) -> None:
    assert "never refreshed" in pyman("refresh", "--status").stdout
    assert not pyman.store.exists()
    pyman("refresh")
    source.server.asked.clear()
    told = pyman("refresh", "--status", "--json").json
    assert told["bundled"]["builds"] > 23_000
    assert told["bundled"]["date"] >= "2026-11-10"
    (learned,) = told["learned"]
    assert (learned["builds"], learned["date"]) == (3, "2099-12-31")
    assert Path(learned["path"]).is_file()
    assert told["source"] == source.url
    assert told["refreshed"].endswith("Z")
    text = pyman("refresh", "--status").stdout
    assert "3 builds" in text
    assert "2099-12-31" in text
    assert source.server.asked == []
