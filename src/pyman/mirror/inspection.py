"""Looks whether a mirror has what its metadata say: every file, whole, and what else is there."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pyman.archive.pipeline import awaited
from pyman.catalogue import vulnerabilities
from pyman.catalogue.build import Build
from pyman.catalogue.own_form import SectionedMetadata
from pyman.errors import MetadataError
from pyman.mirror.mirror_folder import Contents, MirrorFolder, path_of
from pyman.release_index import document
from pyman.system.stopping import held_back

_AT_ONCE = 4


class Fault(NamedTuple):
    """What is wrong with a file of the mirror."""

    path: str
    what: str


class Inspected(NamedTuple):
    """What a look found: how many files with how many bytes, what is wrong, and what else is there."""

    files: int
    size: int
    faults: list[Fault]
    unknown: list[str]


def inspect(folder: MirrorFolder, here: Contents) -> Inspected:
    """Read every file of the mirror and compare its digest."""
    builds = list(here.builds.values())
    faults = _of_metadata(folder, here)
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        with held_back():
            looks = [pool.submit(_fault, folder, each, here.sizes[each.key]) for each in builds]
        faults += [fault for look in looks if (fault := awaited(look))]
    finally:
        pool.shutdown(cancel_futures=True)
    known = {path_of(each) for each in builds} | set(here.leaving) | {vulnerabilities.NAME}
    return Inspected(len(builds), sum(here.sizes.values()), faults, folder.others(known.__contains__))


def _fault(folder: MirrorFolder, build: Build, size: int) -> Fault | None:
    path = path_of(build)
    found = folder.size(path)
    if found is None:
        return Fault(path, "it is missing")
    if found < 0:
        return Fault(path, "it is no regular file, or is reached through a link")
    if found != size:
        return Fault(path, f"it has {found:,} bytes, not {size:,}")
    try:
        digest = folder.sha256(path)
    except OSError as error:
        return Fault(path, f"it cannot be read: {error.strerror}")
    return None if digest == build.sha256 else Fault(path, f"its sha256 is {digest}, not {build.sha256}")


def _of_metadata(folder: MirrorFolder, here: Contents) -> list[Fault]:
    """What is wrong with the metadata: who reads a part of them must find the same as who reads all."""
    paths = Counter(path_of(each) for each in here.builds.values())
    faults = [Fault(path, "two builds have this file") for path, count in paths.items() if count > 1]
    try:
        sectioned = SectionedMetadata(folder.path / document.NAME)
        found = {each.key for target in sectioned.targets() for each in sectioned.builds(target)}
    except MetadataError as error:
        return [*faults, Fault(document.NAME, error.message)]
    if found != set(here.builds) or sectioned.count != len(found):
        faults.append(Fault(document.NAME, "its sections do not have all the builds that are in it"))
    return faults
