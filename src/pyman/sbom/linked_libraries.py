"""The libraries in a Python: which there are, and their versions as far as the interpreter tells them.

Builds for another machine are not started: of those only the files of extension modules tell something.
"""

import ast
import subprocess
from typing import NamedTuple

from pyman.builds.target import Libc
from pyman.installer import smoke, staged_python
from pyman.sbom import cyclonedx
from pyman.sbom.cyclonedx import Part
from pyman.store.installations import Installation

_SECONDS = 60
_MARK = "pyman-libraries "


class _Library(NamedTuple):
    """What is known of a library: its licence, its name in lists of vulnerabilities, and who needs it.

    `licence` is an SPDX identifier, or words where it is another one in other versions.
    """

    licence: str
    cpe: str
    module: str


_KNOWN = {
    "openssl": _Library("Apache-2.0", "openssl:openssl", "_ssl"),
    "sqlite": _Library("blessing", "sqlite:sqlite", "_sqlite3"),
    "zlib": _Library("Zlib", "zlib:zlib", "zlib"),
    "zlib-ng": _Library("Zlib", "", ""),
    "expat": _Library("MIT", "libexpat_project:libexpat", "pyexpat"),
    "mpdecimal": _Library("BSD-2-Clause", "", "_decimal"),
    "bzip2": _Library("bzip2-1.0.6", "bzip:bzip2", "_bz2"),
    "xz": _Library("0BSD, public domain before 5.6", "tukaani:xz", "_lzma"),
    "zstd": _Library("BSD-3-Clause", "facebook:zstandard", "_zstd"),
    "libffi": _Library("MIT", "libffi_project:libffi", "_ctypes"),
    "ncurses": _Library("X11-distribute-modifications-variant", "gnu:ncurses", "_curses"),
    "readline": _Library("GPL-3.0-or-later", "gnu:readline", ""),
    "libedit": _Library("BSD-3-Clause", "", ""),
    "tcl": _Library("TCL", "tcl:tcl", "_tkinter"),
    "tk": _Library("TCL", "", "_tkinter"),
    "libuuid": _Library("BSD-3-Clause", "", ""),
    "gdbm": _Library("GPL-3.0-or-later", "gnu:gdbm", "_gdbm"),
    "berkeley-db": _Library("Sleepycat, AGPL-3.0 since 6.0.20", "", ""),
    "musl": _Library("MIT", "musl-libc:musl", ""),
}
# Each function imports what needs a library, and tells the library's name and version, "" if that is unknown.
# What is mapped from outside of the installation is the system's. Runs on Python 3.8 and later.
_PROGRAM = f"""\
import os, sys
def openssl():
    import _ssl
    name, version = _ssl.OPENSSL_VERSION.split()[:2]
    return name.lower(), version
def sqlite():
    import _sqlite3
    return "sqlite", _sqlite3.sqlite_version
def zlib():
    import zlib
    version = zlib.ZLIB_RUNTIME_VERSION
    if "ng" in version:
        return "zlib-ng", getattr(zlib, "ZLIBNG_VERSION", "")
    return "zlib", version
def expat():
    import pyexpat
    return "expat", pyexpat.EXPAT_VERSION.replace("expat_", "")
def mpdecimal():
    import _decimal
    return "mpdecimal", getattr(_decimal, "__libmpdec_version__", "")
def bzip2():
    import _bz2, re
    with open(getattr(_bz2, "__file__", None) or sys.executable, "rb") as file:
        found = re.search(rb"(1\\.[0-9]+\\.[0-9]+), [0-9]+-[A-Z][a-z]+-[0-9]{{4}}", file.read())
    return "bzip2", found.group(1).decode() if found else ""
def xz():
    import _lzma
    return "xz", ""
def zstd():
    import _zstd
    return "zstd", _zstd.zstd_version
def libffi():
    import _ctypes
    return "libffi", ""
def ncurses():
    import _curses
    found = getattr(_curses, "ncurses_version", None)
    return "ncurses", "%d.%d-%d" % tuple(found) if found else ""
def readline():
    import readline
    if "libedit" in (readline.__doc__ or "") or getattr(readline, "backend", "") == "editline":
        return "libedit", ""
    return "readline", getattr(readline, "_READLINE_LIBRARY_VERSION", "")
def tcl():
    import _tkinter
    try:
        import tkinter
        return "tcl", str(tkinter.Tcl().call("info", "patchlevel"))
    except Exception:
        return "tcl", _tkinter.TCL_VERSION
def tk():
    import _tkinter
    return "tk", _tkinter.TK_VERSION
def libuuid():
    import _uuid
    return "libuuid" if sys.platform == "linux" else "", ""
def gdbm():
    import _gdbm
    return "gdbm", ".".join(map(str, getattr(_gdbm, "_GDBM_VERSION", ())))
def berkeley_db():
    import _dbm
    return "berkeley-db" if "Berkeley" in _dbm.library else "", ""
files = {{"openssl": "ssl", "sqlite": "sqlite3", "zlib": "z", "bzip2": "bz2", "xz": "lzma", "libffi": "ffi",
         "libedit": "edit", "libuuid": "uuid", "mpdecimal": "mpdec", "berkeley-db": "db"}}
def mapped():
    prefix = os.path.realpath(sys.prefix) + "/"
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            paths = set(line.split(None, 5)[5].strip() for line in maps if "/" in line)
    except OSError:
        return []
    return [os.path.basename(path) for path in paths if not path.startswith(prefix)]
def is_outside(name, mapped):
    start = "lib" + files.get(name, name)
    ends = [file[len(start):] for file in mapped if file.startswith(start)]
    return any(not end[:1].isalpha() or end.startswith("w.") for end in ends)
found, outside = {{}}, []
# Tk's libraries come with others that Python itself does not use: it is the last.
for lot in ([openssl, sqlite, zlib, expat, mpdecimal, bzip2, xz, zstd, libffi, ncurses, readline, libuuid,
             gdbm, berkeley_db], [tcl, tk]):
    names = []
    for ask in lot:
        try:
            name, version = ask()
            names.append(name)
            found[name] = version
        except Exception:
            pass
    here = mapped()
    outside += [name for name in names if is_outside(name, here)]
found.pop("", None)
print()
print({_MARK!r} + ascii((found, outside)))
"""


