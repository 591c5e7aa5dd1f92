"""`pyman prune`: superseded installations that nothing uses go, and what dead processes left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import Pyman, Result, checked
from tests.support.builds import Archive
from tests.support.stores import environment, lay, link_name, noted, staged

if sys.platform != "win32":
    import pty

GNU, MUSL = "linux-x86_64-gnu", "linux-x86_64-musl"
OLD, MIDDLE, NEW = (
    Archive(version, release, GNU)
    for version, release in (("3.12.1", "20240107"), ("3.12.9", "20250317"), ("3.12.9", "20250409"))
)
OTHERS = [
    Archive("3.11.1", "20240107", GNU),
    Archive("3.12.1", "20240107", MUSL),
    Archive("3.12.1", "20240107", GNU, "debug"),
]


@pytest.fixture
def full(pyman: Pyman) -> Pyman:
    """Three installations of one kind, and one each of others."""
    lay(pyman.store, OLD, MIDDLE, NEW, *OTHERS)
    return pyman


def left(*archives: Archive) -> list[str]:
    return sorted(archive.key for archive in (*archives, *OTHERS))


def asked(pyman: Pyman, answer: str, *args: str) -> Result:
    """Run `pyman prune` with a terminal as its input, and type the answer."""
    terminal, other_end = pty.openpty()
    try:
        os.write(terminal, answer.encode())
        done = subprocess.run(
            pyman.command("prune", *args),
            env=pyman.variables(),
            cwd=pyman.work,
            stdin=other_end,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    finally:
        os.close(terminal)
        os.close(other_end)
    return Result(done.stdout, done.stderr, done.returncode)


def test_removes_what_is_superseded(full: Pyman) -> None:
    result = full("prune", "--yes")
    assert full.installed() == left(NEW)
    assert full.minor_links()[link_name(NEW)] == NEW.key
    assert result.stdout == ""
    assert f"Removed {OLD.key} (" in result.stderr
    assert f"Removed {MIDDLE.key} (" in result.stderr
    assert not full.leftovers()
    assert full("prune").stderr == "Nothing to prune.\n"


def test_dry_run_changes_nothing(full: Pyman) -> None:
    result = full("prune", "--dry-run")
    assert full.installed() == left(OLD, MIDDLE, NEW)
    assert [line.split(" (")[0] for line in result.stderr.splitlines()[:2]] == [
        f"Would remove {MIDDLE.key}",
        f"Would remove {OLD.key}",
    ]
    assert not (full.store / ".locks").exists()
    assert not (full.store / ".staging").exists()


def test_sizes_are_those_on_the_disk(full: Pyman) -> None:
    padding = full.store / OLD.key / "padding"
    padding.write_bytes(os.urandom(300_000))
    (full.store / OLD.key / "again").hardlink_to(padding)
    document = full("prune", "--dry-run", "--json").json
    sizes = {each["key"]: each["size"] for each in document["removed"]}
    assert 300_000 <= sizes[OLD.key] < 400_000
    assert sizes[MIDDLE.key] < 60_000
    assert document["size"] == sum(sizes.values())


def test_without_a_terminal_it_asks_nobody(full: Pyman) -> None:
    result = full("prune", code=2)
    assert "--yes" in result.stderr
    assert OLD.key in result.stderr
    assert full.installed() == left(OLD, MIDDLE, NEW)


@pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: it has no pseudo terminals")
@pytest.mark.parametrize(
    ("answer", "code", "remaining"),
    [("y\n", 0, [NEW]), ("n\n", 1, [OLD, MIDDLE, NEW]), ("\n", 1, [OLD, MIDDLE, NEW])],
)
def test_asks(answer: str, code: int, remaining: list[Archive], full: Pyman) -> None:
    result = checked(asked(full, answer), code)
    assert result.stdout == ""
    assert "Remove these 2 installations and free " in result.stderr
    assert "--scan" in result.stderr
    assert full.installed() == left(*remaining)


@pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: it has no pseudo terminals")
def test_looks_again_after_the_answer(full: Pyman) -> None:
    terminal, other_end = pty.openpty()
    command = full.command("prune")
    with subprocess.Popen(
        command, env=full.variables(), cwd=full.work, stdin=other_end, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr
        while not process.stderr.read1().decode().endswith("[y/N]: "):  # type: ignore[attr-defined]
            assert process.poll() is None
        # While the question stands, the newest goes, and an environment is made with the oldest.
        full("uninstall", "3.12.9+20250409")
        noted(full.store, environment(full.root / "new", full.store / OLD.key / "bin"))
        os.write(terminal, b"y\n")
    assert process.returncode == 0
    assert full.installed() == left(OLD, MIDDLE)
    os.close(terminal)
    os.close(other_end)


def test_an_environment_keeps_what_it_was_made_with(full: Pyman) -> None:
    exact = environment(full.root / "exact", full.store / OLD.key / "bin")
    follower = environment(full.root / "follower", full.store / link_name(NEW) / "bin")
    noted(full.store, exact, follower)
    result = full("prune", "--yes", "--json")
    assert full.installed() == left(OLD, NEW)
    assert f"Kept {OLD.key}, which is used by {exact}\n" in result.stderr
    assert result.json["used"] == [{"key": OLD.key, "environments": [str(exact)]}]
    assert [each["key"] for each in result.json["removed"]] == [MIDDLE.key]
    assert (follower / "bin" / "python").exists()


def test_scan_finds_environments_and_keeps_them_in_mind(full: Pyman) -> None:
    first = environment(full.root / "projects" / "a" / ".venv", full.store / OLD.key / "bin")
    second = environment(full.root / "more" / "b", full.store / MIDDLE.key / "bin")
    places = ["--scan", str(full.root / "projects"), "--scan", "../more"]
    document = full("prune", "--dry-run", "--json", *places).json
    assert {name for each in document["used"] for name in each["environments"]} == {str(first), str(second)}
    assert not (full.store / ".environments").exists()
    full("prune", "--yes", *places)
    assert full.installed() == left(OLD, MIDDLE, NEW)
    assert str(first) in full("uninstall", "3.12.1+20240107", code=1).stderr


def test_scan_of_no_folder(full: Pyman) -> None:
    assert "absent" in full("prune", "--scan", "absent", code=2).stderr


def test_sweeps_what_dead_processes_left(full: Pyman) -> None:
    full("prune", "--yes")
    staged(full.store, OLD)
    (full.store / f".{link_name(NEW)}.4711").symlink_to(NEW.key)
    (full.store / "cpython-3.10-linux-x86_64-gnu").symlink_to("cpython-3.10.1+20240107-linux-x86_64-gnu")
    for name, place in (("python3.10", full.store / "gone"), ("python3.9", Path("elsewhere"))):
        (full.bin / name).symlink_to(place)
    links = {path.name for path in full.bin.iterdir()}
    full("prune", "--dry-run")
    assert full.leftovers()
    full("prune")
    assert not full.leftovers()
    assert not [path for path in full.store.iterdir() if path.is_symlink() and not path.exists()]
    assert links - {path.name for path in full.bin.iterdir()} == {"python3.10"}


def test_what_a_dead_process_moved_aside_comes_back(pyman: Pyman) -> None:
    lay(pyman.store, NEW)
    (pyman.store / ".staging" / NEW.key).mkdir(parents=True)
    (pyman.store / NEW.key).rename(pyman.store / ".staging" / NEW.key / "old")
    pyman("prune")
    assert pyman.installed() == [NEW.key]


def test_no_store(pyman: Pyman) -> None:
    assert pyman("prune").stderr == "Nothing to prune.\n"
    assert not pyman.store.exists()


def test_quiet(full: Pyman) -> None:
    result = full("prune", "--yes", "--quiet")
    assert result.stdout + result.stderr == ""
    assert full.installed() == left(NEW)
