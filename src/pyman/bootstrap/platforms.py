"""Platform: what pip calls a target, and what a Python there says of itself."""

from dataclasses import dataclass

from packaging.tags import mac_platforms

from pyman.builds.key import Key
from pyman.builds.target import Arch, Libc, Os, Target

_MACHINES = {Arch.ARMV7: "armv7l"}
_WINDOWS = {Arch.X86_64: "win_amd64", Arch.AARCH64: "win_arm64", Arch.I686: "win32"}
_MUSL = ("musllinux_1_2", "musllinux_1_1")
# The glibc that builds need (2.17) first; where wheels came later there are newer ones. Where the
# system's is older than theirs, pyman goes on without them.
_GNU = ("manylinux_2_17", "manylinux2014")
_GNU_LATER = {
    Arch.ARMV7: ("manylinux_2_31", "manylinux_2_35"),
    Arch.RISCV64: ("manylinux_2_31", "manylinux_2_34", "manylinux_2_35", "manylinux_2_39"),
}
_MACOS_FLOOR = {Arch.X86_64: (10, 15), Arch.AARCH64: (11, 0)}
_SYSTEMS = {Os.LINUX: ("linux", "posix"), Os.MACOS: ("darwin", "posix"), Os.WINDOWS: ("win32", "nt")}
# For each of these a portable pyman is released: what builds are made for, the levels of x86-64 aside.
RELEASED = tuple(
    Target.parse(name)
    for name in (
        "linux-x86_64-gnu",
        "linux-x86_64-musl",
        "linux-aarch64-gnu",
        "linux-aarch64-musl",
        "linux-armv7-gnueabi",
        "linux-armv7-gnueabihf",
        "linux-i686-gnu",
        "linux-ppc64le-gnu",
        "linux-riscv64-gnu",
        "linux-s390x-gnu",
        "macos-aarch64-none",
        "macos-x86_64-none",
        "windows-aarch64-none",
        "windows-i686-none",
        "windows-x86_64-none",
    )
)
# The oldest Python that pyman runs on, for what is to run on all of them.
_OLDEST = "3.11"


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a Python runs: its target and version, and whether it loads extension modules."""

    target: Target
    python: str
    extensions: bool

    @classmethod
    def of(cls, key: Key) -> "Platform":
        """Return the platform of a build."""
        minor = f"{key.version.major}.{key.version.minor}"
        return cls(key.target, minor, extensions=not (key.variant.static or key.variant.freethreaded))

    @property
    def pip_options(self) -> list[str]:
        """What `pip download` is told to find wheels for it."""
        minor = self.python.replace(".", "")
        options = ["--implementation", "cp", "--python-version", self.python]
        for abi in (f"cp{minor}", "abi3", "none"):
            options += ["--abi", abi]
        for tag in self._tags():
            options += ["--platform", tag]
        return options

    @property
    def markers(self) -> dict[str, str]:
        """The environment in which markers are evaluated there."""
        platform, system = _SYSTEMS[self.target.os]
        names = {Os.LINUX: "Linux", Os.MACOS: "Darwin", Os.WINDOWS: "Windows"}
        return {
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "os_name": system,
            "platform_system": names[self.target.os],
            "platform_machine": self._machine(),
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": platform,
        }

    def _machine(self) -> str:
        arch = self.target.arch
        if self.target.os is Os.WINDOWS:
            return {Arch.X86_64: "AMD64", Arch.AARCH64: "ARM64"}.get(arch, "x86")
        if self.target.os is Os.MACOS and arch is Arch.AARCH64:
            return "arm64"
        return _MACHINES.get(arch, str(arch))

    def _tags(self) -> list[str]:
        if not self.extensions:
            return ["any"]
        arch = self.target.arch
        if self.target.os is Os.WINDOWS:
            return [_WINDOWS[arch]]
        if self.target.os is Os.MACOS:
            return list(mac_platforms(_MACOS_FLOOR[arch], self._machine()))
        if self.target.libc is Libc.GNUEABI:
            return ["any"]  # no wheels are made for soft floats
        names = _MUSL if self.target.libc is Libc.MUSL else _GNU + _GNU_LATER.get(arch, ())
        return [f"{name}_{self._machine()}" for name in names]


PURE = Platform(Target(Os.LINUX, Arch.X86_64, Libc.GNU), _OLDEST, extensions=False)
