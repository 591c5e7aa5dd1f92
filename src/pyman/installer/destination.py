"""Destination: where an install goes, and how that is locked, staged and published. `into_store` is one."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event
from typing import Any, Protocol

from pyman.store.installations import Installation


class Destination(Protocol):
    """The place of one build. What it raises leaves the place as it was."""

    @property
    def final(self) -> Path:
        """Where the build will be, as its files say it."""

    def locked(
        self, on_wait: Callable[[str], None], cancelled: Event | None = None
    ) -> AbstractContextManager[None]:
        """Let nobody else work on it meanwhile.

        If another process does, `on_wait` is called once, with what that process is called. Raises
        StoreError, and CancelledError soon after `cancelled` is set while it waits.
        """

    def present(self) -> Installation | None:
        """Return the installation of that build, if it is there."""

    def replaced(self) -> Mapping[str, Any]:
        """Return the record of what would be replaced; empty if there is nothing."""

    def check(self) -> None:
        """StoreError if something has the place that must not be replaced."""

    def staging(self) -> AbstractContextManager[Path]:
        """Give an empty directory, to be published; it is removed unless it was. Raises StoreError."""

    def publish(self, tree: Path, record: Mapping[str, Any], latest: int | None = None) -> Installation:
        """Make the staged `tree`, and what is known of it, the installation. Raises StoreError.

        Where `latest` is given, in seconds since 1970, it is to be reproducible: nothing in it is later, and
        neither the umask nor who makes it is to be seen from its modes and its record.
        """

    def settled(self) -> Iterable[str]:
        """Do what is due when it is published and the lock is left; yields what the user should know."""
