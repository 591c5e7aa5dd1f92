"""Linux: what the ELF headers of the system's own programs say."""

import os
import sys
from collections.abc import Iterable, Mapping
from functools import partial

from pyman.builds.target import Arch, Libc, Os, Target
from pyman.errors import PymanError
from pyman.machine import elf
from pyman.machine.cpu import CPUINFO, cpu_level
from pyman.machine.libc import libc_of, version_question
from pyman.machine.verdict import Machine, nothing_built

SYSTEM_PROGRAMS = (
    "/bin/sh",
    "/usr/bin/env",
    "/bin/ls",
    "/usr/bin/getent",  # comes with the libc itself: Debian's libc-bin, Alpine's musl-utils
    "/usr/bin/python3",  # the distribution's own, in images for Python that have no shell (distroless)
    "/system/bin/sh",  # Android has none of the above: the error shall name what it is
)
# The architectures of the builds by ELF machine, bits, little endian.
_ARCHITECTURES: Mapping[tuple[int, int, bool], Arch] = {
    (elf.EM_X86_64, 64, True): Arch.X86_64,
    (elf.EM_AARCH64, 64, True): Arch.AARCH64,
    (elf.EM_386, 32, True): Arch.I686,
    (elf.EM_ARM, 32, True): Arch.ARMV7,
    (elf.EM_PPC64, 64, True): Arch.PPC64LE,
    (elf.EM_S390, 64, False): Arch.S390X,
    (elf.EM_RISCV, 64, True): Arch.RISCV64,
}
_OLD_ARM = ("armv4", "armv5", "armv6")
LIBCS_BUILT: Mapping[Arch, frozenset[Libc]] = {
    Arch.X86_64: frozenset({Libc.GNU, Libc.MUSL}),
    Arch.AARCH64: frozenset({Libc.GNU, Libc.MUSL}),
    Arch.I686: frozenset({Libc.GNU}),
    Arch.ARMV7: frozenset({Libc.GNUEABI, Libc.GNUEABIHF}),
    Arch.PPC64LE: frozenset({Libc.GNU}),
    Arch.S390X: frozenset({Libc.GNU}),
    Arch.RISCV64: frozenset({Libc.GNU}),
}


def linux_machine(
    programs: Iterable[str] = SYSTEM_PROGRAMS,
    cpuinfo: str = CPUINFO,
    kernel: str | None = None,
    own_python: str = sys.executable or "",
) -> Machine:
    """Return the machine that the first dynamic program of `programs` was made for.

    `kernel` is uname's word for the hardware, `own_python` the Python that runs pyman: the last to be asked.
    Raises NoDownloadFoundError where nothing is built for it, PymanError where no program is dynamic.
    """
    path, program, skipped = _first_dynamic(programs, own_python)
    loader = program.interpreter or ""
    source = f"PT_INTERP of {path} is {loader}{skipped}"
    arch = _arch_of(path, program, kernel or os.uname().machine)
    libc = libc_of(program)
    if libc not in LIBCS_BUILT[arch]:
        raise nothing_built(f"linux-{arch}-{libc or 'unknown'}", source)
    version_source, ask_libc_version = version_question(libc, loader, own_python)
    evidence = {
        "os": "sys.platform is linux",
        "architecture": f"the ELF header of {path} says {program.bits}-bit {arch}",
        "libc": source,
        "libc version": version_source,
    }
    target = Target(Os.LINUX, arch, libc)
    if arch is not Arch.X86_64:
        return Machine(target, evidence, ask_libc_version)
    evidence["level"] = f"flags in {cpuinfo}"
    return Machine(target, evidence, ask_libc_version, partial(cpu_level, cpuinfo))


def _first_dynamic(programs: Iterable[str], own_python: str) -> tuple[str, elf.Program, str]:
    """Return the path, the program, and words about those before it, which do not tell the libc.

    In an image without any program of its own the Python that runs pyman shows that its loader works.
    """
    skipped: list[str] = []
    for path in programs:
        program = elf.read_program(path)
        if program and program.interpreter:
            return path, program, f" ({', '.join(skipped)})" if skipped else ""
        skipped.append(f"{path} is {_why_not(path, program)}")
    own = elf.read_program(own_python)
    if own and own.interpreter:
        return own_python, own, f" (which runs pyman, and is asked because {', '.join(skipped)})"
    raise PymanError(
        f"cannot tell which C library this system uses: {', '.join(skipped)}",
        "Name the target with --target or PYMAN_TARGET, for example linux-x86_64-musl.",
    )


def _why_not(path: str, program: elf.Program | None) -> str:
    if program:
        return "static"
    return "no readable ELF program" if os.path.lexists(path) else "missing"


def architecture_of(program: elf.Program) -> Arch | None:
    """Return what a program was made for; None if nothing is built for that."""
    return _ARCHITECTURES.get((program.machine, program.bits, program.little_endian))


def _arch_of(path: str, program: elf.Program, kernel: str) -> Arch:
    """Return the programs' architecture, not the kernel's: 32-bit programs run on 64-bit kernels."""
    arch = architecture_of(program)
    if arch is None:
        order = "little" if program.little_endian else "big"
        kind = f"{program.bits}-bit {order}-endian ELF, machine {program.machine}"
        name = "x32" if program.machine == elf.EM_X86_64 else kernel
        raise nothing_built(f"linux-{name}", f"{path} is {kind}")
    if arch is Arch.ARMV7 and kernel.startswith(_OLD_ARM):
        raise nothing_built(f"linux-{kernel}", f"the kernel says {kernel}, builds begin with ARMv7")
    return arch
