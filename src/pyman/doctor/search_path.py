"""PATH: whether the links are found by their names, or something else of the same name before them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyman.discovery.search_places import interpreters_in
from pyman.doctor.finding import Finding, Setup, is_folder, put
from pyman.store.known_links import is_gone, is_ours

# Who puts a folder `shims` on PATH: the folder that it is in, and the variable that names another one.
_SHIMS = {"pyenv": "PYENV_ROOT", "asdf": "ASDF_DATA_DIR", "mise": "MISE_DATA_DIR", "rye": "RYE_HOME"}
_SOME = 3


def missing(setup: Setup) -> Iterator[Finding]:
    """The directory of links is not on PATH, though there are links in it."""
    names = _linked(setup)
    if names and not _places(setup):
        yield Finding(
            f"{setup.bin_dir} is not on PATH",
            f"what pyman links there is not found by its name: {_listed(names)}",
            "pyman update-shell",
        )


def behind(setup: Setup) -> Iterator[Finding]:
    """A folder before that of the links has programs of the same names, or is another manager's."""
    names, places = _linked(setup), _places(setup)
    if not names or not places:
        return
    for folder in dict.fromkeys(setup.path[: places[0]]):
        manager = _manager(folder, setup.environ)
        taken = interpreters_in(folder) if manager else [name for name in names if _starts(folder, name)]
        if taken:
            whose = f" ({manager}'s)" if manager else ""
            yield Finding(
                f"{folder}{whose} stands before {setup.bin_dir} on PATH",
                f"from there are started, before pyman's: {_listed(taken)}. "
                "The start-up files of the shell set the order",
                put("PATH", os.pathsep.join(_first(setup, places))),
            )


def twice(setup: Setup) -> Iterator[Finding]:
    """The directory of links is on PATH several times."""
    places = _places(setup)
    if len(places) > 1:
        once = [folder for place, folder in enumerate(setup.path) if place not in places[1:]]
        yield Finding(
            f"{setup.bin_dir} is {len(places)} times on PATH",
            "several start-up files put it there, and which of them counts is easily mistaken",
            put("PATH", os.pathsep.join(once)),
        )


def _linked(setup: Setup) -> list[str]:
    """Return the names of the links that pyman has made and that lead somewhere, in order."""
    if not setup.store or not setup.bin_dir:
        return []
    try:
        links = sorted(setup.bin_dir.iterdir())
    except OSError:
        return []
    return [link.name for link in links if is_ours(link, setup.store) and not is_gone(link)]


def _places(setup: Setup) -> list[int]:
    """Where on PATH the directory of links is."""
    if not setup.bin_dir:
        return []
    wanted = os.path.realpath(setup.bin_dir)
    return [n for n, folder in enumerate(setup.path) if folder and os.path.realpath(folder) == wanted]


def _first(setup: Setup, places: list[int]) -> list[str]:
    rest = [folder for place, folder in enumerate(setup.path) if place not in places]
    return [setup.path[places[0]], *rest]


def _manager(folder: str, environ: Mapping[str, str]) -> str:
    """The other manager whose shims, or whose Python, are in a folder; "" for none."""
    path = Path(folder)
    if is_folder(path.parent / "conda-meta"):
        return "conda"
    if path.name != "shims":
        return ""
    told = (name for name, variable in _SHIMS.items() if environ.get(variable) == str(path.parent))
    return next(told, "") or next((name for name in _SHIMS if path.parent.name.lstrip(".") == name), "")


def _starts(folder: str, name: str) -> bool:
    program = Path(folder, name)
    return bool(folder) and os.access(program, os.X_OK) and program.is_file()


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SOME} more" if len(names) > _SOME else ""
    return ", ".join(names[:_SOME]) + more
