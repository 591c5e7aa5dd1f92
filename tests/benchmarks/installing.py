"""The commands that install the same builds from one server, each into a home that is emptied before."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from shlex import quote

from tests.benchmarks.bench import Bench
from tests.benchmarks.confirming import Content, confirm, content_of
from tests.benchmarks.measuring import Command, Series
from tests.benchmarks.report import file_system
from tests.benchmarks.rows import Row
from tests.benchmarks.serving import Source
from tests.benchmarks.surroundings import Home
from tests.support.builds import Archive

TAR = "curl | tar"
_GNU = "linux-x86_64-gnu"


@dataclass(frozen=True, slots=True)
class Work:
    """Builds that are installed by one command, and what the table calls that."""

    name: str
    archives: tuple[Archive, ...]
    is_secure: bool = False


def works(bench: Bench) -> tuple[Work, Work, Work, Work]:
    """What is installed: two builds of which one is tried here, four at once, and one by https."""
    releases = bench.releases
    return (
        Work("10 MB for glibc", (releases.gnu_313,)),
        Work("17 MB for musl", (releases.musl_17_mb,)),
        Work("four", releases.four),
        Work("10 MB for glibc, TLS", (releases.gnu_313,), is_secure=True),
    )


def installing(
    bench: Bench, home: Home, work: Work, source: Source, *, flush: bool = True
) -> dict[str, Command]:
    """Return the commands of the portable pyman, the wheel and uv; of one build also what curl and tar do.

    Each confirms that all of what it installed is there.
    """
    environment = _environment(bench, home, work, source)
    if not flush:
        environment["PYMAN_FSYNC"] = "0"
    names = [f"cpython-{archive.version}-{archive.target}" for archive in work.archives]
    commands = {
        name: _command(bench, home, work, (program, "install", *names), environment)
        for name, program in bench.pymans.items()
    }
    uv = (bench.require_uv(), "python", "install", *names)
    commands["uv"] = _command(bench, home, work, uv, environment)
    if len(work.archives) == 1 and shutil.which("curl"):
        commands[TAR] = _by_tar(bench, home, work, source, environment)
    return {
        name: replace(command, arguments=(*source.client, *command.arguments))
        for name, command in commands.items()
    }


def url_of(archive: Archive, origin: str) -> str:
    """Return where a server has an archive."""
    return f"{origin}/{archive.path.replace('+', '%2B')}"


def compared(  # noqa: PLR0913 - what a row has
    case: str,
    work: Work,
    taken: Mapping[str, Series],
    programs: Iterable[str],
    rival: str,
    *,
    limit: float | None = None,
) -> list[Row]:
    """Return a row for each of the programs that was measured, beside the rival."""
    return [
        Row(case, work.name, rival, taken[name], taken[rival], limit, program=name)
        for name in programs
        if name in taken and rival in taken
    ]


def _environment(bench: Bench, home: Home, work: Work, source: Source) -> dict[str, str]:
    origin = source.secure if work.is_secure else source.plain
    own, others = bench.releases.describe(origin, *(set(work.archives) - set(bench.releases.four)))
    return home.environment(
        PYMAN_METADATA=str(own),
        PYMAN_ALLOW_INSECURE_HOST=source.host,
        UV_PYTHON_DOWNLOADS_JSON_URL=str(others),
        **(source.certificates.environment() if work.is_secure else {}),
    )


def _command(
    bench: Bench, home: Home, work: Work, arguments: tuple[str, ...], environment: dict[str, str]
) -> Command:
    is_uv = arguments[0] == bench.programs.uv
    trees = [home.uv_tree(archive) if is_uv else home.tree(archive) for archive in work.archives]
    confirmed = partial(_confirm, bench, work, trees)
    return Command(arguments, environment, _cleared(home), confirm=confirmed)


def _by_tar(bench: Bench, home: Home, work: Work, source: Source, environment: dict[str, str]) -> Command:
    """Return what needs no installer: nothing is compared, nothing is made to fit."""
    (archive,) = work.archives
    url, folder = url_of(archive, source.secure if work.is_secure else source.plain), home.root / "unpacked"
    trust = ["--cacert", str(source.certificates.trusted)] if work.is_secure else []
    curl = " ".join(map(quote, ["curl", "--silent", "--fail", *trust, url]))
    script = f"mkdir {folder} && {curl} | tar -xz -C {folder} --strip-components=1"
    confirmed = partial(_confirm, bench, work, [folder])
    return Command(("sh", "-c", script), environment, _cleared(home), confirm=confirmed)


def _cleared(home: Home) -> Callable[[], None]:
    """Return what empties the home. What others have left to be written, the next is not to wait for."""
    is_on_disk = file_system(home.root) != "tmpfs"

    def clear() -> None:
        home.clear()
        if is_on_disk:
            os.sync()

    return clear


def _confirm(bench: Bench, work: Work, trees: Iterable[Path]) -> None:
    for archive, tree in zip(work.archives, trees, strict=True):
        runs_here = archive.target == _GNU
        confirm(tree, _content(bench.releases.file(archive), archive.minor), runs_here=runs_here)


@cache
def _content(archive: Path, minor: str) -> Content:
    return content_of(archive, minor)
