"""`python -m pyman.bootstrap` and the portable pyman that it makes, started as its users start it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ELSEWHERE, fixture_archive
from tests.support import schema
from tests.support.needs import runs_here
from tests.support.portables import GNU, HERE, MUSL, Made, archives, at_home, bootstrap, run, unpack

from pyman.bootstrap import launchers, platforms, wheels
from pyman.builds.target import Target
from pyman.errors import PymanError
from pyman.machine.elf import read_program

LAUNCHERS = Path(launchers.__file__).parent
MEGABYTE = 1_000_000
IMPORT_ALL = """
import importlib, pkgutil, pyman, httpx, filelock, packaging.specifiers, rich.progress, truststore
for each in pkgutil.walk_packages(pyman.__path__, "pyman."):
    if not each.name.endswith("__main__"):
        importlib.import_module(each.name)
import zlib_ng.zlib_ng, backports.zstd
"""
HOSTILE = {
    "PYTHONHOME": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONPLATLIBDIR": "nowhere",
    "PYTHONINSPECT": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONWARNINGS": "error",
    "PYTHONPYCACHEPREFIX": "/nowhere",
    "PYTHONOPTIMIZE": "2",
}

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.uname().machine != "x86_64",
    reason=ELSEWHERE + "the fixtures are for Linux on x86-64",
)


def described(portable: Path) -> dict[str, Any]:
    document = json.loads((portable / "portable.json").read_bytes())
    assert isinstance(document, dict)
    return document


def listing(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its digest."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest() for path in files}


def test_it_is_small_enough_to_be_copied_into_an_image(made: Made) -> None:
    archive = made.archive(MUSL)
    with tarfile.open(archive) as tar:
        unpacked_size = sum(member.size for member in tar)
    assert archive.stat().st_size <= 16 * MEGABYTE
    assert unpacked_size <= 45 * MEGABYTE


def test_twice_made_it_is_the_same_by_bytes(made: Made, fixtures: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    before = os.umask(0o077)
    try:
        bootstrap(
            archives(fixtures)[0],
            f"--wheels={made.wheels}",
            f"--out={tmp_path / 'dist'}",
            env={"TMPDIR": str(tmp_path / "scratch"), "PYTHONHASHSEED": "7"},
        )
    finally:
        os.umask(before)
    for name in (made.archive(HERE).name, "pyman.pyz"):
        assert (tmp_path / "dist" / name).read_bytes() == (made.folder / name).read_bytes()


def test_what_is_in_it_is_written_down(made: Made, unpacked: Path, fixtures: Path) -> None:
    document = described(unpacked)
    archive = runs_here(fixtures, "3.13.0")
    assert document["target"] == HERE
    assert document["python"]["origin"] == archive.name
    assert document["python"]["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    for package in document["packages"]:
        wheel = made.wheels / package["file"]
        assert package["sha256"] == hashlib.sha256(wheel.read_bytes()).hexdigest()
    assert {"click", "httpx", "zlib-ng"} <= {package["name"] for package in document["packages"]}
    files = (path for path in unpacked.rglob("*") if path.is_symlink() or not path.is_dir())
    assert sorted(path.relative_to(unpacked).as_posix() for path in files) == sorted(document["files"])
    assert [name for name in document["files"] if name.endswith(".py")] == []


def test_who_made_it_does_not_matter_to_who_may_read_it(made: Made) -> None:
    with tarfile.open(made.archive(HERE)) as tar:
        members = tar.getmembers()
    assert {(member.uid, member.gid, member.mtime) for member in members} == {(0, 0, 1_700_000_000)}
    assert {member.mode for member in members if not member.issym()} == {0o755, 0o644}


def test_the_digests_of_all_are_listed(made: Made) -> None:
    lines = (made.folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    found = {name: digest for digest, name in (line.split("  ") for line in lines)}
    others = [path for path in made.folder.iterdir() if path.name != "SHA256SUMS"]
    assert found == {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in others}


def test_every_module_of_pyman_imports(unpacked: Path, tmp_path: Path) -> None:
    python = unpacked / "python" / "bin" / "python3"
    run(python, "-I", "-c", IMPORT_ALL, env=at_home(tmp_path / "home"))


def test_hostile_variables_and_modules_do_nothing(unpacked: Path, tmp_path: Path) -> None:
    for name in ("click.py", "pyman.py", "json.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('hostile')\n")
    env = at_home(tmp_path / "home", **HOSTILE)
    result = run(unpacked / "bin" / "pyman", "--version", env=env, cwd=tmp_path)
    assert result.stdout.startswith("pyman ")
    assert result.stderr == ""
    listed = run(unpacked / "bin" / "pyman", "list", "3.13", "--json", env=env, cwd=tmp_path)
    assert listed.json["target"] == HERE


@pytest.mark.parametrize("more", [{}, {"LC_CTYPE": "C"}, {"LC_CTYPE": ""}, {"LANG": "C", "PYTHONHOME": "/x"}])
def test_the_users_variables_are_handed_on_untouched(
    unpacked: Path, tmp_path: Path, more: dict[str, str]
) -> None:
    if not list(Path("/usr/bin").glob("python3.*")):
        pytest.skip(f"{ELSEWHERE}there is no Python in /usr/bin")
    env = at_home(tmp_path / "home", **more)
    handed = dict(
        line.split("=", 1)
        for line in run(unpacked / "bin" / "pyman", "run", "env", env=env).stdout.splitlines()
    )
    assert handed.pop("PATH").endswith("/usr/bin:/bin")
    assert handed == {name: value for name, value in env.items() if name != "PATH"}


def test_it_is_started_from_everywhere(made: Made, tmp_path: Path) -> None:
    place = unpack(made.archive(HERE), tmp_path / "first place")
    moved = place.rename(tmp_path / "second")
    for name, target in {
        "direct": "second/bin/pyman",
        "chain": "direct",
        "absolute": str(moved / "bin" / "pyman"),
        "folder": "second/bin/",
        "through": "folder/../bin/pyman",
    }.items():
        (tmp_path / name).symlink_to(target)
    env = at_home(tmp_path / "home")
    for name in ("./direct", "./chain", "absolute", "folder/pyman", "through", "second/bin/../bin/./pyman"):
        program = name if name.startswith("./") else f"{tmp_path}/{name}"
        assert run(program, "--version", env=env, cwd=tmp_path).stdout.startswith("pyman ")
    on_path = {**env, "PATH": f"{tmp_path / 'folder'}:{env['PATH']}"}
    assert run("/usr/bin/env", "pyman", "--version", env=on_path).stdout.startswith("pyman ")
    assert run("/usr/bin/env", "pyman", "--version", env={**env, "PATH": "."}, cwd=moved / "bin").code == 0


def test_it_writes_nothing_where_it_lies(unpacked: Path, tmp_path: Path) -> None:
    before = listing(unpacked)
    env = at_home(tmp_path / "home")
    for arguments in (["list"], ["find", "3.9", "--managed-only"], ["self", "update"], ["--help"]):
        command = [str(unpacked / "bin" / "pyman"), *arguments]
        subprocess.run(command, env=env, capture_output=True, check=False, timeout=60)
    assert listing(unpacked) == before


def test_any_user_runs_it(made: Made) -> None:
    if os.geteuid() != 0:
        pytest.skip(f"{ELSEWHERE}only root becomes another user")
    folder = Path("/var/tmp") / f"pyman-{os.getpid()}"  # noqa: S108 - the tests' own folder is root's alone
    folder.mkdir()
    try:
        place = unpack(made.archive(HERE), folder)
        folder.chmod(0o755)
        env = {"HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
        assert run(place / "bin" / "pyman", "--version", env=env, user=65534, cwd=Path("/")).code == 0
        listed = run(place / "bin" / "pyman", "list", "--json", env=env, user=65534, cwd=Path("/"))
        assert listed.json["target"] == HERE
    finally:
        shutil.rmtree(folder)


def test_its_own_python_is_not_offered(unpacked: Path, tmp_path: Path) -> None:
    own = unpacked / "python" / "bin"
    (tmp_path / "python3.13").symlink_to(own / "python3")
    env = at_home(tmp_path / "home", PATH=f"{own}:{tmp_path}:/nowhere")
    listed = run(unpacked / "bin" / "pyman", "list", "--only-installed", "--json", env=env).json
    assert str(unpacked) not in json.dumps(listed)
    found = run(unpacked / "bin" / "pyman", "find", "3.13.0", env=env, code=1)
    assert str(unpacked) not in found.stdout
    for path in (own / "python3", own.parent, tmp_path / "python3.13"):
        assert "pyman's own" in run(unpacked / "bin" / "pyman", "find", path, env=env, code=1).stderr


@pytest.fixture
def bare_root(made: Made, fixtures: Path, tmp_path: Path) -> Iterator[Path]:
    """An image that has nothing but musl's loader: no shell, no /proc, no /dev, no /tmp."""
    if os.geteuid() != 0:
        pytest.skip(f"{ELSEWHERE}chroot is for root")
    with tarfile.open(fixture_archive(fixtures, "alpine-")) as tar:
        loader = tar.extractfile("lib/ld-musl-x86_64.so.1")
        assert loader
        (tmp_path / "root" / "lib").mkdir(parents=True)
        path = tmp_path / "root" / "lib" / "ld-musl-x86_64.so.1"
        path.write_bytes(loader.read())
        path.chmod(0o755)
    unpack(made.archive(MUSL), tmp_path / "root" / "opt")
    yield tmp_path / "root"
    shutil.rmtree(tmp_path / "root")


