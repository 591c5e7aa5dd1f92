"""Unpacking: real builds as tar does it, hostile ones not at all, nothing ever beside the destination."""

import gzip
import hashlib
import os
import platform
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.conftest import ELSEWHERE
from tests.support.archives import (
    DIRECTORY,
    HOSTILE,
    LONG,
    TIME,
    Hostile,
    bomb,
    build,
    bz,
    extract,
    gnu_long,
    gz,
    hardlink,
    header,
    member,
    normal,
    padded,
    pax,
    symlink,
    zst,
    zst_window,
)
from tests.support.needs import runs_here

from pyman.archive.inflate import MAX_WINDOW_LOG
from pyman.archive.member_names import NameLimits, fault, target_fault
from pyman.archive.members import Limits
from pyman.archive.unpack import DEFAULT, unpack
from pyman.errors import ArchiveError, CancelledError, FetchError, StoreError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1 << 20
posix = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no such limits or signals")


@pytest.fixture(autouse=True)
def _no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    """An empty directory with neighbours, two levels below `tmp_path`."""
    for place in (tmp_path, tmp_path / "inside"):
        place.mkdir(exist_ok=True)
        (place / "neighbour").write_bytes(b"not to be touched")
    tree = tmp_path / "inside" / "tree"
    tree.mkdir()
    return tree


def cut(data: bytes, size: int = 1000) -> Iterator[bytes]:
    """Yield `data` in chunks of `size`."""
    for start in range(0, len(data), size):
        yield data[start : start + size]


def described(path: Path) -> tuple[str, str]:
    """Return kind with the executable bit, and content (a digest) or target."""
    if path.is_symlink():
        return "link", path.readlink().as_posix()
    if path.is_dir():
        return "directory", ""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"file {path.stat().st_mode & 0o111:o} {path.stat().st_mtime:.0f}", digest


def snapshot(root: Path, without: Path | None = None) -> dict[str, tuple[str, str]]:
    """Return what is below `root`, links not followed."""
    found = {}
    for place, folders, files in os.walk(root):
        if without and without.name in folders and Path(place) == without.parent:
            folders.remove(without.name)
        for name in (*folders, *files):
            path = Path(place, name)
            found[path.relative_to(root).as_posix()] = described(path)
    return found


def refused(data: bytes, destination: Path, limits: Limits = DEFAULT) -> ArchiveError:
    """Unpack what must be refused; prove that nothing beside the destination changed; return the error."""
    outside = snapshot(destination.parents[1], without=destination)
    with pytest.raises(ArchiveError) as caught:
        unpack(cut(data), destination, limits)
    assert snapshot(destination.parents[1], without=destination) == outside
    return caught.value


