"""`pyman install --prefix`, and `verify` and `uninstall` of what is in one: an exact place, and no store."""

import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE, Offer, Pyman, Result
from tests.reliability.picture import Picture, picture
from tests.support import become
from tests.support.builds import Archive, write_archive
from tests.support.needs import runs_here
from tests.support.server import Server

FOREIGN = "linux-riscv64-gnu"
OLD, NEW = (Archive(version, "20250612", FOREIGN) for version in ("3.13.4", "3.13.5"))
OTHER = Archive("3.12.11", "20250612", FOREIGN)
SOURCE = b"# %s, as long as any other\n"

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason=ELSEWHERE + "modes, links and mounts are those of POSIX"
)
mounting = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason=ELSEWHERE + "it needs root, and mount"
)


def members(archive: Archive) -> dict[str, bytes]:
    """Return what such a build has: names with the version in them, names without, and pip."""
    minor, version = archive.minor, archive.version.encode()
    library = f"python/lib/python{minor}"
    return {
        f"python/bin/python{minor}": b"#!/bin/sh\nexit 0\n" + version,
        "python/bin/pip": b"#!/bin/sh\n" + version,
        "python/lib/tcl8.6/same.tcl": b"the same in all",
        "python/lib/tcl8.6/other.tcl": version,
        f"python/lib/pkgconfig/python-{minor}.pc": b"prefix=/install\n",
        f"{library}/os.py": SOURCE % version,
        f"{library}/same.py": b"# the same\n",
        f"{library}/only-{archive.version}.py": version,
        f"{library}/old-{archive.version}/module.py": version,
        f"{library}/site-packages/pip/__init__.py": version,
        f"{library}/site-packages/pip-{archive.version}.dist-info/RECORD": b"pip/__init__.py,,\n",
    }


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """The prefix, which is not there yet."""
    return tmp_path / "opt" / "python"


@pytest.fixture
def small(pyman: Pyman, server: Server, offer: Offer) -> Pyman:
    """Pyman with small builds for another machine to be had: nothing of them is started."""
    offer(*(write_archive(server.folder, each, members(each)) for each in (OLD, NEW, OTHER)))
    pyman.environment["PYMAN_TARGET"] = FOREIGN
    return pyman


def content(prefix: Path) -> list[str]:
    """Return the names of what is no folder in a prefix."""
    return sorted(
        os.path.relpath(os.path.join(folder, name), prefix)  # noqa: PTH118
        for folder, _, names in os.walk(prefix)
        for name in names
    )


def put(path: Path, data: bytes = b"theirs") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def run(*command: str | Path, code: int = 0) -> Result:
    """Run a program outside the seal."""
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*map(str, command)], env=outside, capture_output=True, encoding="utf-8", check=False, timeout=100
    )
    assert done.returncode == code, done.stderr
    return Result(done.stdout, done.stderr, done.returncode)


def wheel(folder: Path) -> Path:
    """Write a wheel with one module and one script."""
    path = folder / "greeting-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("greeting.py", "def main():\n    print('hello')\n")
        info = "greeting-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", "[console_scripts]\ngreet = greeting:main\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def real_one(fixtures: Path, offer: Offer, server: Server) -> Archive:
    """A real interpreter of 3.13, the only build to be had."""
    source = runs_here(fixtures, "3.13.0")
    archive = Archive.of_file(source)
    (server.folder / archive.release).mkdir()
    (server.folder / archive.path).symlink_to(source)
    offer(archive)
    return archive


