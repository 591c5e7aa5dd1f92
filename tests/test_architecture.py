"""The module map of the design: who may import whom, and what start-up costs."""

import ast
import os
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from tests.builds import Archive
from tests.imports import loaded, started
from tests.stores import lay

SOURCE = Path(__file__).parents[1] / "src" / "pyman"

# A module imports only from those above it. A new module is put where it belongs.
ORDER = [
    "errors",
    "filesystem",
    "groups",
    "folder",
    "emptying",
    "address",
    "stopping",
    "regular_file",
    "processes",
    "pyvenv",
    "userdirs",
    "version",
    "target",
    "key",
    "advisories",
    "suggest",
    "grammar",
    "request",
    "metadata",
    "own_form",
    "uv_form",
    "together",
    "learned",
    "vulnerabilities",
    "elf",
    "detect",
    "record",
    "store",
    "manifest",
    "select",
    "listing",
    "lifecycle",
    "known_links",
    "links",
    "modes",
    "access",
    "premises",
    "stages",
    "owner",
    "claims",
    "locks",
    "changes",
    "network",
    "fetch",
    "cache_folder",
    "cache",
    "pipeline",
    "allowance",
    "names",
    "tar",
    "inflate",
    "unzip",
    "tree",
    "unpacking",
    "archive",
    "prepare",
    "staged",
    "pins",
    "loader_messages",
    "reporter",
    "smoke",
    "bytecode",
    "installer",
    "given_metadata",
    "catalogue",
    "refresh_state",
    "release_index",
    "learning",
    "refresh",
    "refreshing",
    "environments",
    "environment_places",
    "remembered",
    "in_use",
    "execute",
    "explanation",
    "places",
    "plan",
    "project",
    "registered",
    "removal",
    "repin",
    "shells",
    "ancestors",
    "spelling",
    "interpreter",
    "interview",
    "answers",
    "startup_file",
    "upkeep",
    "cache_upkeep",
    "exposure",
    "audit",
    "user_path",
    "additions",
    "verification",
    "virtualenv",
    "portable",
    "discover",
    "manual",
    "api",
    "wanted",
    "finder",
    "windows_registry",
    "ui",
    "lines",
    "progress",
    "cli",
]
# Foreign packages and who owns them: nobody else imports them.
OWNERS = {
    "httpx": {"fetch"},
    "filelock": {"locks"},
    "rich": {"progress"},
    "backports": {"inflate"},
    "compression": {"inflate"},
    "zlib_ng": {"inflate"},
    "packaging": {"request", "portable"},
    "platformdirs": {"userdirs"},
    "click": {"cli", "ui"},
}
PROGRAMS = {"metadata_fetcher", "bootstrap"}
HEAVY = {"httpx", "rich", "filelock", "platformdirs", "packaging", "asyncio", "ssl", "importlib.metadata"}


def module_of(path: Path) -> str:
    """Return the name a module goes by in ORDER: its own, or that of the package it is in."""
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


def ours_of(path: Path) -> set[str]:
    """Return the modules of pyman that the file imports."""
    return {name.split(".")[1] for name in imports_of(path) if name.startswith("pyman.")} - {"__version__"}


def modules() -> list[Path]:
    """Return the files of pyman itself, without the programs of their own."""
    outside = {"__init__", "__main__", *PROGRAMS}
    return [path for path in sorted(SOURCE.rglob("*.py")) if module_of(path) not in outside]


def identify(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def fitting_order() -> list[str]:
    """Return an order in which every module stands below those it imports; CycleError when there is none."""
    graph: dict[str, set[str]] = {}
    for path in modules():
        graph.setdefault(module_of(path), set()).update(ours_of(path) - {module_of(path)})
    return list(TopologicalSorter(graph).static_order())


def test_each_module_has_its_place() -> None:
    assert {module_of(path) for path in modules()} == set(ORDER), f"this would fit: {fitting_order()}"


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_imports_only_from_above(path: Path) -> None:
    here = module_of(path)
    assert here in ORDER, "it has no place yet"
    above = set(ORDER[: ORDER.index(here)]) | ({here} if path.parent != SOURCE else set())
    assert ours_of(path) <= above


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_foreign_packages_have_owners(path: Path) -> None:
    taken = {name.split(".")[0] for name in imports_of(path)} & OWNERS.keys()
    assert {name for name in taken if module_of(path) not in OWNERS[name]} == set()


@pytest.mark.parametrize("path", modules(), ids=identify)
def test_programs_of_their_own_are_imported_by_nobody(path: Path) -> None:
    assert not ours_of(path) & PROGRAMS


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
        ("list --only-available 3.12", 0, "metadata"),
        ("verify", 0, "verification"),
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
        ("--version", {"dataclasses", "json", "pathlib", "pyman.key"}),
        ("find 3.12 --managed-only --show-version", {"dataclasses", "pyman.discover", "pyman.interview"}),
        ("list --only-available", {"dataclasses", "pyman.network", "pyman.uv_form"}),
    ],
    ids=["version", "find", "list"],
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
