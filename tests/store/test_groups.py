"""A store whose folder has setgid and group write: its group's members share all that is in it."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import CHECKOUT
from tests.support.builds import Archive, small_archive
from tests.support.members import (
    ANNA,
    BEN,
    DEVS,
    EVE,
    Member,
    member,
    offer,
    place,
    reason_there_are_no_members,
    store_of,
)
from tests.support.needs import runs_here
from tests.support.server import Server, slow, stalled_body
from tests.support.stores import environment, lay, noted

REASON = reason_there_are_no_members()
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

FOREIGN = "linux-riscv64-gnu"
OLD, NEW = (Archive(version, "20250612", FOREIGN) for version in ("3.13.4", "3.13.5"))
OTHER = Archive("3.12.11", "20250612", FOREIGN)
UMASKS = ["002", "022", "077"]


@pytest.fixture
def ground() -> Iterator[Path]:
    with place() as folder:
        yield folder


@pytest.fixture
def builds(ground: Path, server: Server) -> tuple[Archive, Archive, Archive]:
    old, new, other = (small_archive(server.folder, each, 100_000) for each in (OLD, NEW, OTHER))
    offer(ground, server, old, new, other)
    return old, new, other


def install(*words: str) -> tuple[str, ...]:
    return ("install", "--target", FOREIGN, *words)


def all_in(folder: Path) -> list[Path]:
    return [path for path in (folder, *folder.rglob("*")) if not path.is_symlink()]


def assert_shared(store: Path) -> None:
    """All is the group's, its members may do with it what its owner may, and others what the store says."""
    outside = stat.S_IMODE(store.stat().st_mode) & 0o007
    for path in all_in(store):
        found = path.stat()
        mode = stat.S_IMODE(found.st_mode)
        within = {".locks", ".staging"} & set(path.relative_to(store).parts)
        assert found.st_gid == DEVS, path
        assert mode >> 3 & 0o7 == mode >> 6 & 0o7, (path, oct(mode))
        assert mode & 0o007 in ((0,) if within else (outside, outside & 0o006)), (path, oct(mode))
        assert not path.is_dir() or mode & stat.S_ISGID, (path, oct(mode))


def nothing_staged(store: Path) -> bool:
    return not list((store / ".staging").iterdir())


@pytest.mark.parametrize("umask", UMASKS)
@pytest.mark.parametrize("mode", [0o2775, 0o2770])
def test_one_goes_on_where_the_other_left_off(
    mode: int, umask: str, ground: Path, builds: tuple[Archive, ...]
) -> None:
    store = store_of(ground, mode)
    old, new, other = builds
    anna, ben = member(ground, ANNA, umask), member(ground, BEN, umask)
    anna(*install(old.key, other.key))
    assert_shared(store)
    ben(*install("--reinstall", old.key))
    assert (store / old.key).stat().st_uid == BEN
    anna(*install("--reinstall", old.key))
    ben("upgrade", "3.13", env={"PYMAN_TARGET": FOREIGN})
    assert ben.installed() == sorted([old.key, new.key, other.key])
    anna("verify")
    ben("prune", "--yes")
    assert anna.minor_links() == {"cpython-3.12-" + FOREIGN: other.key, "cpython-3.13-" + FOREIGN: new.key}
    assert_shared(store)
    anna("uninstall", new.key)
    ben("uninstall", "--all")
    assert anna.installed() == []
    assert nothing_staged(store)
    assert_shared(store)


def test_whoever_is_first_need_not_be_asked(ground: Path, builds: tuple[Archive, ...]) -> None:
    """Root is as good a member as any."""
    store = store_of(ground)
    root = Member(ground / "0", {"PYMAN_METADATA": str(ground / "metadata.json")})
    root.shared = store
    for folder in (root.home, root.work, root.bin):
        folder.mkdir(parents=True)
    root(*install(builds[0].key))
    assert_shared(store)
    member(ground, ANNA, "077")("uninstall", "3.13")
    member(ground, BEN)(*install(builds[0].key))
    root("uninstall", "--all")
    assert nothing_staged(store)


