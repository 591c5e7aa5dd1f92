"""The store as the destination of an install."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any

from pyman.builds.key import Key
from pyman.inventory import access, manifest
from pyman.store import changes, links, modes
from pyman.store.installations import Installation, Store


class IntoStore:
    """The place of one build in a store; its minor link is pointed when it is published."""

    def __init__(self, store: Store, key: Key) -> None:
        self._store = store
        self._key = key
        self._elsewhere: Path | None = None

    @property
    def final(self) -> Path:
        """Where it will be installed."""
        return self._store.path_of(self._key)

    def locked(
        self, on_wait: Callable[[str], None], cancelled: Event | None = None
    ) -> AbstractContextManager[None]:
        """Hold the build's lock, as `changes.locked` does."""
        return changes.locked(self._store, self._key, on_wait, cancelled)

    def present(self) -> Installation | None:
        """Return the installation of that build in the store itself."""
        return self._store.get(self._key)

    def replaced(self) -> Mapping[str, Any]:
        """Return the record of that build's installation in the store."""
        present = self.present()
        return present.record() if present else {}

    def check(self) -> None:
        """StoreError if a bystander has the place."""
        if bystander := self._store.bystander(self._key):
            raise changes.taken(bystander)

    def staging(self) -> AbstractContextManager[Path]:
        """Give a directory one rename away from the store, as `changes.staging` does."""
        return changes.staging(self._store, self._key)

    def publish(self, tree: Path, record: Mapping[str, Any], latest: int | None = None) -> Installation:
        """Publish it by a rename, as `changes.publish` does."""
        present = self.present()
        self._elsewhere = present.elsewhere if present else None
        # Without them, its own folder is the measure of who may change it.
        rights = access.noted(tree, modes.readable(self._store.home)) if latest is None else {}
        text = manifest.document({**record, **rights})
        return changes.publish(self._store, self._key, tree, text, latest)

    def settled(self) -> Iterator[str]:
        """Point the minor link; tell of a link that was replaced, and of one that is not pyman's."""
        if self._elsewhere:
            yield f"{self._key} was a link, which was replaced: {self._elsewhere} stays"
        with changes.links_locked(self._store):
            if not links.refresh_minor(self._store, self._key):
                yield links.foreign_minor(self._store, self._key)
