"""What commands that change what is installed have in common."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click

from pyman.builds.key import Key
from pyman.cli import settings, shim_names
from pyman.environments import environment_index, in_use
from pyman.environments.in_use import Looked, Unseen
from pyman.errors import PymanError, UsageError
from pyman.report import ui
from pyman.store import windows_registry
from pyman.store.installations import Installation, Store
from pyman.store.removal import Remover

_SHOWN = 5


def remover(store: Store) -> Remover:
    """Return what removes installations from the store, and the links to them from the user's directory."""
    try:
        own = settings.own_target(None)
    except PymanError:
        own = None
    return Remover(store, settings.bin_dir(), own)


def remove(installation: Installation, remover: Remover) -> None:
    """Remove an installation, and what stands outside of the store for it."""
    key, elsewhere = installation.key, installation.elsewhere
    remover.remove(installation, lambda owner: ui.note(f"Waiting for {owner} that is changing {key}"))
    shim_names.follow(remover.store)
    if elsewhere:
        ui.note(f"Only the link {installation.path} was removed: {elsewhere} stays.")
    try:
        windows_registry.forget(key)
    except PymanError as error:
        ui.warning(error.message)


def look(store: Store, scanned: Iterable[Path] = ()) -> Looked:
    """Return the environments that use the store, as `in_use.look` finds them from here."""
    try:
        start = Path.cwd()
    except OSError:  # it is gone
        start = None
    return in_use.look(store.home, os.environ, start, scanned)


def remember(store: Store, looked: Looked) -> None:
    """Keep in mind what was found: the next time it may lie elsewhere than where is looked."""
    environment_index.note_all(store.home, [each.path for each in looked.environments])


def agreed(question: str, *remarks: str) -> bool:
    """Ask on the terminal, after the remarks; UsageError where there is none to ask on."""
    if not sys.stdin.isatty():
        raise UsageError(
            "pyman prune asks before it removes, and there is no terminal to ask on",
            "--yes removes without asking, --dry-run only shows what would go.",
        )
    for remark in remarks:
        ui.note(remark)
    return click.confirm(question, err=True)


def tell_unseen(unseen: Sequence[Unseen]) -> None:
    """Warn of places that could not be looked at."""
    if unseen:
        ui.warning("\n  ".join(["not looked for virtual environments in", *some(map(_told, unseen))]))


def some(named: Iterable[object]) -> list[str]:
    """Return five of what is to be named, then how many more there are."""
    texts = list(map(str, named))
    more = len(texts) - _SHOWN
    return [*texts[:_SHOWN], *([f"and {more} more"] if more > 0 else [])]


def document(used: Mapping[Key, Sequence[Path]], unseen: Sequence[Unseen]) -> dict[str, object]:
    """Return what `--json` tells of them: all of it."""
    return {
        "used": [
            {"key": str(key), "environments": [str(path) for path in paths]} for key, paths in used.items()
        ],
        "unseen": [{"path": str(each.path), "reason": each.why} for each in unseen],
    }


def _told(place: Unseen) -> str:
    return f"{place.path}: {place.why}"
