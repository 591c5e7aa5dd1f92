"""Which of what is installed a request gets: with as few looks at it as can be, for `find` asks all day.

Hundreds may be installed. Their names tell which can be meant, and only then the record of one is read: it
says whether what has the name is an installation.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyman.builds.key import Implementation, Key, Minor
from pyman.machine.detection import Machine
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store

_IMPLEMENTATIONS = frozenset(Implementation)
_DYNAMIC_AND_STABLE = (True, True)  # how the preference of nearly all builds begins


def best_installed(request: Request, store: Store, machine: Machine) -> Installation | None:
    """Return the installation, in the store or beneath, that the request would get; None when none fits.

    The newest minor versions are looked at first, and no further than to the first that fits: but what is
    static or a pre-release may be outdone by an older one that is neither. StoreError when the store cannot
    be read.
    """
    target, best = request.target_on(machine.target), None
    for paths in _by_minor(request, store.paths()):
        fitting = [each for each in _named(paths) if each.key.target == target and request.matches(each.key)]
        if best:
            fitting.append(best)
        fitting.sort(
            key=lambda each: request.preference(each.key), reverse=True
        )  # the user's before the system's
        best = next((each for each in fitting if each.is_there), None)
        if best and request.preference(best.key)[:2] == _DYNAMIC_AND_STABLE:
            return best
    return best


def _by_minor(request: Request, paths: Iterable[str]) -> Iterator[list[str]]:
    """Yield paths that may be those of builds which the request means, by minor version, the newest first."""
    found: dict[tuple[str, str], list[str]] = {}
    for path in paths:
        start, _, rest = os.path.basename(path).partition(".")  # noqa: PTH119 - of hundreds
        found.setdefault((start, rest.partition(".")[0]), []).append(path)
    meant = [(minor.series, those) for key, those in found.items() if (minor := _minor(*key, request))]
    for _, those in sorted(meant, key=lambda each: each[0], reverse=True):
        yield those


def _minor(start: str, number: str, request: Request) -> Minor | None:
    """The minor version of names that begin with `cpython-3` and `13`; None if the request means no such."""
    implementation, _, major = start.partition("-")
    if implementation not in _IMPLEMENTATIONS or not (major.isdecimal() and number.isdecimal()):
        return None
    minor = Minor(Implementation(implementation), (int(major), int(number)), request.variant)
    return minor if request.may_cover(minor) else None


def _named(paths: Iterable[str]) -> Iterator[Installation]:
    """Yield what has the name of a build; it may be something else."""
    named = ((path, Key.find(os.path.basename(path))) for path in paths)  # noqa: PTH119 - of hundreds
    return (Installation(key, Path(path)) for path, key in named if key)
