"""Where metadata comes from: what is shipped with pyman, a file, or a URL."""

from pathlib import Path

from pyman import metadata
from pyman.address import public
from pyman.errors import FetchError, MetadataError
from pyman.metadata import Metadata
from pyman.network import Network

_PLACE = "What --metadata and PYMAN_METADATA name may be a file as well."


def load(place: str | None, network: Network) -> Metadata:
    """Return the metadata at `place`, a path or a URL, or the bundled ones; MetadataError or FetchError."""
    if not place:
        return metadata.bundled()
    if "://" in place:
        # What opens connections takes long to load, and metadata are mostly at hand.
        from pyman import fetch  # noqa: PLC0415

        try:
            return metadata.parse(fetch.read(place, network), public(place))
        except FetchError as error:
            raise type(error)(error.message, f"{error.hint} {_PLACE}") from None
    try:
        return metadata.parse(Path(place).read_bytes(), place)
    except OSError as error:
        raise MetadataError(
            f"cannot read the metadata {place}: {error.strerror}", "Check --metadata."
        ) from None
