"""Where metadata comes from: what is shipped with pyman and learned since, a file, or a URL."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pyman.catalogue import learned, own_form
from pyman.catalogue.build import Metadata, damaged
from pyman.errors import FetchError, MetadataError, PymanError
from pyman.network.address import public
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.network.policy import Network

_PLACE = "What --metadata and PYMAN_METADATA name may be a file as well."


def load(
    place: str | None,
    network: Callable[[], "Network"],
    homes: Iterable[Path] = (),
    warn: Callable[[PymanError], None] = lambda _: None,
) -> Metadata:
    """Return the metadata at `place`, a path or a URL; without one what is bundled, and learned in `homes`.

    `warn` is called with what is wrong with a file of what was learned, which is passed over then, and with
    why a URL could not be asked, where a copy of what it had serves in its place. MetadataError or FetchError
    where there are none to be had.
    """
    if not place:
        return learned.known(homes, warn)
    if "://" in place:
        # What opens connections takes long to load, and metadata are mostly at hand.
        from pyman.catalogue import given  # noqa: PLC0415

        try:
            return given.read(place, network(), partial(parse, origin=public(place), place=place), warn)
        except FetchError as error:
            raise type(error)(error.message, f"{error.hint} {_PLACE}") from None
    try:
        return parse(Path(place).read_bytes(), place, place)
    except OSError as error:
        if not Path(place).is_absolute():
            current_dir(place)  # is it that which is gone?
        raise MetadataError(
            f"cannot read the metadata {place}: {error.strerror}", "Check --metadata."
        ) from None


def parse(data: bytes, origin: str, place: str = "") -> Metadata:
    """Return the metadata in `data`: pyman's own form or the object that uv reads.

    `origin` names the file or URL in errors; `place` is it, if what only a mirror has is beside it. Raises
    MetadataError for anything else.
    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(origin, f"it is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise damaged(origin, "it is not a JSON object")
    if "builds" in document or type(document.get("format")) is int:  # whose form may be a later one
        return own_form.WholeMetadata(document, origin, place)
    from pyman.catalogue.uv_form import KeyedMetadata  # noqa: PLC0415 - few have such a file

    return KeyedMetadata(document, origin)
