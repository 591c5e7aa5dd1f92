"""What `install` and `upgrade` are made of: what is asked for, who is told, the links that are made."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress

from pyman.builds.key import Key
from pyman.builds.target import Os, Target
from pyman.catalogue import advisories
from pyman.choice.plan import Plan
from pyman.cli import settings
from pyman.errors import PymanError
from pyman.installer.reporter import Reporter
from pyman.machine.detection import Machine
from pyman.report import ui
from pyman.report.plain_lines import Lines, Silence
from pyman.store import changes, links
from pyman.store.installations import Installation, Store

_STATIC = (
    "{key} is a static build: no dynamic one fits. A static Python cannot load extension modules, "
    "so packages such as numpy will not import."
)

_WITHOUT_CURSOR = {"dumb", "unknown"}  # terminals in which nothing can be written over


@contextmanager
def reporter(*, quiet: bool) -> Iterator[Reporter]:
    """Give what tells how an install goes: bars on a terminal, else lines, else nothing."""
    if quiet:
        yield Silence()
    elif sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in _WITHOUT_CURSOR:
        from pyman.report.progress import Bars  # only a terminal needs rich

        with Bars() as bars:
            yield bars
    else:
        yield Lines()


def warn_if_static(keys: Iterable[Key]) -> None:
    """Say of static builds, which are taken though they were not asked for, what they cannot do."""
    for key in keys:
        if key.variant.static:
            ui.warning(_STATIC.format(key=key))


def warn_if_known_bad(keys: Iterable[Key]) -> None:
    """Say what is wrong with builds that an advisory covers, as an install of them says."""
    for key in keys:
        for warning in advisories.warnings(key):
            ui.warning(warning)


def native(installations: Iterable[Installation], own: Target) -> list[Installation]:
    """Return those that run here, whatever their level: what runs elsewhere gets no link."""
    return [each for each in installations if each.key.target.baseline == own.baseline]


def register(installations: Iterable[Installation]) -> None:
    """Make the entries in the Windows registry; a warning where that cannot be done."""
    ours = [each for each in installations if each.key.target.os is Os.WINDOWS]
    if not ours:
        return
    from pyman.store import windows_registry

    for installation in ours:
        try:
            windows_registry.remember(installation)
        except PymanError as error:
            ui.warning(error.message)


def mend(installations: Iterable[Installation], store: Store) -> None:
    """Clean up after processes that died: sweep what they staged, point the minor links right."""
    with suppress(PymanError):  # all may be there already, in a store that this user may only read
        changes.sweep(store)
    keys = {each.key.link_name: each.key for each in installations}
    stale = [key for key in keys.values() if links.is_stale(store, key)]
    if stale and changes.is_possible(store):
        with changes.links_locked(store):
            for key in stale:
                links.refresh_minor(store, key)


def follow(installations: Iterable[Installation], store: Store) -> None:
    """Let the links such as `python3.12` that are there follow to what was installed; none is made."""
    own = settings.own_target(None)
    with changes.links_locked(store):
        for each in native(installations, own):
            links.follow_bin(store, each.key, own, settings.bin_dir())


def link(
    installations: Iterable[Installation],
    store: Store,
    own: Target,
    *,
    force: bool,
    quiet: bool,
    default: bool = False,
) -> None:
    """Make the links such as `python3.12` to what runs on `own`, and say what stands in their way.

    `default` makes `python` and `python3` as well, to the last of them.
    """
    bin_dir = settings.bin_dir()
    made = []
    # The links are this user's own: where the store can only be read nobody else moves what they follow.
    with changes.links_locked(store) if changes.is_possible(store) else nullcontext():
        for each in native(installations, own):
            made.append(links.refresh_bin(store, each.key, own, bin_dir, force=force))
            if default:
                made += links.point_defaults(store, each, bin_dir, force=force)
    for found in made:
        if found and found.foreign:
            ui.warning(f"{found.path} is not pyman's and was left alone (--force replaces it)")
    ours = any(found and not found.foreign for found in made)
    if ours and not quiet and str(bin_dir) not in os.environ.get("PATH", "").split(os.pathsep):
        ui.note(f"{bin_dir} is not on your PATH; `pyman update-shell` puts it there.")


def describe(machine: Machine) -> None:
    """Say which target this machine is, and how that was found out."""
    version = ".".join(map(str, machine.libc_version or ())) or "unknown"
    ui.note(f"Target: {machine.target} (libc version {version}, CPU level {machine.level or 'unknown'})")
    for what, how in machine.evidence.items():
        ui.note(f"  {what}: {how}")


def print_made(name: str, made: Iterable[Installation], plan: Plan) -> None:
    """Print what was made, or would be, under that `name`, and what was there, for a program."""
    ui.document(
        {
            name: [_facts(each) for each in made],
            "already_installed": [_facts(each) for each in plan.present],
        }
    )


def _facts(installation: Installation) -> dict[str, str]:
    key = installation.key
    return {
        "key": str(key),
        "version": str(key.version),
        "path": str(installation.path),
        "executable": str(installation.executable),
    }
