"""Where metadata comes from: what is shipped with pyman, a file, or a URL."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pyman import own_form
from pyman.address import public
from pyman.errors import FetchError, MetadataError
from pyman.metadata import Metadata, damaged

if TYPE_CHECKING:
    from pyman.network import Network

_PLACE = "What --metadata and PYMAN_METADATA name may be a file as well."


def load(place: str | None, network: Callable[[], "Network"]) -> Metadata:
    """Return the metadata at `place`, a path or a URL, or the bundled ones; MetadataError or FetchError."""
    if not place:
        return own_form.bundled()
    if "://" in place:
        # What opens connections takes long to load, and metadata are mostly at hand.
        from pyman import fetch  # noqa: PLC0415

        try:
            return parse(fetch.read(place, network()), public(place))
        except FetchError as error:
            raise type(error)(error.message, f"{error.hint} {_PLACE}") from None
    try:
        return parse(Path(place).read_bytes(), place)
    except OSError as error:
        raise MetadataError(
            f"cannot read the metadata {place}: {error.strerror}", "Check --metadata."
        ) from None


def parse(data: bytes, origin: str) -> Metadata:
    """Return the metadata in `data`: pyman's own form or the object that uv reads.

    `origin` names the file or URL in errors. Raises MetadataError for anything else.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(origin, f"it is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise damaged(origin, "it is not a JSON object")
    if "builds" in document:
        return own_form.WholeMetadata(document, origin)
    from pyman.uv_form import KeyedMetadata  # noqa: PLC0415 - few have such a file

    return KeyedMetadata(document, origin)
