"""pyman itself, copied from the package that runs."""

import shutil
from pathlib import Path

import pyman
from pyman.catalogue import own_form

# Programs of their own, and what virtualenv loads: the portable pyman has no use for them.
_LEFT_OUT = shutil.ignore_patterns("bootstrap", "metadata_fetcher", "plugin", "__pycache__", "*.pyc")


def copy(packages: Path) -> None:
    """Put the package `pyman`, its metadata included, into the folder `packages`."""
    source = Path(pyman.__file__).parent
    shutil.copytree(source, packages / "pyman", ignore=_LEFT_OUT)
    shutil.copyfile(own_form.bundled_path(), packages / "pyman" / own_form.BUNDLED)
