"""What `pyman audit --json` prints: objects with named lists. Names may be added, none changes."""

from collections.abc import Sequence
from typing import Any

from pyman.builds.version import Version
from pyman.catalogue.advisories import ADVISORIES, facts
from pyman.catalogue.build import Build
from pyman.catalogue.lifecycle import end_of_life
from pyman.catalogue.vulnerabilities import Severity, Vulnerability, VulnerabilityList
from pyman.requests.spelling import NO_RELEASE
from pyman.upkeep.audit import Concern, Finding, Judgement, Subject, Where
from pyman.upkeep.exposure import Exposure, is_fixed_in_series

_LOOKED_AT = {
    Where.INSTALLED: "installations",
    Where.FOREIGN: "foreign",
    Where.AVAILABLE: "available",
}
_LISTS = {
    Concern.ADVISORY: "advisories",
    Concern.OUTDATED: "outdated",
    Concern.END_OF_LIFE: "end_of_life",
    Concern.NEAR_END_OF_LIFE: "near_end_of_life",
}


def document(judged: Sequence[Judgement], listed: VulnerabilityList, release: str) -> dict[str, Any]:
    """Return what was looked at, and what is to be said of it."""
    findings = [finding for each in judged for finding in each.findings]
    exposed = [(each, each.exposure) for each in judged if each.exposure]
    return {
        **{
            name: [each.subject.name for each in judged if each.subject.where is where]
            for where, name in _LOOKED_AT.items()
        },
        **{
            name: [_facts(each) for each in findings if each.concern is concern]
            for concern, name in _LISTS.items()
        },
        "vulnerable": [_exposed(each, found) for each, found in exposed if found.certain],
        "not_known": [_undecided(each, found) for each, found in exposed if found.undecided],
        "not_looked_at": [each.subject.name for each in judged if each.exposure is None],
        "newest_release": release or None,
        "vulnerability_list": {
            "date": listed.date,
            "newest": listed.newest or None,
            "count": len(listed.known),
        },
    }


def advisories() -> dict[str, Any]:
    """Return all advisories that pyman knows."""
    return {"advisories": [facts(each) for each in ADVISORIES]}


def _facts(finding: Finding) -> dict[str, Any]:
    found = _subject(finding.subject) | {"text": finding.text, "remedy": finding.remedy or None}
    if finding.advisory:
        return found | {"advisory": facts(finding.advisory)}
    if finding.newer:
        return found | {"newer": str(finding.newer)}
    return found | {"end_of_life": end_of_life(finding.subject.key.version.series)}


def _subject(subject: Subject) -> dict[str, Any]:
    """Which Python it is: its key is null where it has no release that could be installed."""
    key = subject.key
    return {
        "name": subject.name,
        "key": None if key.release == NO_RELEASE else str(key),
        "version": str(key.version),
        "where": str(subject.where),
        "path": str(subject.path) if subject.path else None,
    }


def _exposed(judgement: Judgement, exposure: Exposure) -> dict[str, Any]:
    """What a Python has; the counts are of `vulnerabilities`, and `not_known` stands apart from these."""
    certain = exposure.certain
    return _subject(judgement.subject) | {
        "vulnerabilities": [_vulnerability(each, exposure.key.version) for each in certain],
        "severities": {
            str(severity): sum(each.severity is severity for each in certain) for severity in Severity
        },
        "fixed_by_patch": len(exposure.by_patch),
        "fixed_by_minor": len(exposure.by_minor),
        "no_fix_recorded": len(exposure.unfixed),
        "not_known": len(exposure.undecided),
        "patch": _mending(exposure.patch, exposure),
        "nearest": _mending(exposure.nearest, exposure),
        "remedy": judgement.remedy or None,
        "ended": judgement.ended or None,
    }


def _undecided(judgement: Judgement, exposure: Exposure) -> dict[str, Any]:
    """What the list cannot tell of a version that came after it."""
    return _subject(judgement.subject) | {"vulnerabilities": [each.id for each in exposure.undecided]}


def _vulnerability(known: Vulnerability, version: Version) -> dict[str, Any]:
    found = known.range_of(version)
    return {
        "id": known.id,
        "severity": str(known.severity),
        "score": known.score,
        "vector": known.vector,
        "published": known.published,
        "status": _status(known, version),
        "fixed": str(found.fixed) if found and found.fixed else None,
        "last_affected": str(found.last) if found and found.last else None,
    }


def _status(known: Vulnerability, version: Version) -> str:
    if not known.has_fix(version):
        return "no_fix_recorded"
    return "fixed_by_patch" if is_fixed_in_series(known, version) else "fixed_by_minor"


def _mending(build: Build | None, exposure: Exposure) -> dict[str, Any] | None:
    """A build that mends, and how many it does."""
    if not build:
        return None
    fixes = sum(not each.affects(build.key.version) for each in exposure.fixable)
    return {"key": str(build.key), "version": str(build.key.version), "fixes": fixes}
