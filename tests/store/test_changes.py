"""The store is whole after a kill at any moment: what is visible is complete, and no link leads nowhere."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import Pyman
from tests.support.builds import Archive
from tests.support.stores import environment, lay, link_name

from pyman.builds.key import Key
from pyman.cli import main
from pyman.commands import prune, uninstall
from pyman.errors import StoreError
from pyman.store import changes
from pyman.store.installations import Store
from pyman.store.removal import tidy
from pyman.system.filesystem import exchange

COMMANDS = (prune, uninstall)  # loaded here, once, and not in each process that is killed

TARGET = "linux-riscv64-gnu"
OLD, NEW = (Archive(version, "20250612", TARGET) for version in ("3.13.4", "3.13.5"))
LINK = link_name(NEW)
# The last is how renameat2 is got at, which Python does not know.
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.symlink", "os.mkdir", "ctypes.dlsym"}

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="not on this platform: SIGKILL and symbolic links are of POSIX"
)


def kills(work: Callable[[], None]) -> Iterator[None]:
    """Do the work in a process that is killed before its first change of the file system, then in one that is
    killed before its second and so on, until one ends by itself."""
    for count in range(1, 200):
        child = os.fork()  # not a new interpreter each time: there are more than a hundred
        if child == 0:
            os._exit(ended(work, count))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, -signal.SIGKILL)
        yield
        if code == 0:
            return
    pytest.fail("it never ends")


def ended(work: Callable[[], None], left: int) -> int:
    """Do the work, or be killed before so many changes; returns the exit code."""
    counter = iter(range(1, left))

    def hook(event: str, _: object) -> None:
        if event in CHANGES and next(counter, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        work()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:  # noqa: BLE001 - the parent must see that it failed
        return 70
    return 0


def command(pyman: Pyman, *args: str) -> Callable[[], None]:
    def work() -> None:
        os.environ.update(pyman.variables())
        sys.argv = ["pyman", *args]
        main()

    return work


def is_whole(installation: Path) -> bool:
    return len([path for path in installation.rglob("*") if path.is_file()]) == 3


def dangling(*folders: Path) -> list[Path]:
    return [
        path for folder in folders for path in folder.iterdir() if path.is_symlink() and not path.exists()
    ]


@pytest.mark.parametrize("args", [["uninstall", "3.13.5"], ["uninstall", "3.13.4"], ["prune", "--yes"]])
def test_a_removal_that_is_killed(args: list[str], pyman: Pyman) -> None:
    def reset() -> None:
        shutil.rmtree(pyman.store, ignore_errors=True)
        lay(pyman.store, OLD, NEW)

    reset()
    follower = environment(pyman.root / "environment", pyman.store / LINK / "bin")
    for _ in kills(command(pyman, *args)):
        assert (follower / "bin" / "python").exists()
        assert set(pyman.minor_links().values()) <= set(pyman.installed())
        assert all(is_whole(pyman.store / key) for key in pyman.installed())
        cleaned(pyman)
        assert not dangling(pyman.store)
        reset()


def cleaned(pyman: Pyman) -> None:
    """Let the next writer clean up."""
    tidy(Store(pyman.store), pyman.bin)
    assert not pyman.leftovers()


def test_the_last_of_its_kind_leaves_no_link_behind(pyman: Pyman) -> None:
    def reset() -> None:
        shutil.rmtree(pyman.store, ignore_errors=True)
        lay(pyman.store, NEW)
        (pyman.bin / "python3.13").unlink(missing_ok=True)
        (pyman.bin / "python3.13").symlink_to(pyman.store / LINK / "bin" / "python3.13")

    reset()
    (pyman.bin / "python3.12").symlink_to("elsewhere")
    for _ in kills(command(pyman, "uninstall", "3.13")):
        cleaned(pyman)
        assert dangling(pyman.store, pyman.bin) == [pyman.bin / "python3.12"]
        reset()


def publish(store: Store, key: Key) -> None:
    """Publish another build of three files in place of what is there."""
    with changes.locked(store, key, lambda _: None), changes.staging(store, key) as tree:
        for name in ("bin/python3.13", "lib/python3.13/os.py"):
            (tree / name).parent.mkdir(parents=True)
            (tree / name).write_text("new", encoding="utf-8")
        changes.publish(store, key, tree, "{}\n")


def publish_without_exchange(store: Store, key: Key) -> None:
    sys.modules["ctypes"] = None  # type: ignore[assignment] # what a Python says that was built without it
    publish(store, key)


def skip_without_exchange(folder: Path) -> None:
    """Skip where two directories cannot change places."""
    for name in ("one", "other"):
        (folder / "probe" / name).mkdir(parents=True)
    done = exchange(folder / "probe" / "one", folder / "probe" / "other")
    shutil.rmtree(folder / "probe")
    if not done:
        pytest.skip("not on this platform: two directories cannot change places")


@pytest.fixture(params=[publish, publish_without_exchange])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Store, Key], None]:
    """Each of the ways in which an installation is replaced."""
    if request.param is publish:
        skip_without_exchange(tmp_path)
    chosen: Callable[[Store, Key], None] = request.param
    return chosen


def test_a_publication_that_is_killed(way: Callable[[Store, Key], None], tmp_path: Path) -> None:
    store, key = Store(tmp_path), Key.parse(NEW.key)
    lay(tmp_path, NEW)
    seen = set()
    for _ in kills(lambda: way(store, key)):
        changes.sweep(store)
        assert is_whole(store.path_of(key))
        assert not list((tmp_path / ".staging").glob("*"))
        seen.add((store.path_of(key) / "lib" / "python3.13" / "os.py").read_text(encoding="utf-8"))
        shutil.rmtree(store.path_of(key))
        lay(tmp_path, NEW)
    assert seen == {"x = 1\n", "new"}


def test_a_reader_never_finds_nothing_where_something_is_replaced(tmp_path: Path) -> None:
    skip_without_exchange(tmp_path)
    store, key = Store(tmp_path), Key.parse(NEW.key)
    lay(tmp_path, NEW)
    for _ in kills(lambda: publish(store, key)):
        assert is_whole(store.path_of(key))


def test_half_of_what_was_replaced_never_comes_back(
    way: Callable[[Store, Key], None], tmp_path: Path
) -> None:
    store, key = Store(tmp_path), Key.parse(NEW.key)
    lay(tmp_path, NEW)
    for _ in kills(lambda: way(store, key)):
        shutil.rmtree(store.path_of(key), ignore_errors=True)  # somebody did away with it by hand
        changes.sweep(store)
        assert not store.path_of(key).exists() or is_whole(store.path_of(key))
        lay(tmp_path, NEW)


def calls(work: Callable[[], None]) -> list[str]:
    """Do the work in a process of its own; returns the renames and the calls of the C library, in order."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        sys.addaudithook(lambda event, args: noted(writing, event, args))
        work()
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        lines = pipe.read().splitlines()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return lines


