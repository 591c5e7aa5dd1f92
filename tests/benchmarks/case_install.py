"""Install: one archive from this machine's web server into an empty store, and four of them at once."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.measuring import Command, Series
from tests.benchmarks.report import file_system
from tests.benchmarks.rows import Row, skipped
from tests.benchmarks.surroundings import Home
from tests.support.builds import Archive

# What its own install() does, with an archive that it does not know.
_PBS_INSTALLER = """
import os, sys, tempfile
from pbs_installer import download, install_file
url, digest, destination = sys.argv[1:]
os.makedirs(destination)
with tempfile.NamedTemporaryFile() as file:
    file.close()
    install_file(file.name, destination, download((url, digest), file.name))
"""


def install(bench: Bench) -> list[Row]:
    """One build, on a file system in memory and on disk, as `pyman install` does it by default."""
    rows = _into(bench, bench.in_memory, "install, tmpfs", 1.3)
    if file_system(bench.scratch) == "tmpfs":
        reason = f"{bench.scratch} is on tmpfs: name a folder on disk with --scratch"
        return [*rows, skipped("install, disk", "`pyman install`", "`uv python install`", reason)]
    return rows + _into(bench, bench.scratch, "install, disk", 1.0)


def four(bench: Bench) -> list[Row]:
    """Four versions in one run, on disk and in memory."""
    rows = []
    for place, folder in (("disk", bench.scratch), ("tmpfs", bench.in_memory)):
        commands = installing(bench, bench.home(folder), bench.releases.four, bench.origin)
        taken = bench.measure({name: commands[name] for name in ("pyman", "uv")})
        mine, theirs = "`pyman install` of four", "`uv python install` of four"
        rows.append(Row(f"four, {place}", mine, theirs, taken["pyman"], taken["uv"], 1.0))
    return rows


def installing(bench: Bench, home: Home, archives: tuple[Archive, ...], origin: str) -> dict[str, Command]:
    """Return commands that install `archives`, each into a home that is emptied before."""
    own, others = bench.releases.describe(origin, *(set(archives) - set(bench.releases.four)))
    environment = home.environment(PYMAN_METADATA=str(own), UV_PYTHON_DOWNLOADS_JSON_URL=str(others))
    names = [f"cpython-{archive.version}-{archive.target}" for archive in archives]
    pyman = (bench.programs.pyman, "install", *names)
    uv = (bench.require_uv(), "python", "install", *names)
    return {
        "pyman": Command(pyman, environment, home.clear),
        "pyman, no smoke test": Command((*pyman, "--no-smoke-test"), environment, home.clear),
        "uv": Command(uv, environment, home.clear),
    }


def _into(bench: Bench, folder: Path, case: str, limit: float) -> list[Row]:
    releases, rows = bench.releases, []
    for archive, what in ((releases.musl_17_mb, "17 MB, for musl"), (releases.gnu_313, "10 MB, for glibc")):
        home = bench.home(folder)
        commands = installing(bench, home, (archive,), bench.origin) | _others(bench, home, archive)
        if "glibc" not in what:  # nothing of a foreign target is started
            del commands["pyman, no smoke test"]
        taken = bench.measure(commands)
        rows += list(_rows(taken, case, what, limit))
        home.clear()
    return rows


def _rows(taken: dict[str, Series], case: str, what: str, limit: float) -> list[Row]:
    mine = f"`pyman install`, {what}"
    rows = [Row(case, mine, "`uv python install`", taken["pyman"], taken["uv"], limit)]
    if "pyman, no smoke test" in taken:
        quick = taken["pyman, no smoke test"]
        rows.append(Row(case, f"{mine}, --no-smoke-test", "`uv python install`", quick, taken["uv"]))
    there = [name for name in ("pbs-installer", "tar -xzf") if name in taken]
    rows += [Row(case, mine, f"`{name}`", taken["pyman"], taken[name]) for name in there]
    rows.append(Row(case, f"`uv python install`, {what}", "`tar -xzf`", taken["uv"], taken["tar -xzf"]))
    return rows


def _others(bench: Bench, home: Home, archive: Archive) -> dict[str, Command]:
    environment, unpacked = home.environment(), str(home.root / "unpacked")
    url = f"{bench.origin}/{archive.path.replace('+', '%2B')}"
    tar = ("tar", "-xzf", str(bench.releases.file(archive)), "-C", unpacked)
    commands = {"tar -xzf": Command(tar, environment, partial(_clear_for_tar, home.clear, Path(unpacked)))}
    if bench.programs.has(bench.programs.python, "-c", "import pbs_installer"):
        pbs = (bench.programs.python, "-c", _PBS_INSTALLER, url, archive.sha256 or "", unpacked)
        commands["pbs-installer"] = Command(pbs, environment, home.clear)
    return commands


def _clear_for_tar(clear: Callable[[], None], folder: Path) -> None:
    clear()
    folder.mkdir()
