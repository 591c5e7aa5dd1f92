"""`pyman uninstall`."""

from collections.abc import Sequence

import click

from pyman import changes, links, ui
from pyman.cli import settings
from pyman.errors import PymanError, StoreError, UsageError
from pyman.request import Request
from pyman.store import Installation, Store
from pyman.target import Target


@click.command("uninstall")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@click.option("--all", "everything", is_flag=True, help="Remove every installed Python version.")
@click.option("-q", "--quiet", is_flag=True, help="Print warnings and errors only.")
def command(requests: tuple[str, ...], everything: bool, quiet: bool) -> None:
    """Remove installed Python versions: all that fit a REQUEST."""
    if everything == bool(requests):
        raise UsageError(
            "name what to uninstall, or give --all", "`pyman list --only-installed` shows what there is."
        )
    store = settings.store()
    doomed = store.installations() if everything else _doomed(requests, store)
    for installation in doomed:
        _uninstall(installation, store)
        if not quiet:
            ui.note(f"Uninstalled {installation.key}")
    if not doomed and not quiet:
        ui.note("Nothing is installed.")


def _doomed(texts: Sequence[str], store: Store) -> list[Installation]:
    """The installations that fit; StoreError for a request which none fits, before anything is removed."""
    here = store.installations()
    fitting: dict[str, Installation] = {}
    for text in texts:
        request = Request.parse(text)
        found = [each for each in here if request.matches(each.key)]
        if not found:
            raise StoreError(
                f"nothing installed fits the request: {text}",
                "`pyman list --only-installed` shows what there is.",
            )
        fitting |= {str(each.key): each for each in found}
    return list(fitting.values())


def _uninstall(installation: Installation, store: Store) -> None:
    key = installation.key
    with changes.locked(store, key, lambda: ui.note(f"Waiting for another process that is changing {key}")):
        if store.get(key):
            changes.remove(store, installation)
    with changes.links_locked(store):
        links.refresh_minor(store, key)
        links.refresh_bin(store, key, _own_target(installation), settings.bin_dir(), force=False)


def _own_target(installation: Installation) -> Target:
    """Where the machine cannot be told, what is installed is taken to be for it."""
    try:
        return settings.own_target(None)
    except PymanError:
        return installation.key.target
