"""Selection: which build a request gets, and why the others do not.

The order is that of `rank`; what is not considered at all is `objection`, which says why in words.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pyman.builds.key import Implementation, Key
from pyman.builds.target import Arch, Libc, Os, Target
from pyman.catalogue.advisories import Advisory, affecting
from pyman.catalogue.build import Build, Metadata
from pyman.errors import NoDownloadFoundError
from pyman.machine.detection import Machine
from pyman.requests import ranges
from pyman.requests.request import Request

# Oldest C library a build runs on, as its project states it (riscv64 came later, built on Debian 10).
_GLIBC_FLOOR = (2, 17)
_GLIBC_FLOOR_RISCV64 = (2, 28)
_MUSL_FLOOR = (1, 1, 24)


class Verdict(NamedTuple):
    """One build that was meant by the request, and why it was left out; empty when it was kept."""

    build: Build
    objection: str


def verdicts(
    request: Request, builds: Iterable[Build], machine: Machine, *, unverified: bool = False
) -> list[Verdict]:
    """Return a verdict on each build that the request means: those kept first, in order of preference."""
    meant = sorted(
        (build for build in builds if request.matches(build.key)),
        key=lambda build: rank(build.key, request),
        reverse=True,
    )
    judged = [Verdict(build, objection(build, request, machine, unverified=unverified)) for build in meant]
    return sorted(judged, key=lambda verdict: bool(verdict.objection))


def candidates(
    request: Request, metadata: Metadata, machine: Machine, *, unverified: bool = False
) -> list[Build]:
    """Return the builds that can be installed for the request, the best first.

    `unverified` allows builds without a published checksum. Raises NoDownloadFoundError when there is none.
    """
    target = request.target_on(machine.target)
    judged = verdicts(request, metadata.builds(target, request), machine, unverified=unverified)
    kept = [verdict.build for verdict in judged if not verdict.objection]
    if not kept:
        raise NoDownloadFoundError(
            f"No Python download found for request: {request.on(target)}",
            f"{ranges.too_narrow(request.specifiers)} {_nearest(request, metadata, target, judged)}".strip(),
        )
    return kept


def objection(build: Build, request: Request, machine: Machine, *, unverified: bool = False) -> str:
    """Return why `build` must not be installed for `request` here; empty when nothing is against it."""
    key = build.key
    if advisory := barring(key, request):
        return str(advisory)
    if build.sha256 is None and not unverified:
        return "no checksum was published for it (--allow-unverified installs it all the same)"
    floor = libc_floor(key.target)
    if floor and (key.target.libc, key.target.arch) == (machine.target.libc, machine.target.arch):
        version = machine.libc_version
        if version and version < floor:
            return (
                f"it needs {key.target.libc} {_dotted(floor)} or later, this machine has {_dotted(version)}"
            )
    return ""


def barring(key: Key, request: Request) -> Advisory | None:
    """Return the advisory for which a build is left out; None if there is none, or its release was named."""
    return None if request.release else next((each for each in affecting(key) if each.grave), None)


def libc_floor(target: Target) -> tuple[int, ...] | None:
    """Return the oldest version of the C library that runs builds for `target`; None where there is none."""
    if target.os is not Os.LINUX:
        return None
    if target.libc is Libc.MUSL:
        return _MUSL_FLOOR
    return _GLIBC_FLOOR_RISCV64 if target.arch is Arch.RISCV64 else _GLIBC_FLOOR


def rank(key: Key, request: Request | None = None) -> tuple[Any, ...]:
    """Return what builds are ordered by, the best greatest.

    That is their `preference`, for the request if there is one, but of one version those without an advisory
    come first.
    """
    *version, release = request.preference(key) if request else key.preference
    return (*version, not affecting(key), release)


def _nearest(request: Request, metadata: Metadata, target: Target, judged: Sequence[Verdict]) -> str:
    """Say what exists that comes nearest to what was asked for."""
    if judged:
        best = judged[0].build.key
        insist = f" `pyman install {best}` installs it all the same." if barring(best, request) else ""
        return f"{best} was left out: {judged[0].objection}.{insist}"
    return next(_near_misses(request, metadata, target), f"Nothing is built for {target}.")


def _near_misses(request: Request, metadata: Metadata, target: Target) -> Iterator[str]:
    python, keys = _name(request.implementation), _keys(request, metadata, target)
    series = request.numbers[:2]
    same_series = [key for key in keys if key.version.series == series]
    if same_series and request.variant == type(request.variant)():
        asked = ".".join(map(str, series)) if python == "Python" else f"{python} {'.'.join(map(str, series))}"
        yield f"The newest {asked} for {target} is {_newest(same_series, request)}."
    same_variant = [key for key in keys if key.variant == request.variant]
    if same_variant:
        yield f"For {target} there is {python} {_span(same_variant)}{_named(str(request.variant))}."
    if keys:
        yield f"For {target} there is {python} {_span(keys)}, but nothing{_named(str(request.variant))}."
    elsewhere = [other for other in metadata.targets() if other.os is target.os]
    others = sorted(str(other) for other in elsewhere if _keys(request, metadata, other))
    if others:
        subject = "Nothing" if python == "Python" else f"No {python}"
        yield f"{subject} is built for {target}; there are builds for {', '.join(others)}."


def _keys(request: Request, metadata: Metadata, target: Target) -> list[Key]:
    """The builds of the implementation that was asked for."""
    builds = metadata.builds(target)
    return [build.key for build in builds if build.key.implementation is request.implementation]


def _name(implementation: Implementation) -> str:
    return "Python" if implementation is Implementation.CPYTHON else implementation.label


def _newest(keys: Iterable[Key], request: Request) -> str:
    """Return the newest version, with its release if one was asked for."""
    newest = max(keys, key=lambda key: key.preference)
    return f"{newest.version}+{newest.release}" if request.release else str(newest.version)


def _span(keys: Iterable[Key]) -> str:
    series = sorted({key.version.series for key in keys})
    first, last = (f"{major}.{minor}" for major, minor in (series[0], series[-1]))
    return first if first == last else f"{first} to {last}"


def _named(variant: str) -> str:
    return f" as {variant}" if variant else ""


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
