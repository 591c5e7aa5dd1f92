"""Brings the portable pyman up to date from where it came."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

from packaging.version import InvalidVersion, Version

from pyman.archive import unpack
from pyman.errors import ArchiveError, FetchError, StoreError, UsageError
from pyman.network.download import downloading, read_url
from pyman.network.policy import Network
from pyman.portable import place
from pyman.system.userdirs import given_dir

_SUMS = "SHA256SUMS"
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64}) [ *](?P<file>\S+)")
_PORTABLE = re.compile(r"pyman-(?P<version>[^-\s]+)-(?P<target>\S+)\.tar\.gz")


@dataclass(frozen=True, slots=True)
class Offer:
    """A portable pyman that can be had: its version, the address of its archive, and its digest."""

    version: str
    url: str
    sha256: str


def origin_of(root: Path, given: str | None) -> str:
    """Return the address to look at: what is `given`, else where it came from; UsageError if unknown."""
    found = given or place.receipt(root).get("origin") or place.described(root).get("newest")
    if not found:
        raise UsageError(
            "this pyman does not know where a newer one can be had",
            "Name the address or the folder with --from.",
        )
    if "://" in found:
        return str(found).rstrip("/")
    return given_dir(found, "--from").resolve().as_uri()


def listed(origin: str, network: Network) -> dict[str, str]:
    """Return the digests of the files at `origin`, by their names, as its SHA256SUMS has them. FetchError."""
    text = read_url(f"{origin}/{_SUMS}", network).decode("utf-8", "replace")
    found = (_LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {each["file"]: each["sha256"] for each in found if each}


def newest(digests: Mapping[str, str], origin: str, target: str) -> Offer:
    """Return the newest portable pyman for `target` among the files `listed` at `origin`. FetchError."""
    offers = []
    for file, digest in digests.items():
        found = _PORTABLE.fullmatch(file)
        if found and found["target"] == target and is_version(found["version"]):
            offers.append(Offer(found["version"], f"{origin}/{file}", digest))
    if not offers:
        raise FetchError(f"{_SUMS} at {origin} names no pyman for {target}", "--from names another place.")
    return max(offers, key=lambda offer: Version(offer.version))


def is_version(text: str) -> bool:
    """Whether it can be compared."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def is_newer(offer: Offer, version: str) -> bool:
    """Whether what is offered is newer than `version`."""
    return Version(offer.version) > Version(version)


def update(root: Path, offer: Offer, origin: str, network: Network) -> None:
    """Replace the portable pyman at `root`. What fails leaves it as it was.

    Raises FetchError, ArchiveError, StoreError if the system refuses or there is more than pyman in the
    folder, PymanError if the new one does not start.
    """
    place.check_alone(root)
    try:
        staging = Path(mkdtemp(prefix=".pyman-update-", dir=root.parent))
    except OSError as error:
        raise StoreError.of(
            "write in", root.parent, error, "Whoever put pyman there can update it."
        ) from None
    try:
        new = staging / "pyman"
        new.mkdir(0o755)
        with downloading(offer.url, Event(), network) as download:
            try:
                unpack.unpack(download, new)
            except ArchiveError:
                download.check(offer.sha256)  # damage on the way is the source's fault, not the archive's
                raise
            download.check(offer.sha256)
        written_down = {**place.receipt(root), "origin": origin, "sha256": offer.sha256}
        place.publish(new, root, written_down)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