def test_a_python_as_an_image_wants_it(pyman: Pyman, prefix: Path, real_one: Archive, tmp_path: Path) -> None:
    with umask(0o077):
        told = pyman("install", "3.13", "--prefix", prefix, "--default").stderr
    assert f"{real_one.key} is in {prefix}" in told
    assert "not started" not in told
    assert not pyman.store.exists()
    assert list(pyman.home.iterdir()) == list(pyman.bin.iterdir()) == []
    assert not unreadable(prefix)
    assert not list(prefix.rglob("EXTERNALLY-MANAGED"))
    for name in ("python3.13", "python3", "python"):
        assert run(prefix / "bin" / name, "-c", "import sys, ssl; print(sys.prefix)").stdout == f"{prefix}\n"
    code = "import sysconfig as s; print(s.get_config_var('INCLUDEPY'), s.get_path('scripts'))"
    assert run(prefix / "bin/python3", "-c", code).stdout == f"{prefix}/include/python3.13 {prefix}/bin\n"
    options = ("--no-index", "--no-compile", "--root-user-action=ignore")
    run(prefix / "bin/pip", "install", *options, wheel(tmp_path))
    assert run(prefix / "bin/greet").stdout == "hello\n"
    run(prefix / "bin/python", "-m", "venv", "--without-pip", tmp_path / "venv")
    assert f"home = {prefix}/bin\n" in (tmp_path / "venv" / "pyvenv.cfg").read_text()
    chain = [tmp_path / "venv" / "bin" / "python"]
    while chain[-1].is_symlink():
        chain.append(chain[-1].parent / chain[-1].readlink())
    assert {path.parent for path in chain[1:]} <= {chain[0].parent, prefix / "bin"}
    verified = pyman("verify", "--prefix", prefix)
    assert "greeting 1.0" in verified.stdout
    assert "is intact" in verified.stderr
    bill = pyman("sbom", "--prefix", prefix).json
    assert bill["metadata"]["component"]["version"] == "3.13.0"
    assert {"greeting", "pip"} <= {each["name"] for each in bill["components"]}
    gone = pyman("uninstall", "--prefix", prefix)
    assert "greeting 1.0" in gone.stderr
    site = prefix / "lib" / "python3.13" / "site-packages"
    assert not (site / "pip").exists()
    assert {path.name for path in site.iterdir()} >= {"greeting.py", "greeting-1.0.dist-info"}
    assert {path.name for path in prefix.iterdir()} == {"bin", "lib"}
    assert [path.name for path in (prefix / "bin").iterdir()] == ["greet"]


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def unreadable(prefix: Path) -> list[str]:
    """Return what another user could not read, or go through, from the folder above on."""
    return [
        str(path)
        for path in (prefix.parent, prefix, *prefix.rglob("*"))
        if not path.is_symlink()
        and stat.S_IMODE(path.stat().st_mode)
        != (0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100) else 0o644)
    ]


def test_what_is_there_stays_and_all_goes_again(small: Pyman, prefix: Path) -> None:
    theirs = [put(prefix / name) for name in ("bin/tool", "lib/python3.13/site-packages/mine.py", "README")]
    before = picture(prefix)
    result = small("install", "3.13", "--prefix", prefix, "--json")
    assert result.json["installed"] == [
        {
            "key": NEW.key,
            "version": "3.13.5",
            "path": str(prefix),
            "executable": str(prefix / "bin" / "python3.13"),
        }
    ]
    assert f"It was not started to see whether it runs: it is for {FOREIGN}." in result.stderr
    assert [path.name for path in (prefix / ".pyman").iterdir()] == ["python3.13.json"]
    assert f"prefix={prefix}\n" == (prefix / "lib/pkgconfig/python-3.13.pc").read_text()
    verified = small("verify", "--prefix", prefix, "--json").json
    assert [(each["key"], each["intact"]) for each in verified["installations"]] == [(NEW.key, True)]
    assert "Already installed" in small("install", "3.13", "--prefix", prefix).stderr
    assert all(path.read_bytes() == b"theirs" for path in theirs)
    small("uninstall", "--prefix", prefix)
    assert picture(prefix) == before


def test_what_would_be_overwritten_is_listed_and_stays(small: Pyman, prefix: Path, tmp_path: Path) -> None:
    put(prefix / "bin/python3.13")
    (prefix / "lib").symlink_to(tmp_path)
    before = [picture(prefix), picture(tmp_path / "user")]
    for more in ([], ["--force"]):
        told = small("install", "3.13.5", "--prefix", prefix, *more, code=1).stderr
        assert "2 things are in the way" in told
        assert "bin/python3.13 is a file that pyman has not put there" in told
        assert "lib is a link, and no folder" in told
        assert picture(prefix) == before[0]


def test_force_replaces_by_the_record_and_nothing_else(small: Pyman, prefix: Path) -> None:
    small("install", OLD.key, "--prefix", prefix)
    library = prefix / "lib" / "python3.13"
    cache = library / "__pycache__"
    put(cache / "os.cpython-313.pyc", b"??\r\nof the old os.py")
    theirs = [
        put(cache / "mine.cpython-313.pyc"),
        put(library / "site-packages" / "mine.py"),
        put(library / "old-3.13.4" / "notes"),
        put(prefix / "bin" / "mine"),
    ]
    refused = small("install", "3.13.5", "--prefix", prefix, code=1).stderr
    assert f"{OLD.key} is in {prefix} already" in refused
    assert "--force" in refused
    os_py = library / "os.py"
    original = os_py.read_bytes()
    os_py.write_bytes(b"changed")
    before = picture(prefix)
    refused = small("install", "3.13.5", "--prefix", prefix, "--force", code=1).stderr
    assert "lib/python3.13/os.py was changed since pyman put it there: it has 7 bytes, not" in refused
    assert picture(prefix) == before
    os_py.write_bytes(original)
    small("install", "3.13", "--prefix", prefix, "--force")
    assert os_py.read_bytes() == SOURCE % b"3.13.5"
    assert not (cache / "os.cpython-313.pyc").exists()
    assert not (library / "only-3.13.4.py").exists()
    assert not (library / "site-packages" / "pip-3.13.4.dist-info").exists()
    assert [path.name for path in (library / "old-3.13.4").iterdir()] == ["notes"]
    assert all(path.read_bytes() == b"theirs" for path in theirs)
    os_py.unlink()
    assert "1 missing" in small("verify", "--prefix", prefix, code=1).stderr
    small("install", "3.13", "--prefix", prefix, "--force")
    assert os_py.read_bytes() == SOURCE % b"3.13.5"
    uninstalled = small("uninstall", "--prefix", prefix, "--json").json["uninstalled"]
    assert [each["key"] for each in uninstalled] == [NEW.key]
    assert content(prefix) == sorted(str(path.relative_to(prefix)) for path in theirs)