def in_python(code: str, *arguments: object, timeout: float = 60) -> str:
    """Run code in an interpreter of its own and return what it printed."""
    source = "from pathlib import Path\nimport sys\n" + textwrap.dedent(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", source, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestNormal:
    @pytest.mark.parametrize("pack", [gz, bz, zst])
    @pytest.mark.parametrize("size", [1, 7, 511, 1 << 22])
    def test_tree(self, destination: Path, pack: Callable[[bytes], bytes], size: int) -> None:
        result = unpack(cut(pack(build()), size), destination)
        assert result[:2] == (len(normal()), sum(map(len, normal().values())))
        files = {path for path in destination.rglob("*") if path.is_file()}
        assert {path.relative_to(destination).as_posix(): path.read_bytes() for path in files} == normal()
        assert {path.stat().st_mtime for path in files} == {TIME}

    @pytest.mark.parametrize("first", ["PYTHON.json", "build/x.o", "licenses/LICENSE.txt"])
    def test_full(self, destination: Path, first: str) -> None:
        before = [member(f"python/{first}", b"x")]
        after = [symlink("python/build/evil", "../../../../etc"), member("python/lib/x", b"not this one")]
        unpack(cut(zst(build(*after, top="python/install", before=before))), destination)
        assert {path.name for path in destination.iterdir()} == {"bin", "lib"}
        assert not (destination / "lib" / "x").exists()

    @pytest.mark.parametrize("top", ["pypy3.10-v7.3.16-linux64", "graalpy-25.0.1-macos-aarch64", "pypy"])
    def test_other_implementations(self, destination: Path, top: str) -> None:
        links = [symlink(f"{top}/bin/pypy3", "python3.13"), symlink(f"{top}/bin/python", "pypy3")]
        hard = hardlink(f"{top}/bin/hard", f"{top}/bin/python3.13")
        before = [member(f"{top}/", b"", DIRECTORY), member(f"{top}/bin/", b"", DIRECTORY)]
        result = unpack([bz(build(*links, hard, top=top, before=before))], destination)
        assert result.files == len(normal())
        assert {path.name for path in destination.iterdir()} == {"bin", "lib"}
        assert (destination / "bin" / "python").read_bytes() == normal()["bin/python3.13"]

    def test_chunks_are_read_to_their_end(self, destination: Path) -> None:
        data, seen = gz(build() + bytes(MIB)) + bytes(MIB), bytearray()

        def chunks() -> Iterator[bytes]:
            for chunk in cut(data):
                seen.extend(chunk)
                yield chunk
                yield b""

        unpack(chunks(), destination)
        assert bytes(seen) == data

    def test_several_members_and_frames(self, destination: Path) -> None:
        half = len(build()) // 2
        parts = (build()[:half], b"", build()[half:])
        assert unpack(cut(b"".join(map(gz, parts)), 999), destination).files == len(normal())
        for pack in (bz, zst):
            other = destination / pack.__name__
            other.mkdir()
            assert unpack(cut(b"".join(map(pack, parts)), 999), other).files == len(normal())

    @pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no executable bits and umask")
    def test_modes(self, destination: Path) -> None:
        modes = {0o4755: 0o755, 0o6777: 0o755, 0o7644: 0o644, 0o1000: 0o644, 0o700: 0o755, 0o070: 0o644}
        members = [member(f"python/{mode:o}", b"x", mode=mode) for mode in modes]
        old = os.umask(0o022)
        try:
            unpack([gz(build(*members, member("python/d/", b"", DIRECTORY, mode=0o7777)))], destination)
        finally:
            os.umask(old)
        made = {int(path.name, 8): stat.S_IMODE(path.stat().st_mode) for path in destination.glob("[0-9]*")}
        assert made == modes
        assert stat.S_IMODE((destination / "d").stat().st_mode) == 0o755

    @pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no executable bits and umask")
    def test_umask(self, destination: Path) -> None:
        old = os.umask(0o077)
        try:
            unpack([gz(build())], destination)
        finally:
            os.umask(old)
        assert not [path for path in destination.rglob("*") if path.stat().st_mode & 0o077]

    @pytest.mark.parametrize(
        ("field", "seconds"),
        [(b"\xff" * 12, 0), (b"\x80" + b"\x7f" * 11, 2**32 - 1), (0, 0), (b"\0" * 12, 0)],
    )
    def test_times_no_file_system_has(self, destination: Path, field: bytes | int, seconds: int) -> None:
        unpack([gz(build(header(b"python/old", mtime=field)))], destination)
        assert (destination / "old").stat().st_mtime == seconds

    def test_long_names_and_times_of_pax_and_gnu(self, destination: Path) -> None:
        path = "long/" * 30 + "ünï"
        records = {"path": f"python/{path}", "mtime": "1234567890.75", "comment": "x" * 2000, "size": "4"}
        pieces = (
            pax({"comment": "a global header", "mtime": "99"}, b"g"),
            pax(records) + header(b"python/x", size=0) + padded(b"data"),
            gnu_long(f"python/gnu/{path}".encode()) + header(b"x", size=4) + padded(b"data"),
            header(b"file", size=4, prefix=b"python/prefix") + padded(b"data"),
            header(b"python/old", size=4, prefix=b"times", magic=b"ustar  \0") + padded(b"data"),
        )
        unpack([gz(build(*pieces))], destination)
        assert (destination / "old").read_bytes() == b"data"
        assert (destination / path).read_bytes() == b"data"
        assert (destination / path).stat().st_mtime == 1234567890
        assert (destination / "gnu" / path).stat().st_mtime == 99
        assert (destination / "prefix" / "file").read_bytes() == b"data"

    def test_links(self, destination: Path) -> None:
        more = [
            symlink("python/bin/python3", "python3.13"),
            symlink("python/bin/python", "./python3"),
            symlink("python/share/man/lib", "../../lib/python3.13"),
            symlink("python/dangling", "not/there"),
            hardlink("python/bin/hard", "python/bin/python3.13"),
        ]
        unpack([gz(build(*more))], destination)
        content = normal()["bin/python3.13"]
        assert (destination / "bin" / "python").read_bytes() == content
        assert (destination / "bin" / "hard").read_bytes() == content
        assert (destination / "share" / "man" / "lib" / "os.py").is_file()
        assert not (destination / "dangling").exists()
        if sys.platform != "win32":
            assert (destination / "bin" / "hard").stat().st_nlink == 2
            assert (destination / "dangling").readlink() == Path("not/there")

    def test_system_without_links(self, destination: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def forbidden(*_arguments: object, **_options: object) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", forbidden)
        monkeypatch.setattr(os, "symlink", forbidden)
        more = [
            symlink("python/bin/python3", "python3.13"),
            hardlink("python/bin/hard", "python/bin/python3.13"),
        ]
        unpack([gz(build(*more))], destination)
        for name in ("python3", "hard"):
            copy = destination / "bin" / name
            assert not copy.is_symlink()
            assert described(copy) == described(destination / "bin" / "python3.13")


class TestHostile:
    @pytest.mark.parametrize("case", HOSTILE.values(), ids=HOSTILE.keys())
    def test_corpus(self, destination: Path, case: Hostile) -> None:
        error = refused(case.data, destination)
        assert all(word in error.message for word in case.words), error.message
        assert error.hint
        assert "\n" not in error.message
        assert len(error.message) < 600

    @pytest.mark.parametrize("pack", [gz, bz, zst])
    def test_cut_off_anywhere(self, destination: Path, pack: Callable[[bytes], bytes]) -> None:
        data = pack(build())
        lengths = {*range(0, len(data), 512), *range(20), len(data) - 1, len(data) - 8}
        for length in sorted(lengths):
            tree = destination / str(length)
            tree.mkdir()
            with pytest.raises(ArchiveError):
                unpack(cut(data[:length]), tree)

    def test_tar_cut_off_anywhere(self, destination: Path) -> None:
        whole = build()[: -2 * 512]
        for length in range(0, len(whole) + 1, 512):
            tree = destination / str(length)
            tree.mkdir()
            with pytest.raises(ArchiveError):
                unpack([gz(whole[:length])], tree)

    def test_names_that_differ_by_case(self, destination: Path) -> None:
        (destination / "probe").touch()
        if not (destination / "PROBE").exists():
            pytest.skip(ELSEWHERE + "upper and lower case are told apart")
        (destination / "probe").unlink()
        for other in (member("python/BIN/x"), member("python/bin/PYTHON3.13")):
            assert "case" in refused(gz(build(other)), destination).message

    def test_many_members(self, destination: Path) -> None:
        members = [member(f"python/{number}") for number in range(300)]
        error = refused(gz(build(*members)), destination, Limits(members=200))
        assert "more than 200 members" in error.message

    def test_many_folders(self, destination: Path) -> None:
        members = [member(f"python/{number}/" + "d/" * 50 + "x") for number in range(5)]
        assert (
            "more than 200 members" in refused(gz(build(*members)), destination, Limits(members=200)).message
        )

    def test_many_symlinks(self, destination: Path) -> None:
        links = [symlink(f"python/{number}", "bin") for number in range(30)]
        assert "20 symbolic" in refused(gz(build(*links)), destination, Limits(symlinks=20)).message

    def test_many_long_names(self, destination: Path) -> None:
        members = [member(f"python/{number}/" + "n" * 200) for number in range(30)]
        assert "names" in refused(gz(build(*members)), destination, Limits(names=4000)).message

    @pytest.mark.parametrize("pack", [gz, bz, zst])
    def test_bomb(self, destination: Path, pack: Callable[[bytes], bytes]) -> None:
        data = pack(build(member("python/zeros", bytes(8 * MIB))))
        assert len(data) < 128 * 1024
        assert "4,194,304 bytes" in refused(data, destination, Limits(inflated=4 * MIB)).message

    def test_largest_window_that_is_let_in(self, destination: Path) -> None:
        tail = zst(build()[512:])
        unpack([zst_window(build()[:512], MAX_WINDOW_LOG) + tail], destination)

    def test_hardlink_does_not_reach_a_neighbour(self, destination: Path) -> None:
        error = refused(gz(build(hardlink("python/evil", "python/../neighbour"))), destination)
        assert "python/evil" in error.message


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "aux",
            "lib/NUL.py",
            "com1",
            "a/LPT³.txt",
            "con .x",
            "lib:x",
            "what?",
            "a.",
            "b /c",
            'q"',
            "a|b",
            "<a>",
        ],
    )
    def test_windows_refuses_more(self, name: str) -> None:
        assert fault(name, NameLimits(), windows=True)
        assert target_fault("x", name, NameLimits(), windows=True)
        assert not fault(name, NameLimits(), windows=False)

    @pytest.mark.parametrize(
        "name", ["lib/auxiliary.py", "console", "com", "a.b", ".config", "x/..y", "com10"]
    )
    def test_allowed_everywhere(self, name: str) -> None:
        assert not fault(name, NameLimits(), windows=True)
        assert not fault(name, NameLimits(), windows=False)

    def test_longest(self) -> None:
        assert not fault("n" * 255 + "/" + "m" * 255, NameLimits(), windows=False)
        assert not fault("/".join("d" * 64), NameLimits(), windows=False)
        assert fault("/".join("d" * 65), NameLimits(), windows=False)
        assert fault(LONG.rstrip("/"), NameLimits(depth=1000), windows=False)


