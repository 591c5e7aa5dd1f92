"""Asks interpreters for their facts by starting them, isolated and without `site`: their bare start-up.

Several are asked at the same time. What is no Python, or none that pyman knows, has no facts. Only what
really starts a process imports this module, for `subprocess` is felt.
"""

import errno
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import NamedTuple

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Libc, Os, Target, parse_arch
from pyman.builds.version import Version
from pyman.discovery.interpreter import Facts
from pyman.errors import UsageError
from pyman.machine.elf import read_program
from pyman.requests.spelling import NO_RELEASE
from pyman.system import processes

_TIMEOUT = 2.5  # seconds
_AT_ONCE = 8
# Why a process may not start now though it will another time.
_PASSING = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}
_MARK = "pyman-facts"
# Runs on Python 3.4 and later; imports only what is in memory already or small.
_QUESTION = f"""\
import os, sys
i = sys.implementation
v = sys.version_info
flags = getattr(sys, "abiflags", "")
facts = [
    "{_MARK}", i.name, "%d.%d.%d" % v[:3], "" if v[3] == "final" else v[3] + str(v[4]),
    "%d.%d.%d" % tuple(i.version[:3]),
    "t" if "t" in flags or "free-threading" in sys.version else "",
    "d" if hasattr(sys, "gettotalrefcount") else "",
    sys.platform, getattr(i, "_multiarch", ""),
    os.uname().machine if hasattr(os, "uname") else sys.version, "64" if sys.maxsize > 2**32 else "32",
    sys.prefix, getattr(sys, "base_prefix", sys.prefix),
]
sys.stdout.buffer.write("\\0".join(facts).encode("utf-8", "surrogateescape"))
"""
_STAGES = {"alpha": "a", "beta": "b", "candidate": "rc"}
_MACHINES = {"ARM64": "aarch64", "AMD64": "x86_64"}


class Said(NamedTuple):
    """The facts of each program that was asked; None for one that is no Python, does not run, or was slow.

    One is among the `slow` as well if it had not answered in time.
    """

    facts: dict[str, Facts | None]
    slow: set[str]


def ask(paths: Sequence[str]) -> Said:
    """Ask the programs for their facts.

    Eight at a time are started, and each lot has 2.5 seconds. A program that could not be started for want of
    memory or the like is left out.
    """
    said = Said({}, set())
    for start in range(0, len(paths), _AT_ONCE):
        _ask_at_once(paths[start : start + _AT_ONCE], said)
    return said


def _ask_at_once(paths: Sequence[str], said: Said) -> None:
    with ExitStack() as clean_up:
        started = {}
        for path in paths:
            try:
                started[path] = clean_up.enter_context(_started(path))
            except OSError as error:
                if error.errno not in _PASSING:
                    said.facts[path] = None
        deadline = time.monotonic() + _TIMEOUT
        for path, program in started.items():
            try:
                output, _ = program.output(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                output = b""
                said.slow.add(path)
            said.facts[path] = _parse(output, path) if output and program.code == 0 else None


def _started(path: str) -> AbstractContextManager[processes.Program]:
    # The variable makes a framework Python on macOS take itself for another one.
    environment = {name: value for name, value in os.environ.items() if name != "__PYVENV_LAUNCHER__"}
    return processes.started(
        [path, "-I", "-S", "-c", _QUESTION],
        env=environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _parse(output: bytes, path: str) -> Facts | None:
    # Paths in it have the bytes that they have on disk, which our locale may take for other characters.
    parts = output.decode(sys.getfilesystemencoding(), "surrogateescape").split("\0")
    try:
        mark, name, numbers, stage, own, free, debug, platform, multiarch, machine, bits, prefix, base = parts
        implementation = Implementation(name)
        letters = stage.rstrip("0123456789")
        version = Version.parse(f"{numbers}{_STAGES[letters]}{stage[len(letters) :]}" if stage else numbers)
        target = _target(platform, multiarch, machine, bits)
        if target.os is Os.LINUX and _is_musl(path):
            target = target._replace(libc=Libc.MUSL)
    except (ValueError, KeyError, UsageError):
        return None
    release = NO_RELEASE if implementation is Implementation.CPYTHON else own
    key = Key(implementation, version, Variant(bool(free), bool(debug)), release, target)
    return Facts(key, prefix, base) if mark == _MARK else None


def _is_musl(path: str) -> bool:
    """What the program itself needs: builds for musl have been published that take themselves for glibc's."""
    program = read_program(path)
    return bool(program and program.interpreter and "/ld-musl-" in program.interpreter)


def _target(platform: str, multiarch: str, machine: str, bits: str) -> Target:
    """What an interpreter runs on; ValueError for a system that no builds exist for."""
    if platform == "win32":
        name = next((arch for word, arch in _MACHINES.items() if word in machine), "i686")
        return Target(Os.WINDOWS, parse_arch(name)[0], Libc.NONE)
    if platform == "darwin":
        return Target(Os.MACOS, parse_arch(machine)[0], Libc.NONE)
    # A multiarch tuple, as Debian has them, is a target triple without its vendor: x86_64-linux-gnu.
    arch, _, system = multiarch.partition("-")
    if system.startswith("linux-"):
        return Target.parse(f"linux-{arch}-{system.removeprefix('linux-')}".replace("-arm-", "-armv7-"))
    if not platform.startswith("linux"):
        raise ValueError(platform)
    narrow = {"x86_64": "i686", "aarch64": "armv7"}.get(machine, machine) if bits == "32" else machine
    kind = parse_arch(narrow)[0]
    return Target(Os.LINUX, kind, Libc.GNUEABIHF if kind == "armv7" else Libc.GNU)
