"""The benchmarks run: what they measure depends on the machine, that they measure does not."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from tests.conftest import CHECKOUT, ELSEWHERE

_ONE_ROUND = ("--only", "start", "--rounds", "1", "--environment", sys.prefix)


@pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the benchmarks are for Linux")
def test_start_is_measured(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    command = [sys.executable, "-m", "tests.benchmarks", *_ONE_ROUND, "--json", str(told)]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    row, *_ = json.loads(told.read_text(encoding="utf-8"))["rows"]
    assert (row["case"], row["limit"]) == ("start", 1.15)
    runs = ([run["seconds"] for run in row[which]] for which in ("subject_runs", "rival_runs"))
    mine, theirs = (median(each) for each in runs)
    assert row["value"] == pytest.approx(mine / theirs)
    assert row["verdict"] == ("met" if row["value"] <= row["limit"] else "missed")
    assert f"| {row['value']:.2f} x the time |" in done.stdout
