"""The smoke test: a staged interpreter is started once, before anybody can come upon it.

That it was built for this target does not say that it runs: the system may lack a library, the processor an
instruction, the archive a file.
"""

import ast
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyman.builds.key import Implementation, Key
from pyman.builds.target import Libc
from pyman.catalogue.advisories import MUSL_EXTENSION_SUFFIX
from pyman.errors import DoesNotRunError, PymanError
from pyman.installer import staged_python
from pyman.machine import detection, loader_messages
from pyman.store.installations import Installation

SECONDS = 60  # a start takes a fraction of one, under emulation several
# Of each the part that loads libraries. There is no bytecode yet, and compiling the rest would take twice as
# long as all of the test: of that it is enough that it is there.
_MODULES = {
    "ssl": "_ssl",
    "ctypes": "_ctypes",
    "sqlite3": "_sqlite3",
    "zlib": "zlib",
    "lzma": "_lzma",
    "hashlib": "_hashlib",
}
# One process tells all; a module that ends it is the last one announced. EXT_SUFFIX is what _imp says.
# CPython's `_sqlite3` asks functools for a decorator that nobody calls here: to compile that, and what it
# imports, took longer than all the rest. Who asks for anything else gets the real one.
_PROGRAM = """\
import os, sys
if "sqlite3:_sqlite3" in sys.argv:
    class Functools(type(sys)):
        lru_cache = None
        def __getattr__(self, name):
            del sys.modules["functools"]
            return getattr(__import__("functools"), name)
    sys.modules["functools"] = Functools("functools")
missing = {}
for pair in sys.argv[1:]:
    name, extension = pair.split(":")
    print(name, file=sys.stderr, flush=True)
    try:
        __import__(extension)
        if not any(finder.find_spec(name, None) for finder in sys.meta_path):
            raise ModuleNotFoundError(f"No module named {name!r}")
    except Exception as error:
        missing[name] = f"{type(error).__name__}: {error}"
import _imp
suffix = (_imp.extension_suffixes() or [""])[0]
version = "{}.{}.{}".format(*sys.version_info)
stage = {"alpha": "a", "beta": "b", "candidate": "rc"}.get(sys.version_info[3])
if stage:
    version += stage + str(sys.version_info[4])
print(ascii({"version": version, "suffix": suffix, "prefix": os.fsencode(sys.prefix), "missing": missing}))
"""
_HINT = "Nothing was installed. `pyman explain` shows which other builds there are."


def concerns(key: Key) -> bool:
    """Whether builds of `key` are made for this machine, its own processor level aside."""
    try:
        return detection.detect().target == key.target.baseline
    except PymanError:
        return False


def check(interpreter: Installation, late: Callable[[], None] | None = None) -> list[str]:
    """Start the staged interpreter; returns the modules that only the store's path keeps it from loading.

    `late` is called if it takes more than three seconds; SECONDS it has.

    Raises DoesNotRunError, which names the library, symbol or module that is missing, if it does not run.
    """
    key = interpreter.key
    facts = _facts(interpreter, late)
    if why := _wrong(facts, interpreter):
        raise _error(key, why)
    is_tagged = key.target.libc is not Libc.MUSL or key.variant.static or "musl" in str(facts["suffix"])
    # Of some builds that is known: then their release was named, and the build is wanted as it is.
    if not is_tagged and not MUSL_EXTENSION_SUFFIX.covers(key):
        raise _error(
            key, f"its extension modules are tagged {facts['suffix']}, wheels for musl do not import"
        )
    return _kept_out(facts, interpreter)


def _facts(interpreter: Installation, late: Callable[[], None] | None) -> dict[str, Any]:
    """Return what the interpreter says of itself."""
    program = interpreter.executable
    if not program.is_file():
        raise _error(interpreter.key, f"it has no {program.relative_to(interpreter.path).as_posix()}")
    try:
        done = staged_python.run(
            interpreter, "-c", _PROGRAM, *_modules(interpreter.key), seconds=SECONDS, late=late
        )
    except subprocess.TimeoutExpired:
        raise _error(interpreter.key, f"it did not come to an end in {SECONDS} seconds") from None
    except OSError as error:
        raise _error(interpreter.key, loader_messages.of_start(program, error)) from None
    try:
        found = ast.literal_eval(done.stdout.decode("ascii")) if done.code == 0 else None
    except (SyntaxError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise _error(interpreter.key, _end(done.code, done.stderr.decode("utf-8", "replace")))
    return found


def _end(code: int, text: str) -> str:
    """Return why the program ended early, and which module it was importing then."""
    lines = text.splitlines()
    announced = [line for line in lines if line in _MODULES]
    why = loader_messages.of_end(code, "\n".join(line for line in lines if line not in _MODULES))
    return f"{why}, while it imported {announced[-1]}" if announced else why


def _modules(key: Key) -> list[str]:
    """A static Python has no ctypes, which needs a loader; other implementations differ more."""
    if key.implementation is not Implementation.CPYTHON:
        return ["ssl:ssl", "zlib:zlib", "hashlib:hashlib"]
    missing = {"ctypes"} if key.variant.static else set()
    return [f"{name}:{extension}" for name, extension in _MODULES.items() if name not in missing]


def _wrong(facts: dict[str, Any], interpreter: Installation) -> str:
    """Return why this is not the interpreter it should be, nothing if it is."""
    key = interpreter.key
    kept_out = _kept_out(facts, interpreter)
    if len(facts["missing"]) > len(kept_out):
        each = (f"{name} ({why})" for name, why in facts["missing"].items() if name not in kept_out)
        return f"modules do not import: {', '.join(each)}"
    if not _is_version(str(facts["version"]), key):
        return f"it is Python {facts['version']}"
    prefix = os.fsdecode(facts["prefix"])  # as bytes, for its locale may be another than ours
    if not _same(Path(prefix), interpreter.path):
        return f"it looks for its files in {prefix}"
    return ""


def _kept_out(facts: dict[str, Any], interpreter: Installation) -> list[str]:
    """The modules which Python itself does not load from where it is.

    Since 3.12 it remembers extension modules by their path in UTF-8 (CPython, Python/import.c,
    hashtable_key_from_2_strings), and so loads none from a path that cannot be written so.
    """
    try:
        os.fsencode(interpreter.path).decode()
    except UnicodeDecodeError:
        return [name for name, why in facts["missing"].items() if why.startswith("UnicodeEncodeError:")]
    return []


def _is_version(text: str, key: Key) -> bool:
    """GraalPy's releases are published with the minor version alone, `3.11.0` for any 3.11."""
    if key.implementation is Implementation.GRAALPY:
        return text.startswith(f"{key.version.major}.{key.version.minor}.")
    return text == str(key.version)


def _same(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121 - Path.samefile is not cheaper, only longer
    except OSError:
        return False


def _error(key: Key, why: str) -> DoesNotRunError:
    return DoesNotRunError(f"{key} does not run here: {why}", _HINT)