class TestFailures:
    """What goes wrong around an archive that is good."""

    @pytest.mark.parametrize(
        "error",
        [FetchError("cut"), CancelledError("stop"), KeyboardInterrupt(), OSError(5, "I/O"), ValueError()],
    )
    def test_what_chunks_raise_passes_unchanged(self, destination: Path, error: BaseException) -> None:
        def chunks() -> Iterator[bytes]:
            yield from cut(gz(build())[:3000])
            raise error

        with pytest.raises(type(error)) as caught:
            unpack(chunks(), destination)
        assert caught.value is error

    def test_chunks_run_in_the_calling_thread(self, destination: Path) -> None:
        threads = set()

        def chunks() -> Iterator[bytes]:
            for chunk in cut(gz(build())):
                threads.add(threading.current_thread())
                yield chunk

        unpack(chunks(), destination)
        assert threads == {threading.current_thread()}

    def test_chunks_are_not_read_further_after_an_error(self, destination: Path) -> None:
        def endless() -> Iterator[bytes]:
            yield gz(b"this is no tar" * 100)
            while True:
                yield bytes(MIB)

        with pytest.raises(ArchiveError):
            unpack(endless(), destination)

    def test_destination_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="none") as caught:
            unpack([gz(build())], tmp_path / "none")
        assert "No such file or directory" in caught.value.message
        assert "PYMAN_HOME" in caught.value.hint

    @posix
    def test_file_size_limit(self, destination: Path, tmp_path: Path) -> None:
        (tmp_path / "large.tar.gz").write_bytes(gz(build(member("python/large", bytes(2 * MIB)))))
        code = """
            import resource
            from pyman.archive.unpack import unpack
            from pyman.errors import StoreError
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
            try:
                unpack([Path(sys.argv[1]).read_bytes()], Path(sys.argv[2]))
            except StoreError as error:
                print(error.message)
        """
        printed = in_python(code, tmp_path / "large.tar.gz", destination)
        assert "File too large" in printed
        assert "python/large" in printed
        assert str(destination) in printed

    @posix
    def test_interrupted_while_the_network_stalls(self, destination: Path) -> None:
        """^C ends it though no byte comes: the read runs in the thread that gets the signal."""
        near, far = socket.socketpair()
        far.sendall(gz(build())[:3000])

        def chunks() -> Iterator[bytes]:
            while data := near.recv(1000):
                yield data

        kill = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
        kill.start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            unpack(chunks(), destination)
        assert time.monotonic() - began < 5
        kill.join()
        near.close()
        far.close()


