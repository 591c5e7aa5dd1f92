"""The sequence of a removal: lock, move the links to what stays, take the installation out.

The links move first. An environment that goes by a minor link has a Python at every moment, and a process
that dies half way leaves no link to what is gone.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.store import changes, known_links, links
from pyman.store.installations import Installation, Store


@dataclass(frozen=True, slots=True)
class Remover:
    """What a removal works with: the store, the directory of links, and whose programs run here.

    `own` is None where the machine cannot be told; what is installed is then taken to be for it.
    """

    store: Store
    bin_dir: Path
    own: Target | None

    def remove(self, installation: Installation, on_wait: Callable[[str], None]) -> None:
        """Remove an installation and the links to it; nothing happens if it is gone already.

        Calls `on_wait` if another process holds its lock. Raises StoreError; the store is then as it was.
        """
        key = installation.key
        with changes.locked(self.store, key, on_wait), changes.links_locked(self.store):
            try:
                if self._has_another(key):
                    self._point(_Remaining(self.store, key), key)
                if self.store.get(key):
                    changes.remove(self.store, installation)
            finally:
                self._point(self.store, key)

    def _has_another(self, key: Key) -> bool:
        rest = _Remaining(self.store, key).installations()
        return any(each.key.link_name == key.link_name for each in rest)

    def _point(self, store: Store, key: Key) -> None:
        links.refresh_minor(store, key)
        links.follow_bin(store, key, self.own or key.target, self.bin_dir)


def tidy(store: Store, bin_dir: Path) -> None:
    """Take away what dead processes left: staging, and links half made or to what is gone.

    StoreError when the store cannot be written.
    """
    changes.sweep(store)
    kinds = {each.key.link_name: each.key for each in store.installations()}
    if not store.home.is_dir():
        return
    with changes.links_locked(store):
        for key in kinds.values():
            links.refresh_minor(store, key)
        half_made = [link for link in _links(store.home) if known_links.is_minor(link) and _is_rubbish(link)]
        for link in (*half_made, *(link for link in _links(bin_dir) if known_links.is_rubbish(link, store))):
            with suppress(OSError):
                link.unlink()


def _is_rubbish(link: Path) -> bool:
    return link.name.startswith(".") or not link.exists()


def _links(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_symlink()]
    except OSError:
        return []


class _Remaining(Store):
    """The store as it will be without one of its installations."""

    def __init__(self, store: Store, leaving: Key) -> None:
        super().__init__(store.home, store.beneath)
        self.leaving = leaving

    def installations(self) -> list[Installation]:
        return [each for each in super().installations() if each.key != self.leaving]
