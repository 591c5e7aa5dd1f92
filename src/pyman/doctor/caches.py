"""What is kept to be used again: archives, if PYMAN_CACHE_DIR is set, and the user's cache."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyman.doctor.finding import Finding, Setup, is_folder, is_writable, taken_over, unset
from pyman.errors import PymanError
from pyman.network.cache import Cache
from pyman.network.cache_folder import DIGEST, Archives
from pyman.network.policy import Network
from pyman.system.userdirs import cache_dir

_HUGE = 5_000_000_000  # bytes
_NAME = "PYMAN_CACHE_DIR"


def closed(setup: Setup) -> Iterator[Finding]:
    """A cache that is no folder, or that the user cannot write to."""
    folder = _folder(setup)
    if folder and (os.access(folder, os.F_OK) and not is_folder(folder)):
        yield Finding(f"{_NAME} names {folder}, which is no folder", "no archive is kept", unset(_NAME))
    elif folder and not is_writable(folder):
        yield Finding(
            f"this user may not write to the cache {folder}", "no archive is kept", taken_over(folder)
        )
    with suppress(PymanError):
        own = cache_dir(setup.environ)
        if os.access(own, os.F_OK) and not is_writable(own):
            yield Finding(
                f"this user may not write to the cache {own}",
                "interpreters are asked again each time, and metadata by URL fetched again",
                taken_over(own),
            )


def damaged(setup: Setup) -> Iterator[Finding]:
    """Archives that are not what they are called, or were never finished.

    What is more than anybody needs is not read in passing: it is to be made smaller, which reads it.
    """
    bad = []
    with _opened(setup) as archives:
        if archives:
            names = _archives(archives) if _size(archives) <= _HUGE else []
            bad = [*archives.abandoned(), *(name for name in names if not _is_sound(archives, name))]
    if bad:
        yield Finding(
            f"{len(bad)} of the archives in the cache are damaged or were never finished, such as {bad[0]}",
            "they take room, and each is downloaded again",
            "pyman prune --cache --yes",
        )


def huge(setup: Setup) -> Iterator[Finding]:
    """More in the cache than anybody needs."""
    with _opened(setup) as archives:
        size = _size(archives) if archives else 0
    if size > _HUGE:
        yield Finding(
            f"the cache {_folder(setup)} has {size / 1e9:.1f} GB",
            "most of it will not be installed again",
            "pyman prune --cache --max-size 2GB --yes",
        )


def _folder(setup: Setup) -> Path | None:
    with suppress(PymanError):
        return Network.from_environment({_NAME: setup.environ.get(_NAME, "")}).cache_dir
    return None


@contextmanager
def _opened(setup: Setup) -> Iterator[Archives | None]:
    """The archives; None where there are none, or they cannot be read, which another check says."""
    place = Cache(_folder(setup)).archives
    try:
        folder = Archives(place) if place else None
    except OSError:
        folder = None
    if not folder:
        yield None
        return
    with folder:
        yield folder


def _size(folder: Archives) -> int:
    return sum(folder.status(name).st_size for name in _archives(folder))


def _archives(folder: Archives) -> list[str]:
    return [name for name in folder.names() if DIGEST.fullmatch(name) and folder.is_own(name)]


def _is_sound(folder: Archives, name: str) -> bool:
    try:
        return folder.is_sound(name)
    except OSError:
        return False
