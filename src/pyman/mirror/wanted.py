"""Which builds a mirror is to have: those that requests mean, or the newest of them."""

from collections.abc import Iterable, Iterator, Sequence

from pyman.builds.key import Implementation, Key, Variant
from pyman.catalogue.build import Build, Metadata
from pyman.choice.select import candidates, rank, verdicts
from pyman.errors import NoDownloadFoundError
from pyman.machine.detection import Machine
from pyman.requests.request import Request

_FREE = Variant(freethreaded=True)
# What is mirrored where nobody says what: debug and static builds are for those who ask.
EVERYTHING = tuple(
    Request(implementation=python, variant=variant)
    for python in Implementation
    for variant in ((Variant(), _FREE) if python is Implementation.CPYTHON else (Variant(),))
)


def wanted(
    requests: Sequence[Request], metadata: Metadata, machines: Sequence[Machine], keep_last: int | None
) -> list[Build]:
    """Return the builds that the requests mean for the targets of `machines`, each once.

    Left out is what an install leaves out (known to be bad, without a checksum), and what is a last resort
    where there is better: static builds, and pre-releases that were not asked for. With `keep_last` it is of
    each minor version and variant the so many newest versions, each in its newest release.

    NoDownloadFoundError for a request that nothing fits on any of the targets.
    """
    found: dict[Key, Build] = {}
    for request in requests or EVERYTHING:
        meant = [each for machine in machines for each in _meant(request, metadata, machine, keep_last)]
        if not meant and requests:
            candidates(request, metadata, machines[0])  # says what would come nearest
            raise NoDownloadFoundError(f"nothing is to be mirrored for {request}")
        found |= {each.key: each for each in meant}
    if not found:
        targets = ", ".join(str(each.target) for each in machines)
        raise NoDownloadFoundError(
            f"there is nothing to be mirrored for {targets}",
            "`pyman list --all-targets` shows what there is.",
        )
    return list(found.values())


def _meant(request: Request, metadata: Metadata, machine: Machine, keep_last: int | None) -> Iterator[Build]:
    target = request.target_on(machine.target)
    judged = verdicts(request, metadata.builds(target, request), machine)
    kept = [each.build for each in judged if not each.objection]
    if not _is_named(request):
        kept = [each for minor in _by_minor(kept) for each in _without_last_resorts(minor)]
    if keep_last is None:
        yield from kept
        return
    for minor in _by_minor(kept):
        yield from _newest(minor, keep_last)


def _is_named(request: Request) -> bool:
    """Whether the request itself says which kind of build it wants."""
    return bool(request.release or request.exact or request.variant.static or request.specifiers)


def _by_minor(builds: Iterable[Build]) -> Iterator[list[Build]]:
    groups: dict[object, list[Build]] = {}
    for each in builds:
        groups.setdefault(
            (each.key.minor._replace(variant=each.key.variant._replace(static=False))), []
        ).append(each)
    yield from groups.values()


def _without_last_resorts(builds: list[Build]) -> list[Build]:
    dynamic = [each for each in builds if not each.key.variant.static] or builds
    return [each for each in dynamic if not each.key.version.is_prerelease] or dynamic


def _newest(builds: Iterable[Build], count: int) -> Iterator[Build]:
    seen: set[object] = set()
    for each in sorted(builds, key=lambda build: rank(build.key), reverse=True):
        version = each.key.version
        if version not in seen and len(seen) < count:
            seen.add(version)
            yield each
