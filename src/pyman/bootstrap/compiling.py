"""Bytecode in the place of sources: what is loaded is neither compared with them nor compiled again.

Bytecode is the same for all platforms, but not for two minor versions of Python: so any interpreter of the
same minor version compiles, also for machines whose programs do not run here.
"""

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from pyman.builds.key import Implementation, Key
from pyman.discovery.interview import ask
from pyman.errors import PymanError

# `module.pyc` where the source was is loaded without it, whatever its time, also where nobody may write
# anything. Files are named as they stand in the portable pyman, so that it may be made anywhere.
_PROGRAM = """\
import json, py_compile, sys
unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
for source, shown in json.load(sys.stdin):
    py_compile.compile(source, source + "c", dfile=shown, doraise=True, invalidation_mode=unchecked)
"""
_SECONDS = 600
# The order of a set's elements would be another one each time.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}


def first_fit(key: Key, programs: Iterable[Path]) -> Path:
    """Return the first of the programs that makes bytecode for `key`; PymanError if none of them does."""
    for program in programs:
        facts = ask([str(program)]).facts.get(str(program)) if program.is_file() else None
        if facts and _same_bytecode(facts.key, key):
            return program
    raise PymanError(f"no interpreter here makes bytecode for {key}", "--compile-with names one.")


def _same_bytecode(one: Key, other: Key) -> bool:
    """Final releases of one minor version have one form; pre-releases may change it."""
    if one.implementation is not Implementation.CPYTHON or one.version.series != other.version.series:
        return False
    is_final = not one.version.is_prerelease and not other.version.is_prerelease
    return is_final or one.version == other.version


def compile_tree(python: Path, folder: Path, shown: str) -> None:
    """Put bytecode in the place of every source below `folder`, which is called `shown` in tracebacks.

    Raises PymanError if a module cannot be compiled.
    """
    sources = sorted(folder.rglob("*.py"))
    work = [(str(source), f"{shown}/{source.relative_to(folder).as_posix()}") for source in sources]
    done = subprocess.run(  # noqa: S603 - an interpreter that was asked for its version before
        [python, "-B", "-P", "-S", "-s", "-c", _PROGRAM],
        input=json.dumps(work),
        env=_ENVIRONMENT,
        capture_output=True,
        encoding="utf-8",
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise PymanError(f"cannot compile what is in {folder}: {done.stderr.strip()[-500:]}")
    for source in sources:
        source.unlink()
