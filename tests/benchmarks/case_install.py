"""Install: builds from this machine's own web server, as fast as it can send them, in memory and on disk."""

from collections.abc import Iterator

from tests.benchmarks import goals
from tests.benchmarks.bench import Bench
from tests.benchmarks.installing import TAR, Work, compared, installing, url_of, works
from tests.benchmarks.measuring import Command
from tests.benchmarks.releases import UnavailableError
from tests.benchmarks.report import file_system
from tests.benchmarks.rows import Row
from tests.benchmarks.surroundings import Home

_PYMANS = ("portable", "wheel")
_PBS = "pbs-installer"
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


def in_memory(bench: Bench) -> Iterator[Row]:
    """One build, one by https, and four at once, on a file system in memory."""
    case = "install, no limit, tmpfs"
    for work in works(bench):
        home = bench.home(bench.in_memory)
        commands = installing(bench, home, work, bench.source) | _pbs_installer(bench, home, work)
        taken = bench.measure(commands)
        limit = goals.FOUR if len(work.archives) > 1 else goals.UNSHAPED_TMPFS
        yield from compared(case, work, taken, _PYMANS, "uv", limit=limit)
        yield from compared(case, work, taken, ("portable", "uv"), TAR)
        yield from compared(case, work, taken, ("portable",), _PBS)
        home.clear()


def on_disk(bench: Bench) -> Iterator[Row]:
    """One build and four at once, with and without waiting until they are on the disk."""
    kind = file_system(bench.scratch)
    if kind == "tmpfs":
        reason = f"{bench.scratch} is on tmpfs: name a folder on disk with --scratch"
        raise UnavailableError(reason)
    for flush, told in ((False, "PYMAN_FSYNC=0"), (True, "as it is")):
        case = f"install, no limit, {kind}, {told}"
        for work in works(bench)[:-1]:
            home = bench.home()
            taken = bench.measure(installing(bench, home, work, bench.source, flush=flush))
            yield from compared(case, work, taken, _PYMANS, "uv", limit=_limit(work, flush=flush))
            yield from compared(case, work, taken, ("portable", "uv"), TAR)
            home.clear()


def _limit(work: Work, *, flush: bool) -> float:
    if len(work.archives) > 1:
        return goals.FOUR
    return goals.DISK_FLUSHED if flush else goals.DISK


def _pbs_installer(bench: Bench, home: Home, work: Work) -> dict[str, Command]:
    """Return what pbs-installer does for one build by http, if it is there."""
    is_there = bench.programs.has(bench.programs.python, "-c", "import pbs_installer")
    if len(work.archives) > 1 or work.is_secure or not is_there:
        return {}
    (archive,) = work.archives
    where = (url_of(archive, bench.source.plain), archive.sha256 or "", str(home.root / "unpacked"))
    program = (bench.programs.python, "-c", _PBS_INSTALLER, *where)
    return {_PBS: Command(program, home.environment(), home.clear)}