def noted(pipe: int, event: str, args: tuple[object, ...]) -> None:
    if event == "os.rename":
        os.write(pipe, f"to {Path(str(args[1])).name}\n".encode())
    elif event == "ctypes.dlsym":
        os.write(pipe, f"{args[1]}\n".encode())


@pytest.mark.skipif(sys.platform != "linux", reason="not on this platform: elsewhere no call tells of it")
@pytest.mark.parametrize(("setting", "before"), [("", ["syncfs"]), ("0", [])])
def test_what_is_published_is_on_the_disk_before(
    setting: str, before: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYMAN_FSYNC", setting)
    store, key = Store(tmp_path), Key.parse(NEW.key)
    made = calls(lambda: publish(store, key))
    assert [call for call in made[: made.index(f"to {key}")] if not call.startswith("to ")] == before


def moved_aside(tree: Path, final: Path) -> None:
    final.rename(tree.parent / "old")


def half_published(tree: Path, final: Path) -> None:
    moved_aside(tree, final)
    (tree / "bin").mkdir()


@pytest.mark.parametrize("interrupted", [moved_aside, half_published])
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_an_installation_moved_aside_comes_back(
    interrupted: Callable[[Path, Path], None], error: type[BaseException], tmp_path: Path
) -> None:
    store, key = Store(tmp_path), Key.parse(NEW.key)
    lay(tmp_path, NEW)

    def work() -> None:
        with changes.locked(store, key, lambda _: None), changes.staging(store, key) as tree:
            interrupted(tree, store.path_of(key))
            raise error

    with pytest.raises((error, StoreError)):
        work()
    assert is_whole(store.path_of(key))


def test_sweeping_spares_what_a_living_process_stages(tmp_path: Path) -> None:
    store, key = Store(tmp_path), Key.parse(NEW.key)
    with changes.locked(store, key, lambda _: None), changes.staging(store, key) as tree:
        (tree / "file").touch()
        changes.sweep(store)
        assert (tree / "file").exists()


def test_sweeping_no_store_makes_none(tmp_path: Path) -> None:
    changes.sweep(Store(tmp_path / "store"))
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - shorter
