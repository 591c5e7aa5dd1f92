"""What pyman's own interpreter can do without: it only runs pyman.

What a part is needed for is tried, not guessed: the tests import every module of pyman and of its
dependencies in the portable pyman, and install with it.
"""

import re
import shutil
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

from pyman.bootstrap.own_interpreter import Interpreter
from pyman.builds.target import Os
from pyman.slimming.libraries import loaded
from pyman.slimming.parts import OF_TESTS

# Of the standard library: what tests, teaches, draws, debugs, serves, speaks protocols that pyman does not,
# or only does what an extension module does as well.
_MODULES = frozenset(
    """
    __hello__ __phello__ _aix_support _android_support _ios_support _pydatetime _pydecimal _pyio _pyrepl
    antigravity bdb cProfile cgi cgitb code codeop compileall crypt curses dbm distutils doctest ensurepip
    fileinput ftplib idlelib imaplib lib2to3 mailbox mailcap modulefinder msilib nntplib pdb pickletools
    poplib profile pstats pyclbr pydoc pydoc_data rlcompleter sched shelve smtplib sqlite3 symtable tabnanny
    telnetlib test this timeit tkinter trace tracemalloc turtle turtledemo unittest venv wave webbrowser
    wsgiref xdrlib xmlrpc zipapp
    """.split()  # noqa: SIM905 - a list of names is read like this
)
# Of the extension modules, by their names without a tag; those for tests go as well.
_EXTENSIONS = re.compile(
    r"_(codecs_\w+|crypt|curses|curses_panel|dbm|gdbm|lsprof|multibytecodec"
    r"|posixshmem|sqlite3|tkinter|uuid|zoneinfo)"
    r"|audioop|nis|ossaudiodev|readline|spwd"
)
_SITE_PACKAGES = "site-packages"
# What Windows has beside its Python: its DLLs, and some that the extension modules need.
_WINDOWS = re.compile(r"python\.exe|.*\.dll|DLLs|Lib|LICENSE\.txt", re.IGNORECASE)


def slim(interpreter: Interpreter) -> None:
    """Remove from the tree what pyman does not need; the names `python3` and `python3.13` stay."""
    tree, stdlib = interpreter.installation.path, _standard_library(interpreter)
    if interpreter.key.target.os is Os.WINDOWS:
        _keep(tree, lambda path: bool(_WINDOWS.fullmatch(path.name)))
        _thin(tree / "DLLs")
    else:
        _keep(tree, lambda path: path.name in ("bin", "lib"))
        _keep(tree / "bin", lambda path: path.name in _programs(interpreter))
        _keep(tree / "lib", lambda path: path == stdlib or _is_library(path))
        _thin(stdlib / "lib-dynload")
    _keep(stdlib, lambda path: path.name.removesuffix(".py") not in _MODULES and _is_module(path))
    _keep(stdlib / _SITE_PACKAGES, lambda _: False)
    for cached in [*tree.rglob("__pycache__")]:
        shutil.rmtree(cached)
    if interpreter.key.target.os is not Os.WINDOWS:
        _drop_libraries_nobody_loads(tree)


def site_packages(interpreter: Interpreter) -> Path:
    """Return the folder for what is installed with the interpreter."""
    return _standard_library(interpreter) / _SITE_PACKAGES


def _standard_library(interpreter: Interpreter) -> Path:
    stdlib = interpreter.installation.standard_library
    assert stdlib, f"{interpreter.key} has no standard library"  # noqa: S101 - archives of builds have one
    return stdlib


def _programs(interpreter: Interpreter) -> tuple[str, ...]:
    return ("python3", interpreter.installation.executable.name)


def _is_library(path: Path) -> bool:
    return path.is_file() and (".so" in path.suffixes or path.suffix == ".dylib")


def _is_module(path: Path) -> bool:
    """A package, a module or the folder of extension modules; the folder `config-…` is for embedding."""
    return (
        path.suffix == ".py"
        or path.name == "LICENSE.txt"
        or (path.is_dir() and "-" not in path.name)
        or (path.name in ("lib-dynload", _SITE_PACKAGES))
    )


def _thin(folder: Path) -> None:
    """Remove extension modules; `_ssl.cpython-313-x86_64-linux-musl.so` is the module `_ssl`."""
    for path in [*folder.glob("*")]:
        name = path.name.partition(".")[0]
        if _EXTENSIONS.fullmatch(name) or any(fnmatchcase(name, pattern) for pattern in OF_TESTS):
            path.unlink()


def _drop_libraries_nobody_loads(tree: Path) -> None:
    """Remove the shared libraries that no program and no library that stays loads."""
    libraries = [path for path in (tree / "lib").glob("*") if path.is_file() and not path.is_symlink()]
    needed = loaded([*(tree / "bin").iterdir(), *(tree / "lib").rglob("lib-dynload/*")], libraries)
    for path in (tree / "lib").glob("*"):
        if not path.is_dir() and path not in needed:
            path.unlink()


def _keep(folder: Path, is_kept: Callable[[Path], bool]) -> None:
    for path in [*folder.glob("*")]:
        if is_kept(path):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
