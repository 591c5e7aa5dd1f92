"""`pyman install`."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from pyman import changes, links, pins, ui
from pyman.cli import settings
from pyman.detect import Machine
from pyman.errors import PymanError
from pyman.install import Installer, Reporter
from pyman.key import Key
from pyman.metadata import Build, Metadata
from pyman.request import Request
from pyman.select import best_installed, candidates
from pyman.store import Installation, Store
from pyman.target import Target

_STATIC = (
    "{key} is a static build: no dynamic one fits. A static Python cannot load extension modules, "
    "so packages such as numpy will not import."
)


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What the options ask for."""

    metadata_place: str | None
    reinstall: bool
    unverified: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the requests come to: installations that are there already, and builds to install."""

    present: list[Installation]
    builds: list[Build]


@click.command("install")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@settings.target_option
@settings.metadata_option
@settings.mirror_option
@click.option("--reinstall", is_flag=True, help="Install again what is already installed.")
@click.option("--no-bin", is_flag=True, help="Make no link such as python3.12 in the directory of links.")
@click.option("--force", is_flag=True, help="Replace files in the directory of links that are not pyman's.")
@click.option(
    "--allow-unverified", is_flag=True, help="Install builds that were published without a checksum."
)
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
@click.option("-v", "--verbose", is_flag=True, help="Say also how the target was found and what was chosen.")
@click.pass_context
def command(
    context: click.Context,
    requests: tuple[str, ...],
    target: str | None,
    metadata_place: str | None,
    mirror: str,
    reinstall: bool,
    no_bin: bool,
    force: bool,
    allow_unverified: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """Download and install Python versions.

    REQUEST is a version such as 3.12, 3.12.9, 3.13t or ">=3.11,<3.13". Without one, those of the nearest
    .python-versions or .python-version file are installed, else the newest stable version.
    """
    wishes = _Wishes(metadata_place, reinstall, allow_unverified)
    store = settings.store()
    machine = settings.machine(target)
    if verbose:
        _describe(machine)
    plan = _plan(_requests(requests), store, machine, wishes)
    with _reporter(quiet=quiet) as reporter:
        for installation in plan.present:
            reporter.already(installation)
        results = Installer(store, mirror, reporter, reinstall).install_all(plan.builds)
    done = [*plan.present, *(result for result in results if isinstance(result, Installation))]
    if not no_bin:
        _link([each.key for each in done], store, settings.own_target(target), force=force, quiet=quiet)
    failures = [result for result in results if isinstance(result, PymanError)]
    for failure in failures:
        ui.error(failure)
    if failures:
        context.exit(max(failure.exit_code for failure in failures))


def _requests(texts: Sequence[str]) -> list[Request]:
    """What was asked for, else what the project's version file asks for, else the newest stable version."""
    if texts:
        return [Request.parse(text) for text in texts]
    file = pins.find(Path.cwd())
    return list(file.requests) if file else [Request.parse("latest")]


def _plan(requests: Iterable[Request], store: Store, machine: Machine, wishes: _Wishes) -> _Plan:
    """Settle every request before anything is downloaded; NoDownloadFoundError if one cannot be met."""
    here = store.installations()
    present: dict[Key, Installation] = {}
    builds: dict[Key, Build] = {}
    metadata: Metadata | None = None
    for request in requests:
        found = best_installed(request, here, machine)
        if found and not wishes.reinstall and _is_good(found, request):
            present[found.key] = found
            continue
        metadata = metadata or settings.load_metadata(wishes.metadata_place)
        build = _choose(request, metadata, machine, wishes, found)
        installed = store.get(build.key)
        if installed and not wishes.reinstall:
            present[build.key] = installed
        else:
            _warn_if_static(build, request)
            builds[build.key] = build
    return _Plan(list(present.values()), list(builds.values()))


def _is_good(found: Installation, request: Request) -> bool:
    """Whether an installation settles the request without a look at what can be downloaded.

    `latest` may have moved on, and a static build is a last resort: a dynamic one may have come.
    """
    return not request.latest and found.key.variant.static == request.variant.static


def _choose(
    request: Request, metadata: Metadata, machine: Machine, wishes: _Wishes, found: Installation | None
) -> Build:
    """The build to install; what is installed again is, where it can still be had, the very same build."""
    choice = candidates(request, metadata, machine, unverified=wishes.unverified)
    if wishes.reinstall and found and not request.latest:
        return next((build for build in choice if build.key == found.key), choice[0])
    return choice[0]


def _warn_if_static(build: Build, request: Request) -> None:
    if build.key.variant.static and not request.variant.static:
        ui.warning(_STATIC.format(key=build.key))


@contextmanager
def _reporter(*, quiet: bool) -> Iterator[Reporter]:
    if quiet:
        yield ui.Silence()
    elif sys.stderr.isatty():
        from pyman.progress import Bars  # only a terminal needs rich

        with Bars() as bars:
            yield bars
    else:
        yield ui.Lines()


def _link(keys: Iterable[Key], store: Store, own: Target, *, force: bool, quiet: bool) -> None:
    """Make the links such as `python3.12` to what runs on this machine, and say what stands in their way."""
    bin_dir = settings.bin_dir()
    native = [key for key in keys if key.target.baseline == own.baseline]
    with changes.links_locked(store):
        made = [links.refresh_bin(store, key, own, bin_dir, force=force) for key in native]
    for link in made:
        if link and link.foreign:
            ui.warning(f"{link.path} is not pyman's and was left alone (--force replaces it)")
    names = [link.path.name for link in made if link and not link.foreign]
    if names and not quiet and str(bin_dir) not in os.environ.get("PATH", "").split(os.pathsep):
        ui.note(f"{bin_dir} is not on your PATH; add it to run {names[0]} by name.")


def _describe(machine: Machine) -> None:
    version = ".".join(map(str, machine.libc_version or ())) or "unknown"
    ui.note(f"Target: {machine.target} (libc version {version}, CPU level {machine.level or 'unknown'})")
    for what, how in machine.evidence.items():
        ui.note(f"  {what}: {how}")
