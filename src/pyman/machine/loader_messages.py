"""Why a program did not run, in words: read from what loaders and kernels say about it.

The messages are those of glibc's and musl's loaders, of Apple's dyld, and of CPython about extension modules.
"""

import errno
import re
from pathlib import Path

from pyman.machine import elf
from pyman.system.forked_child import signal_name

_TOLD = [
    (re.compile(text), meaning)
    for text, meaning in (
        (r"version [`'](?P<it>\w+_[\w.]+)' not found", "it needs {it}, which this system's library lacks"),
        (
            r"error while loading shared libraries: (?P<it>[^\s:]+): cannot open",
            "the library {it} is missing",
        ),
        (r"Error loading shared library (?P<it>[^\s:]+): No such file", "the library {it} is missing"),
        (r"(?P<it>lib[^\s:]+\.so[.\d]*): cannot open shared object file", "the library {it} is missing"),
        (r"Library not loaded: (?P<it>\S+)", "the library {it} is missing"),
        (r"Error relocating [^:]+: (?P<it>\S+): symbol not found", "the symbol {it} is missing"),
        (r"undefined symbol: (?P<it>[^\s,)]+)", "the symbol {it} is missing"),
        (r"Symbol not found: (?P<it>\S+)", "the symbol {it} is missing"),
        (r"error while loading shared libraries: (?P<it>.+)", "{it}"),
        (r"Error loading shared library (?P<it>.+)", "{it}"),
    )
]
_LONGEST = 300


def of_text(text: str) -> str:
    """Return what `text` says is missing, else its last line; nothing if it is empty."""
    for pattern, meaning in _TOLD:
        if found := pattern.search(text):
            return meaning.format(it=found["it"])
    lines = text.strip().splitlines()
    return lines[-1].strip()[:_LONGEST] if lines else ""


def of_end(code: int, text: str) -> str:
    """Return why a program that printed `text` ended with exit code `code`; minus a signal's number."""
    told = of_text(text)
    if code >= 0:
        return told or f"it ended with exit code {code}"
    name = signal_name(-code)
    if name == "SIGILL":
        return "this processor lacks an instruction that it uses (SIGILL)"
    return f"it was ended by {name}" + (f": {told}" if told else "")


def of_start(program: Path, error: OSError) -> str:
    """Return why the system would not start the existing file `program`."""
    if error.errno == errno.ENOEXEC:
        return "it is no program for this processor (exec format error)"
    if error.errno == errno.EACCES:
        return f"this system may not run programs in {program.parent} (is it mounted noexec?)"
    found = elf.read_program(program)
    if error.errno == errno.ENOENT and found and found.interpreter:
        return f"its loader {found.interpreter} is missing"
    return f"it cannot be started: {error.strerror or error}"
