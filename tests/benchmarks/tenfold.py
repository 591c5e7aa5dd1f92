"""Writes metadata with ten builds for each that is there: `python -m tests.benchmarks.tenfold FROM TO`.

A program of its own, so that the memory it needs is not counted as that of what is measured.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from pyman.catalogue.build import Build
from pyman.release_index.document import builds_in, render

_TIMES = 10
_DECADE = 100_000  # between 20251021 and 20151021


def main(source: str, destination: str) -> None:
    """Read, multiply, write."""
    builds = builds_in(Path(source).read_bytes(), source)
    Path(destination).write_bytes(render(more for build in builds for more in _times_ten(build)))


def _times_ten(build: Build) -> Iterator[Build]:
    """The build, and nine more that were released decades before; other implementations count from one."""
    first, _, rest = build.key.release.partition(".")
    for time in range(_TIMES):
        number = int(first) + 100 * time if rest else int(first) - _DECADE * time
        release = f"{number}.{rest}" if rest else str(number)
        key = build.key._replace(release=release)
        yield build._replace(key=key, url=build.url.replace(build.key.release, release))


if __name__ == "__main__":
    main(*sys.argv[1:])
