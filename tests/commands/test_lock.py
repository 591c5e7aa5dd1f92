"""`pyman lock`, and what knows a lock: exact builds for several targets, the same again, and nothing else."""

import os
import re
import sys
import tomllib

from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.server import Server

GNU, MUSL, ARM = "linux-x86_64-gnu", "linux-x86_64-musl", "linux-aarch64-musl"
OLD = [Archive("3.13.5", "20250612", target) for target in (MUSL, ARM)]
NEW = [Archive("3.13.7", "20250818", target) for target in (MUSL, ARM)]
OTHER = [Archive("3.12.12", "20251031", target) for target in (MUSL, ARM)]
BOTH = ("--target", MUSL, "--target", ARM)
COMMENTS = """\
# Ours, since 2025.
format = 1 # the first
requests = ["3.13"]
targets = ["linux-aarch64-musl", "linux-x86_64-musl"]

# The boards in the field.
[[build]] # never by hand
key = "{arm.key}"
requests = ["3.13"]
# asked for once
url = "{url}/{arm_path}"
sha256 = "{arm.sha256}"

# The servers.
[[build]]
key = "{musl.key}"
requests = ["3.13"]
url = "{url}/{musl_path}"
sha256 = "{musl.sha256}"
# The end.
"""


def published(offer: Offer, *archives: Archive) -> list[Archive]:
    """Offer archives with nothing that runs in them, and return them with their digests."""
    made = [small_archive(offer.server.folder, each) for each in archives]
    offer(*made)
    return made


def lock_of(pyman: Pyman) -> dict[str, object]:
    return tomllib.loads((pyman.work / "pyman.lock").read_text(encoding="utf-8"))


def test_exact_builds_for_several_targets(pyman: Pyman, offer: Offer, server: Server) -> None:
    made = published(offer, *OLD, *OTHER)
    said = pyman("lock", "3.13", "3.12", *BOTH).stderr
    assert f"Locked {OLD[0].key} for 3.13\n" in said
    found = lock_of(pyman)
    assert (found["format"], found["requests"], found["targets"]) == (1, ["3.13", "3.12"], [ARM, MUSL])
    assert found["build"] == [
        {
            "key": each.key,
            "requests": [each.minor],
            "url": f"{server.url}/{each.path.replace('+', '%2B')}",
            "size": (server.folder / each.path).stat().st_size,
            "sha256": each.sha256,
        }
        for each in (made[1], made[3], made[0], made[2])
    ]
    # The same again, whatever the order in which it is asked for; a build that is locked stays.
    text = (pyman.work / "pyman.lock").read_bytes()
    published(offer, *OLD, *OTHER, *NEW)
    asked = len(server.asked)
    assert "pyman.lock is up to date." in pyman("lock").stderr
    assert (pyman.work / "pyman.lock").read_bytes() == text
    assert len(server.asked) == asked
    below = pyman.work / "below"
    below.mkdir()
    assert "is up to date." in pyman("lock", cwd=below).stderr
    # --dry-run writes nothing; a request less is said.
    changes = pyman("lock", "3.13", "--dry-run", "--json").json["changes"]
    assert changes == [{"from": each.key, "to": None} for each in OTHER[::-1]]
    assert (pyman.work / "pyman.lock").read_bytes() == text


def test_comments_stay(pyman: Pyman, offer: Offer, server: Server) -> None:
    musl, arm = published(offer, *OLD)
    text = COMMENTS.format(
        arm=arm,
        musl=musl,
        url=server.url,
        arm_path=arm.path.replace("+", "%2B"),
        musl_path=musl.path.replace("+", "%2B"),
    )
    (pyman.work / "pyman.lock").write_text(text, encoding="utf-8")
    new = published(offer, *OLD, *NEW)
    told = pyman("outdated", "--locked", code=1).stdout.splitlines()
    assert [line.split(maxsplit=1) for line in told] == [
        [each.key, "newer patch 3.13.7+20250818"] for each in OLD[::-1]
    ]
    assert (pyman.work / "pyman.lock").read_text(encoding="utf-8") == text
    said = pyman("upgrade", "--lock", "3.13").stderr
    for old, after in zip(OLD, NEW, strict=True):
        assert f"Moved {old.key} to {after.key} for 3.13\n" in said
    moved = (pyman.work / "pyman.lock").read_text(encoding="utf-8")
    assert re.sub("size = [0-9]+\n", "", moved) == COMMENTS.format(
        arm=new[3],
        musl=new[2],
        url=server.url,
        arm_path=new[3].path.replace("+", "%2B"),
        musl_path=new[2].path.replace("+", "%2B"),
    )
    assert pyman("outdated", "--locked", "--json").json == {"outdated": []}
    assert "has the newest" in pyman("upgrade", "--lock").stderr