def test_in_an_image_without_any_program_it_is_its_own_witness(bare_root: Path) -> None:
    chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin")
    assert chroot
    env = {"HOME": "/root"}
    told = run(chroot, bare_root, "/opt/pyman/bin/pyman", "explain", "3.13", "--json", env=env).json
    assert told["target"] == MUSL
    (libc,) = (fact for fact in told["machine"] if fact["name"] == "libc")
    assert "python3" in libc["how"]
    assert "which runs pyman" in libc["how"]


@pytest.mark.parametrize("arch", sorted({each.arch for each in platforms.RELEASED if each.os == "linux"}))
def test_there_is_a_launcher_for_every_architecture(arch: str) -> None:
    program = read_program(LAUNCHERS / arch)
    assert program
    assert program.interpreter is None
    assert (LAUNCHERS / arch).stat().st_size < 4096


def test_the_launchers_are_what_their_source_says(tmp_path: Path) -> None:
    compiler = shutil.which("x86_64-linux-gnu-gcc")
    version = (
        compiler
        and subprocess.run(
            [compiler, "--version"], capture_output=True, encoding="utf-8", check=True
        ).stdout.partition("\n")[0]
    )
    if not version or "Debian 12.2" not in version:
        pytest.skip(f"{ELSEWHERE}the launchers were compiled with Debian 12's gcc, here is {version}")
    from pyman.bootstrap.launchers.__main__ import compile_one  # noqa: PLC0415

    compile_one("x86_64", tmp_path)
    assert (tmp_path / "x86_64").read_bytes() == (LAUNCHERS / "x86_64").read_bytes()


