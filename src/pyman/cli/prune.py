"""`pyman prune`."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from pyman import environments, ui, upkeep
from pyman.cli import removing, settings
from pyman.errors import UsageError
from pyman.key import Key
from pyman.removal import tidy
from pyman.store import Installation, Store

_UNMET = "Environments that pyman has not met are not known to it: --scan DIR looks for them."


@dataclass(frozen=True, slots=True)
class _Plan:
    """What can go, with its size in bytes, and what is superseded but used, with the environments."""

    removable: list[tuple[Installation, int]]
    used: dict[Key, list[Path]]

    @property
    def size(self) -> int:
        """The bytes that are freed."""
        return sum(size for _, size in self.removable)

    def narrowed_to(self, other: "_Plan") -> "_Plan":
        """Return the other plan without what this one does not remove."""
        agreed = {each.key for each, _ in self.removable}
        return _Plan([pair for pair in other.removable if pair[0].key in agreed], other.used)


@click.command("prune")
@click.option(
    "--scan",
    "places",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Look for virtual environments in DIR and below first; may be given more than once.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was removed, and what is used, as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
@click.pass_context
def command(
    context: click.Context, places: tuple[Path, ...], yes: bool, dry_run: bool, as_json: bool, quiet: bool
) -> None:
    """Remove superseded installations that nothing uses.

    An installation is superseded when a newer one of the same minor version, variant and target is
    installed. It stays while a virtual environment that was made with it uses it.
    """
    store = settings.store()
    scanned = [path.resolve() for place in places for path in environments.scan(place)]
    plan = _plan(store, scanned)
    if not quiet or not (yes or dry_run):
        _describe(plan, dry_run=dry_run)
    if plan.removable and not (yes or dry_run) and not _agreed(plan):
        ui.note("Nothing was removed.")
        context.exit(1)
    if not dry_run:
        for path in scanned:
            environments.note(store.home, path)
        # Looked at again: a question may stand for hours.
        plan = plan.narrowed_to(_plan(store, scanned))
        _remove(plan, store, quiet=quiet)
    if as_json:
        ui.document(_document(plan) | {"dry_run": dry_run})


def _plan(store: Store, scanned: Iterable[Path]) -> _Plan:
    here = store.installations()
    old = upkeep.superseded(here)
    used = upkeep.stranded(removing.met(store, scanned), old, here)
    return _Plan(
        [(each, upkeep.bytes_on_disk(each.path)) for each in old if each.key not in used],
        used,
    )


def _describe(plan: _Plan, *, dry_run: bool) -> None:
    for key, paths in plan.used.items():
        ui.note(f"Kept {key}, which is used by {', '.join(map(str, paths))}")
    for installation, size in plan.removable:
        ui.note(f"{'Would remove' if dry_run else 'Superseded:'} {installation.key} ({ui.size(size)})")
    if len(plan.removable) > 1:
        ui.note(f"Together {ui.size(plan.size)}.")
    if not plan.removable:
        ui.note("Nothing to prune.")


def _agreed(plan: _Plan) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(
            "pyman prune asks before it removes, and there is no terminal to ask on",
            "--yes removes without asking, --dry-run only shows what would go.",
        )
    ui.note(_UNMET)
    count = len(plan.removable)
    what = "this installation" if count == 1 else f"these {count} installations"
    return click.confirm(f"Remove {what} and free {ui.size(plan.size)}?", err=True)


def _remove(plan: _Plan, store: Store, *, quiet: bool) -> None:
    tidy(store, settings.bin_dir())
    remover = removing.remover(store)
    for installation, size in plan.removable:
        removing.remove(installation, remover)
        if not quiet:
            ui.note(f"Removed {installation.key} ({ui.size(size)})")


def _document(plan: _Plan) -> dict[str, object]:
    return {
        "removed": [
            {"key": str(each.key), "path": str(each.path), "size": size} for each, size in plan.removable
        ],
        "size": plan.size,
        "used": [{"key": str(key), "environments": _texts(paths)} for key, paths in plan.used.items()],
    }


def _texts(paths: Sequence[Path]) -> list[str]:
    return [str(path) for path in paths]