def test_exactly_these_are_installed(pyman: Pyman, offer: Offer) -> None:
    published(offer, *OLD, *NEW)
    pyman("lock", "3.13.5", *BOTH)
    lock = pyman.work / "pyman.lock"
    published(offer, *NEW)  # the metadata no longer know what is locked
    for_arm = ("--target", ARM, "--no-bin")
    pyman("install", "--locked", *for_arm)
    assert pyman.installed() == [OLD[1].key]
    locked = pyman("list", "--locked", "--json").json["locked"]
    assert [(each["key"], bool(each["path"])) for each in locked] == [(OLD[1].key, True), (OLD[0].key, False)]
    # Nothing of it is asked for, or for that target; another build of the same name is here.
    nothing = pyman("install", "--locked", "3.12", *for_arm, code=1).stderr
    assert "locks nothing for the request: 3.12" in nothing
    assert f"has no build for {GNU}" in pyman("install", "--locked", "--target", GNU, code=1).stderr
    installed = next(each for each in locked if each["path"])
    lock.write_text(lock.read_text(encoding="utf-8").replace(installed["sha256"], "a" * 64), encoding="utf-8")
    differing = pyman("install", "--locked", *for_arm, code=1).stderr
    assert (
        f"{OLD[1].key} is installed, of an archive with sha256 {installed['sha256']}; locked is {'a' * 64}"
        in differing
    )
    # The digest of the lock is the one that counts.
    assert "expected " + "a" * 64 in pyman("install", "--locked", "--reinstall", *for_arm, code=1).stderr
    assert pyman.installed() == [OLD[1].key]


def test_where_nothing_is_typed_the_lock_counts(pyman: Pyman, offer: Offer) -> None:
    made = published(offer, *OLD, *NEW, *OTHER)
    pyman.environment["PYMAN_TARGET"] = ARM
    pyman("lock", "3.13.5", "3.12")
    below = pyman.work / "a" / "b"
    below.mkdir(parents=True)
    missing = pyman("find", code=1, cwd=below).stderr
    assert re.search(f"{re.escape(OLD[1].key)} .*pyman.lock asks for it", missing)
    pyman("install", "--no-bin", cwd=below)
    assert pyman.installed() == sorted([OLD[1].key, OTHER[1].key])
    # A version file asks, the lock answers; where it has no answer, the version file counts.
    pin = pyman.work / "a" / ".python-version"
    pin.write_text("3.12\n", encoding="utf-8")
    agreed = pyman("find", cwd=below)
    assert (OTHER[1].key in agreed.stdout, agreed.stderr) == (True, "")
    pin.write_text("3.13.7\n", encoding="utf-8")
    told = pyman("install", "--no-bin", cwd=below).stderr
    assert "asks for 3.13.7: the version file counts" in told
    assert NEW[1].key in pyman.installed()
    assert f"/{NEW[1].key}/" in pyman("find", cwd=below).stdout
    # For another target the lock says nothing.
    other = pyman("install", "--target", MUSL, "--no-bin", cwd=pyman.work).stderr
    assert f"pyman.lock has no build for {MUSL}: it is passed over" in other
    # It is data of whoever wrote it: only what pyman knows is taken without --locked.
    lock = pyman.work / "pyman.lock"
    text = lock.read_text(encoding="utf-8")
    digest = made[1].sha256 or ""
    pyman("uninstall", "--all")
    lock.write_text(text.replace(digest, "b" * 64), encoding="utf-8")
    for command in (["install"], ["run", "--", "true"]):
        assert " and the metadata differ" in pyman(*command, code=1).stderr
    lock.write_text(text.replace("3.13.5", "3.13.99"), encoding="utf-8")
    unknown = pyman("install", code=1).stderr
    assert "pyman.lock asks for it" in unknown
    assert "`pyman install --locked` takes it from where the lock says" in unknown
    assert pyman.installed() == []


def test_no_lock_and_what_is_no_file(pyman: Pyman) -> None:
    path = pyman.work / "pyman.lock"
    assert "there is no pyman.lock here or above" in pyman("install", "--locked", code=1).stderr
    path.write_text('format = 1\nrequests = ["nonsense"]\n', encoding="utf-8")
    for command in ("install", "find"):
        assert f"error: {path}:2: not a Python request" in pyman(command, code=1).stderr
    path.unlink()
    if sys.platform != "win32":
        os.mkfifo(path)
        assert "there is no pyman.lock" in pyman("install", "--locked", code=1).stderr
        assert "it is not a regular file" in pyman("install", "--lock-file", path, code=1).stderr
