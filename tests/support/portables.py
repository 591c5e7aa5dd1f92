"""The portable pymans, pyman.pyz and install.sh, made once for all tests out of the fixtures."""

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import requires
from pathlib import Path

from filelock import FileLock
from tests.conftest import Result, checked, fixture_archive
from tests.support import needs
from tests.support.archives import extract
from tests.support.package_index import pip

GNU = "linux-x86_64-gnu"
MUSL = "linux-x86_64-musl"
HERE = MUSL if needs.MUSL else GNU
EPOCH = "1700000000"
_FAST = ("zlib-ng", "backports.zstd")


@dataclass(frozen=True, slots=True)
class Made:
    """A folder with what was made, the wheels that it was made of, and what was said of it."""

    folder: Path
    wheels: Path
    told: str

    def archive(self, target: str) -> Path:
        """The portable pyman for a target."""
        (found,) = self.folder.glob(f"pyman-*-{target}.tar.gz")
        return found


def make(fixtures: Path, shared: Path) -> Made:
    """Return what was made in the folder `shared`; the first who comes makes it."""
    made = Made(shared / "portables" / "dist", shared / "portables" / "wheels", "")
    told = shared / "portables" / "told"
    with FileLock(shared / "portables.lock"):
        if not told.exists():
            _download(made.wheels)
            done = bootstrap(*archives(fixtures), "--wheels", made.wheels, "--out", made.folder)
            told.write_text(done.stderr, encoding="utf-8")
    return Made(made.folder, made.wheels, told.read_text(encoding="utf-8"))


def archives(fixtures: Path) -> list[str]:
    """Return the options that name the interpreters. The first one runs here, and compiles for the second."""
    names = ["cpython-3.13.0+", "linux-musl-install_only_stripped"]
    found = (fixture_archive(fixtures, name) for name in (names[::-1] if needs.MUSL else names))
    return [f"--archive={path}" for path in found]


def bootstrap(*arguments: str | Path, code: int = 0, env: Mapping[str, str] | None = None) -> Result:
    """Run the program that makes it."""
    done = subprocess.run(
        [sys.executable, "-m", "pyman.bootstrap", *map(str, arguments)],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    return checked(Result(done.stdout, done.stderr, done.returncode), code)


def _download(folder: Path) -> None:
    """Download the wheels outside the seal, for this needs the package index."""
    own = [each for each in requires("pyman-cli") or [] if "extra ==" not in each]
    names = [re.split("[;]", each)[0].strip() for each in own]
    for tag, wanted in (("musllinux_1_2_x86_64", names), ("manylinux_2_17_x86_64", ["--no-deps", *_FAST])):
        options = [
            "--only-binary=:all:",
            "--python-version",
            "3.13",
            "--platform",
            tag,
            "--dest",
            str(folder),
        ]
        pip("download", *options, *wanted)


def unpack(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        extract(tar, folder)
    return folder / "pyman"


def run(
    program: str | Path,
    *arguments: str | Path,
    env: Mapping[str, str],
    code: int = 0,
    cwd: Path | None = None,
    user: int | None = None,
) -> Result:
    """Start a program with these variables and no others."""
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        env=dict(env),
        cwd=cwd,
        user=user,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    return checked(Result(done.stdout, done.stderr, done.returncode), code)


def at_home(home: Path, **more: str) -> dict[str, str]:
    home.mkdir(exist_ok=True)
    return {"HOME": str(home), "PATH": "/usr/bin:/bin", **more}
