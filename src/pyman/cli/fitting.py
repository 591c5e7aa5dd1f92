"""Which installations the requests of a command mean: those of `pyman uninstall` and `pyman verify`."""

from collections.abc import Sequence

from pyman.errors import StoreError
from pyman.request import Request
from pyman.select import preference
from pyman.store import Installation, Store


def fitting(texts: Sequence[str], store: Store) -> list[Installation]:
    """Return the installations that fit, each once; `latest` means one of them.

    Raises UsageError for a text that is no request, StoreError for a request which none fits.
    """
    here = store.installations()
    found: list[Installation] = []
    for text in texts:
        request = Request.parse(text)
        those = [each for each in here if request.matches(each.key)]
        if request.latest:  # one, not all that could ever be it
            those = sorted(those, key=lambda each: preference(each.key))[-1:]
        if not those:
            raise StoreError(
                f"nothing installed fits the request: {text}",
                "`pyman list --only-installed` shows what there is.",
            )
        found += [each for each in those if each not in found]
    return found
