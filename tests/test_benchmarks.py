"""The benchmarks run: what they measure depends on the machine, that they measure does not."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from statistics import median

import pytest
from tests.benchmarks.confirming import confirm, content_of
from tests.benchmarks.measuring import Command, Sample, Series
from tests.benchmarks.memory import together
from tests.benchmarks.rows import MIB, Row, Spread
from tests.conftest import CHECKOUT, ELSEWHERE
from tests.support.archives import extract
from tests.support.builds import Archive, small_archive

for_linux = pytest.mark.skipif(sys.platform != "linux", reason=f"{ELSEWHERE}the benchmarks are for Linux")
_ONE_ROUND = ("--only", "start", "--rounds", "1", "--environment", sys.prefix)


@for_linux
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
    assert f" {row['value']:.2f} " in done.stdout


def test_a_row_tells_how_rounds_differ() -> None:
    def series(*seconds: float) -> Series:
        return Series(tuple(Sample(each, 0.0, 0) for each in seconds))

    row = Row("case", "", "", series(2.0, 3.0, 4.0, 5.0, 9.0), series(1.0, 1.0, 2.0, 2.0, 3.0), limit=2.0)
    assert (row.value, row.spread, row.verdict) == (2.0, Spread(2.0, 3.0), "met")
    assert Row("case", "", "", series(2.0, 3.0), series(2.0)).spread == Spread(1.0, 1.5)
    assert Row("case", "", "").verdict == "skipped"


@pytest.mark.parametrize("fault", ["gone", "other"])
def test_what_was_not_installed_is_noticed(tmp_path: Path, fault: str) -> None:
    archive = small_archive(tmp_path, Archive("3.12.1", "20240107", "linux-x86_64-gnu"))
    content = content_of(tmp_path / archive.path, archive.minor)
    with tarfile.open(tmp_path / archive.path) as tar:
        extract(tar, tmp_path)
    tree = tmp_path / "python"
    confirm(tree, content, runs_here=os.name == "posix")
    if fault == "gone":
        (tree / "lib" / "python3.12" / "os.py").unlink()
    else:
        (tree / "bin" / "python3.12").write_bytes(b"#!/bin/sh\nexit 1\n")
    with pytest.raises(RuntimeError, match="not all of it" if fault == "gone" else "is another build"):
        confirm(tree, content, runs_here=False)


@for_linux
def test_the_memory_is_that_of_all_processes() -> None:
    half = "import time; held = bytes(range(256)) * (20 << 12)"  # 20 MiB
    both = (
        f"import subprocess, sys; {half}; subprocess.run([sys.executable, '-c', '{half}; time.sleep(0.2)'])"
    )
    peak = together(Command((sys.executable, "-c", both), os.environ)).peak / MIB
    assert 40 < peak < 80
