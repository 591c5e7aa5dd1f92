# ruff: noqa: INP001 - a program, not a package
"""Tries an installed pyman as a user would, in an empty folder: `try_wheel.py PYMAN FIXTURES`.

It lists from the metadata in the wheel, and installs one of the fixtures from a server on 127.0.0.1.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.builds import Archive, own_form
from tests.support.server import serving


def main(pyman: str, fixtures: str) -> None:
    """List, install, run and uninstall with the program `pyman` in a home directory of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        home, releases = Path(scratch, "home"), Path(scratch, "releases")
        home.mkdir()
        (source,) = Path(fixtures).glob("cpython-3.12.*-linux-gnu-install_only_stripped.tar.gz")
        archive = Archive.of_file(source)
        (releases / archive.release).mkdir(parents=True)
        (releases / archive.path).symlink_to(source.resolve())
        with serving(releases) as server:
            (releases / "metadata.json").write_bytes(own_form([archive], server.url))
            run(home, pyman, "--version")
            run(home, pyman, "list")
            run(home, pyman, "install", "3.12", "--metadata", f"{server.url}/metadata.json")
        python = str(home / ".local" / "bin" / "python3.12")
        run(home, python, "-c", "import sqlite3, ssl, sys; print(sys.version, sys.prefix)")
        run(home, pyman, "list", "--only-installed")
        run(home, pyman, "audit", "--exit-zero")
        run(home, pyman, "uninstall", "3.12")
        left = [path.name for path in home.rglob("cpython-*") if not path.name.endswith(".lock")]
        if left:
            sys.exit(f"left behind: {left}")


def run(home: Path, *command: str) -> None:
    """Run a command in the empty home directory, with nothing of the checkout around it."""
    sys.stdout.write(f"$ {' '.join([Path(command[0]).name, *command[1:]])}\n")
    sys.stdout.flush()
    environment = {"HOME": str(home), "PATH": os.defpath}
    subprocess.run(command, cwd=home, env=environment, check=True)  # noqa: S603 - what CI has just built


main(*sys.argv[1:])
