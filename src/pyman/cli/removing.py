"""What commands that change what is installed have in common."""

import os
from collections.abc import Iterable
from pathlib import Path

from pyman import environments, ui, windows_registry
from pyman.cli import settings
from pyman.environments import Environment
from pyman.errors import PymanError
from pyman.removal import Remover
from pyman.store import Installation, Store


def remover(store: Store) -> Remover:
    """Return what removes installations from the store, and the links to them from the user's directory."""
    try:
        own = settings.own_target(None)
    except PymanError:
        own = None
    return Remover(store, settings.bin_dir(), own)


def remove(installation: Installation, remover: Remover) -> None:
    """Remove an installation, and what stands outside of the store for it."""
    key = installation.key
    remover.remove(installation, lambda owner: ui.note(f"Waiting for {owner} that is changing {key}"))
    try:
        windows_registry.forget(key)
    except PymanError as error:
        ui.warning(error.message)


def met(store: Store, scanned: Iterable[Path] = ()) -> list[Environment]:
    """Return the environments that use the store: those of the index, those near, and those `scanned`."""
    found = environments.known(store)
    try:
        found += environments.near(store, os.environ, Path.cwd())
    except OSError:  # the current directory is gone
        found += environments.near(store, os.environ, Path("/"))
    found += [each for path in scanned if (each := environments.read(store.home, path))]
    return sorted({each.path: each for each in found}.values(), key=lambda each: each.path)