def test_packages_that_were_changed_stay_as_they_are(small: Pyman, prefix: Path) -> None:
    small("install", OLD.key, "--prefix", prefix)
    site = prefix / "lib" / "python3.13" / "site-packages"
    put(site / "pip" / "__init__.py", b"a newer pip")
    put(prefix / "bin" / "pip", b"of the newer pip")
    before = picture(site)
    told = small("install", NEW.key, "--prefix", prefix, "--force").stderr
    assert f"the packages in {prefix} stay as they are" in told
    assert picture(site) == before
    assert (prefix / "bin" / "pip").read_bytes() == b"of the newer pip"
    assert (prefix / "lib" / "python3.13" / "os.py").read_bytes() == SOURCE % b"3.13.5"


def test_two_minor_versions_share_a_prefix(small: Pyman, prefix: Path) -> None:
    small("install", "3.13.5", "--prefix", prefix)
    first = picture(prefix)
    told = small("install", "3.12", "--prefix", prefix).stderr
    assert "keeps 4 names that both have: bin/pip, bin/python, bin/python3, lib/tcl8.6/other.tcl" in told
    both = picture(prefix)
    assert {name: how for name, how in both.items() if name in first} == first
    assert (prefix / "bin/python3").readlink() == Path("python3.13")
    for command in ("uninstall", "sbom"):
        assert "has several" in small(command, "--prefix", prefix, code=2).stderr
    assert OTHER.key in small("sbom", "3.12", "--prefix", prefix).stdout
    small("uninstall", "3.13", "--prefix", prefix)
    assert (prefix / "lib/tcl8.6/same.tcl").exists()
    keys = [each["key"] for each in small("verify", "--prefix", prefix, "--json").json["installations"]]
    assert keys == [OTHER.key]
    small("uninstall", "--prefix", prefix)
    assert not prefix.exists()


def test_all_is_all(small: Pyman, prefix: Path, server: Server, offer: Offer) -> None:
    """Also what a request for any Python does not mean."""
    free = replace(NEW, variant="freethreaded")
    offer(*(write_archive(server.folder, each, members(each)) for each in (NEW, free)))
    for request in ("3.13", "3.13t"):
        small("install", request, "--prefix", prefix)
    gone = small("uninstall", "--all", "--prefix", prefix, "--json").json["uninstalled"]
    assert sorted(each["key"] for each in gone) == sorted([NEW.key, free.key])
    assert not prefix.exists()


def test_paths_are_as_they_will_be_inside_a_root(small: Pyman, tmp_path: Path) -> None:
    place = tmp_path / "rootfs" / "usr" / "local"
    options = ("--prefix", "./rootfs/usr/local", "--root", "./rootfs", "--externally-managed")
    told = small("install", "3.13", *options, env={"PYMAN_FSYNC": "0"}, cwd=tmp_path).stderr
    assert f"It was not started to see whether it runs: it is for where {tmp_path}/rootfs is /." in told
    assert (place / "lib/pkgconfig/python-3.13.pc").read_text() == "prefix=/usr/local\n"
    assert (place / "lib/python3.13/EXTERNALLY-MANAGED").exists()
    assert not [name for name in content(place) if str(tmp_path).encode() in (place / name).read_bytes()]
    small("verify", "--prefix", place)


def test_a_link_to_a_folder_is_followed_once(small: Pyman, prefix: Path, tmp_path: Path) -> None:
    prefix.parent.mkdir()
    prefix.symlink_to(tmp_path / "there")
    (tmp_path / "there").mkdir()
    small("install", "3.13", "--prefix", prefix)
    assert f"prefix={prefix}\n" == (prefix / "lib/pkgconfig/python-3.13.pc").read_text()
    small("verify", "--prefix", prefix)
    small("uninstall", "--prefix", prefix)
    assert prefix.is_symlink()
    assert list((tmp_path / "there").iterdir()) == []


