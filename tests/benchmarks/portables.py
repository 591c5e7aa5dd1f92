"""The portable pymans of this checkout, made as they are released."""

import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.releases import Releases, UnavailableError
from tests.benchmarks.surroundings import CHECKOUT
from tests.support.archives import extract

MUSL, GNU = "linux-x86_64-musl", "linux-x86_64-gnu"


@dataclass(frozen=True, slots=True)
class Portables:
    """What was made in `folder`, install.sh as well; `unpacked` is the command for this machine."""

    folder: Path
    unpacked: Path

    def archive(self, target: str) -> Path:
        """Return the one for a target."""
        return next(self.folder.glob(f"pyman-*-{target}.tar.gz"))


def make_portables(python: str, releases: Releases, compiler: Path, folder: Path) -> Portables:
    """Make both out of the fixtures, with wheels from the index; UnavailableError where it cannot be.

    `compiler` is the interpreter that makes their bytecode.
    """
    archives = (releases.file(releases.gnu_313), releases.file(releases.musl_17_mb))
    options = [f"--archive={path}" for path in archives]
    done = subprocess.run(
        [python, "-m", "pyman.bootstrap", *options, "--out", folder, "--compile-with", compiler],
        cwd=CHECKOUT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise UnavailableError(f"no portable pyman could be made: {done.stderr.strip()[-200:]}")
    made = Portables(folder, folder / "pyman" / "bin" / "pyman")
    with tarfile.open(made.archive(GNU)) as tar:
        extract(tar, folder)
    return made
