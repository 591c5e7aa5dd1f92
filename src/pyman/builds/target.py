"""Target: what a build is made for, `linux-x86_64-musl`.

Only the name and its parts; which target this machine is, `detect` finds out.
"""

from enum import StrEnum
from functools import cache
from typing import NamedTuple, Self

from pyman.errors import UsageError


class Os(StrEnum):
    """Operating systems for which builds exist."""

    LINUX = "linux"
    MACOS = "macos"
    WINDOWS = "windows"


class Arch(StrEnum):
    """Instruction sets for which builds exist."""

    X86_64 = "x86_64"
    AARCH64 = "aarch64"
    I686 = "i686"
    ARMV7 = "armv7"
    PPC64LE = "ppc64le"
    S390X = "s390x"
    RISCV64 = "riscv64"


class Libc(StrEnum):
    """C libraries; `gnueabi` and `gnueabihf` are glibc with ARM's soft and hard float ABI."""

    GNU = "gnu"
    GNUEABI = "gnueabi"
    GNUEABIHF = "gnueabihf"
    MUSL = "musl"
    NONE = "none"


# What other tools call the same things: uname, Docker, Windows, LLVM triples.
OS_NAMES = {name.value: name for name in Os} | {"darwin": Os.MACOS, "win32": Os.WINDOWS}
ARCH_NAMES = {name.value: name for name in Arch} | {
    "amd64": Arch.X86_64,
    "x64": Arch.X86_64,
    "arm64": Arch.AARCH64,
    "i386": Arch.I686,
    "i586": Arch.I686,
    "x86": Arch.I686,
    "armv7l": Arch.ARMV7,
    "powerpc64le": Arch.PPC64LE,
    "riscv64gc": Arch.RISCV64,
}
LIBC_NAMES = {name.value: name for name in Libc} | {"glibc": Libc.GNU, "msvc": Libc.NONE}

BASELINE = 1
HIGHEST_LEVEL = 4
_LEVELS = {"": BASELINE, "_v1": 1, "_v2": 2, "_v3": 3, "_v4": HIGHEST_LEVEL}


def parse_arch(text: str) -> tuple[Arch, int]:
    """Return the architecture and its level (1 is the baseline); ValueError for anything else.

    Levels are the x86-64 psABI's: `x86_64_v3` is level 3.
    """
    name, mark, number = text.partition("_v")
    arch, level = ARCH_NAMES.get(name), _LEVELS.get(mark + number)
    if not arch or not level or (mark and arch is not Arch.X86_64):
        raise ValueError(f"not an architecture: {text!r}")
    return arch, level


class Target(NamedTuple):
    """Operating system, architecture with its level, and C library."""

    os: Os
    arch: Arch
    libc: Libc
    level: int = BASELINE

    @classmethod
    @cache
    def parse(cls, text: str) -> Self:
        """Return the target that `text` names: `linux-x86_64_v3-gnu`, or a triple as LLVM spells it.

        Raises UsageError, with the known spellings as its hint.
        """
        parts = text.lower().split("-")
        try:
            if len(parts) in (3, 4) and parts[0] not in OS_NAMES:
                return cls._from_triple(parts)
            # Only Linux has a choice of C libraries.
            os, arch, libc = parts if len(parts) != 2 or parts[0] == Os.LINUX else [*parts, Libc.NONE]  # noqa: PLR2004
            return cls._checked(OS_NAMES[os], parse_arch(arch), LIBC_NAMES[libc])
        except (KeyError, ValueError):
            raise UsageError(
                f"not a target: {text!r}",
                "A target is os-architecture-libc: linux-x86_64-gnu, linux-aarch64-musl, "
                "linux-armv7-gnueabihf, macos-aarch64-none, windows-x86_64-none.",
            ) from None

    @classmethod
    def _from_triple(cls, parts: list[str]) -> Self:
        """`x86_64-unknown-linux-musl`, `aarch64-apple-darwin`, `i686-pc-windows-msvc`."""
        libc = LIBC_NAMES[parts[3]] if len(parts) == 4 else Libc.NONE  # noqa: PLR2004
        return cls._checked(OS_NAMES[parts[2]], parse_arch(parts[0]), libc)

    @classmethod
    def _checked(cls, os: Os, arch: tuple[Arch, int], libc: Libc) -> Self:
        """Only Linux leaves a choice of C libraries; ValueError for what cannot be."""
        if (os is Os.LINUX) == (libc is Libc.NONE):
            raise ValueError(f"no C library {libc} on {os}")
        return cls(os, arch[0], libc, arch[1])

    @property
    def baseline(self) -> Self:
        """The same target at the level which every CPU of the architecture has."""
        return self._replace(level=BASELINE)

    @property
    def arch_name(self) -> str:
        """The architecture with its level, `x86_64_v3`; the baseline has no suffix."""
        return self.arch if self.level == BASELINE else f"{self.arch}_v{self.level}"

    def __str__(self) -> str:
        return f"{self.os}-{self.arch_name}-{self.libc}"
