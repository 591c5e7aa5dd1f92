"""pyman itself in a bundle: the portable one for each target, and install.sh, from where this one came."""

from collections.abc import Iterable
from hashlib import sha256

from pyman.builds.target import Target
from pyman.bundle.bundle_form import SUMS, Entry, sums_of
from pyman.errors import FetchError
from pyman.network.address import public
from pyman.network.download import read_url
from pyman.network.policy import Network
from pyman.portable import update

FOLDER = "pyman"
SCRIPT = "install.sh"


def companions(targets: Iterable[Target], origin: str, network: Network) -> list[Entry]:
    """Return the portable pymans for the targets and install.sh, as a release at `origin`, a URL, has them.

    FetchError if it has not, or they are not what its SHA256SUMS say.
    """
    texts: dict[str, bytes] = {}
    listed = update.listed(origin, network)
    for target in sorted({target.baseline for target in targets}, key=str):
        offer = update.newest(listed, origin, str(target))
        texts[offer.url.rpartition("/")[2]] = _verified(offer.url, offer.sha256, network)
    script = _verified(f"{origin}/{SCRIPT}", listed.get(SCRIPT), network)
    digests = {name: sha256(text).hexdigest() for name, text in texts.items()}
    strange = next((name for name, digest in digests.items() if digest.encode() not in script), None)
    if strange:
        raise FetchError(f"{SCRIPT} at {public(origin)} is of another release than {strange}")
    texts[SCRIPT] = script
    digests[SCRIPT] = sha256(script).hexdigest()
    texts[SUMS] = sums_of(dict(sorted(digests.items())))
    return [Entry(f"{FOLDER}/{name}", text) for name, text in texts.items()]


def _verified(url: str, digest: str | None, network: Network) -> bytes:
    if not digest:
        raise FetchError(f"{SUMS} beside {public(url)} does not have it", "--pyman names another place.")
    data = read_url(url, network)
    found = sha256(data).hexdigest()
    if found != digest:
        raise FetchError(
            f"{public(url)} has sha256 {found}, expected {digest}", "--pyman names another place."
        )
    return data
