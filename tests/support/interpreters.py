"""Interpreters that pyman did not install: real ones, unpacked from the fixtures, and such as do not work."""

import os
import tarfile
from contextlib import suppress
from pathlib import Path

from tests.conftest import Pyman
from tests.support.archives import extract
from tests.support.needs import MUSL, runs_here

VERSIONS = ("3.12.1", "3.13.0")
TARGET = "linux-x86_64-musl" if MUSL else "linux-x86_64-gnu"
# Programs for Linux on x86-64, as small as they may be: they wait for ever, or leave with code 0.
_WAIT = bytes.fromhex("b8 22 00 00 00 0f 05 eb f7")  # pause(), again and again
_FORK = bytes.fromhex("b8 39 00 00 00 0f 05")  # fork(), and both go on
_LEAVE = bytes.fromhex("b8 3c 00 00 00 31 ff 0f 05")  # exit(0)
_SAY = "b8 01 00 00 00 bf 01 00 00 00 48 8d 35 {skip} ba {length} 0f 05"  # write(1, what follows, length)
_BASE = 0x400000
# What makes a Python say that it is another version, to be run as it starts.
_DRESS = """
import sys
class _Version(tuple):
    major, minor, micro, releaselevel, serial = (property(lambda s, n=n: s[n]) for n in range(5))
sys.version = sys.version.replace("%d.%d.%d" % sys.version_info[:3], "{version}", 1)
sys.version_info = sys.implementation.version = _Version((*{numbers}, "final", 0))
sys.hexversion = int.from_bytes([*{numbers}, 0xF0], "big")
"""


def unpack_others(fixtures: Path, shared: Path) -> Path:
    """Unpack 3.12.1 and 3.13.0 as pyenv has them, `versions/3.12.1/bin/python3.12`; returns the root.

    For musl there is one Python among the fixtures: there these are that one, which says to be another.
    Once for all tests with the same folder `shared`; nobody may write to it.
    """
    folder = shared / "pyenv-of-fixtures"
    for version in VERSIONS:
        place = folder / "versions" / version
        if place.exists():
            continue
        with tarfile.open(runs_here(fixtures, version)) as tar:
            extract(tar, shared / f"unpacked-{version}")
        if MUSL:
            _dress(shared / f"unpacked-{version}" / "python", version)
        place.parent.mkdir(parents=True, exist_ok=True)
        (shared / f"unpacked-{version}" / "python").rename(place)
    return folder


def _dress(tree: Path, version: str) -> None:
    """Let the Python 3.13 in `tree` have the names of another version, and say to be that."""
    minor = version.rpartition(".")[0]
    if minor != "3.13":
        (tree / "bin" / "python3.13").rename(tree / "bin" / f"python{minor}")
        (tree / "lib" / f"python{minor}").symlink_to("python3.13")
        for name in ("python", "python3"):
            (tree / "bin" / name).unlink()
            (tree / "bin" / name).symlink_to(f"python{minor}")
    numbers = [int(number) for number in version.split(".")]
    # `encodings` is what every Python imports first, in isolated mode and without `site` as well.
    with (tree / "lib" / "python3.13" / "encodings" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(_DRESS.format(version=version, numbers=numbers))


def alone(pyman: Pyman, *path: Path, pyenv: Path | None = None) -> None:
    """Let a pyman see nothing but the folders of `path`, a pyenv, and what the system itself has."""
    nothing = pyman.root / "nothing"
    nothing.mkdir(exist_ok=True)
    pyman.environment |= {
        "PATH": os.pathsep.join(map(str, path or (nothing,))),
        "PYENV_ROOT": str(pyenv or nothing),
        "PYENV_VERSION": "",
        "VIRTUAL_ENV": "",
        "CONDA_PREFIX": "",
    }


def facts_file(pyman: Pyman) -> Path:
    """Return the file in which answers are kept."""
    return pyman.home / ".cache" / "pyman" / "interpreters" / "facts.json"


def script(path: Path, text: str) -> Path:
    """Write a shell script that may be run."""
    return _executable(path, f"#!/bin/sh\n{text}\n".encode())


def hanging(path: Path, size: int = 0) -> Path:
    """Write a program that waits for ever, and fill it up to `size` bytes."""
    return _executable(path, _program(_WAIT).ljust(size, b"\0"))


def forking(path: Path) -> Path:
    """Write a program that starts another one like it; both wait for ever."""
    return _executable(path, _program(_FORK + _WAIT))


def running(path: Path) -> list[int]:
    """Return the processes that run the program at `path`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "exe").readlink() == path:
                found.append(int(entry.name))
    return found


def answering(path: Path, version: str) -> Path:
    """Write a program that says to be the CPython of that version, whatever it is asked."""
    said = [
        "pyman-facts",
        "cpython",
        version,
        "",
        version,
        "",
        "",
        "linux",
        f"x86_64-{TARGET.replace('x86_64-', '')}",
        "x86_64",
        "64",
    ]
    answer = "\0".join([*said, "/usr", "/usr"]).encode()
    after = 7 + len(_LEAVE)  # from the end of the instruction that names the place to the answer
    say = _SAY.format(skip=after.to_bytes(4, "little").hex(), length=len(answer).to_bytes(4, "little").hex())
    return _executable(path, _program(bytes.fromhex(say) + _LEAVE + answer))


def no_python(path: Path) -> Path:
    """Write a program that ends well and says nothing."""
    return _executable(path, _program(_LEAVE))


def _executable(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def _program(code: bytes) -> bytes:
    """An ELF executable of one segment, elf(5): header, program header, code."""
    size = 64 + 56 + len(code)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    fields = [
        (2, 2), (62, 2), (1, 4), (_BASE + 120, 8), (64, 8), (0, 8),
        (0, 4), (64, 2), (56, 2), (1, 2), (0, 2), (0, 2), (0, 2),
        (1, 4), (5, 4), (0, 8), (_BASE, 8), (_BASE, 8), (size, 8), (size, 8), (0x1000, 8),
    ]  # fmt: skip
    return ident + b"".join(value.to_bytes(width, "little") for value, width in fields) + code
