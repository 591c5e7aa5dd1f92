"""Compiles a staged tree's modules, so that no start of the interpreter has to."""

import subprocess
from pathlib import Path

from pyman.errors import PymanError
from pyman.installer import staged_python
from pyman.store.installations import Installation

_SECONDS = 600
# Modules which are there to be wrong: they cannot be compiled.
_WRONG_ON_PURPOSE = r"bad_?coding|badsyntax|lib2to3[/\\]tests[/\\]data"


def compile_all(interpreter: Installation, final: Path, *, is_stable: bool = False) -> None:
    """Compile the standard library and what is installed beside it, on all cores.

    The .pyc files are not compared with their sources when they are loaded (PEP 552, unchecked hashes): an
    installation never changes. They name their sources by the path `final` of the installation. With
    `is_stable` they are the same each time. Raises PymanError when the interpreter cannot do that.
    """
    stdlib = interpreter.standard_library
    if stdlib is None:
        return
    inside = stdlib.relative_to(interpreter.path)
    options = ["-qq", "--invalidation-mode", "unchecked-hash", "-x", _WRONG_ON_PURPOSE]
    places = ["-d", str(final / inside), str(stdlib)]
    told = ""
    for jobs in _jobs(is_stable=is_stable):
        try:
            done = staged_python.run(
                interpreter,
                *("-m", "compileall", *options, "-j", jobs, *places),
                seconds=_SECONDS,
                is_stable=is_stable,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise _failed(interpreter, str(error)) from None
        # It exits with 1 also when one module of thousands is wrong: what matters is that it got through.
        if next((stdlib / "__pycache__").glob("warnings.*.pyc"), None):
            return
        told = done.stderr.decode("utf-8", "replace").strip()
    raise _failed(interpreter, told[-500:] or "no reason was given")


def _jobs(*, is_stable: bool) -> tuple[str, ...]:
    """How many processes to try it with, all cores first.

    A process pool needs semaphores, which a chroot without /dev/shm does not have. And what is in a .pyc
    hangs on what its process did before: marshal marks a string that has another user (FLAG_REF), such as one
    that is interned and was in a module compiled or imported earlier. One process that goes through all in
    order does the same each time.
    """
    return ("1",) if is_stable else ("0", "1")


def _failed(interpreter: Installation, why: str) -> PymanError:
    return PymanError(
        f"cannot compile the modules of {interpreter.key}: {why}", "Install without --compile-bytecode."
    )
