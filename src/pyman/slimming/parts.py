"""The parts of a Python that can be left out: their names, what belongs to each, which modules go with it."""

from collections.abc import Iterable
from typing import NamedTuple

from pyman.errors import UsageError

# In patterns: the folder of the standard library, and that of its extension modules.
LIB = "<lib>"
EXTENSIONS = "<extensions>"
# What a part is that is not told by the names of files.
DEBUG = "debug"
ENSUREPIP = "ensurepip"
LIBPYTHON = "libpython"
PIP = "pip"

# Extension modules that are there to be tested, by their names without a tag.
OF_TESTS = ("_ctypes_test", "_test[a-z]*", "_xxtestfuzz", "xxlimited*", "xxsubtype")


class Part(NamedTuple):
    """A part: its name, what it is in a few words, and the files that belong to it.

    `paths` are patterns of names below the installation; files and whole folders. `modules` are those that
    people import and miss. `needs` names parts without which it is of no use.
    """

    name: str
    about: str
    paths: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    in_slim: bool = True


PARTS = (
    Part(
        "tests",
        "test suites and extension modules for them",
        (
            f"{LIB}/test",
            *(
                f"{LIB}/{package}/{tests}"
                for package in ("ctypes", "distutils", "lib2to3", "sqlite3", "tkinter", "unittest")
                for tests in ("test", "tests")
            ),
            f"{LIB}/idlelib/idle_test",
            *(f"{EXTENSIONS}/{name}.*" for name in OF_TESTS),
        ),
        ("test",),
    ),
    Part(
        "idle",
        "IDLE, the editor",
        (f"{LIB}/idlelib", "bin/idle[0-9]*", "Scripts/idle*"),
        ("idlelib",),
        ("tkinter",),
    ),
    Part(
        "turtledemo",
        "the examples of turtle",
        (f"{LIB}/turtledemo",),
        ("turtledemo",),
        ("tkinter",),
    ),
    Part(
        "tkinter",
        "tkinter, turtle and Tcl/Tk",
        (
            f"{LIB}/tkinter",
            f"{LIB}/turtle.py",
            f"{LIB}/__pycache__/turtle.*",
            f"{LIB}/_tkinter",
            f"{EXTENSIONS}/_tkinter.*",
            *(f"lib/{name}[0-9]*" for name in ("tcl", "tk", "itcl", "thread", "tdbc*", "Tix")),
            "lib/libtcl*",
            "lib/libtk*",
            "DLLs/tcl*.dll",
            "DLLs/tk*.dll",
            "tcl",
        ),
        ("tkinter", "_tkinter", "turtle"),
    ),
    Part("pydoc-data", "the texts of help('if') and the like", (f"{LIB}/pydoc_data",), ("pydoc_data",)),
    Part("lib2to3", "lib2to3 and 2to3", (f"{LIB}/lib2to3", "bin/2to3*", "Scripts/2to3*"), ("lib2to3",)),
    Part("static", "static libraries", ("lib/*.a", f"{LIB}/config-*/*.a", f"{LIB}/config-*/*.o")),
    Part("headers", "C headers: extensions cannot be compiled without", ("include", "libs")),
    Part("pkg-config", "what pkg-config and python3-config say", ("lib/pkgconfig", "bin/python*-config")),
    # Not its libraries, which are static ones.
    Part("config", "the folder config-…: how this Python was built", (f"{LIB}/config-*/*[!ao]",)),
    Part(LIBPYTHON, "the shared libpython, where the interpreter does not load it", ("lib/libpython*",)),
    Part(ENSUREPIP, "the wheels of ensurepip: environments get the pip that is there"),
    Part(
        PIP,
        "pip (and setuptools, where that came with it)",
        (
            *(f"{LIB}/site-packages/{name}" for name in ("pip", "setuptools", "pkg_resources")),
            *(f"{LIB}/site-packages/{name}-*.dist-info" for name in ("pip", "setuptools")),
            f"{LIB}/site-packages/_distutils_hack",
            f"{LIB}/site-packages/distutils-precedence.pth",
            "bin/pip[0-9]*",
            "bin/pip",
            "Scripts/pip*",
        ),
        in_slim=False,
    ),
    Part("man", "manual pages and other documents", ("share/man", "share/doc")),
    Part("terminfo", "descriptions of terminals", ("share/terminfo",)),
    # The latter are PyPy's and those of Windows.
    Part(
        DEBUG,
        "debug sections of programs and libraries, and files with nothing else",
        ("bin/*.debug", "*.pdb", "DLLs/*.pdb"),
    ),
)
NAMES = tuple(sorted(part.name for part in PARTS))
_BY_NAME = {part.name: part for part in PARTS}


def named(texts: Iterable[str], option: str) -> frozenset[str]:
    """Return the names of parts in `texts`, in each several with commas between them.

    Raises UsageError, which lists the parts and speaks of `option`, for a name that is none.
    """
    names = frozenset(name.strip() for text in texts for name in text.split(",") if name.strip())
    if unknown := sorted(names - _BY_NAME.keys()):
        raise UsageError(f"{option}: there is no part {', '.join(unknown)}", f"Parts: {', '.join(NAMES)}.")
    return names


def left_out(*, slim: bool, keep: Iterable[str], drop: Iterable[str]) -> tuple[Part, ...]:
    """Return the parts to leave out, in their order.

    What is kept brings what it needs. Names that are unknown, which a newer pyman may have recorded, do
    nothing.
    """
    kept, dropped = set(keep), set(drop)
    for part in PARTS:  # what is needed stands behind what needs it
        if part.name in kept:
            kept |= set(part.needs) - dropped
    return tuple(
        part for part in PARTS if part.name in dropped or (slim and part.in_slim and part.name not in kept)
    )
