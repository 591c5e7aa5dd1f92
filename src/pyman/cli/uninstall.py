"""`pyman uninstall`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from pyman import ui, upkeep
from pyman.cli import removing, settings
from pyman.cli.fitting import fitting
from pyman.errors import StoreError, UsageError
from pyman.key import Key


@click.command("uninstall")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@click.option("--all", "everything", is_flag=True, help="Remove every installed Python version.")
@click.option("--force", is_flag=True, help="Remove also what a virtual environment uses.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was removed as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def command(
    requests: tuple[str, ...], everything: bool, force: bool, dry_run: bool, as_json: bool, quiet: bool
) -> None:
    """Remove installed Python versions: all that fit a REQUEST.

    Refuses while a virtual environment that pyman has met uses one of them.
    """
    if everything == bool(requests):
        wrong = (
            "--all and a request exclude each other"
            if everything
            else "name what to uninstall, or give --all"
        )
        raise UsageError(wrong, "`pyman list --only-installed` shows what there is.")
    store = settings.store()
    here = store.installations()
    doomed = here if everything else fitting(requests, here, store)
    _guard(upkeep.stranded(removing.met(store), doomed, store.installations()), force=force)
    remover = removing.remover(store)
    for installation in doomed:
        if not dry_run:
            removing.remove(installation, remover)
        if dry_run or not quiet:
            ui.note(f"{'Would uninstall' if dry_run else 'Uninstalled'} {installation.key}")
    if not doomed and not quiet:
        ui.note("Nothing is installed.")
    if as_json:
        gone = [{"key": str(each.key), "path": str(each.path)} for each in doomed]
        ui.document({"uninstalled": gone, "dry_run": dry_run})


def _guard(used: Mapping[Key, Sequence[Path]], *, force: bool) -> None:
    """Refuse, naming all that would be left without a Python; with `force` only name it."""
    if not used:
        return
    lines = [
        f"{key} is used by {_count(paths)}:" + "".join(f"\n  {path}" for path in paths)
        for key, paths in used.items()
    ]
    if not force:
        raise StoreError(
            "\n".join(lines),
            "Delete them, or make them anew with another Python; --force removes it all the same.",
        )
    for line in lines:
        ui.warning(line.replace("is used by", "was used by"))


def _count(paths: Sequence[Path]) -> str:
    return "a virtual environment" if len(paths) == 1 else f"{len(paths)} virtual environments"
