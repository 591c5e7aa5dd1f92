"""Metadata that the user gave as a URL, kept in the user's cache: their source is asked once an hour at most.

    <cache>/metadata/<digest of the URL>    a line of JSON, which tells when the URL was asked last and the
                                            validators of its answer; then the document, as it was

What is there serves where no connection may be opened or none can be. It may be deleted at any time.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pyman.archive.inflate import plain
from pyman.catalogue.build import Metadata
from pyman.errors import ArchiveError, FetchError, MetadataError, PymanError, StoreError
from pyman.network.address import public
from pyman.network.download import LARGEST_DOCUMENT, read_url
from pyman.network.news import Validators, news
from pyman.network.policy import Network
from pyman.system import regular_file
from pyman.system.userdirs import cache_dir

_LARGEST = LARGEST_DOCUMENT + 1024**2  # and what is known of it
_FRESH = 60 * 60.0  # seconds
_Parse = Callable[[bytes], Metadata]


class _Copy(NamedTuple):
    """A document that is kept: when its URL was asked (seconds since 1970), and what that answered."""

    asked: float
    validators: Validators
    data: bytes
    metadata: Metadata


def read(url: str, network: Network, parse: _Parse, warn: Callable[[PymanError], None]) -> Metadata:
    """Return what `parse` makes of the document at `url`, which is asked unless it was within the hour.

    Where it does not answer, or no connection may be opened, the copy serves; `warn` is told of the former.
    FetchError where there is no copy either, MetadataError for what `parse` refuses: that is not kept.
    """
    if url.startswith("file:"):
        return parse(read_url(url, network))
    place = _place(url)
    copy = _kept(place, parse)
    if copy and (network.offline or 0 <= time.time() - copy.asked < _FRESH):
        return copy.metadata
    try:
        return _asked(url, network, parse, copy, place)
    except FetchError as error:
        if not copy:
            raise
        date = datetime.fromtimestamp(copy.asked, UTC).strftime("%Y-%m-%d %H:%M UTC")
        warn(FetchError(f"{error.message}; what it had at {date} serves", error.hint))
        return copy.metadata


def _asked(url: str, network: Network, parse: _Parse, copy: _Copy | None, place: Path | None) -> Metadata:
    """Ask, and keep the answer."""

    def take(chunks: Iterator[bytes]) -> bytes:
        try:
            return b"".join(plain(chunks, LARGEST_DOCUMENT))
        except ArchiveError as error:
            raise MetadataError(f"{public(url)} cannot be read: {error.message}", error.hint) from None

    data, validators = news(url, copy.validators if copy else Validators(), network, take)
    if copy and data is None:
        found = copy._replace(asked=time.time())
    else:
        found = _Copy(time.time(), validators, data or b"", parse(data or b""))
    _keep(place, found)
    return found.metadata


def _place(url: str) -> Path | None:
    """Where the copy is; None where nobody has a home. An address may hold a password, so it is not named."""
    try:
        folder = cache_dir(os.environ)
    except StoreError:
        return None
    return folder / "metadata" / hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()


def _kept(place: Path | None, parse: _Parse) -> _Copy | None:
    """The copy, if there is a good one."""
    if not place:
        return None
    try:
        head, _, data = regular_file.whole(place, _LARGEST).partition(b"\n")
        found = json.loads(head)
        validators = Validators(str(found["etag"]), str(found["last_modified"]))
        asked = float(found["asked"])
        datetime.fromtimestamp(asked, UTC)  # raises for what is no time
        return _Copy(asked, validators, data, parse(data))
    except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError, MetadataError):
        return None


def _keep(place: Path | None, copy: _Copy) -> None:
    """Write the copy whole, for its owner alone; without one is asked again the next time."""
    if not place:
        return
    head = json.dumps({"asked": copy.asked} | copy.validators._asdict()).encode()
    waiting = place.with_name(f"{place.name}.{os.urandom(8).hex()}.part")
    with suppress(OSError):
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        try:
            with open(waiting, "xb", opener=_for_me) as file:
                file.write(head + b"\n" + copy.data)
            waiting.replace(place)
        finally:
            waiting.unlink(missing_ok=True)


def _for_me(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
