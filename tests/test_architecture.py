"""The house: its rooms in their order, what holds for each, and what start-up costs."""

import ast
import os
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from tests.conftest import CHECKOUT
from tests.support.builds import Archive
from tests.support.imports import loaded, started
from tests.support.stores import lay

import pyman

SOURCE = Path(__file__).parents[1] / "src" / "pyman"

# The rooms of the house, from the ground up: a package imports only from those above it in this list. What
# each owns stands in its `__init__.py`.
ORDER = [
    "errors",  # the errors that are raised on purpose
    "builds",  # what a build is called
    "system",  # what the operating system gives
    "config",  # settings, and who has the say
    "machine",  # what this machine is
    "requests",  # what a user may type
    "archive",  # an archive into a tree, safely
    "network",  # verified bytes from an address
    "reading",  # archives as they come, in a process of its own
    "catalogue",  # which builds there are
    "release_index",  # the build project's list, understood
    "locking",  # one process at a time
    "store",  # the managed directory
    "inventory",  # what an installation consists of, and whether it still does
    "environments",  # which virtual environments use it
    "project",  # what a project asks for
    "choice",  # which build a request gets, and why
    "lockfile",  # exact builds in a file
    "portable",  # pyman with an interpreter of its own
    "bundle",  # archives and metadata in one file
    "discovery",  # which Python would be used
    "remembered",  # what was found, so that a shell can read it
    "refresh",  # builds that are newer than this pyman
    "prepare",  # what is changed in an unpacked tree
    "slimming",  # which parts can be left out of it
    "prefix",  # an exact directory with a Python in it
    "installer",  # the sequence of an install
    "mirror",  # a folder from which others install
    "sbom",  # what an installation consists of
    "upkeep",  # what is outdated, superseded, known to be bad
    "shell",  # PATH and start-up files
    "env_making",  # a virtual environment, made whole or not at all
    "shims",  # scripts that are called `python`
    "doctor",  # what is wrong with a machine's set-up
    "report",  # what people see
    "cli",  # the command line: what the commands share
    "exact",  # the command line: locks, and what was brought along
    "commands",  # one file a command
    "api",  # the same for other programs
    "plugin",  # pyman inside virtualenv, which loads it
]
# Programs of their own, which nobody imports.
PROGRAMS = {"metadata_fetcher", "bootstrap"}
# Foreign packages and who owns them: nobody else imports them.
OWNERS = {
    "httpx": {"network"},
    "httpcore": {"network"},
    "filelock": {"locking"},
    "rich": {"report"},
    "backports": {"archive"},
    "compression": {"archive"},
    "zlib_ng": {"archive"},
    "tomlkit": {"lockfile"},
    "packaging": {"requests", "portable"},
    "platformdirs": {"system"},
    "click": {"cli", "commands", "exact", "report"},
    "virtualenv": {"plugin"},
}
HEAVY = {"httpx", "rich", "filelock", "platformdirs", "packaging", "asyncio", "ssl", "importlib.metadata"}
AT_THE_TOP = {"__init__.py", "__main__.py", "api.py", "errors.py", "py.typed"}
FEWEST, MOST = 2, 14  # modules of a package
# One file a command, however many there are; a program's files are read by nobody else.
AS_MANY_AS_IT_TAKES = {"commands"}


def room_of(path: Path) -> str:
    """Return the package that a file is in; a module at the top is a room of its own."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[str]:
    """Yield the full name of each module that is imported anywhere in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_used(path: Path) -> set[str]:
    """Return the packages of pyman from which the file imports."""
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("pyman.")} - {"__version__"}


def modules() -> list[Path]:
    """Return the files of pyman itself, without the programs of their own."""
    outside = {"__init__", "__main__", *PROGRAMS}
    return [path for path in sorted(SOURCE.rglob("*.py")) if room_of(path) not in outside]


def packages() -> list[Path]:
    """Return the folders of the packages, the programs of their own too."""
    return sorted(path.parent for path in SOURCE.glob("*/__init__.py"))


