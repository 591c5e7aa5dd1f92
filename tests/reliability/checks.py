"""How an installation looks, and what is wrong with one or with the links of a store."""

import hashlib
import importlib.util
import json
import stat
from collections.abc import Iterable
from pathlib import Path

from tests.conftest import Pyman
from tests.reliability.runs import Forks

Tree = dict[str, str]
"""A directory: each name below it with kind, mode and content; of pyman's own record only that it is one."""

_RECORD = ".pyman.json"
VERIFIES = importlib.util.find_spec("pyman.commands.verify") is not None


def described(folder: Path) -> Tree:
    """Return how a directory looks, links not followed."""
    return {path.relative_to(folder).as_posix(): _described(path) for path in folder.rglob("*")}


def _described(path: Path) -> str:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        return f"link to {path.readlink()}"
    if stat.S_ISDIR(status.st_mode):
        return f"directory {status.st_mode & 0o777:o}"
    if path.name == _RECORD:
        return "record" if _is_record(path) else "damaged record"
    return f"file {status.st_mode & 0o777:o} {hashlib.sha256(path.read_bytes()).hexdigest()}"


def _is_record(path: Path) -> bool:
    try:
        return "sha256" in json.loads(path.read_bytes())
    except ValueError:
        return False


def damage(folder: Path, tree: Tree) -> list[str]:
    """Return what differs between a directory and how it should look, a few of the names."""
    found = described(folder)
    names = sorted(name for name in found.keys() | tree.keys() if found.get(name) != tree.get(name))
    return [
        f"{folder.name}/{name} is {found.get(name, 'missing')}, should be {tree.get(name, 'not there')}"
        for name in names[:5]
    ]


def losses(pyman: Pyman, trees: dict[str, Tree], kept: Iterable[str]) -> list[str]:
    """Return what is wrong with what a store shows: of the builds of `trees` it must show those of `kept`."""
    visible = pyman.installed()
    wrong = [f"{key} is gone" for key in kept if key not in visible]
    for key in visible:
        wrong += damage(pyman.store / key, trees[key]) if key in trees else [f"{key} is there"]
    return wrong + dangling(pyman)


def dangling(pyman: Pyman) -> list[str]:
    """Return the links, in the store and in the folder of links, that lead nowhere."""
    links = [
        path
        for folder in (pyman.store, pyman.bin)
        if folder.is_dir()
        for path in folder.iterdir()
        # One with a dot before its name is being made; nobody goes by it.
        if path.is_symlink() and not path.name.startswith(".")
    ]
    return [f"the link {path.name} leads nowhere: {path.readlink()}" for path in links if not path.exists()]


def unverified(forks: Forks, pyman: Pyman) -> list[str]:
    """Return what `pyman verify` has to say against the store; nothing where there is no such command."""
    if not VERIFIES:
        return []
    done = forks.run(pyman, "verify", "--json")
    return [f"verify ends with {done.code}: {done.stdout[:500]} {done.stderr[:500]}"] if done.code else []


def unswept(pyman: Pyman) -> list[str]:
    """Return what lies in the staging area."""
    left = pyman.leftovers()
    return [f".staging is not swept: {', '.join(left[:3])}"] if left else []