@mounting
def test_a_disk_of_its_own_that_is_full(small: Pyman, prefix: Path, server: Server, offer: Offer) -> None:
    big = write_archive(server.folder, NEW, members(NEW) | {"python/lib/padding": os.urandom(3_000_000)})
    offer(big)
    prefix.mkdir(parents=True)
    with mounted(prefix, "size=2m"):
        told = small("install", "3.13", "--prefix", prefix, code=1).stderr
        assert "No space left on device" in told
        assert "--prefix" in told
        assert "PYMAN_HOME" not in told
        assert list(prefix.iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=8m", prefix], check=True)
        small("install", "3.13", "--prefix", prefix)
        small("verify", "--prefix", prefix)
        subprocess.run(["mount", "-o", "remount,size=4m", prefix], check=True)
        with pytest.raises(OSError, match="No space"):
            (prefix / "full").write_bytes(bytes(4 << 20))
        small("uninstall", "--prefix", prefix)
        assert [path.name for path in prefix.iterdir()] == ["full"]


@contextmanager
def mounted(place: Path, options: str) -> Iterator[None]:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "none", place], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip(ELSEWHERE + "nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


@mounting
def test_a_folder_on_another_disk_is_refused(small: Pyman, prefix: Path) -> None:
    place = prefix / "lib"
    place.mkdir(parents=True)
    with mounted(place, "size=2m"):
        told = small("install", "3.13", "--prefix", prefix, code=1).stderr
        assert "lib is on another file system" in told
        assert list(place.iterdir()) == []
    assert content(prefix) == []


@mounting
def test_what_belongs_to_somebody_else_is_refused(small: Pyman, prefix: Path) -> None:
    small("install", "3.13", "--prefix", prefix)
    for path in (prefix, *prefix.rglob("*")):
        os.chown(path, 4711, 4711, follow_symlinks=False)
    before = picture(prefix)
    powerless = Pyman(small.root, small.environment, become.without(become.READING, become.WRITING))
    for command in (("install", "3.12"), ("install", "3.13", "--force"), ("uninstall",)):
        told = powerless(*command, "--prefix", prefix, code=1).stderr
        assert "Permission denied" in told
        assert "PYMAN_HOME" not in told
    assert "belongs to " in powerless("verify", "--prefix", prefix, code=1).stdout
    assert picture(prefix) == before


def test_two_at_once_install_it_once(small: Pyman, prefix: Path) -> None:
    command = ("install", "3.13", "--prefix", prefix)
    ended = [process.communicate()[1] for process in [small.start(*command) for _ in range(2)]]
    assert sorted(f"Installed {NEW.key}" in told for told in ended) == [False, True], ended
    assert any("Already installed" in told for told in ended)
    small("verify", "--prefix", prefix)
    assert [path.name for path in (prefix / ".pyman").iterdir()] == ["python3.13.json"]


WRONG = {
    "an empty name": (["--prefix", ""], 2, "--prefix is empty"),
    "a root alone": (["--root", "/"], 2, "--root is for --prefix"),
    "reinstall": (["--prefix", "{prefix}", "--reinstall"], 2, "--force replaces"),
    "two": (["3.12", "--prefix", "{prefix}"], 2, "a prefix is for one Python"),
    "in the store": (["--prefix", "{store}/python"], 2, "is inside the store"),
    "outside of the root": (["--prefix", "{prefix}", "--root", "{store}"], 2, "is not inside the root"),
    "a file": (["--prefix", "{file}"], 1, "cannot write to"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_makes_no_sense_is_told(wrong: str, small: Pyman, prefix: Path, tmp_path: Path) -> None:
    options, code, message = WRONG[wrong]
    names = {"prefix": prefix, "store": small.store, "file": put(tmp_path / "file")}
    told = small("install", "3.13", *(each.format(**names) for each in options), code=code).stderr
    assert message in told
    assert "hint: " in told
    assert not prefix.parent.exists()
    assert not small.store.exists()


def test_nothing_is_done_to_look(small: Pyman, prefix: Path) -> None:
    told = small("install", "3.13", "--prefix", prefix, "--dry-run").stderr
    assert f"Would install {NEW.key} from " in told
    assert f" into {prefix}" in told
    for command in ("verify", "uninstall"):
        assert f"no Python in {prefix}" in small(command, "--prefix", prefix, code=1).stderr
    assert not prefix.parent.exists()


@pytest.mark.parametrize("name", ["", "link", "journal", "python3.13.json"])
def test_what_is_not_pymans_own_is_refused(name: str, small: Pyman, prefix: Path, tmp_path: Path) -> None:
    victim = put(tmp_path / "victim" / "journal").parent
    prefix.mkdir(parents=True)
    if name == "link":
        (prefix / ".pyman").symlink_to(victim)
    else:
        put(prefix / ".pyman" / name)
    before: list[Picture] = [picture(prefix), picture(victim)]
    told = small("install", "3.13", "--prefix", prefix, code=1).stderr
    assert ".pyman" in told
    assert "hint: " in told
    assert [picture(prefix), picture(victim)] == before