class Asked(NamedTuple):
    """The components, and why the interpreter was not asked; empty if it was."""

    components: list[Part]
    why_not: str


def of(installation: Installation) -> Asked:
    """Return the libraries in an installation, by name; CancelledError if the user stops pyman meanwhile."""
    found, outside, why_not = _ask(installation)
    if why_not:
        found = dict.fromkeys(_seen(installation), "")
    key = installation.key
    if key.variant.static and key.target.libc is Libc.MUSL:
        found["musl"] = ""
    return Asked([_component(name, found[name], name in outside) for name in sorted(found)], why_not)


def _ask(installation: Installation) -> tuple[dict[str, str], list[str], str]:
    """Return the versions by name, what of it is the system's, and why it was not asked."""
    if not smoke.concerns(installation.key):
        return {}, [], f"it is for {installation.key.target}, and was not started on this machine"
    try:
        done = staged_python.run(installation, "-c", _PROGRAM, seconds=_SECONDS)
        answer = done.stdout.decode("ascii", "replace").rpartition(_MARK)[2]
        found, outside = ast.literal_eval(answer)
    except (OSError, subprocess.SubprocessError, ValueError, SyntaxError, TypeError):
        return {}, [], "it does not run on this machine"
    return {name: str(version) for name, version in found.items()}, outside, ""


def _seen(installation: Installation) -> list[str]:
    """Return the libraries which extension modules in files of their own need."""
    stdlib = installation.standard_library
    folders = [installation.path / "DLLs", *([stdlib / "lib-dynload"] if stdlib else [])]
    modules = {path.name.partition(".")[0] for folder in folders for path in folder.glob("*.*")}
    return [name for name, library in _KNOWN.items() if library.module and library.module in modules]


def _component(name: str, version: str, is_outside: bool) -> Part:  # noqa: FBT001 - one of three facts
    library = _KNOWN.get(name, _Library("", "", ""))
    licence = "OpenSSL" if name == "openssl" and version.startswith("1.") else library.licence
    found: Part = {"type": "library", "bom-ref": f"library:{name}", "name": name}
    if version:
        found["version"] = version
    if licence:
        found["licenses"] = [_licence(licence)]
    if library.cpe and version:
        found["cpe"] = f"cpe:2.3:a:{library.cpe}:{version.partition('-')[0]}:*:*:*:*:*:*:*"
    found["purl"] = f"pkg:generic/{name}" + (f"@{version}" if version else "")
    unknown = {} if version else {"version": "unknown"}
    return found | cyclonedx.properties(unknown | ({"provided-by": "the system"} if is_outside else {}))


def _licence(text: str) -> Part:
    return {"license": {"name": text}} if "," in text else cyclonedx.licensed(text)
