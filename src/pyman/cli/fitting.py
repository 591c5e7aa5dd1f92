"""Which installations the requests of a command mean: those of `pyman uninstall` and `pyman verify`."""

from collections.abc import Callable, Sequence

from pyman.builds.key import Key
from pyman.errors import StoreError
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store


def fitting(texts: Sequence[str], here: Sequence[Installation], store: Store) -> list[Installation]:
    """Return those of `here`, which the store has, that fit, each once; `latest` means one of them.

    Raises UsageError for a text that is no request, StoreError for a request which none fits.
    """
    found: list[Installation] = []
    for text in texts:
        request = Request.parse(text)
        those = [each for each in here if request.matches(each.key)]
        if request.latest:  # one, not all that could ever be it
            those = sorted(those, key=lambda each: request.preference(each.key))[-1:]
        if not those:
            hint = "`pyman list --only-installed` shows what there is."
            raise nothing_fits(text, request.matches, store, hint)
        found += [each for each in those if each not in found]
    return found


def nothing_fits(text: str, fits: Callable[[Key], bool], store: Store, hint: str) -> StoreError:
    """Return the error for a request that nothing in the user's own store fits; it may fit beneath."""
    below = store.beneath.installations() if store.beneath else []
    found = next((each for each in below if fits(each.key)), None)
    if not found:
        return StoreError(f"nothing installed fits the request: {text}", hint)
    return StoreError(
        f"{found.key} is in the system store {found.path.parent}, which pyman never changes",
        f"`PYMAN_HOME={found.path.parent} pyman …` does, for those who may write there.",
    )
