"""How much there is to fetch: the sources are asked, and where it is many files, a part of them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pyman.archive.pipeline import awaited
from pyman.catalogue.build import Build
from pyman.catalogue.sources import sources_of
from pyman.errors import FetchError
from pyman.network.client import hang_up
from pyman.network.download import size_of
from pyman.network.policy import Network
from pyman.system.stopping import held_back, stoppable

_MOST_ASKED = 200
_AT_ONCE = 16


class Estimate(NamedTuple):
    """How many bytes there are, None where no source told; `asked` is of how many files it was asked."""

    size: int | None
    asked: int


def estimate(builds: Sequence[Build], source: str, network: Network) -> Estimate:
    """Return how many bytes the archives of the builds have; of more than 200 from those of 200 of them."""
    step = -(-len(builds) // _MOST_ASKED) or 1
    some = builds[::step]
    pool = ThreadPoolExecutor(_AT_ONCE)
    with stoppable(hang_up):
        try:
            with held_back():
                asked = [pool.submit(_size, build, source, network) for build in some]
            sizes = [size for each in asked if (size := awaited(each)) is not None]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if not builds or not sizes:
        return Estimate(None if builds else 0, 0)
    return Estimate(round(sum(sizes) / len(sizes) * len(builds)), len(sizes))


def _size(build: Build, source: str, network: Network) -> int | None:
    for url in sources_of(build, source):
        try:
            return size_of(url, network._replace(retries=0))
        except FetchError:
            continue
    return None
