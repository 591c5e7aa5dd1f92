"""`pyman uninstall`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from pyman.builds.key import Key
from pyman.cli import removing, settings
from pyman.cli.fitting import fitting
from pyman.errors import StoreError, UsageError
from pyman.report import ui
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.store.installations import Installation, Store
from pyman.upkeep import conditions


@click.command("uninstall")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@settings.prefix_option("Remove what pyman has put into this directory, and nothing else there.")
@click.option("--all", "everything", is_flag=True, help="Remove every installed Python version.")
@click.option("--force", is_flag=True, help="Remove also what a virtual environment uses.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was removed as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def command(
    requests: tuple[str, ...],
    prefix: str | None,
    everything: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Remove installed Python versions: all that fit a REQUEST.

    Refuses while a virtual environment uses one of them. They are looked for where those are that pyman has
    met, here and above, and where pipx, uv, poetry, hatch, pdm, pipenv and virtualenvwrapper keep theirs.
    """
    if prefix is not None:
        from pyman.commands import prefix_upkeep

        wanted = None if everything else requests
        prefix_upkeep.uninstall(
            settings.prefix(prefix), wanted, dry_run=dry_run, as_json=as_json, quiet=quiet
        )
        return
    _check_usage(requests, everything=everything)
    store = settings.store()
    here = store.installations()
    doomed = here if everything else fitting(requests, here, store)
    looked = removing.look(store)
    if not dry_run:
        removing.remember(store, looked)
    used = conditions.stranded(looked.environments, doomed, here)
    told = removing.document(used, looked.unseen) | {"dry_run": dry_run}
    removing.tell_unseen(looked.unseen)
    if used and not force and as_json:
        ui.document({"uninstalled": []} | told)
    _guard(used, force=force)
    _remove(doomed, store, dry_run=dry_run, quiet=quiet)
    if as_json:
        gone = [{"key": str(each.key), "path": str(each.path)} for each in doomed]
        ui.document({"uninstalled": gone} | told)


def _check_usage(requests: Sequence[str], *, everything: bool) -> None:
    if everything == bool(requests):
        wrong = (
            "--all and a request exclude each other"
            if everything
            else "name what to uninstall, or give --all"
        )
        raise UsageError(wrong, "`pyman list --only-installed` shows what there is.")


def _remove(doomed: Sequence[Installation], store: Store, *, dry_run: bool, quiet: bool) -> None:
    remover = removing.remover(store)
    for installation in doomed:
        if not dry_run:
            removing.remove(installation, remover)
        if dry_run or not quiet:
            ui.note(f"{'Would uninstall' if dry_run else 'Uninstalled'} {installation.key}")
    if not doomed and not quiet:
        ui.note("Nothing is installed.")


def _guard(used: Mapping[Key, Sequence[Path]], *, force: bool) -> None:
    """Refuse, naming what would be left without a Python; with `force` only name it."""
    if force or not used:
        for key, paths in used.items():
            ui.warning(f"{key} was used by {_described(paths)}")
        return
    kinds = (Request(key.implementation, key.version.series, variant=key.variant) for key in used)
    minors = " ".join(dict.fromkeys(map(spelled, kinds)))
    raise StoreError(
        "\n".join(f"{key} is used by {_described(paths)}" for key, paths in used.items()),
        f"`pyman upgrade {minors}` installs what is newer: environments made with the minor version follow, "
        "the others must be made anew. --force removes it all the same.",
    )


def _described(paths: Sequence[Path]) -> str:
    count = "a virtual environment" if len(paths) == 1 else f"{len(paths)} virtual environments"
    return "\n  ".join([f"{count}:", *removing.some(paths)])
