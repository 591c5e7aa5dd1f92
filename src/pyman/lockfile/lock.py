"""Lock: exact builds in a file, for several targets. Its file, `pyman.lock`, is TOML:

    format = 1
    requests = ["3.13", "3.12"]
    targets = ["linux-aarch64-musl", "linux-x86_64-gnu"]

    [[build]]
    key = "cpython-3.13.2+20250317-linux-aarch64-musl"
    requests = ["3.13"]
    url = "https://…"
    size = 17528463
    sha256 = "…"

The requests stand in the order in which they count, the targets in that of their names, and the builds in
that of their targets, of each the newest minor version first. `size` is in bytes, and may be missing.
"""  # noqa: D400, D415 - what follows the colon is the form

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue.build import Build, best_first, by_minor
from pyman.lockfile.lock_place import NAME
from pyman.requests.request import Request

FORMAT = 1


class Locked(NamedTuple):
    """A build that is locked, for which requests, and the size of its archive in bytes, if that is known."""

    build: Build
    requests: tuple[Request, ...]
    size: int | None = None

    @property
    def key(self) -> Key:
        """The key of the build."""
        return self.build.key


class Lock(NamedTuple):
    """What is locked: for which requests, for which targets, and the builds. It serves as Metadata."""

    requests: tuple[Request, ...]
    to: tuple[Target, ...]
    locked: tuple[Locked, ...]
    path: Path = Path(NAME)

    @classmethod
    def of(cls, requests: Iterable[Request], to: Iterable[Target], locked: Iterable[Locked]) -> Self:
        """Return the lock in which these stand in order."""
        ranked = {each.build: each for each in locked}
        ordered = sorted(best_first(ranked), key=lambda build: str(build.key.target))
        return cls(tuple(requests), tuple(sorted(to, key=str)), tuple(ranked[build] for build in ordered))

    def on(self, target: Target) -> list[Locked]:
        """Return what is locked for `target`, in the order of the requests that it is locked for."""
        places = {request: place for place, request in enumerate(self.requests)}
        here = [each for each in self.locked if each.key.target == target]
        last = len(places)
        return sorted(here, key=lambda each: min(places.get(request, last) for request in each.requests))

    def of_key(self, key: Key) -> Locked | None:
        """Return what is locked of that key, if it is."""
        return next((each for each in self.locked if each.key == key), None)

    def targets(self) -> list[Target]:
        """Return the targets for which something is locked."""
        return sorted({each.key.target for each in self.locked}, key=str)

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        """Return the builds for `target`; with a request those of minor versions that it can mean."""
        builds = [each.build for each in self.locked if each.key.target == target]
        return best_first(build for build in builds if not request or request.may_cover(build.key.minor))

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        """Yield the same by minor version and variant."""
        return by_minor(self.builds(target, request))


def exact(key: Key) -> Request:
    """Return the request which means that build and no other."""
    return Request.parse(str(key))
