"""`python -m pyman.bootstrap.launchers`: compile launcher.c for each architecture.

With the compilers of Debian 12, which give the same bytes each time: gcc, gcc-aarch64-linux-gnu,
gcc-arm-linux-gnueabi, gcc-i686-linux-gnu, gcc-powerpc64le-linux-gnu, gcc-riscv64-linux-gnu,
gcc-s390x-linux-gnu.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# 65536 is the largest page of a kernel for most; one for x86 has pages of 4096.
_COMPILERS = {
    "aarch64": ["aarch64-linux-gnu-gcc"],
    "armv7": ["arm-linux-gnueabi-gcc", "-march=armv7-a", "-marm"],
    "i686": ["i686-linux-gnu-gcc", "-Wl,-z,max-page-size=4096"],
    "ppc64le": ["powerpc64le-linux-gnu-gcc"],
    "riscv64": ["riscv64-linux-gnu-gcc"],
    "s390x": ["s390x-linux-gnu-gcc"],
    "x86_64": ["x86_64-linux-gnu-gcc", "-Wl,-z,max-page-size=4096"],
}
_OPTIONS = [
    *("-Os", "-std=c11", "-Wall", "-Wextra", "-Werror", "-s"),
    *("-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fno-asynchronous-unwind-tables"),
    *("-fno-pic", "-no-pie", "-nostdlib", "-static", "-Wl,--build-id=none"),
    *("-Wl,-z,noseparate-code", "-Wl,-z,noexecstack", "-Wl,-z,max-page-size=65536"),
]


def compile_one(name: str, folder: Path) -> None:
    """Compile the launcher for the architecture `name` into `folder`."""
    compiler, *more = _COMPILERS[name]
    options = [*_OPTIONS, *more, "-o", str(folder / name), str(HERE / "launcher.c")]
    subprocess.run([compiler, *options], check=True)  # noqa: S603 - a compiler of the system


if __name__ == "__main__":
    for each in _COMPILERS:
        compile_one(each, Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
