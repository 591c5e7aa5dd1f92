"""Which machine is found: from hand-made programs, on this machine, and in real Alpine roots."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import ELSEWHERE, fixture_archive
from tests.support.archives import extract
from tests.support.elf_files import elf_file
from tests.support.repack import this_target

from pyman.builds.target import Libc, Os
from pyman.catalogue.own_form import bundled
from pyman.errors import NoDownloadFoundError, PymanError, UsageError
from pyman.machine import detection
from pyman.machine.cpu import cpu_level
from pyman.machine.elf import read_program
from pyman.machine.libc import ASK_SECONDS, loader_version, own_glibc_version
from pyman.machine.linux import LIBCS_BUILT, linux_machine
from pyman.machine.macos import macos_machine
from pyman.machine.windows import windows_machine

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

on_linux = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}there is no ELF loader here")

EM_386, EM_MIPS, EM_PPC64, EM_S390, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV = 3, 8, 21, 22, 40, 62, 183, 243
HARD, SOFT, OLD_LINKER = 0x05000400, 0x05000200, 0x05000002
GNU_X86 = "/lib64/ld-linux-x86-64.so.2"
MUSL_X86 = "/lib/ld-musl-x86_64.so.1"


@dataclass(frozen=True)
class System:
    """A Linux that is known by the header of its shell and by the word of its kernel."""

    machine: int
    loader: str
    kernel: str = "x86_64"
    bits: int = 64
    little_endian: bool = True
    flags: int = 0

    def detected(self, tmp_path: Path) -> detection.Machine:
        """Return what is found where this system's shell is all there is."""
        shell = tmp_path / "sh"
        shell.write_bytes(
            elf_file(
                self.machine,
                self.bits,
                little_endian=self.little_endian,
                flags=self.flags,
                interpreter=self.loader,
            )
        )
        return linux_machine([str(shell)], kernel=self.kernel)


def arm(loader: str, flags: int, kernel: str = "armv7l") -> System:
    return System(EM_ARM, loader, kernel, bits=32, flags=flags)


@pytest.mark.parametrize(
    ("system", "target"),
    [
        (System(EM_X86_64, GNU_X86), "linux-x86_64-gnu"),
        (System(EM_X86_64, "/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2"), "linux-x86_64-gnu"),
        (System(EM_X86_64, MUSL_X86), "linux-x86_64-musl"),
        (System(EM_X86_64, "/nix/store/abc-musl-1.2.5/lib/ld-musl-x86_64.so.1"), "linux-x86_64-musl"),
        (System(EM_AARCH64, "/lib/ld-linux-aarch64.so.1", "aarch64"), "linux-aarch64-gnu"),
        (System(EM_AARCH64, "/lib/ld-musl-aarch64.so.1", "aarch64"), "linux-aarch64-musl"),
        (System(EM_386, "/lib/ld-linux.so.2", "x86_64", bits=32), "linux-i686-gnu"),
        (arm("/lib/ld-linux-armhf.so.3", HARD), "linux-armv7-gnueabihf"),
        (arm("/lib/ld-linux-armhf.so.3", HARD, "aarch64"), "linux-armv7-gnueabihf"),
        (arm("/lib/ld-linux-armhf.so.3", OLD_LINKER), "linux-armv7-gnueabihf"),
        (arm("/lib/ld-linux.so.3", SOFT), "linux-armv7-gnueabi"),
        (arm("/lib/ld-linux.so.3", HARD), "linux-armv7-gnueabihf"),
        (System(EM_PPC64, "/lib64/ld64.so.2", "ppc64le"), "linux-ppc64le-gnu"),
        (System(EM_S390, "/lib/ld64.so.1", "s390x", little_endian=False), "linux-s390x-gnu"),
        (System(EM_RISCV, "/lib/ld-linux-riscv64-lp64d.so.1", "riscv64"), "linux-riscv64-gnu"),
    ],
    ids=str,
)
def test_every_system_that_has_builds(system: System, target: str, tmp_path: Path) -> None:
    found = system.detected(tmp_path)
    assert str(found.target) == target
    assert found.evidence["libc"] == f"PT_INTERP of {tmp_path / 'sh'} is {system.loader}"
    assert f"{system.bits}-bit" in found.evidence["architecture"]
    assert ("level" in found.evidence) == (system.machine == EM_X86_64)


