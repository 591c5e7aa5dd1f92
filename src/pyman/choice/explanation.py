"""Why a request gets the build it gets: every build that comes into question, with a reason.

What `select` decides is told here, not decided again: builds it keeps or objects to have its verdict, and
to them come those which a reader would miss, of another variant or for another C library.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from pyman.builds.key import Key, Variant
from pyman.builds.target import Arch, Libc, Os, Target
from pyman.catalogue.advisories import affecting
from pyman.catalogue.build import Build, Metadata
from pyman.choice.select import Verdict, barring, candidates, rank, verdicts
from pyman.errors import NoDownloadFoundError
from pyman.machine.detection import Machine
from pyman.requests import ranges
from pyman.requests.request import Request


class Status(StrEnum):
    """What becomes of a build."""

    CHOSEN = "chosen"
    KEPT = "kept"
    DROPPED = "dropped"


class Rule(StrEnum):
    """What a build is judged by."""

    BEST = "best"
    STATIC = "static"
    PRE_RELEASE = "pre-release"
    OLDER_VERSION = "older version"
    OLDER_RELEASE = "older release"
    ADVISORY = "advisory"
    NO_CHECKSUM = "no checksum"
    FLOOR = "floor"
    VARIANT = "variant"
    LIBC = "wrong libc"


@dataclass(frozen=True, slots=True)
class Judged:
    """A build, what becomes of it, by which rule, and why in words."""

    build: Build
    status: Status
    rule: Rule
    reason: str


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was found out about the machine, and how."""

    name: str
    value: str
    how: str


def explain(request: Request, metadata: Metadata, machine: Machine) -> list[Judged]:
    """Return a judgement on every build that comes into question, in the order in which they would be tried.

    What was chosen is the first, unless nothing is; what was dropped comes last. MetadataError if damaged.
    """
    target = request.target_on(machine.target)
    builds = metadata.builds(target)
    meant = list(_meant(verdicts(request, builds, machine), request))
    others = [*_other_variants(request, builds), *_other_libcs(request, metadata, target)]
    return meant + others


def shortfall(request: Request, metadata: Metadata, machine: Machine) -> NoDownloadFoundError | None:
    """Return what an install would say if it found nothing; None if it finds something."""
    try:
        candidates(request, metadata, machine)
    except NoDownloadFoundError as error:
        return error
    return None


def _meant(judged: Iterable[Verdict], request: Request) -> Iterator[Judged]:
    best: Key | None = None
    for verdict in judged:
        build = verdict.build
        if verdict.objection:
            yield Judged(build, Status.DROPPED, _rule_of_objection(build, request), verdict.objection)
        elif best is None:
            best = build.key
            yield Judged(build, Status.CHOSEN, *_why_first(build.key, request))
        else:
            yield Judged(build, Status.KEPT, *_why_later(build.key, best))


def _rule_of_objection(build: Build, request: Request) -> Rule:
    """Which of the objections of `select.objection` it was: that gives only the words."""
    if barring(build.key, request):
        return Rule.ADVISORY
    return Rule.NO_CHECKSUM if build.sha256 is None else Rule.FLOOR


def _why_first(key: Key, request: Request) -> tuple[Rule, str]:
    if key.variant.static and not request.variant.static:
        return Rule.STATIC, "static, for no dynamic build fits: it cannot load extension modules"
    known = "".join(f", though {advisory}" for advisory in affecting(key))
    return Rule.BEST, f"the newest that fits{known}"


def _why_later(key: Key, best: Key) -> tuple[Rule, str]:
    """The first part of the order of preference in which a build falls behind the best."""
    if key.variant.static and not best.variant.static:
        return Rule.STATIC, "static: it cannot load extension modules, so it comes after all that can"
    if key.version.is_prerelease and not best.version.is_prerelease:
        return Rule.PRE_RELEASE, "a pre-release comes after every stable version"
    if key.version != best.version:
        return Rule.OLDER_VERSION, f"{key.version} is older than {best.version}"
    advisory = next(iter(affecting(key)), None)
    if advisory and not affecting(best):
        return Rule.ADVISORY, str(advisory)
    return Rule.OLDER_RELEASE, f"release {key.release} is older than {best.release}"


def _other_variants(request: Request, builds: Iterable[Build]) -> list[Judged]:
    anyhow = request._replace(variant=Variant())
    asked = str(request.variant) or "the default variant"
    return [
        Judged(build, Status.DROPPED, Rule.VARIANT, f"{_variant(build.key)}, and {asked} is meant")
        for build in _ordered(builds)
        if anyhow.covers(build.key) and not request.matches(build.key)
    ]


def _variant(key: Key) -> str:
    return str(key.variant) or "the default variant"


def _other_libcs(request: Request, metadata: Metadata, target: Target) -> list[Judged]:
    elsewhere = request._replace(libc=None)
    others = [
        other
        for other in metadata.targets()
        if other.libc is not target.libc and other._replace(libc=target.libc) == target
    ]
    return [
        Judged(build, Status.DROPPED, Rule.LIBC, f"made for {other.libc}, and {target} is meant")
        for other in others
        for build in _ordered(metadata.builds(other))
        if elsewhere.matches(build.key)
    ]


def _ordered(builds: Iterable[Build]) -> list[Build]:
    return sorted(builds, key=lambda build: rank(build.key), reverse=True)


def reading(request: Request) -> dict[str, str]:
    """Return how a request was read: each of its parts, in words where it was left open."""
    asked = [
        request.os,
        request.arch and Target(Os.LINUX, request.arch[0], Libc.GNU, request.arch[1]).arch_name,
    ]
    named = [str(part) for part in (*asked, request.libc) if part]
    return {
        "implementation": str(request.implementation),
        "version": _version(request),
        "variant": str(request.variant) or "default (others only when asked for)",
        "release": request.release or "any, the newest first",
        "target": "-".join(named) or "this machine's",
    }


def _version(request: Request) -> str:
    if request.exact or request.specifiers:
        narrow = ranges.too_narrow(request.specifiers)
        return f"{request.exact or request.specifiers}{narrow and f' ({narrow[:-1]})'}"
    numbers = ".".join(map(str, request.numbers))
    stable = "" if request.dev else "stable "
    if not numbers:
        return f"the newest {stable}one" if request.latest else f"any, the newest {stable}one first"
    return f"{numbers}, {'exactly' if len(request.numbers) > 2 else 'the newest of it'}"  # noqa: PLR2004


def _level(machine: Machine) -> str:
    if machine.level is None:
        return "unknown"
    is_higher = machine.level > machine.target.level
    unused = f", but builds for {machine.target._replace(level=machine.level).arch_name} must be asked for"
    return f"{machine.level}{unused if is_higher else ''}"


def facts(machine: Machine) -> list[Fact]:
    """Return what is known about the machine, and how each of it was found. May start a process."""
    target = machine.target
    found = [("os", str(target.os)), ("architecture", str(target.arch_name))]
    if target.arch is Arch.X86_64:
        found.append(("level", _level(machine)))
    if target.libc is not Libc.NONE:
        found.append(("libc", str(target.libc)))
        found.append(("libc version", ".".join(map(str, machine.libc_version or ())) or "unknown"))
    told = machine.evidence.get("target", "")
    return [
        Fact(name, value, machine.evidence.get(name) or told or "nothing tells it") for name, value in found
    ]
