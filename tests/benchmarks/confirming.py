"""Whether what was measured has happened: a tree holds what is in the archive, and its interpreter starts."""

import hashlib
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

# Of all bytes: what an installer rewrites for the place (sysconfig, launchers) and leaves out is far less.
_TOLERANCE = 0.01
_TOLD = 2000  # characters


class Content(NamedTuple):
    """The regular files of an archive by their names, with their sizes, and the digest of its interpreter."""

    files: Mapping[str, int]
    interpreter: str
    digest: str


def content_of(archive: Path, minor: str) -> Content:
    """Read an archive: one member after the other, for this program is to stay small."""
    interpreter, files, digest = f"bin/python{minor}", dict[str, int](), ""
    with tarfile.open(archive, "r|gz") as tar:
        for member in tar:
            if not member.isreg():
                continue
            name = member.name.partition("/")[2]
            files[name] = member.size
            if name == interpreter and (file := tar.extractfile(member)):
                digest = hashlib.sha256(file.read()).hexdigest()
    return Content(files, interpreter, digest)


def confirm(tree: Path, content: Content, *, runs_here: bool) -> None:
    """RuntimeError unless the tree holds the archive's files, all of them, and if it `runs_here` starts."""
    try:
        sizes = {name: (tree / name).stat().st_size for name in content.files}
        digest = hashlib.sha256((tree / content.interpreter).read_bytes()).hexdigest()
    except OSError as error:
        raise RuntimeError(f"not all of it was installed: {error}") from None
    there, wanted = sum(sizes.values()), sum(content.files.values())
    if abs(there - wanted) > wanted * _TOLERANCE or digest != content.digest:
        raise RuntimeError(f"{tree} is another build, or a part of one: {there} bytes for {wanted}")
    if runs_here:
        starts(tree / content.interpreter)


def starts(interpreter: Path) -> None:
    """RuntimeError unless the interpreter starts."""
    command: list[str | Path] = [
        interpreter,
        "-B",
        "-c",
        "import math, time",
    ]  # -B: no bytecode is left in the tree
    done = subprocess.run(command, env={}, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"{interpreter} does not start: {done.stderr[-_TOLD:]}")
