"""The level of an x86-64 processor."""

from collections.abc import Mapping
from pathlib import Path

CPUINFO = "/proc/cpuinfo"
# x86-64 psABI, table 3.1, in the words of /proc/cpuinfo: pni is SSE3, abm is LZCNT.
_FLAGS: Mapping[int, frozenset[str]] = {
    2: frozenset({"cx16", "lahf_lm", "pni", "popcnt", "sse4_1", "sse4_2", "ssse3"}),
    3: frozenset({"abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"}),
    4: frozenset({"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"}),
}


def cpu_level(cpuinfo: str = CPUINFO) -> int | None:
    """Return the level, 1 to 4, of the first processor in `cpuinfo`; None if its flags are not there."""
    try:
        with Path(cpuinfo).open(encoding="ascii", errors="replace") as file:
            flags = next((set(line.split()) for line in file if line.startswith("flags")), None)
    except OSError:  # no /proc in this chroot
        return None
    if flags is None:
        return None
    missing = (level for level, needed in _FLAGS.items() if not needed <= flags)
    return next(missing, max(_FLAGS) + 1) - 1
