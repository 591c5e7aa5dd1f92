"""The shims such as `python3.12`: one for each minor version that is installed, where there are shims."""

import os
from contextlib import suppress

from pyman.cli import settings
from pyman.errors import PymanError
from pyman.store import premises
from pyman.store.installations import Store


def follow(store: Store) -> None:
    """Make and remove shims after what is installed has changed; where there are none nothing is done."""
    if not os.path.lexists(store.home / premises.SHIMS):
        return
    from pyman.shims import shims_folder  # few have any

    with suppress(PymanError):
        shims_folder.follow(store, settings.own_target(None))