@pytest.mark.parametrize("failure", ["", "ENOLCK"])
def test_at_the_same_time(failure: str, ground: Path, server: Server, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground)
    old, new, other = builds
    server.spoil(old.file, slow, times=1)
    users = [member(ground, number, umask) for number, umask in ((ANNA, "077"), (BEN, "022"))]
    if failure:
        folder = CHECKOUT / "tests" / "support" / "without_flock"
        for user in users:
            user.environment["PYTHONPATH"] = f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}"
            user.environment["PYMAN_TEST_FLOCK"] = failure
    running = [user.start(*install(key)) for key in (old.key, new.key, other.key) for user in users]
    running += [users[number % 2].start(*install("--reinstall", old.key)) for number in range(2)]
    told = [process.communicate(timeout=100)[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(running), told
    assert users[0].installed() == sorted([old.key, new.key, other.key])
    users[0]("verify")
    assert nothing_staged(store)
    running = [user.start("uninstall", "--all") for user in users] + [users[0].start("prune", "--yes")]
    told = [process.communicate(timeout=100)[1] for process in running]
    assert not [text for text in told if "ermission" in text], told
    users[1]("uninstall", "--all")
    assert users[0].installed() == []
    assert nothing_staged(store)


@pytest.mark.parametrize("umask", UMASKS)
def test_after_a_kill(umask: str, ground: Path, server: Server, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground)
    old = builds[0]
    anna, ben = member(ground, ANNA, umask), member(ground, BEN, umask)
    for victim, other in ((anna, ben), (ben, anna)) * 2:
        before = server.count(old.file)
        server.spoil(old.file, stalled_body, times=1)
        process = victim.start(*install("--reinstall", old.key))
        for _ in range(1000):
            if server.count(old.file) > before and list((store / ".staging").glob("*/new-*")):
                break
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        told = other(*install("--reinstall", old.key)).stderr
        assert "warning" not in told
        assert nothing_staged(store)
        assert_shared(store)
        victim("verify")


def before_the_group_was_let_in(store: Path, key: str) -> Iterator[Path]:
    """Make what a member leaves behind that dies in between making something and giving it to the group."""
    stage = store / ".staging" / key
    stage.mkdir()
    stage.chmod(0o700)
    yield stage
    stage.mkdir()
    stage.chmod(0o2775)
    note = stage / "new-0123abcd.made"
    note.touch(0o600)
    yield note
    stage.mkdir()
    stage.chmod(0o2775)
    note.write_text(key, encoding="ascii")
    note.chmod(0o664)
    tree = stage / "new-0123abcd"
    (tree / "lib").mkdir(parents=True, mode=0o700)
    tree.chmod(0o2775)
    yield tree / "lib"


def test_a_kill_before_the_group_was_let_in(ground: Path, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground)
    anna, ben = member(ground, ANNA), member(ground, BEN)
    anna(*install(builds[0].key))
    for path in before_the_group_was_let_in(store, builds[0].key):
        for each in (store / ".staging").rglob("*"):
            os.lchown(each, ANNA, DEVS)
        ben(*install("--reinstall", builds[0].key))
        assert nothing_staged(store), path


def test_a_kill_at_any_time(ground: Path, builds: tuple[Archive, ...]) -> None:
    """What one leaves behind the other can put right, whenever it was."""
    store = store_of(ground)
    users = [member(ground, ANNA, "077"), member(ground, BEN, "022")]
    users[0](*install(builds[0].key))
    for number in range(12):
        victim, other = users[number % 2], users[(number + 1) % 2]
        process = victim.start(*install("--reinstall", builds[0].key))
        time.sleep(0.25 + number * 0.06)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        other(*install("--reinstall", builds[0].key))
        assert nothing_staged(store)
        other("verify")


def test_what_a_member_compiled_does_not_stay(ground: Path, server: Server, fixtures: Path) -> None:
    source = runs_here(fixtures, "3.12.1")
    archive = Archive.of_file(source)
    (server.folder / archive.release).mkdir()
    (server.folder / archive.path).write_bytes(source.read_bytes())
    offer(ground, server, archive)
    store = store_of(ground)
    anna, ben = member(ground, ANNA), member(ground, BEN, "077")
    anna("install", archive.minor)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))}
    python = store / archive.key / "bin" / f"python{archive.minor}"
    subprocess.run([*ben.prefix, python, "-c", "import json, email"], env=variables, cwd="/", check=True)
    assert [path for path in store.rglob("*.pyc") if path.stat().st_uid == BEN]
    anna("verify")
    anna("uninstall", archive.minor)
    assert anna.installed() == []
    assert nothing_staged(store)
    ben("install", "--compile-bytecode", archive.minor)
    assert_shared(store)
    anna("uninstall", archive.minor)
    assert nothing_staged(store)


def test_the_index_of_environments_is_shared(ground: Path, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground)
    anna, ben = member(ground, ANNA, "077"), member(ground, BEN, "077")
    anna(*install(builds[0].key))
    for user in (anna, ben):
        made = user.work / ".venv" / "bin"
        made.mkdir(parents=True)
        (made / "python").symlink_to(store / builds[0].key / "bin" / "python3.13")
        (made.parent / "pyvenv.cfg").write_text(f"home = {store / builds[0].key / 'bin'}\nversion = 3.13.4\n")
        user("find", "--show-version")
    assert_shared(store)
    told = ben("uninstall", "3.13", code=1).stderr
    assert str(anna.work / ".venv") in told
    assert str(ben.work / ".venv") in told


