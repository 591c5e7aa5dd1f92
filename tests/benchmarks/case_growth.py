"""Growth: metadata ten times as large, 3,000 builds learned, and a store with 200 installations."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command
from tests.benchmarks.rows import Measure, Row
from tests.benchmarks.surroundings import CHECKOUT
from tests.support import stores
from tests.support.builds import Archive

from pyman.builds.key import Implementation
from pyman.catalogue.build import Build
from pyman.release_index.document import builds_in, render

_INSTALLATIONS = 200
_MINORS = 8
_METADATA = "download-metadata.json"
_LEARNED = 3_000


def growth(bench: Bench) -> list[Row]:
    """What more there is to read costs."""
    return [*_of_metadata(bench), *_of_what_was_learned(bench), *_of_the_store(bench)]


def _of_metadata(bench: Bench) -> list[Row]:
    """Two copies of the package, of which one knows ten builds for each of the other's."""
    once, tenfold = (_copied(bench, bench.scratch / name) for name in ("once", "tenfold"))
    metadata = tenfold / "pyman" / _METADATA
    module = (bench.programs.python, "-m", "tests.benchmarks.tenfold")
    subprocess.run([*module, once / "pyman" / _METADATA, metadata], cwd=CHECKOUT, check=True)
    home, rows = bench.home(), []
    for arguments, limit in (
        (("list", "--only-available"), goals.GROWTH_MS),
        (("list", "--only-available", "3.13"), None),
    ):
        commands = {
            folder.name: Command(
                (bench.programs.python, "-m", "pyman", *arguments), home.environment(PYTHONPATH=str(folder))
            )
            for folder in (once, tenfold)
        }
        taken = bench.measure(commands, bench.many)
        subject = f"`pyman {' '.join(arguments)}`, metadata x 10"
        series = (taken["tenfold"], taken["once"])
        rows.append(Row("growth", subject, "as they are", *series, limit, Measure.EXTRA))
    return rows


def _of_what_was_learned(bench: Bench) -> list[Row]:
    """Two homes, in one of which a refresh learned of 3,000 builds for all targets."""
    without, refreshed = bench.home(), bench.home()
    for home in (without, refreshed):
        stores.lay(home.store, Archive("3.13.1", "20250612", "linux-x86_64-gnu"))
    news = bench.scratch / "news.json"
    news.write_bytes(render(_of_tomorrow()))
    told = subprocess.run(
        [bench.programs.pyman, "refresh", "--from", news, "--json"],
        env=refreshed.environment(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert len(json.loads(told.stdout)["added"]) == _LEARNED
    rows = []
    for arguments in (("list", "--only-available"), ("list", "--only-available", "3.13"), ("find", "3.13")):
        command = (bench.programs.pyman, *arguments)
        commands = {
            "refreshed": Command(command, refreshed.environment(PYMAN_TARGET="linux-x86_64-gnu")),
            "without": Command(command, without.environment(PYMAN_TARGET="linux-x86_64-gnu")),
        }
        taken = bench.measure(commands, bench.many)
        subject = f"`pyman {' '.join(arguments)}`, {_LEARNED:,} builds learned"
        series = (taken["refreshed"], taken["without"])
        rows.append(Row("growth", subject, "none learned", *series, goals.GROWTH_MS, Measure.EXTRA))
    return rows


def _of_tomorrow() -> list[Build]:
    """As many builds as are to be learned: the newest that are known, as if made again a century later."""
    known = builds_in((CHECKOUT / _METADATA).read_bytes(), _METADATA)
    python = [build for build in known if build.key.implementation is Implementation.CPYTHON]
    newest = sorted(python, key=lambda build: build.key.release, reverse=True)[:_LEARNED]
    return [
        build._replace(
            key=build.key._replace(release=f"21{build.key.release[2:]}"),
            url=build.url.replace(build.key.release, f"21{build.key.release[2:]}"),
        )
        for build in newest
    ]


def _copied(bench: Bench, folder: Path) -> Path:
    """Copy the package, with its bytecode, into a folder for PYTHONPATH."""
    code = "import pyman, os; print(os.path.dirname(pyman.__file__))"
    told = subprocess.run(
        [bench.programs.python, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    package = Path(told.stdout.strip())
    shutil.copytree(package, folder / "pyman")
    if not (folder / "pyman" / _METADATA).exists():  # of an editable install
        shutil.copyfile(CHECKOUT / _METADATA, folder / "pyman" / _METADATA)
    return folder


def _of_the_store(bench: Bench) -> list[Row]:
    few, many = bench.home(), bench.home()
    builds = [
        Archive(f"3.{8 + number % _MINORS}.{number // _MINORS}", "20250612", "linux-x86_64-gnu")
        for number in range(_INSTALLATIONS)
    ]
    stores.lay(few.store, *builds[-_MINORS:])
    stores.lay(many.store, *builds)
    rows = []
    for arguments, limit in (
        (("find", "3.13"), goals.GROWTH_MS),
        (("find", "any"), goals.GROWTH_MS),
        (("list", "--only-installed"), None),
    ):
        command = (bench.programs.pyman, *arguments)
        commands = {
            "few": Command(command, few.environment(PYMAN_TARGET="linux-x86_64-gnu")),
            "many": Command(command, many.environment(PYMAN_TARGET="linux-x86_64-gnu")),
        }
        taken = bench.measure(commands, bench.many)
        subject = f"`pyman {' '.join(arguments)}`, {_INSTALLATIONS} installed"
        series = (taken["many"], taken["few"])
        rows.append(Row("growth", subject, f"{_MINORS} installed", *series, limit, Measure.EXTRA))
    return rows
