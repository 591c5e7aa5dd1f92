"""`pyman prune`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from pyman.builds.key import Key
from pyman.cli import removing, settings
from pyman.environments import in_use
from pyman.environments.in_use import Looked, Unseen
from pyman.errors import UsageError
from pyman.report import ui
from pyman.store.installations import Installation, Store
from pyman.store.removal import tidy
from pyman.upkeep import conditions

_UNMET = "Environments in other than the usual places are not known to pyman: --scan DIR looks for them."


@dataclass(frozen=True, slots=True)
class _Plan:
    """What can go, with its size in bytes, and what is superseded but used, with the environments.

    `looked` is what that rests on.
    """

    removable: list[tuple[Installation, int]]
    used: dict[Key, list[Path]]
    looked: Looked

    @property
    def size(self) -> int:
        """The bytes that are freed."""
        return sum(size for _, size in self.removable)

    def narrowed_to(self, other: "_Plan") -> "_Plan":
        """Return the other plan without what this one does not remove."""
        agreed = {each.key for each, _ in self.removable}
        return replace(other, removable=[pair for pair in other.removable if pair[0].key in agreed])


@click.command("prune")
@click.option(
    "--scan",
    "places",
    metavar="DIR",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Look for virtual environments in DIR and below first; may be given more than once.",
)
@click.option(
    "--cache", "of_cache", is_flag=True, help="Remove from the cache (PYMAN_CACHE_DIR), not the store."
)
@click.option("--max-size", metavar="SIZE", help="With --cache: keep at most so much, such as 2GB.")
@settings.metadata_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was removed, and what is used, as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
@click.pass_context
def command(
    context: click.Context,
    places: tuple[Path, ...],
    of_cache: bool,
    max_size: str | None,
    metadata_place: str | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Remove superseded installations that nothing uses.

    An installation is superseded when a newer one of the same minor version, variant and target is
    installed. It stays while a virtual environment that was made with it uses it; `pyman uninstall --help`
    says where those are looked for.

    With --cache archives are removed, and no installations: those that are superseded, in no metadata,
    damaged, or unfinished. What is installed stays, and the newest that is known of each minor version;
    with --max-size of these, too, the least recently used go, those of what is installed last.
    """
    if places and of_cache:
        raise UsageError("--scan looks for what uses installations, not the cache", "Leave out one of them.")
    if max_size is not None and not of_cache:
        raise UsageError("--max-size is for the cache", "Give --cache with it.")
    if of_cache:
        from pyman.cli import prune_cache

        how = prune_cache.How(yes, dry_run, as_json, quiet)
        prune_cache.run(context, metadata_place, max_size, how)
    else:
        _prune_store(context, places, yes=yes, dry_run=dry_run, as_json=as_json, quiet=quiet)


def _prune_store(
    context: click.Context, places: Sequence[Path], *, yes: bool, dry_run: bool, as_json: bool, quiet: bool
) -> None:
    store = settings.store()
    unseen: list[Unseen] = []
    scanned = [path.resolve() for place in places for path in in_use.scan(place, unseen)]
    plan = _plan(store, scanned)
    if plan.removable or places:
        removing.tell_unseen([*unseen, *plan.looked.unseen])
    if not quiet or not (yes or dry_run):
        _describe(plan, dry_run=dry_run)
    if plan.removable and not (yes or dry_run) and not _agreed(plan):
        ui.note("Nothing was removed.")
        context.exit(1)
    if not dry_run:
        removing.remember(store, plan.looked)
        if not yes:  # looked at again: a question may stand for hours
            plan = plan.narrowed_to(_plan(store, scanned))
        _remove(plan, store, quiet=quiet)
    if as_json:
        ui.document(_document(plan, unseen) | {"dry_run": dry_run})


def _plan(store: Store, scanned: Iterable[Path]) -> _Plan:
    here = store.installations()
    old = conditions.superseded(here)
    looked = removing.look(store, scanned)
    used = conditions.stranded(looked.environments, old, here)
    removable = [(each, conditions.bytes_on_disk(each.path)) for each in old if each.key not in used]
    return _Plan(removable, used, looked)


def _describe(plan: _Plan, *, dry_run: bool) -> None:
    for key, paths in plan.used.items():
        ui.note(f"Kept {key}, which is used by {', '.join(removing.some(paths))}")
    for installation, size in plan.removable:
        ui.note(f"{'Would remove' if dry_run else 'Superseded:'} {installation.key} ({ui.size(size)})")
    if len(plan.removable) > 1:
        ui.note(f"Together {ui.size(plan.size)}.")
    if not plan.removable:
        ui.note("Nothing to prune.")


def _agreed(plan: _Plan) -> bool:
    count = len(plan.removable)
    what = "this installation" if count == 1 else f"these {count} installations"
    return removing.agreed(f"Remove {what} and free {ui.size(plan.size)}?", _UNMET)


def _remove(plan: _Plan, store: Store, *, quiet: bool) -> None:
    tidy(store, settings.bin_dir())
    remover = removing.remover(store)
    for installation, size in plan.removable:
        removing.remove(installation, remover)
        if not quiet:
            ui.note(f"Removed {installation.key} ({ui.size(size)})")


def _document(plan: _Plan, unseen: Sequence[Unseen]) -> dict[str, object]:
    return {
        "removed": [
            {"key": str(each.key), "path": str(each.path), "size": size} for each, size in plan.removable
        ],
        "size": plan.size,
        **removing.document(plan.used, [*unseen, *plan.looked.unseen]),
    }