def identify(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def fitting_order() -> list[str]:
    """Return an order in which every room stands below those it imports from; CycleError if there is none."""
    graph: dict[str, set[str]] = {}
    for path in modules():
        graph.setdefault(room_of(path), set()).update(rooms_used(path) - {room_of(path)})
    return list(TopologicalSorter(graph).static_order())


def test_each_room_has_its_place() -> None:
    rooms = {room_of(path) for path in modules()}
    assert rooms == set(ORDER), f"ORDER names each package once; this would fit: {fitting_order()}"


def test_the_readme_shows_them_all() -> None:
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    picture = text.partition("states the order.")[2].split("```")[1]
    named = {word for line in picture.splitlines() for word in line[:41].split()} - {"text"}
    assert named == set(ORDER)


def test_nothing_else_is_at_the_top() -> None:
    files = {path.name for path in SOURCE.iterdir() if path.is_file()} - {"download-metadata.json"}
    assert files == AT_THE_TOP, "a module goes into the package that owns what it does"


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_imports_only_from_rooms_below(path: Path) -> None:
    here = room_of(path)
    below = {*ORDER[: ORDER.index(here)], here}
    wrong = sorted(rooms_used(path) - below)
    assert not wrong, f"{identify(path)} imports from {', '.join(wrong)}, which ORDER has above {here}"


@pytest.mark.parametrize("path", packages(), ids=identify)
def test_each_package_says_what_it_owns_and_where_to_begin(path: Path) -> None:
    text = (path / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), f"{path.name}/__init__.py says in its docstring what the package owns"
    if path.name != "cli":  # which is where the command line begins
        assert len(tree.body) == 1, f"{path.name} is used through its modules: its __init__ has no code"
    begins = re.findall(r"`(?:python -m )?([a-z_.]+)`", text)
    names = {each.stem for each in path.glob("*.py")}
    assert names & {name.split(".")[-1] for name in begins} or path.name in {*PROGRAMS, "cli", "commands"}, (
        f"{path.name}/__init__.py names the module with which to begin reading"
    )


@pytest.mark.parametrize("path", packages(), ids=identify)
def test_a_package_is_neither_one_module_nor_a_crowd(path: Path) -> None:
    count = len([each for each in path.glob("*.py") if each.stem not in ("__init__", "__main__")])
    most = 99 if path.name in AS_MANY_AS_IT_TAKES else MOST
    assert FEWEST <= count <= most, f"{path.name} has {count} modules, not {FEWEST} to {MOST}"


def test_no_name_stands_for_two_things() -> None:
    # A command has the name of what it does, and so may the module that does it.
    paths = [path for path in SOURCE.glob("*/*.py") if path.parent.name != "commands"]
    seen = Counter(path.stem for path in paths if path.stem not in ("__init__", "__main__"))
    twice = sorted(name for name, count in seen.items() if count > 1)
    assert not twice, f"these names of modules stand in several packages: {', '.join(twice)}"


def test_what_other_programs_call_is_no_package() -> None:
    # `pyman.install` is a function: a package of that name would take its place as soon as it is imported.
    names = {path.name for path in packages()} & set(pyman.__all__)
    assert not names, f"pyman.{', '.join(names)} is what other programs call"


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_foreign_packages_have_owners(path: Path) -> None:
    taken = {name.split(".")[0] for name in imports_of(path)} & OWNERS.keys()
    wrong = sorted(name for name in taken if room_of(path) not in OWNERS[name])
    assert not wrong, f"{identify(path)} imports {', '.join(wrong)}, which belongs to another package"


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_programs_of_their_own_are_imported_by_nobody(path: Path) -> None:
    assert not rooms_used(path) & PROGRAMS


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_modules_and_functions_are_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    functions = [
        n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert text.count("\n") <= 250
    assert [f.name for f in functions if (f.end_lineno or 0) - f.lineno >= 40] == []


@pytest.mark.parametrize(
    ("command", "code", "module"),
    [
        ("list --only-available 3.12", 0, "catalogue.build"),
        ("verify", 0, "inventory.verification"),
        ("verify 3.12", 1, "cli.fitting"),
    ],
)
def test_what_only_reads_loads_nothing_heavy(command: str, code: int, module: str, tmp_path: Path) -> None:
    done = started(variables(tmp_path), "-m", "pyman", *command.split())
    assert done.returncode == code, done.stderr
    assert f"pyman.{module}" in loaded(done)
    assert loaded(done) & HEAVY == set()


# What these leave to other commands: each would be felt at every start.
@pytest.mark.parametrize(
    ("command", "left_out"),
    [
        ("--version", {"dataclasses", "json", "pathlib", "pyman.builds.key"}),
        (
            "find 3.12 --managed-only --show-version",
            {"dataclasses", "pyman.discovery.discover", "pyman.discovery.interview"},
        ),
        ("list --only-available", {"dataclasses", "pyman.network.policy", "pyman.catalogue.uv_form"}),
        (
            "run 3.12 true",
            {"dataclasses", "shlex", "shutil", "subprocess", "pyman.catalogue.build"},
        ),
    ],
    ids=["version", "find", "list", "run"],
)
def test_what_is_felt_is_left_to_those_who_need_it(command: str, left_out: set[str], tmp_path: Path) -> None:
    lay(tmp_path, Archive("3.12.1", "20240107", "linux-x86_64-gnu"))
    # Isolated: the seal, which is on PYTHONPATH, loads modules of its own.
    done = started(variables(tmp_path), "-I", "-m", "pyman", *command.split())
    assert done.returncode == 0, done.stderr
    click = started(variables(tmp_path), "-I", "-c", "import click")
    assert loaded(done) & left_out <= loaded(click)


def variables(store: Path) -> dict[str, str]:
    return {**os.environ, "PYMAN_TARGET": "linux-x86_64-gnu", "PYMAN_HOME": str(store)}
