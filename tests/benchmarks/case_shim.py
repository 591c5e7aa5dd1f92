"""A shim: what it costs that `python` is the project's Python, beside the same interpreter by its path."""

import os
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command, Series, run
from tests.benchmarks.rows import Measure, Row, skipped

_NOTHING = ("-c", "pass")
_SUBJECT = '`python -c "pass"`'
_LONG_AGO = 1_700_000_000


def shim(bench: Bench) -> list[Row]:
    """`python -c pass` by pyman's shim in a project, and by pyenv's where there is a pyenv."""
    pyman, environment = bench.programs.pyman, bench.home().environment()
    own, _ = bench.releases.describe(bench.origin)
    install = (pyman, "install", "3.13", "--metadata", str(own), "--target", "linux-x86_64-gnu")
    for command in (install, (pyman, "shims", "on")):
        run(Command(command, environment))
    store = Path(environment["PYMAN_HOME"])
    project = bench.scratch / "project" / "src" / "package"
    project.mkdir(parents=True)
    pin = project.parents[1] / ".python-version"
    pin.write_text("3.13\n", encoding="utf-8")
    for path in (pin, store):
        os.utime(path, (_LONG_AGO, _LONG_AGO))  # what has just changed is not remembered
    path = next(store.glob("cpython-3.13-*")) / "bin" / "python3.13"
    taken = _measured(bench, store / "shims" / "python", path, environment, project)
    return [
        Row("shim", f"{_SUBJECT}, shim", f"{_SUBJECT}, path", *taken, limit=3, measure=Measure.EXTRA),
        _of_pyenv(bench, environment),
    ]


def _of_pyenv(bench: Bench, environment: Mapping[str, str]) -> Row:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = next(iter(sorted((root / "versions").glob("3.*/bin/python3"), reverse=True)), None)
    shim = root / "shims" / "python3"
    if not found or not shim.exists():
        return skipped("shim", "there is no pyenv")
    environment = {**environment, "PYENV_VERSION": found.parents[1].name, "PYENV_ROOT": str(root)}
    taken = _measured(bench, shim, found, environment, bench.scratch)
    return Row(
        "shim", f"{_SUBJECT}, shim", f"{_SUBJECT}, path", *taken, measure=Measure.EXTRA, program="pyenv"
    )


def _measured(
    bench: Bench, shim: Path, path: Path, environment: Mapping[str, str], folder: Path
) -> tuple[Series, Series]:
    by_shim, by_path = (Command((str(each), *_NOTHING), environment, folder=folder) for each in (shim, path))
    taken = bench.measure({"shim": by_shim, "path": by_path}, 10 * bench.rounds)
    return taken["shim"], taken["path"]