def test_an_environment_that_only_its_owner_may_read_is_in_use(
    ground: Path, builds: tuple[Archive, ...]
) -> None:
    store = store_of(ground, 0o2770)
    anna, ben = member(ground, ANNA, "077"), member(ground, BEN, "077")
    old, new, _ = builds
    anna(*install(old.key, new.key))
    made = environment(anna.work / "v", store / old.key / "bin")
    noted(store, made)
    made.chmod(0o700)
    os.chown(made, ANNA, ANNA)
    refused = ben("uninstall", old.key, "--json", code=1)
    assert refused.json["used"] == [{"key": old.key, "environments": [str(made)]}]
    assert refused.json["unseen"] == [{"path": str(made), "reason": "Permission denied"}]
    kept = ben("prune", "--yes", "--json")
    assert kept.json["removed"] == []
    assert anna.installed() == [old.key, new.key]
    told = [each["what"] for each in ben("doctor", "--json", code=1).json["findings"]]
    assert f"the virtual environment {made} cannot be read: Permission denied" in told
    assert f"{old.key} was used by" in ben("uninstall", old.key, "--force").stderr
    assert anna.installed() == [new.key]


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_doctor_takes_nobodys_store_away(mode: int, ground: Path, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground, mode, 0)
    eve = member(ground, EVE)
    lay(store, builds[0])
    store.chmod(mode)
    (eve.bin / "python3.13").symlink_to(store / builds[0].key / "bin" / "python3.13")
    findings = eve("doctor", "--json", code=1).json["findings"]
    (closed,) = (each for each in findings if each["what"].startswith("this user may"))
    assert "chown" not in closed["command"]
    assert "export PYMAN_HOME='~/.pyman'" in closed["command"]
    assert (f"PYMAN_SYSTEM_HOME={store}" in closed["command"]) == (mode == 0o755)
    assert closed["why"].startswith("nothing can be installed. Ask root to let you ")
    assert ("neither read" in closed["what"]) == (mode == 0o700)
    assert not [each for each in findings if "leads nowhere" in each["what"]]
    if mode == 0o700:
        assert f"cannot read {store}/shims: Permission denied" in eve("shims", code=1).stderr


def test_what_was_learned_is_shared(ground: Path) -> None:
    store = store_of(ground)
    script = (
        "import sys; from pathlib import Path; from pyman.store import changes\n"
        "from pyman.store.installations import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "with changes.metadata_locked(store):\n"
        "    changes.put(store, store.home / '.metadata' / 'learned.json', sys.argv[2].encode())\n"
    )
    for number in (ANNA, BEN, ANNA):
        user = member(ground, number, "077")
        words = [*user.prefix, sys.executable, "-c", script, str(store), str(number)]
        subprocess.run(words, env=user.variables(), cwd=user.work, check=True)
        assert (store / ".metadata" / "learned.json").read_text(encoding="utf-8") == str(number)
        assert_shared(store)


def test_a_cache_of_a_group(ground: Path, server: Server, builds: tuple[Archive, ...]) -> None:
    store_of(ground)
    cache = ground / "cache"
    cache.mkdir()
    os.chown(cache, 0, DEVS)
    cache.chmod(0o2770)
    anna, ben = member(ground, ANNA, "077"), member(ground, BEN, "077")
    for user in (anna, ben):
        user.environment["PYMAN_CACHE_DIR"] = str(cache)
    anna(*install(builds[0].key))
    ben(*install("--reinstall", builds[0].key))
    assert server.count(builds[0].file) == 1
    assert_shared(cache)
    (entry,) = (cache / "archives").iterdir()
    entry.write_bytes(b"damaged")
    assert "was dropped" in ben(*install("--reinstall", builds[0].key)).stderr
    anna(*install("--reinstall", builds[0].key))
    assert server.count(builds[0].file) == 2
    assert_shared(cache)


def test_who_is_not_in_the_group_is_told_whose_it_is(ground: Path, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground)
    anna, eve = member(ground, ANNA), member(ground, EVE)
    anna(*install(builds[0].key))
    for words in (install(builds[1].key), install("--reinstall", builds[0].key), ("uninstall", "--all")):
        told = eve(*words, code=1).stderr
        assert f"{store}" in told
        assert "Permission denied" in told
        assert "free space" not in told
        hint = told.partition("hint: ")[2]
        assert "root" in hint
        assert f"PYMAN_SYSTEM_HOME={store}" in hint
    assert anna.installed() == [builds[0].key]
    # The second way: it is what the hint says.
    own = {"PYMAN_SYSTEM_HOME": str(store), "PYMAN_HOME": str(eve.home / "own")}
    eve(*install(builds[1].key), env=own)
    rows = eve("list", "--only-installed", "--json", env=own).json["installed"]
    assert [row["store"] for row in rows] == ["user", "system"]


