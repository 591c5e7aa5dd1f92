"""`python -m tests.reliability` tells a pyman that loses something from one that does not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import CHECKOUT, ELSEWHERE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason=ELSEWHERE + "no forks and no signals")

# What pyman must not do: touch what is installed before its successor has come.
LOSSY = """\
import os, shutil, sys
from pathlib import Path

def lose(event, arguments):
    if event == "socket.connect" and "--reinstall" in sys.argv:
        for place in Path(os.environ["PYMAN_HOME"]).glob("cpython-3.13.*"):
            {what}

sys.addaudithook(lose)
"""
LOSSES = {
    "remove": "shutil.rmtree(place)",
    "spoil": "(place / 'lib/python3.13/os.py').write_text('')",
    "add": "(place / 'lib/python3.13/more.py').touch()",
    "change the mode": "(place / 'bin/python3.13').chmod(0o777)",
}
PROGRAM = (sys.executable, "-m", "tests.reliability")
REINSTALL = 1  # the number of a case that reinstalls, from a server which sends nothing that is right


def tried(folder: Path, *options: str, code: int, path: Path | None = None) -> tuple[dict[str, Any], str]:
    """Try one reinstall; returns the table and what was printed on stderr."""
    table = folder / "table.json"
    python = os.pathsep.join(map(str, filter(None, (path, os.environ.get("PYTHONPATH")))))
    done = subprocess.run(
        [*PROGRAM, "--only", "network", "--seed", "3", "--json", table, *options],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": python, "TMPDIR": str(folder)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == code, done.stderr
    return json.loads(table.read_bytes()), done.stderr


@pytest.mark.parametrize("what", LOSSES.values(), ids=LOSSES)
def test_what_is_lost_is_told(what: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(LOSSY.format(what=what), encoding="utf-8")
    table, told = tried(tmp_path, "--case", str(REINSTALL), code=1, path=tmp_path)
    assert [(row["times"], row["lost"]) for row in table["rows"]] == [(1, 1)]
    assert "LOST: network: random faults of the server (reinstall)" in told
    assert "--only network --seed 3 --case 1" in told
    (kept,) = tmp_path.glob("pyman-lost-*")
    assert (kept / "store").is_dir()


def test_nothing_is_lost(tmp_path: Path) -> None:
    table, _ = tried(tmp_path, "--case", str(REINSTALL), code=0)
    assert [(row["times"], row["lost"]) for row in table["rows"]] == [(1, 0)]
    assert table["losses"] == []
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]
