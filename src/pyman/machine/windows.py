"""Windows: the machine's own architecture, also in an emulated process."""

import os
import sys
from collections.abc import Mapping

from pyman.builds.target import Arch, Libc, Os, Target
from pyman.machine.verdict import Machine, nothing_built

_ARCHITECTURES = {"AMD64": Arch.X86_64, "ARM64": Arch.AARCH64, "X86": Arch.I686}
# IMAGE_FILE_MACHINE_…, in the words of PROCESSOR_ARCHITECTURE.
_MACHINES = {0x014C: "X86", 0x01C4: "ARM", 0x8664: "AMD64", 0xAA64: "ARM64"}


def windows_machine(native: int | None = None, environ: Mapping[str, str] = os.environ) -> Machine:
    """Return the machine whose IMAGE_FILE_MACHINE number is `native`; without it `environ` is believed."""
    number = _native_machine() if native is None else native
    name, source = _name_of(number, environ)
    arch = _ARCHITECTURES.get(name)
    if arch is None:
        raise nothing_built(f"windows-{name.lower() or 'unknown'}", source)
    evidence = {"os": "sys.platform is win32", "architecture": source}
    return Machine(Target(Os.WINDOWS, arch, Libc.NONE), evidence)


def _name_of(number: int | None, environ: Mapping[str, str]) -> tuple[str, str]:
    if number is not None:
        name = _MACHINES.get(number, f"{number:#x}")
        return name, f"IsWow64Process2 says {name}"
    # The first is set only in 32-bit processes and tells the system's; the other tells the process's.
    for variable in ("PROCESSOR_ARCHITEW6432", "PROCESSOR_ARCHITECTURE"):
        if environ.get(variable):
            return environ[variable].upper(), f"{variable} is {environ[variable]}"
    return "", "neither IsWow64Process2 nor PROCESSOR_ARCHITECTURE tells it"


def _native_machine() -> int | None:
    """Return the machine's number, also when this process is emulated; None before Windows 10 1709."""
    if sys.platform != "win32":
        return None
    try:
        import ctypes  # noqa: PLC0415  # heavy, and not in every Python
        from ctypes import wintypes  # noqa: PLC0415  # the same

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        ask, this_process = kernel32.IsWow64Process2, kernel32.GetCurrentProcess
    except (ImportError, OSError, AttributeError):
        return None
    # Without its type the pseudo handle -1 would be cut to 32 bits.
    this_process.restype = wintypes.HANDLE
    ask.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.USHORT), ctypes.POINTER(wintypes.USHORT)]
    ask.restype = wintypes.BOOL
    process, native = wintypes.USHORT(0), wintypes.USHORT(0)
    done = ask(this_process(), ctypes.byref(process), ctypes.byref(native))
    return native.value if done else None
