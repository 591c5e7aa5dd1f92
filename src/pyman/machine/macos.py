"""macOS: the Mac's own architecture, also under Rosetta."""

import os

from pyman.builds.target import Arch, Libc, Os, Target
from pyman.machine.verdict import Machine, nothing_built

_ARCHITECTURES = {"arm64": Arch.AARCH64, "x86_64": Arch.X86_64}


def macos_machine(uname: str | None = None, *, translated: bool | None = None) -> Machine:
    """Return the Mac that the machine `uname` names is; an Intel process may be `translated` by Rosetta."""
    name = uname or os.uname().machine
    source = f"uname says {name}"
    arch = _ARCHITECTURES.get(name)
    if arch is None:
        raise nothing_built(f"macos-{name}", source)
    if arch is Arch.X86_64 and (_is_translated() if translated is None else translated):
        arch, source = Arch.AARCH64, f"{source}, but sysctl.proc_translated is 1: that is Rosetta"
    evidence = {"os": "sys.platform is darwin", "architecture": source}
    return Machine(Target(Os.MACOS, arch, Libc.NONE), evidence)


def _is_translated() -> bool:
    """Return whether Rosetta runs this process; Intel Macs do not know the setting."""
    try:
        import ctypes  # noqa: PLC0415  # heavy, and not in every Python

        ask = ctypes.CDLL(None).sysctlbyname
    except (ImportError, OSError, AttributeError):
        return False
    value, size = ctypes.c_int(0), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
    failed = ask(b"sysctl.proc_translated", ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0))
    return not failed and value.value == 1