@pytest.mark.parametrize(
    ("system", "what", "source"),
    [
        (System(EM_X86_64, "/libx32/ld-linux-x32.so.2", bits=32), "linux-x32", "32-bit little-endian"),
        (System(EM_MIPS, "/lib64/ld.so.1", "mips64", little_endian=False), "linux-mips64", "machine 8"),
        (System(EM_PPC64, "/lib64/ld64.so.1", "ppc64", little_endian=False), "linux-ppc64", "big-endian"),
        (
            System(EM_RISCV, "/lib/ld-linux-riscv32-ilp32d.so.1", "riscv32", bits=32),
            "linux-riscv32",
            "32-bit",
        ),
        (arm("/lib/ld-linux-armhf.so.3", HARD, "armv6l"), "linux-armv6l", "ARMv7"),
        (arm("/lib/ld-linux.so.3", SOFT, "armv5tejl"), "linux-armv5tejl", "ARMv7"),
        (arm("/lib/ld-musl-armhf.so.1", HARD), "linux-armv7-musl", "/lib/ld-musl-armhf.so.1"),
        (arm("/lib/ld-musl-arm.so.1", SOFT), "linux-armv7-musl", "/lib/ld-musl-arm.so.1"),
        (System(EM_386, "/lib/ld-musl-i386.so.1", bits=32), "linux-i686-musl", "/lib/ld-musl-i386.so.1"),
        (System(EM_PPC64, "/lib/ld-musl-powerpc64le.so.1", "ppc64le"), "linux-ppc64le-musl", "ld-musl"),
        (System(EM_S390, "/lib/ld-musl-s390x.so.1", little_endian=False), "linux-s390x-musl", "ld-musl"),
        (System(EM_RISCV, "/lib/ld-musl-riscv64.so.1", "riscv64"), "linux-riscv64-musl", "ld-musl"),
        (System(EM_AARCH64, "/system/bin/linker64", "aarch64"), "linux-aarch64-unknown", "linker64"),
        (System(EM_X86_64, "/lib/ld64-uClibc.so.1"), "linux-x86_64-unknown", "/lib/ld64-uClibc.so.1"),
    ],
    ids=str,
)
def test_every_other_system_is_named(system: System, what: str, source: str, tmp_path: Path) -> None:
    with pytest.raises(NoDownloadFoundError) as told:
        system.detected(tmp_path)
    assert told.value.message.startswith(f"no Python builds exist for {what}: ")
    assert source in told.value.message
    assert "PYMAN_TARGET" in told.value.hint


def test_the_builds_are_those_of_the_metadata() -> None:
    built = {(t.arch, t.libc) for t in bundled().targets() if t.os is Os.LINUX}
    assert built == {(arch, libc) for arch, libcs in LIBCS_BUILT.items() for libc in libcs}


@on_linux
def test_programs_that_tell_nothing_are_skipped(tmp_path: Path) -> None:
    contents = {
        "static": elf_file(),
        "script": b"#!/bin/sh\n",
        "empty": b"",
        "cut": elf_file(interpreter=GNU_X86)[:-3],
        "dynamic": elf_file(interpreter=MUSL_X86),
        "other": elf_file(interpreter=GNU_X86),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").symlink_to("nowhere")
    names = ["missing", "broken", "folder", *contents]
    found = linux_machine([str(tmp_path / name) for name in names], kernel="x86_64")
    assert found.target.libc is Libc.MUSL
    told = found.evidence["libc"]
    assert f"PT_INTERP of {tmp_path / 'dynamic'} is {MUSL_X86} (" in told
    assert f"{tmp_path / 'missing'} is missing" in told
    assert f"{tmp_path / 'static'} is static" in told
    for name in ("broken", "folder", "script", "empty", "cut"):
        assert f"{tmp_path / name} is no readable ELF program" in told


@on_linux
def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "sh")
    assert read_program(tmp_path / "sh") is None


