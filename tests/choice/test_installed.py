"""Which of what is installed a request gets: the same as if all of it were looked at."""

import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Pyman
from tests.support.builds import Archive
from tests.support.interpreters import alone
from tests.support.stores import lay

from pyman.builds.target import Target
from pyman.choice.installed import best_installed
from pyman.machine.detection import Machine
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store

GNU = Target.parse("linux-x86_64-gnu")
NAMES = [
    "cpython-3.9.21+20250317-linux-x86_64-gnu",
    "cpython-3.13.0+static+20250317-linux-x86_64-gnu",
    "cpython-3.13.1+20250317-linux-x86_64-gnu",
    "cpython-3.13.1+20250409-linux-x86_64-gnu",
    "cpython-3.13.1+freethreaded+20250409-linux-x86_64-gnu",
    "cpython-3.13.2+20250317-linux-x86_64-musl",
    "cpython-3.14.0+static+20251007-linux-x86_64-gnu",
    "cpython-3.14.0rc1+20250818-linux-x86_64-gnu",
    "cpython-3.15.0a1+20251007-linux-x86_64-gnu",
    "pypy-3.11.13+7.3.20-linux-x86_64-gnu",
    "pypy-3.10.16+7.3.19-linux-x86_64-gnu",
    # What has nearly such a name is in the way of nobody.
    "cpython-3.013.1+20250317-linux-x86_64-gnu",
    "cpython-3.13-linux-x86_64-gnu",
    "README",
]
REQUESTS = [
    "any",
    "latest",
    "3",
    "3.13",
    "3.13.1",
    "3.13t",
    ">=3.10",
    "<3.13",
    "3.14",
    "3.15.0a1",
    "pypy",
    "pypy@3.10",
]
PLACES = st.dictionaries(st.sampled_from(NAMES), st.booleans())  # whether it has a record


def looked_at_all(request: Request, store: Store) -> Installation | None:
    fitting = (each for each in store.visible() if each.key.target == GNU and request.matches(each.key))
    return max(fitting, key=lambda each: each.key.preference, default=None)


def filled(home: Path, names: dict[str, bool]) -> Path:
    for name, has_record in names.items():
        (home / name).mkdir(parents=True)
        if has_record:
            (home / name / ".pyman.json").touch()
    return home


@settings(max_examples=60, deadline=None)
@given(PLACES, PLACES)
def test_no_look_is_left_out_that_matters(here: dict[str, bool], beneath: dict[str, bool]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(filled(Path(folder, "here"), here), Store(filled(Path(folder, "beneath"), beneath)))
        for text in REQUESTS:
            request = Request.parse(text)
            assert best_installed(request, store, Machine(GNU, {})) == looked_at_all(request, store), text


def test_find_reads_one_record_however_many_are_installed(pyman: Pyman) -> None:
    alone(pyman)
    lay(
        pyman.store,
        *(Archive(f"3.{number % 8 + 8}.{number // 8}", "20250612", str(GNU)) for number in range(200)),
    )
    count = (
        "import sys; opened = []; "
        "sys.addaudithook(lambda event, args: opened.append(args[0]) if event == 'open' else None); "
        "from pyman.cli import main\n"
        "try: main()\n"
        "finally: print(sum(str(name).endswith('.pyman.json') for name in opened))"
    )
    for request in ("3.13", "any", ">=3.9"):
        done = subprocess.run(
            [sys.executable, "-c", count, "find", request],
            env=pyman.variables({"PYMAN_TARGET": str(GNU)}),
            cwd=pyman.work,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert done.stdout.splitlines()[1:] == ["1"], request