def test_a_launcher_whose_python_is_missing_says_so(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    shutil.copy(unpacked / "bin" / "pyman", tmp_path / "bin" / "pyman")
    result = run(tmp_path / "bin" / "pyman", "--version", env={}, code=127)
    assert result.stderr.startswith(f"error: cannot start the Python of {tmp_path / 'bin' / 'pyman'}\nhint: ")


def test_an_archive_of_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "python.tar.gz").touch()
    result = bootstrap(f"--archive={tmp_path / 'python.tar.gz'}", f"--out={tmp_path / 'dist'}", code=2)
    assert "cannot tell which build is in python.tar.gz" in result.stderr
    assert "hint: " in result.stderr


def test_what_there_is_no_wheel_of_is_left_out(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "wheels"
    folder.mkdir()
    for path in made.wheels.iterdir():
        if not path.name.startswith("zlib_ng"):
            (folder / path.name).symlink_to(path)
    platform = platforms.Platform(Target.parse(GNU), "3.13", extensions=True)
    found = wheels.download(platform, tmp_path / "taken", folder)
    assert found.missing == ("zlib-ng",)
    assert "backports-zstd" in {wheel.name for wheel in found.found}


def test_a_package_that_pyman_needs_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    platform = platforms.Platform(Target.parse(GNU), "3.13", extensions=True)
    with pytest.raises(
        PymanError, match=r"cannot download what pyman needs for linux-x86_64-gnu: (?s:.*)click"
    ):
        wheels.download(platform, tmp_path / "taken", tmp_path / "wheels")


class TestPyz:
    """pyman.pyz, on the Python that runs the tests."""

    def test_it_runs_from_one_file(self, made: Made, tmp_path: Path) -> None:
        (tmp_path / "click.py").write_text("raise SystemExit('hostile')\n")
        env = at_home(tmp_path / "home")
        for arguments in (["--version"], ["list", "3.13", "--only-available"], ["explain", "3.13"]):
            result = run(sys.executable, made.folder / "pyman.pyz", *arguments, env=env, cwd=tmp_path)
            assert result.stderr == ""
            assert result.stdout

    def test_what_it_cannot_do_it_says_by_name(self, made: Made, tmp_path: Path) -> None:
        if sys.version_info >= (3, 14):
            pytest.skip(f"{ELSEWHERE}this Python has zstd")
        env = at_home(tmp_path / "home")
        probe = "import sys; sys.path.insert(0, sys.argv[1]); from pyman.archive import inflate\n"
        probe += "try: list(inflate.blocks([b'\\x28\\xb5\\x2f\\xfd']))\n"
        probe += "except Exception as error: print(error, error.hint)"
        told = run(sys.executable, "-I", "-S", "-c", probe, made.folder / "pyman.pyz", env=env).stdout
        assert "zstd" in told
        assert "backports.zstd" in told

    def test_it_cannot_update_itself_and_says_what_does(self, made: Made, tmp_path: Path) -> None:
        env = at_home(tmp_path / "home")
        told = run(sys.executable, made.folder / "pyman.pyz", "self", "update", env=env, code=1).stderr
        assert "not a portable one" in told
        assert "put a newer one in its place" in told


def test_the_sbom_names_what_is_in_each_file(made: Made) -> None:
    (path,) = made.folder.glob("*.cdx.json")
    files = schema.components(path.read_text(encoding="utf-8"))
    archive = made.archive(GNU)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert files[archive.name]["hashes"] == [{"alg": "SHA-256", "content": digest}]
    inside = {component["name"]: component for component in files[archive.name]["components"]}
    assert inside["cpython"]["version"] == "3.13.0"
    assert inside["click"]["purl"].startswith("pkg:pypi/click@")
