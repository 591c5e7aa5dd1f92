"""The list of files in the record of an installation."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.catalogue.test_other_implementations import offer as offer_rows
from tests.catalogue.test_other_implementations import small
from tests.conftest import Offer, Pyman
from tests.support.builds import Archive, small_archive
from tests.support.repack import MINOR
from tests.support.server import Server

FOREIGN = "linux-riscv64-gnu"
HOWS = [
    (0, []),
    (1, []),
    (0, ["--compile-bytecode"]),
    (0, ["--no-externally-managed"]),
    (0, ["--no-smoke-test"]),
]


def found(root: Path) -> dict[str, Any]:
    """Return what is there, in the form of the list."""
    names = [
        Path(folder, name).relative_to(root).as_posix()
        for folder, folders, files in os.walk(root)
        for name in (*files, *(name for name in folders if Path(folder, name).is_symlink()))
    ]
    return {name: one(root / name) for name in sorted(names) if name != ".pyman.json"}


def one(path: Path) -> str | list[int | str]:
    if path.is_symlink():
        return path.readlink().as_posix()
    data = path.read_bytes()
    mark = ["x"] if os.name == "posix" and path.stat().st_mode & 0o100 else []
    return [len(data), hashlib.sha256(data).hexdigest(), *mark]


def record(root: Path) -> dict[str, Any]:
    document = json.loads((root / ".pyman.json").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    ("index", "options"), HOWS, ids=["tar.gz", "tar.zst", "bytecode", "no guard", "untested"]
)
def test_lists_everything_as_it_is_published(
    index: int, options: list[str], pyman: Pyman, real: list[Archive], offer: Offer
) -> None:
    offer(real[index])
    pyman("install", MINOR, *options)
    root = pyman.store / real[index].key
    assert record(root)["files"] == found(root)


def test_lists_what_was_installed_for_another_machine(pyman: Pyman, server: Server, offer: Offer) -> None:
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN))
    offer(archive)
    pyman("install", "3.13", "--target", FOREIGN)
    root = pyman.store / archive.key
    listed = record(root)["files"]
    assert listed == found(root)
    assert {"bin/python3", "lib/python3.13/os.py", "lib/python3.13/EXTERNALLY-MANAGED"} <= listed.keys()


@pytest.mark.parametrize("kind", ["zip", "tar.bz2"])
def test_lists_what_other_implementations_have(kind: str, pyman: Pyman, server: Server) -> None:
    row = small("pypy-3.11.13+7.3.99", "linux-aarch64-gnu", kind)
    offer_rows(pyman, server, row)
    pyman("install", "pypy@3.11", "--target", row.target)
    root = pyman.store / row.key
    assert record(root)["files"] == found(root)


def test_has_a_line_a_file_behind_what_people_look_for(pyman: Pyman, server: Server, offer: Offer) -> None:
    archive = small_archive(server.folder, Archive("3.13.5", "20250612", FOREIGN))
    offer(archive)
    pyman("install", "3.13", "--target", FOREIGN)
    root = pyman.store / archive.key
    lines = (root / ".pyman.json").read_text(encoding="utf-8").splitlines()
    at = lines.index(' "files": {')
    assert lines[1] == f' "key": "{archive.key}",'
    assert len(lines) - at - 3 == len(record(root)["files"]) > 3
    assert lines[at + 1] == '"bin/python": "python3.13",'
