"""What a refresh learned: builds that came after this pyman. Kept in the store, read with what is bundled.

    <store>/.metadata/learned.json   builds in pyman's own form; its head lists the refreshes that brought
                                     something, and each row ends in the place of its own in that list
                      refresh.json   when and where was asked last, and what was answered

Files are replaced whole, so nobody locks to read them. Of a store beneath what root learned is read as well.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from pyman.catalogue import own_form
from pyman.catalogue.build import Metadata
from pyman.catalogue.own_form import SectionedMetadata
from pyman.errors import MetadataError, NewerFormError

FOLDER = ".metadata"
BUILDS = "learned.json"
STATE = "refresh.json"
_MEND = "It is passed over; the next `pyman refresh` replaces it."
_IN_THE_WAY = "It is passed over; remove it, and `pyman refresh` can learn of newer builds again."


def known(homes: Iterable[Path], damaged: Callable[[MetadataError], None]) -> Metadata:
    """Return the bundled builds, and those learned in the stores at `homes`.

    `damaged` is called with what is wrong with a file that is passed over. MetadataError where the bundled
    file is damaged.
    """
    bundled = own_form.bundled()
    more = [found for home in homes if (found := read(home, damaged))]
    if not more:
        return bundled
    from pyman.catalogue.together import Together  # noqa: PLC0415 - for those who have learned something

    return Together(bundled, more, lambda error: damaged(passed_over(error)))


def read(home: Path, damaged: Callable[[MetadataError], None]) -> SectionedMetadata | None:
    """Return what was learned in the store at `home`; None if nothing was, or it is damaged."""
    path = place(home)
    try:
        return SectionedMetadata(path) if os.path.lexists(path) else None
    except MetadataError as error:
        # What is no file may be anybody's: nothing takes its place.
        is_file = path.is_file() and not path.is_symlink()
        damaged(passed_over(error) if is_file else MetadataError(error.message, _IN_THE_WAY))
        return None


def place(home: Path) -> Path:
    """Return where the store at `home` keeps what was learned."""
    return home / FOLDER / BUILDS


def passed_over(error: MetadataError) -> MetadataError:
    """Return the error as it is told where what is known serves all the same."""
    return MetadataError(error.message, error.hint if isinstance(error, NewerFormError) else _MEND)
