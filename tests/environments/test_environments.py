"""The index of virtual environments, and what an environment uses of the store."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.archives import extract
from tests.support.builds import Archive
from tests.support.repack import MINOR
from tests.support.stores import environment, lay, link_name, noted

from pyman.environments.entrances import Environment, read
from pyman.environments.environment_index import note, note_all
from pyman.environments.in_use import Unseen, look, scan

BUILD = Archive("3.12.1", "20240107", "linux-x86_64-gnu")
LINK = link_name(BUILD)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one installation and its minor link."""
    lay(tmp_path / "store", BUILD)
    return tmp_path / "store"


@pytest.fixture(scope="module")
def real_store(
    repacked: tuple[Path, list[Archive]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Archive]:
    """A store with the Python that runs the tests, its minor link, and `python3.X` in a folder beside it."""
    folder, archives = repacked
    root = tmp_path_factory.mktemp("real")
    with tarfile.open(folder / archives[0].path) as tar:
        extract(tar, root)
    home = root / "store"
    home.mkdir()
    (root / "python").rename(home / archives[0].key)
    (home / link_name(archives[0])).symlink_to(archives[0].key)
    (root / "links").mkdir()
    (root / "links" / f"python{MINOR}").symlink_to(home / link_name(archives[0]) / "bin" / f"python{MINOR}")
    return home, archives[0]


def known(store: Path) -> list[Environment]:
    """What is found by the index alone."""
    nowhere = store.parent / "nowhere"
    return look(store, {"HOME": str(nowhere)}, None).environments


def entries(store: Path, folder: Path) -> set[str]:
    found = read(store, folder)
    return set(found.entries or ()) if found else set()


@pytest.mark.skipif(sys.platform == "win32", reason="not on this platform: links in bin are of POSIX")
@pytest.mark.parametrize("copies", [False, True], ids=["links", "copies"])
@pytest.mark.parametrize("way", ["minor link", "installation", "bin link"])
def test_real_environments(way: str, copies: bool, real_store: tuple[Path, Archive], tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    store, archive = real_store
    homes = {
        "minor link": store / link_name(archive) / "bin",
        "installation": store / archive.key / "bin",
        "bin link": store.parent / "links",
    }
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    folder = tmp_path / "environment"
    options = ["--without-pip", *(["--copies"] if copies else [])]
    subprocess.run(
        [homes[way] / f"python{MINOR}", "-m", "venv", *options, folder],
        env=outside,
        check=True,
        capture_output=True,
    )
    expected = archive.key if way == "installation" else link_name(archive)
    assert entries(store, folder) == {expected}


@pytest.mark.parametrize(
    "lines",
    [
        "home = {home}",
        "HOME={home}",
        "\ufeffhome = {home}\r\nversion = 3.12.1\r\n",
        "home = {home}\nhome = /elsewhere",
        "garbage\n= \n\x00\nhome\t=\t{home}  ",
        "home = /usr/bin\nversion_info = 3.12.1.final.0\nbase-executable = {home}/python3.12",
        "home = {links}\nversion_info = 3.12.1.final.0",
        "home = {links}\nexecutable = /gone/bin/python3.12",
        "home = {home}/../bin/",
        "home = ../store/{entry}/bin",
    ],
)
@pytest.mark.parametrize("entry", [LINK, BUILD.key])
def test_settings_are_read_leniently(lines: str, entry: str, store: Path) -> None:
    links = store.parent / "links"
    links.mkdir()
    (links / "python3.12").symlink_to(store / entry / "bin" / "python3.12")
    folder = store.parent / "environment"
    folder.mkdir()
    text = lines.format(home=store / entry / "bin", links=links, entry=entry)
    (folder / "pyvenv.cfg").write_text(text, encoding="utf-8", newline="")
    assert entries(store, folder) == {entry}


@pytest.mark.parametrize(
    "lines",
    ["", "home = /usr/bin", "home =", "home = {store}", "home = {store}/../other", "home = loop/bin", "\x00"],
)
def test_what_uses_nothing_of_the_store(lines: str, store: Path) -> None:
    folder = store.parent / "environment"
    folder.mkdir()
    (folder / "loop").symlink_to("loop")
    (folder / "pyvenv.cfg").write_text(lines.format(store=store), encoding="utf-8")
    assert read(store, folder) is None


def test_no_environment(store: Path, tmp_path: Path) -> None:
    assert read(store, tmp_path / "absent") is None
    (tmp_path / "folder" / "pyvenv.cfg").mkdir(parents=True)
    assert read(store, tmp_path / "folder") is None
    assert read(tmp_path / "no store", tmp_path) is None


def test_stale_executable_does_not_count(store: Path) -> None:
    # venv writes where the link led when the environment was made; the link has moved since.
    newer = Archive("3.12.9", "20250317", BUILD.target)
    lay(store, newer)
    home = store / LINK / "bin"
    folder = environment(
        store.parent / "environment", home, f"executable = {store / BUILD.key}/bin/python3.12"
    )
    assert entries(store, folder) == {LINK}


@pytest.mark.parametrize("through", ["store", "home"])
def test_the_store_may_be_reached_through_links(through: str, store: Path) -> None:
    (store.parent / "other").symlink_to(store.parent)
    spelled = store.parent / "other" / "store"
    paths = {"store": (spelled, store), "home": (store, spelled)}[through]
    folder = environment(store.parent / "environment", paths[1] / LINK / "bin")
    assert entries(paths[0], folder) == {LINK}


def test_an_environment_whose_python_is_gone_still_needs_it(store: Path) -> None:
    gone = "cpython-3.11.1+20240107-linux-x86_64-gnu"
    assert entries(store, environment(store.parent / "e", store / gone / "bin")) == {gone}


def test_noted_once_and_known(store: Path) -> None:
    first = environment(store.parent / "one", store / LINK / "bin")
    second = environment(store.parent / "two", store / BUILD.key / "bin")
    (store.parent / "alias").symlink_to(first)
    for folder in (second, first, first, store.parent / "alias"):
        note(store, folder)
    assert len(list((store / ".environments").iterdir())) == 2
    assert known(store) == [
        Environment(first, frozenset({LINK})),
        Environment(second, frozenset({BUILD.key})),
    ]


def test_what_does_not_use_the_store_is_not_noted(store: Path) -> None:
    note(store, environment(store.parent / "one", Path("/usr/bin")))
    note(store, store.parent / "absent")
    note(store.parent / "no store", environment(store.parent / "two", store / LINK / "bin"))
    assert not (store / ".environments").exists()
    assert not (store.parent / "no store").exists()


def test_noting_is_silent_when_it_cannot_be_done(store: Path) -> None:
    (store / ".environments").write_text("in the way", encoding="utf-8")
    folder = environment(store.parent / "one", store / LINK / "bin")
    note(store, folder)
    assert known(store) == []


def test_known_forgets_what_is_gone_or_uses_another_python(store: Path) -> None:
    gone, moved = (environment(store.parent / name, store / LINK / "bin") for name in ("gone", "moved"))
    note(store, gone)
    note(store, moved)
    (gone / "pyvenv.cfg").unlink()
    (moved / "pyvenv.cfg").write_text("home = /usr/bin", encoding="utf-8")
    (moved / "bin" / "python").unlink()
    assert known(store) == []


@pytest.mark.parametrize("content", [b"", b"relative/path", b"\x00", b"\xff\xfe", b"/gone\n"])
def test_known_passes_over_rubbish(content: bytes, store: Path) -> None:
    (store / ".environments").mkdir()
    (store / ".environments" / "0123").write_bytes(content)
    assert known(store) == []


def test_those_of_one_folder_are_noted_together(store: Path) -> None:
    folders = [environment(store.parent / "many" / f"{n}", store / LINK / "bin") for n in range(5)]
    lone = environment(store.parent / "lone", store / LINK / "bin")
    note_all(store, [*folders[:3], lone])
    assert len(list((store / ".environments").iterdir())) == 2
    note_all(store, folders)
    assert len(list((store / ".environments").iterdir())) == 2
    assert [each.path for each in known(store)] == [lone, *folders]
    note(store, folders[0])
    assert [each.path for each in known(store)] == [lone, *folders]


def test_the_index_is_bounded(store: Path) -> None:
    there = [environment(store.parent / f"{n}", store / LINK / "bin") for n in range(3)]
    note(store, there[0])
    noted(store, *(store.parent / "gone" / f"{n}" for n in range(1200)))
    note(store, there[1])
    assert len(list((store / ".environments").iterdir())) == 2
    noted(store, *([there[0]] * 1200))
    note(store, there[2])
    assert len(list((store / ".environments").iterdir())) == 1000
    assert there[2] in [each.path for each in known(store)]


def test_near(store: Path) -> None:
    work = store.parent / "project" / "folder"
    work.mkdir(parents=True)
    above = environment(store.parent / "project" / ".venv", store / LINK / "bin")
    active = environment(store.parent / "active", store / BUILD.key / "bin")
    found = look(store, {"VIRTUAL_ENV": str(active)}, work).environments
    assert [each.path for each in found] == [active, above]
    assert look(store, {}, store.parent).environments == []


def test_scan(store: Path, tmp_path: Path) -> None:
    home = store / LINK / "bin"
    projects = tmp_path / "projects"
    found = [
        environment(projects / place, home)
        for place in (".venv", "a/.tox/py312", "a/b/c", "deep/1/2/3/4/5/6")
    ]
    for hidden in ("node_modules/x", "a/.git/x", "deep/1/2/3/4/5/6a/7/8", ".venv/lib/inner"):
        environment(projects / hidden, home)
    elsewhere = environment(tmp_path / "elsewhere" / "env", home)
    (projects / "link").symlink_to(elsewhere.parent)
    unseen: list[Unseen] = []
    assert sorted(scan(projects, unseen)) == sorted(found)
    assert unseen == [Unseen(projects, "1 folder lies more than 8 levels deep")]
    assert list(scan(found[0], unseen)) == [found[0]]
    assert list(scan(projects / "absent", unseen)) == []
    assert len(list(scan(projects, unseen, most=3))) == 1
    assert unseen[1:] == [Unseen(projects, "there are more than 3 folders")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(text=st.binary(max_size=200))
def test_no_settings_are_an_error(text: bytes, store: Path) -> None:
    folder = store.parent / "environment"
    folder.mkdir(exist_ok=True)
    (folder / "pyvenv.cfg").write_bytes(b"home = " + text)
    found = read(store, folder)
    assert found is None or found.entries


# Names that file systems take: not those that Windows or macOS refuse or respell.
NAMES = st.text(
    st.characters(codec="utf-8", categories=["Ll", "Lo", "Nd", "Zs", "Sm"]), min_size=1, max_size=40
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(names=st.sets(NAMES.map(str.strip).filter(bool), min_size=1, max_size=4))
def test_what_was_noted_is_known(
    names: set[str], store: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("named")
    folders = sorted(environment(root / name, store / LINK / "bin") for name in names)
    for folder in folders:
        note(store, folder)
    assert [each.path for each in known(store) if each.path.parent == root] == folders


def test_the_index_is_not_written_through_a_link(store: Path) -> None:
    victim = store.parent / "victim"
    victim.mkdir()
    noted(victim, *(victim / "gone" / f"{n}" for n in range(1200)))
    (store / ".environments").symlink_to(victim / ".environments")
    before = sorted(path.name for path in (victim / ".environments").iterdir())
    folder = environment(store.parent / "one", store / LINK / "bin")
    note(store, folder)
    note_all(store, [folder])
    assert sorted(path.name for path in (victim / ".environments").iterdir()) == before


def test_only_what_is_the_index_s_own_makes_room(store: Path) -> None:
    noted(store, *(store.parent / "gone" / f"{n}" for n in range(1200)))
    index = store / ".environments"
    (store.parent / "precious").write_text("kept", encoding="utf-8")
    (index / "notes.txt").write_text("kept", encoding="utf-8")
    (index / ("a" * 16)).symlink_to(store.parent / "precious")
    (index / ("b" * 16)).mkdir()
    note(store, environment(store.parent / "one", store / LINK / "bin"))
    left = {path.name for path in index.iterdir()}
    assert left >= {"notes.txt", "a" * 16, "b" * 16}
    assert len(left) == 4
    assert (store.parent / "precious").read_text(encoding="utf-8") == "kept"


def test_what_has_the_name_of_a_file_of_the_index_stays(store: Path) -> None:
    folder = environment(store.parent / "one", store / LINK / "bin")
    note(store, folder)
    (file,) = (store / ".environments").iterdir()
    file.unlink()
    (store.parent / "precious").write_text("kept", encoding="utf-8")
    file.symlink_to(store.parent / "precious")
    note(store, folder)
    assert file.is_symlink()
    assert (store.parent / "precious").read_text(encoding="utf-8") == "kept"