def test_the_python_that_runs_pyman_is_the_last_witness(tmp_path: Path) -> None:
    (tmp_path / "sh").write_bytes(elf_file())
    (tmp_path / "python").write_bytes(elf_file(interpreter=MUSL_X86))
    found = linux_machine([str(tmp_path / "sh")], kernel="x86_64", own_python=str(tmp_path / "python"))
    assert str(found.target) == "linux-x86_64-musl"
    assert found.evidence["libc"] == (
        f"PT_INTERP of {tmp_path / 'python'} is {MUSL_X86} "
        f"(which runs pyman, and is asked because {tmp_path / 'sh'} is static)"
    )


def test_nothing_dynamic_at_all(tmp_path: Path) -> None:
    (tmp_path / "sh").write_bytes(elf_file())
    with pytest.raises(PymanError) as told:
        linux_machine([str(tmp_path / "sh"), str(tmp_path / "env")], kernel="x86_64", own_python="")
    assert f"{tmp_path / 'sh'} is static, {tmp_path / 'env'} is missing" in told.value.message
    assert "--target" in told.value.hint


@pytest.mark.parametrize(
    "data",
    [
        elf_file(interpreter=GNU_X86, kind=4),  # a core dump
        elf_file(interpreter=""),
        elf_file(interpreter="/lib/\x1b[2Jld-linux.so.2"),
        elf_file(interpreter="/" + "x" * 4096),
        elf_file(interpreter=GNU_X86).replace(b"/lib64", b"/\xff\xff\xff64"),
        elf_file(interpreter=GNU_X86)[:-1] + b"x",
    ],
    ids=["core", "nameless", "escape", "long", "undecodable", "endless"],
)
def test_headers_that_no_program_has(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "program").write_bytes(data)
    assert read_program(tmp_path / "program") is None


def test_paths_that_no_file_has() -> None:
    assert read_program("") is None
    assert read_program("a\0b") is None
    assert read_program("/" + "x" * 5000) is None


# The libc's version


def script(tmp_path: Path, name: str, body: str) -> str:
    path = tmp_path / name
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@on_linux
@pytest.mark.parametrize(
    ("body", "version"),
    [
        ("echo 'musl libc (x86_64)' >&2; echo 'Version 1.2.5' >&2; exit 1", (1, 2, 5)),
        ("echo 'Version 1.2.5-git-42-g123abc' >&2; exit 1", (1, 2, 5)),
        ("echo Version $#.0", (0, 0)),
        ('[ -z "$LD_PRELOAD$LD_LIBRARY_PATH$HOME" ] && echo Version 1.1', (1, 1)),
        ("read line && exit; echo Version 1.1", (1, 1)),
        ("echo Version two", None),
        ("printf 'Version \\377.1'", None),
        ("echo Version 123456789123456789.1", None),
        ("kill -9 $$", None),
        ("exit 127", None),
    ],
)
def test_what_a_musl_loader_prints(
    body: str, version: tuple[int, ...] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere")
    assert loader_version(script(tmp_path, "ld-musl-x86_64.so.1", body)) == version


@on_linux
@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("ld.so (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.", (2, 36)),
        ("ld.so (GNU libc) development release version 2.39.9000.", (2, 39, 9000)),
        ("--version: error while loading shared libraries: --version: cannot open", None),
    ],
)
def test_what_a_glibc_loader_prints(line: str, version: tuple[int, ...] | None, tmp_path: Path) -> None:
    assert loader_version(script(tmp_path, "ld.so", f"[ $1 = --version ] && echo '{line}'")) == version


@on_linux
def test_a_loader_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    before = time.monotonic()
    assert loader_version(script(tmp_path, "ld.so", "exec sleep 60")) is None
    assert time.monotonic() - before < ASK_SECONDS + 5


def test_loaders_that_cannot_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ld.so").write_text("echo version 2.0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert loader_version(str(tmp_path / "ld.so")) is None
    assert loader_version(str(tmp_path / "missing")) is None
    assert loader_version("ld.so") is None


def test_libc_version_is_asked_once(tmp_path: Path) -> None:
    answers = iter([(1, 2, 5)])
    found = detection.Machine(
        System(EM_X86_64, MUSL_X86).detected(tmp_path).target, {}, lambda: next(answers)
    )
    assert found.libc_version == found.libc_version == (1, 2, 5)
    assert found.level is None


# The processor's level

