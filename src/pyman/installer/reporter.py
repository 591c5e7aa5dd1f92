"""Reporter: what is told about an install while it goes on."""

from typing import Protocol

from pyman.builds.key import Key
from pyman.errors import DoesNotRunError, PymanError
from pyman.slimming.ledger import Ledger
from pyman.store.installations import Installation


class Reporter(Protocol):
    """Who is told how an install goes; called from several threads."""

    def waiting(self, key: Key, owner: str) -> None:
        """Another process, `owner` in words, is installing the same build."""

    def downloading(self, key: Key, size: int | None) -> None:
        """Bytes are coming, `size` of them if the source said so; again when the next source is tried."""

    def reading(self, key: Key, size: int | None, source: str) -> None:
        """Bytes come from this machine: from the cache, perhaps in vain, or from a file or folder."""

    def received(self, key: Key, count: int) -> None:
        """So many bytes more have come."""

    def fetched(self, key: Key) -> None:
        """It has come whole into a mirror, and is installed nowhere."""

    def testing(self, key: Key, seconds: float) -> None:
        """It was started to see whether it runs, which takes long; so many `seconds` it has in all."""

    def failed(self, key: Key, error: PymanError, *, final: bool) -> None:
        """A source failed; another one is tried unless that was the last."""

    def does_not_run(self, error: DoesNotRunError, following: Key) -> None:
        """A build does not run on this machine; the next best one is tried."""

    def left_out(self, key: Key, ledger: Ledger) -> None:
        """Parts of it that are not wanted were left out."""

    def warned(self, text: str) -> None:
        """A build runs, but there is something the user should know about it."""

    def installed(self, installation: Installation, seconds: float) -> None:
        """It is published."""

    def already(self, installation: Installation) -> None:
        """It was there before."""
