"""What `install` and `upgrade` are made of: what is asked for and how, who is told, which links are made."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from pyman.builds.key import Key
from pyman.builds.target import Os, Target
from pyman.catalogue import advisories
from pyman.choice.plan import Plan
from pyman.cli import settings
from pyman.errors import PymanError, UsageError
from pyman.installer.reporter import Reporter
from pyman.machine.detection import Machine
from pyman.report import ui
from pyman.report.plain_lines import Lines, Silence
from pyman.slimming import parts
from pyman.store import changes, links
from pyman.store.installations import Installation, Store
from pyman.store.made_with import FLAGS, MadeWith

_Command = TypeVar("_Command", bound=Callable[..., Any])

_STATIC = (
    "{key} is a static build: no dynamic one fits. A static Python cannot load extension modules, "
    "so packages such as numpy will not import."
)

_WITHOUT_CURSOR = {"dumb", "unknown"}  # terminals in which nothing can be written over


class _Part(click.types.StringParamType):
    """Names of parts, with commas between them; completed one at a time."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        del ctx, param
        done, comma, begun = incomplete.rpartition(",")
        found = [part for part in parts.PARTS if part.name.startswith(begun)]
        return [CompletionItem(done + comma + part.name, help=part.about) for part in found]


_OPTIONS = (
    click.option(
        "--externally-managed/--no-externally-managed",
        default=None,
        help="Keep pip from installing into it, outside of virtual environments, or let it.",
    ),
    click.option("--compile-bytecode/--no-compile-bytecode", default=None, help="Compile its modules now."),
    click.option(
        "--registry/--no-registry", default=None, help="Make an entry in the Windows registry, or none."
    ),
    click.option(
        "--slim/--no-slim",
        default=None,
        help="Leave out what images do not need: all these parts but pip. --no-slim: whole again.",
    ),
    click.option(
        "--keep",
        multiple=True,
        metavar="PART",
        type=_Part(),
        help=f"Leave this part in: {', '.join(parts.NAMES)}.",
    ),
    click.option("--drop", multiple=True, metavar="PART", type=_Part(), help="Leave this part out."),
    click.option("--no-pip", is_flag=True, help="Leave pip out, as --drop pip."),
    click.option(
        "--reproducible/--no-reproducible",
        default=None,
        help="Make the same bytes, modes and times each time; on if SOURCE_DATE_EPOCH is set.",
    ),
)


def making_options(command: _Command) -> _Command:
    """Options of what an installation is made with; `made_with` makes a value of them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def made_with(options: Mapping[str, Any]) -> MadeWith:
    """Return what the options say, no more. UsageError for a part that there is not."""
    keep, drop = (parts.named(options[name], f"--{name}") for name in ("keep", "drop"))
    drop |= {parts.PIP} if options["no_pip"] else set()
    if both := sorted(keep & drop):
        raise UsageError(f"both to be kept and left out: {', '.join(both)}", "Name it once.")
    flags = {name: options[name] for name in FLAGS}
    return MadeWith(**flags, keep=keep, drop=drop)


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


def register(installations: Iterable[Installation], wanted: bool | None = None) -> None:
    """Make the entries in the Windows registry; a warning where that cannot be done.

    None is made for what was made with --no-registry, unless they are `wanted`.
    """
    ours = [each for each in installations if each.key.target.os is Os.WINDOWS]
    if not ours or wanted is False:
        return
    from pyman.store import windows_registry

    for installation in ours:
        if not wanted and MadeWith.of(installation.record()).registry is False:
            continue
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


def print_made(
    name: str,
    made: Iterable[Installation],
    plan: Plan,
    recorded: Callable[[Installation], Mapping[str, Any]] = Installation.record,
) -> None:
    """Print what was made, or would be, under that `name`, and what was there, for a program.

    `recorded` gives what the record of one says.
    """
    ui.document(
        {
            name: [_facts(each, recorded(each)) for each in made],
            "already_installed": [_facts(each, recorded(each)) for each in plan.present],
        }
    )


def _facts(installation: Installation, record: Mapping[str, Any]) -> dict[str, Any]:
    key = installation.key
    return {
        "key": str(key),
        "version": str(key.version),
        "path": str(installation.path),
        "executable": str(installation.executable),
        **{name: record[name] for name in ("made_with", "left_out") if name in record},
    }