V2 = "fpu sse sse2 syscall lm cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
V3 = f"{V2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ("fpu sse sse2 syscall lm", 1),
        (V2, 2),
        (V3, 3),
        (V4, 4),
        (V4.replace("abm ", ""), 2),
        (V4.replace("cx16 ", ""), 1),
        (V4.replace("avx512dq ", ""), 3),
        ("", 1),
    ],
)
def test_levels(flags: str, level: int, tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        f"processor\t: 0\nmodel name\t: A processor\nflags\t\t: {flags}\nbugs\t\t: spectre_v1\n\n",
        encoding="utf-8",
    )
    assert cpu_level(str(cpuinfo)) == level


def test_unknown_levels(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_bytes(b"processor\t: 0\nFeatures\t: \xff\n")
    assert cpu_level(str(tmp_path / "cpuinfo")) is None
    assert cpu_level(str(tmp_path / "missing")) is None
    assert cpu_level(str(tmp_path)) is None


@on_linux
def test_this_processors_level_is_what_glibc_says() -> None:
    shell = read_program("/bin/sh")
    if not shell or not (shell.interpreter or "").endswith("ld-linux-x86-64.so.2"):
        pytest.skip(f"{ELSEWHERE}no glibc for x86-64 to ask")
    done = subprocess.run([str(shell.interpreter), "--help"], capture_output=True, text=True, check=False)
    if "x86-64-v2" not in done.stdout:
        pytest.skip(f"{ELSEWHERE}this glibc is older than 2.33, it does not tell levels")
    levels = [level for level in (2, 3, 4) if f"x86-64-v{level} (supported" in done.stdout]
    assert detection.detect().level == max(levels, default=1)


# macOS and Windows


@pytest.mark.parametrize(
    ("uname", "translated", "target"),
    [
        ("arm64", False, "macos-aarch64-none"),
        ("x86_64", False, "macos-x86_64-none"),
        ("x86_64", True, "macos-aarch64-none"),
    ],
)
def test_macs(uname: str, translated: bool, target: str) -> None:  # noqa: FBT001  # a column of the table
    found = macos_machine(uname, translated=translated)
    assert str(found.target) == target
    assert ("Rosetta" in found.evidence["architecture"]) == translated
    assert (found.libc_version, found.level) == (None, None)


@on_linux
def test_what_does_not_know_rosetta_is_not_translated() -> None:
    assert str(macos_machine("x86_64").target) == "macos-x86_64-none"


@pytest.mark.parametrize(
    ("native", "environ", "target"),
    [
        (0xAA64, {"PROCESSOR_ARCHITECTURE": "AMD64"}, "windows-aarch64-none"),
        (0x8664, {"PROCESSOR_ARCHITECTURE": "x86", "PROCESSOR_ARCHITEW6432": "AMD64"}, "windows-x86_64-none"),
        (0x014C, {}, "windows-i686-none"),
    ],
)
def test_windows(native: int, environ: dict[str, str], target: str) -> None:
    found = windows_machine(native, environ)
    assert str(found.target) == target
    assert found.evidence["architecture"].startswith("IsWow64Process2 says ")


@pytest.mark.skipif(sys.platform == "win32", reason=f"{ELSEWHERE}Windows answers itself")
@pytest.mark.parametrize(
    ("environ", "target"),
    [
        ({"PROCESSOR_ARCHITECTURE": "AMD64"}, "windows-x86_64-none"),
        ({"PROCESSOR_ARCHITECTURE": "x86"}, "windows-i686-none"),
        ({"PROCESSOR_ARCHITECTURE": "x86", "PROCESSOR_ARCHITEW6432": "AMD64"}, "windows-x86_64-none"),
        ({"PROCESSOR_ARCHITECTURE": "x86", "PROCESSOR_ARCHITEW6432": "ARM64"}, "windows-aarch64-none"),
    ],
)
def test_windows_of_before_1709(environ: dict[str, str], target: str) -> None:
    assert str(windows_machine(None, environ).target) == target


@pytest.mark.parametrize(
    ("find", "what"),
    [
        (lambda: macos_machine("Power Macintosh"), "macos-Power Macintosh"),
        (lambda: windows_machine(0x01C4), "windows-arm"),
        (lambda: windows_machine(0x0200), "windows-0x200"),
        (lambda: detection.detect("freebsd14"), "freebsd14"),
        (lambda: detection.machine(None, "android"), "android"),
    ],
)
def test_other_platforms_are_named(find: Callable[[], detection.Machine], what: str) -> None:
    with pytest.raises(NoDownloadFoundError) as told:
        find()
    assert told.value.message.startswith(f"no Python builds exist for {what}: ")


# Overrides


def test_an_override_that_is_this_machine_keeps_what_was_found() -> None:
    found = detection.detect()
    told = detection.machine(str(found.target))
    assert told.target == found.target
    assert told.libc_version == found.libc_version
    assert told.level == found.level
    assert told.evidence.items() > found.evidence.items()
    assert str(found.target) in told.evidence["target"]


def test_an_override_keeps_its_level() -> None:
    found = detection.detect()
    if str(found.target) != "linux-x86_64-gnu":
        pytest.skip(f"{ELSEWHERE}it is not linux-x86_64-gnu")
    told = detection.machine("x86_64_v3-unknown-linux-gnu")
    assert str(told.target) == "linux-x86_64_v3-gnu"
    assert (told.libc_version, told.level) == (found.libc_version, found.level)


@pytest.mark.parametrize("platform", [sys.platform, "plan9"])
def test_an_override_for_another_machine_knows_nothing_else(platform: str) -> None:
    told = detection.machine("linux-s390x-gnu", platform)
    assert str(told.target) == "linux-s390x-gnu"
    assert (told.libc_version, told.level) == (None, None)
    assert list(told.evidence) == ["target"]


@pytest.mark.parametrize("text", ["", "linux", "linux-x86_64_v9-gnu", "\x1b", "linux-x86_64-gnu\n"])
def test_an_override_that_is_no_target(text: str) -> None:
    with pytest.raises(UsageError):
        detection.machine(text)


# This machine, and real roots

# Prints what is found, in the form of `Found`.
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pyman.machine import detection
from pyman.errors import PymanError
try:
    found = detection.machine(sys.argv[2] if len(sys.argv) > 2 else None)
    print(json.dumps([str(found.target), found.libc_version, found.level, dict(found.evidence)]))
except PymanError as error:
    print(json.dumps(error.message))
"""
SOURCE = Path(detection.__file__).parents[2]


def asked(*command: str | Path) -> Any:  # noqa: ANN401  # what JSON holds
    """Return what SCRIPT prints, which `command` runs."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_this_machine() -> None:
    found = detection.detect()
    assert str(found.target) == this_target()
    assert set(found.evidence) >= {"os", "architecture"}


@on_linux
def test_start_up_stays_light() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pyman.machine.detection import detect; detect(); "
        "print(*{'subprocess', 'ctypes', 'platform', '_ctypes'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, SOURCE], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""


@on_linux
def test_both_ways_to_the_glibc_version_agree() -> None:
    found = detection.detect()
    shell = read_program("/bin/sh")
    if found.target.libc is Libc.MUSL or own_glibc_version() is None or not shell:
        pytest.skip(f"{ELSEWHERE}it has no glibc")
    assert found.libc_version == own_glibc_version()
    asked_loader = loader_version(str(shell.interpreter))
    if asked_loader is None:
        pytest.skip(f"{ELSEWHERE}this glibc is older than 2.33, its loader does not tell its version")
    assert asked_loader == own_glibc_version()
    static = linux_machine(["/bin/sh"], own_python="/bin/no-such-python")
    assert "says of itself" in static.evidence["libc version"]
    assert static.libc_version == own_glibc_version()


def unpack(archive: Path, folder: Path) -> None:
    with (
        tarfile.open(fileobj=zstd.open(archive)) if archive.suffix == ".zst" else tarfile.open(archive) as tar
    ):
        extract(tar, folder)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder which is gone after the tests of this file."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        pytest.skip(f"{ELSEWHERE}the fixtures are programs for Linux on x86-64")
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def static(fixtures: Path, place: Path) -> Path:
    """The tree of the static musl Python."""
    unpack(fixture_archive(fixtures, "static-full"), place / "static")
    return place / "static" / "python" / "install"


@pytest.fixture(scope="module")
def alpine(fixtures: Path, place: Path) -> Path:
    """The Alpine root, with the dynamic musl Python in /python and pyman in /src."""
    root = place / "alpine"
    unpack(fixture_archive(fixtures, "alpine"), root)
    unpack(fixture_archive(fixtures, "musl-install_only"), root)
    shutil.copytree(SOURCE / "pyman", root / "src" / "pyman")
    return root


def copy_of(root: Path, place: Path) -> Path:
    """Return a copy in which files may be removed and added, not written to."""
    copy = Path(tempfile.mkdtemp(dir=place), "root")
    return Path(shutil.copytree(root, copy, symlinks=True, copy_function=os.link))


def asked_in(root: Path, *arguments: str, proc: bool = False) -> Any:  # noqa: ANN401  # what JSON holds
    """Return what pyman finds in a chroot of `root`; /proc goes away with the process it was mounted for."""
    if os.geteuid() != 0:
        pytest.skip("only root may chroot")
    if proc and subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this root may not mount")
    unshared = ("unshare", "-m", "sh", "-c", 'mount -t proc proc "$0/proc" && exec "$@"', root)
    mount = unshared if proc else ()
    return asked(*mount, "chroot", root, "/python/bin/python3.13", "-I", "-c", SCRIPT, "/src", *arguments)


def test_the_real_musl_loader(alpine: Path) -> None:
    loader = str(alpine / "lib" / "ld-musl-x86_64.so.1")
    assert loader_version(loader) == (1, 2, 5)
    found = linux_machine([str(alpine / "bin" / "busybox")])
    assert str(found.target) == "linux-x86_64-musl"


@pytest.mark.parametrize("proc", [False, True])
def test_a_real_alpine(alpine: Path, proc: bool) -> None:  # noqa: FBT001  # both
    target, version, level, evidence = asked_in(alpine, proc=proc)
    assert target == "linux-x86_64-musl"
    assert version == [1, 2, 5]
    assert level == (cpu_level() if proc else None)
    assert evidence["libc"] == f"PT_INTERP of /bin/sh is {MUSL_X86}"
    assert evidence["libc version"] == f"what {MUSL_X86} says of itself"


def test_an_alpine_with_a_loader_of_glibc(alpine: Path, place: Path) -> None:
    root = copy_of(alpine, place)
    for loader in ("lib64/ld-linux-x86-64.so.2", "lib/ld-linux-x86-64.so.2"):
        (root / loader).parent.mkdir(exist_ok=True)
        shutil.copy(root / "lib" / "ld-musl-x86_64.so.1", root / loader)
    assert asked_in(root)[:2] == ["linux-x86_64-musl", [1, 2, 5]]


def test_an_alpine_with_a_static_shell(alpine: Path, static: Path, place: Path) -> None:
    root = copy_of(alpine, place)
    (root / "bin" / "sh").unlink()
    shutil.copy(static / "bin" / "python3.13", root / "bin" / "sh")
    target, version, _, evidence = asked_in(root)
    assert (target, version) == ("linux-x86_64-musl", [1, 2, 5])
    assert evidence["libc"] == f"PT_INTERP of /usr/bin/env is {MUSL_X86} (/bin/sh is static)"


def test_an_alpine_without_a_shell(alpine: Path, place: Path) -> None:
    root = copy_of(alpine, place)
    for name in ("bin/sh", "bin/ls", "usr/bin/env", "bin/busybox"):
        (root / name).unlink()
    assert "PT_INTERP of /usr/bin/getent is" in asked_in(root)[3]["libc"]


def test_a_root_with_nothing_but_a_static_python(static: Path, place: Path) -> None:
    root = copy_of(static.parent, place)
    (root / "install").rename(root / "python")
    shutil.copytree(SOURCE / "pyman", root / "src" / "pyman")
    message = asked_in(root)
    assert message.startswith(
        "cannot tell which C library this system uses: /bin/sh is missing, /usr/bin/env is"
    )
    told = {"target": "--target or PYMAN_TARGET says linux-x86_64-musl"}
    assert asked_in(root, "linux-x86_64-musl") == ["linux-x86_64-musl", None, None, told]


def test_a_static_musl_python_on_this_machine(static: Path) -> None:
    here = detection.detect()
    found = asked(static / "bin" / "python3.13", "-I", "-c", SCRIPT, SOURCE)
    version = list(here.libc_version) if here.libc_version else None
    assert found[:3] == [str(here.target), version, here.level]
    assert "says of itself" in found[3]["libc version"]