class TestMemory:
    """Peaks of whole processes, which decompressors cannot hide from as they can from tracemalloc."""

    CODE = """
        import resource
        from pyman.archive.unpack import unpack
        from pyman.archive.members import Limits
        from pyman.errors import ArchiveError
        def peak():
            # ru_maxrss counts what the parent had when it forked, if that was more.
            status = Path("/proc/self/status")
            if status.exists():
                return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
            unit = 1 if sys.platform == "darwin" else 1024
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        before = peak()
        source = Path(sys.argv[1])
        def chunks():
            with source.open("rb") as file:
                while chunk := file.read(65536):
                    for _ in range(int(sys.argv[3])):
                        yield chunk
        try:
            print(unpack(chunks(), Path(sys.argv[2]), Limits(inflated=1 << 28)).files)
        except ArchiveError as error:
            print(error.message)
        print(peak() - before)
    """

    def grown(self, data: bytes, destination: Path, times: int = 1) -> tuple[str, int]:
        """Return what unpacking said and by how many bytes the process grew meanwhile."""
        source = destination.parent / "source"
        source.write_bytes(data)
        said, grown = in_python(self.CODE, source, destination, times).splitlines()
        return said, int(grown)

    @posix
    def test_large_file(self, destination: Path) -> None:
        # As large and as random as the file is, all of it passes through the queues.
        piece = hashlib.shake_128(b"large").digest(MIB)
        said, grown = self.grown(gz(build(member("python/large", piece * 100))), destination)
        assert said == str(len(normal()) + 1)
        assert grown < 32 * MIB

    @posix
    def test_small_files_between_large_ones(self, destination: Path) -> None:
        # What waits for being written is small; but is a part of a block of a MiB each time.
        large = bytes(MIB)
        pairs = [
            part
            for number in range(100)
            for part in (member(f"python/s{number}", b"x"), member(f"python/l{number}", large))
        ]
        said, grown = self.grown(gz(build(*pairs)), destination)
        assert said == str(len(normal()) + 200)
        assert grown < 32 * MIB

    @posix
    @pytest.mark.parametrize("pack", [gzip.compress, bz, zst])
    def test_bomb(self, destination: Path, pack: Callable[[bytes], bytes]) -> None:
        declared = header(b"python/build/zeros", size=7 << 30)
        said, grown = self.grown(pack(declared) + pack(bytes(64 * MIB)) * 8, destination)
        assert "268,435,456 bytes" in said
        assert grown < 32 * MIB

    @posix
    def test_window_costs_no_more_than_itself(self, destination: Path) -> None:
        said, grown = self.grown(zst_window(build()[:512], 31), destination)
        assert "memory" in said
        assert grown < 32 * MIB

    @posix
    def test_endless_pax_header(self, destination: Path) -> None:
        said, grown = self.grown(gz(header(b"x", b"x", size=1 << 32)) + bomb(300 * MIB), destination)
        assert "extended header" in said
        assert grown < 32 * MIB


