"""The C library of Linux programs: whose it is, and which version."""

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import PurePosixPath

from pyman.builds.target import Libc
from pyman.machine import elf

ASK_SECONDS = 2.0
_MUSL_PREFIX = "ld-musl-"
_GLIBC_PREFIXES = ("ld-linux", "ld64.so.", "ld.so.1")  # most; ppc64le and 64-bit s390; 32-bit s390 and ppc
_VERSION = r"(?i:glibc|version) ([0-9]{1,6}(?:\.[0-9]{1,6})+)"


def libc_of(program: elf.Program) -> Libc | None:
    """Return the C library of a dynamic program; None for one that has no builds.

    The loader's name alone decides: its folder may be any, as in NixOS.
    """
    name = PurePosixPath(program.interpreter or "").name
    if name.startswith(_MUSL_PREFIX):
        return Libc.MUSL
    if not name.startswith(_GLIBC_PREFIXES):
        return None
    if program.machine != elf.EM_ARM:
        return Libc.GNU
    # Linkers before binutils 2.23 did not set the flag; the loader's name says it as well.
    hard = program.flags & elf.EF_ARM_ABI_FLOAT_HARD or name.startswith("ld-linux-armhf")
    return Libc.GNUEABIHF if hard else Libc.GNUEABI


def version_question(
    libc: Libc, loader: str, own_python: str
) -> tuple[str, Callable[[], tuple[int, ...] | None]]:
    """Return how the libc's version is to be found, in words and as a function.

    The Python at `own_python`, which runs pyman, may be static or bring a glibc of its own; it can answer for
    the system only if it has the system's `loader`.
    """
    own = elf.read_program(own_python)
    if libc is not Libc.MUSL and own and own.interpreter == loader:
        return "os.confstr, as pyman's own Python has the same loader", own_glibc_version
    return f"what {loader} says of itself", partial(loader_version, loader)


def own_glibc_version() -> tuple[int, ...] | None:
    """Return the version of the glibc that this process runs on; None if it runs on something else."""
    try:
        return _version_in(os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (OSError, ValueError):
        return None


def loader_version(loader: str) -> tuple[int, ...] | None:
    """Return the libc version which the program `loader` prints within ASK_SECONDS; None if it does not."""
    # Milliseconds, and needed only where confstr cannot answer.
    import subprocess  # noqa: PLC0415

    from pyman.system import processes  # noqa: PLC0415

    if not loader.startswith("/"):  # a relative name would be looked for in folders that are not the system's
        return None
    # musl's loader shows its version with the usage it prints when it is told nothing.
    arguments = [] if PurePosixPath(loader).name.startswith(_MUSL_PREFIX) else ["--version"]
    # No LD_PRELOAD, no LD_LIBRARY_PATH; and a pipe to read from, not /dev/null: a chroot may have none.
    try:
        with processes.started([loader, *arguments], cwd="/", env={}, stderr=subprocess.STDOUT) as asked:
            said, _ = asked.output(ASK_SECONDS)  # musl's exits with 1
    except (OSError, subprocess.SubprocessError):
        return None
    return _version_in(said.decode("ascii", "replace"))


def _version_in(text: str) -> tuple[int, ...] | None:
    found = re.search(_VERSION, text)
    return tuple(int(part) for part in found[1].split(".")) if found else None