def test_a_closed_store_is_closed(ground: Path, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground, 0o2770)
    anna, eve = member(ground, ANNA), member(ground, EVE)
    anna(*install(builds[0].key))
    for words in (("list", "--only-installed"), ("verify",), install(builds[0].key), ("uninstall", "--all")):
        told = eve(*words, code=1).stderr
        assert f"{store}: Permission denied" in told
        assert f"PYMAN_SYSTEM_HOME={store}" not in told
    assert anna.installed() == [builds[0].key]


@pytest.mark.parametrize("mode", [0o755, 0o2775, 0o2755])
def test_what_is_there_is_had_in_a_store_that_can_only_be_read(
    mode: int, ground: Path, server: Server, fixtures: Path
) -> None:
    source = runs_here(fixtures, "3.12.1")
    archive = Archive.of_file(source)
    (server.folder / archive.release).mkdir()
    (server.folder / archive.path).write_bytes(source.read_bytes())
    offer(ground, server, archive)
    store = store_of(ground, mode)
    root = Member(ground / "0", {"PYMAN_METADATA": str(ground / "metadata.json")})
    root.shared = store
    for folder in (root.home, root.work, root.bin):
        folder.mkdir(parents=True)
    root("install", archive.minor)
    (store / f"cpython-{archive.minor}-{archive.target}").unlink()  # also when there is something to mend
    eve = member(ground, EVE)
    result = eve("install", archive.minor, "--default")
    assert f"Already installed: {archive.key}" in result.stderr
    assert "warning" not in result.stderr
    assert "error" not in result.stderr
    for name in (f"python{archive.minor}", "python3", "python"):
        done = subprocess.run([*eve.prefix, eve.bin / name, "-V"], capture_output=True, check=True, cwd="/")
        assert done.stdout == f"Python {archive.version}\n".encode()


@pytest.mark.parametrize("folder", [".staging", ".locks"])
def test_what_a_stranger_put_there_is_refused(folder: str, ground: Path, builds: tuple[Archive, ...]) -> None:
    store = store_of(ground)
    planted = store / folder
    planted.mkdir()
    os.chown(planted, EVE, EVE)
    planted.chmod(0o777)
    told = member(ground, ANNA)(*install(builds[0].key), code=1).stderr
    assert f"{planted} belongs to another user" in told
    assert list(planted.iterdir()) == []


@pytest.mark.usefixtures("builds")
@pytest.mark.parametrize("mode", [0o1777, 0o3777, 0o3775])
def test_a_sticky_folder_is_no_place_for_a_store_of_several(mode: int, ground: Path) -> None:
    store = store_of(ground, mode)
    anna = member(ground, ANNA)
    told = anna(*install("3.12"), code=1).stderr
    assert f"{store} is sticky" in told
    assert "no place for a store of several users" in told
    assert list(store.iterdir()) == []
    own = {"PYMAN_HOME": str(store / "anna")}
    anna(*install("3.12"), env=own)
    assert anna("list", "--only-installed", "--json", env=own).json["installed"]


def test_what_was_made_before_it_was_a_group_s(ground: Path, builds: tuple[Archive, ...]) -> None:
    """The administrator opened the folder, but not what was in it: who can mend that is told."""
    store = store_of(ground, 0o755)
    os.chown(store, ANNA, ANNA)
    anna, ben = member(ground, ANNA), member(ground, BEN)
    anna(*install(builds[0].key))
    os.chown(store, ANNA, DEVS)
    store.chmod(0o2775)
    told = ben(*install(builds[1].key), code=1).stderr
    assert str(ANNA) in told
    assert f"chgrp -R {DEVS} {store}" in told
    assert "chmod -R g+rwX" in told
    (store / ".staging").rmdir()
    subprocess.run(["chmod", "-R", "g+rwXs", store / ".locks"], check=True)
    subprocess.run(["chgrp", "-R", str(DEVS), store / ".locks"], check=True)
    told = ben("uninstall", builds[0].key, code=1).stderr
    assert f"it belongs to user {ANNA}" in told
    assert f"chmod -R g+rwX {store}" in told
    subprocess.run(["chgrp", "-R", str(DEVS), store], check=True)
    subprocess.run(["chmod", "-R", "g+rwX", store], check=True)
    subprocess.run(["find", store, "-type", "d", "-exec", "chmod", "g+s", "{}", "+"], check=True)
    ben(*install(builds[1].key))
    ben("uninstall", "--all")
    assert nothing_staged(store)