BUILDS = ["3.12.1+20240107", "3.13.0+20241016", "musl-install_only", "static-full"]


class TestReal:
    """The fixtures, against the standard library's tarfile and the interpreters themselves."""

    @pytest.fixture
    def source(self, fixtures: Path, request: pytest.FixtureRequest) -> Path:
        (found,) = (path for path in fixtures.iterdir() if request.param in path.name)
        return found

    @pytest.mark.parametrize("source", BUILDS, indirect=True)
    def test_same_tree_as_tarfile(self, source: Path, destination: Path, tmp_path: Path) -> None:
        with source.open("rb") as file:
            result = unpack(iter(lambda: file.read(65536), b""), destination)
        plain = (zstd.open if source.suffix == ".zst" else gzip.open)(source, "rb")
        with plain, tarfile.open(fileobj=plain, mode="r|") as archive:
            extract(archive, tmp_path / "expected")
        top = tmp_path / "expected" / "python"
        expected = snapshot(top / "install" if (top / "install").is_dir() else top)
        assert snapshot(destination) == expected
        files = [path for path in destination.rglob("*") if path.is_file() and not path.is_symlink()]
        assert result[:2] == (len(files), sum(path.stat().st_size for path in files))

    @pytest.mark.parametrize("version", ["3.12.1", "3.13.0"])
    def test_it_runs(self, version: str, fixtures: Path, destination: Path) -> None:
        source = runs_here(fixtures, version)
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            pytest.skip(ELSEWHERE + "the fixtures are programs for Linux on x86-64")
        with source.open("rb") as file:
            unpack(iter(lambda: file.read(MIB), b""), destination)
        version = source.name.split("-")[1].partition("+")[0]
        code = "import platform, zlib, hashlib; print(platform.python_version())"
        command = [str(destination / "bin" / "python3"), "-I", "-c", code]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
        assert done.stdout.strip() == version
