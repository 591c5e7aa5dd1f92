"""The files of settings, of the user and of the site: what is wrong in them."""

from collections.abc import Iterator

from pyman.config import layers
from pyman.config.layers import Layers
from pyman.doctor.finding import Finding, Setup, edited
from pyman.errors import PymanError


def damaged(setup: Setup) -> Iterator[Finding]:
    """What cannot be read or used in a file, and what means nothing."""
    try:
        found = layers.of(setup.environ)
    except PymanError as error:
        yield Finding(error.message, error.hint.rstrip("."), "pyman config")
        return
    for file in found.files if isinstance(found, Layers) else ():
        for remark in file.remarks:
            why = "the whole file does not count until that is mended" if remark.fault else "it does nothing"
            yield Finding(str(remark), why, edited(remark.path))
