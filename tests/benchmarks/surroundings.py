"""Where measured programs live: a virtual environment with pyman and its rivals, and homes that are not real.

Nothing that is measured reads or writes the user's own home, or reaches further than this machine.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.builds import Archive

CHECKOUT = Path(__file__).parents[2]
# Beside the rivals an object store that speaks S3, for the fleet.
_RIVALS = ("uv", "pbs-installer[download,install]", "moto[server]")
_SYSTEM_PATH = "/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Programs:
    """A virtual environment in which pyman is installed as users have it, and its rivals."""

    prefix: Path

    @property
    def python(self) -> str:
        """Its Python."""
        return str(self.prefix / "bin" / "python")

    @property
    def pyman(self) -> str:
        """The command `pyman`."""
        return str(self.prefix / "bin" / "pyman")

    @property
    def uv(self) -> str:
        """The command `uv`."""
        return str(self.prefix / "bin" / "uv")

    def has(self, *arguments: str) -> bool:
        """Whether the command, which does nothing, works."""
        try:
            done = subprocess.run([*arguments], capture_output=True, check=False)
        except FileNotFoundError:
            return False
        return done.returncode == 0

    def versions(self) -> dict[str, str]:
        """Return the versions of what is measured, for the report."""
        code = (
            "import importlib.metadata as m, platform as p; d = m.distributions();"
            "v = {each.name: each.version for each in d};"
            "print(p.python_implementation(), p.python_version(), *(f'{n} {v[n]}'"
            " for n in ('pyman-cli', 'click', 'uv', 'pbs-installer') if n in v), sep=', ')"
        )
        done = subprocess.run([self.python, "-c", code], capture_output=True, encoding="utf-8", check=True)
        git: list[str | Path] = ["git", "-C", CHECKOUT, "describe", "--always", "--dirty"]
        commit = subprocess.run(git, capture_output=True, encoding="utf-8", check=False).stdout.strip()
        return {"programs": f"{done.stdout.strip()}, commit {commit or 'unknown'}"}


def make_programs(prefix: Path) -> Programs:
    """Make the environment at `prefix` from the package index: the one thing that needs a network.

    pyman is built from this checkout and installed with its bytecode, not as an editable one. Raises
    RuntimeError, with what pip said, when that fails.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for command in (
        [sys.executable, "-m", "venv", str(prefix)],
        [str(prefix / "bin" / "python"), "-m", "pip", "install", "--quiet", str(CHECKOUT), *_RIVALS],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return Programs(prefix)


@dataclass(frozen=True, slots=True)
class Home:
    """A user's home in the folder `root`, with the stores of all programs below it."""

    root: Path

    @property
    def store(self) -> Path:
        """The store of pyman."""
        return self.root / "pyman"

    @property
    def uv_store(self) -> Path:
        """Where uv has its installations."""
        return self.root / "uv"

    def tree(self, archive: Archive) -> Path:
        """Where pyman installs a build."""
        return self.store / archive.key

    def uv_tree(self, archive: Archive) -> Path:
        """Where uv installs it."""
        return self.uv_store / f"cpython-{archive.version}-{archive.target}"

    def environment(self, *first_on_path: Path, **more: str) -> dict[str, str]:
        """Return the whole environment of a program that this user starts."""
        return {
            "HOME": str(self.root / "home"),
            "XDG_DATA_HOME": str(self.root / "home" / "data"),
            "XDG_CONFIG_HOME": str(self.root / "home" / "config"),
            "XDG_CACHE_HOME": str(self.root / "home" / "cache"),
            "PATH": os.pathsep.join([*map(str, first_on_path), _SYSTEM_PATH]),
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.root / "home"),
            "PYMAN_HOME": str(self.store),
            "PYMAN_BIN_DIR": str(self.root / "pyman-bin"),
            "UV_PYTHON_INSTALL_DIR": str(self.uv_store),
            "UV_PYTHON_BIN_DIR": str(self.root / "uv-bin"),
            "UV_CACHE_DIR": str(self.root / "uv-cache"),
            "UV_NO_CONFIG": "1",
        } | more

    def clear(self) -> None:
        """Begin anew: nothing is installed, nothing is cached."""
        shutil.rmtree(self.root, ignore_errors=True)
        (self.root / "home").mkdir(parents=True)
