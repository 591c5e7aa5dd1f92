"""What `pyman audit` prints: text for people, and remarks on stderr."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from pyman.builds.version import Version
from pyman.catalogue.advisories import ADVISORIES, Advisory
from pyman.catalogue.vulnerabilities import Severity, Vulnerability, VulnerabilityList
from pyman.report import ui
from pyman.upkeep.audit import Finding, Judgement, Where
from pyman.upkeep.exposure import Exposure, is_fixed_in_series

_OLD_DAYS = 90  # releases come every few weeks


def show(judged: Sequence[Judgement], listed: VulnerabilityList) -> None:
    """Print what is to be said against each, and on stderr what is only mentioned."""
    told = 0
    for each in judged:
        lines = [
            line for finding in each.findings if not finding.concern.is_notice for line in _told(finding)
        ]
        lines += _exposed(each, listed) if each.exposure and each.exposure.certain else []
        told += bool(lines)
        for line in [each.subject.name, *lines] if lines else ():
            ui.data(line)
    for finding in (finding for each in judged for finding in each.findings if finding.concern.is_notice):
        ui.note(f"{finding.subject.name} is {finding.concern}: {finding.text}")
    ui.note(f"{_counted(judged)}, {f'{told} with findings' if told else 'nothing to report'}")
    if judged:
        ui.note(f"Known vulnerabilities: {len(listed.known)}, from public records {_age(listed)}")


def _counted(judged: Sequence[Judgement]) -> str:
    """How many were looked at of each kind; that nothing is installed is said only where nothing else is."""
    counts = Counter(each.subject.where for each in judged)
    installed, foreign, available = (counts[where] for where in Where)
    parts = [f"{installed} installation{'' if installed == 1 else 's'}"] if installed or not judged else []
    parts += [f"{foreign} other Python{'' if foreign == 1 else 's'}"] if foreign else []
    parts += [f"{available} not installed"] if available else []
    return ", ".join(parts)


def _age(listed: VulnerabilityList) -> str:
    newer = f"; the newest is of {listed.newest}" if listed.newest > listed.date else ""
    return f"to {listed.date}{newer}"


def _told(finding: Finding) -> list[str]:
    advisory = finding.advisory
    name = f"{finding.concern} {advisory.id}" if advisory else finding.concern
    references = [f"    see {place}" for place in (advisory.references if advisory else ())]
    fixed = f"fixed in release {advisory.fixed}" if advisory else ""
    remedy = f"to mend it: {finding.remedy}" if finding.remedy else ""
    mending = "; ".join(filter(None, (fixed, remedy)))
    return [f"  {name}: {finding.text}", *references, *([f"    {mending}"] if mending else [])]


def _exposed(judgement: Judgement, listed: VulnerabilityList) -> list[str]:
    """The vulnerabilities of one Python, then what mends them; apart from these those without a fix."""
    exposure = judgement.exposure
    if not exposure:
        return []
    lines = []
    if exposure.fixable:
        what = f"{_number(exposure.fixable)} by the list of {listed.date}: {_severities(exposure.fixable)}"
        lines = [f"  vulnerable: {what}"]
        lines += [_line(each, exposure.key.version) for each in exposure.fixable]
        lines += _mending(judgement, exposure, listed)
    if exposure.unfixed:
        lines += [f"  no fix recorded by {listed.date}: {_number(exposure.unfixed)}"]
        lines += [_line(each, exposure.key.version) for each in exposure.unfixed]
    return lines


def _number(known: Sequence[Vulnerability]) -> str:
    return f"{len(known)} known vulnerabilit{'y' if len(known) == 1 else 'ies'}"


def _severities(known: Iterable[Vulnerability]) -> str:
    counts = Counter(each.severity for each in known)
    return ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity])


def _line(known: Vulnerability, version: Version) -> str:
    score = "" if known.score is None else f"{known.score:.1f}"
    return f"    {known.severity:8} {score:>4}  {known.id:16} {_fix(known, version)}".rstrip()


def _fix(known: Vulnerability, version: Version) -> str:
    found = known.range_of(version)
    if not found or not found.end:
        return ""
    beyond = "" if is_fixed_in_series(known, version) else f", not in {_minor(version)}"
    return f"fixed {'in' if found.fixed else 'after'} {found.end}{beyond}"


def _mending(judgement: Judgement, exposure: Exposure, listed: VulnerabilityList) -> list[str]:
    patch, nearest, minor = exposure.patch, exposure.nearest, _minor(exposure.key.version)
    lines = []
    if patch:
        gone = sum(not each.affects(patch.key.version) for each in exposure.fixable)
        how = f"; to mend {'it' if gone == 1 else 'them'}: {judgement.remedy}" if judgement.remedy else ""
        lines.append(f"    {gone} of {len(exposure.fixable)} are fixed in {patch.key.version}{how}")
    if exposure.by_minor:
        ended = f"{minor} has had no fixes since {judgement.ended}" if judgement.ended else ""
        count = len(exposure.by_minor)
        only = f"{count} got no fix in {minor} by {listed.date}, only in a later minor version"
        lines.append("    " + "; ".join(filter(None, (only, ended))))
    if nearest and nearest is not patch:
        version = nearest.key.version
        lines.append(
            f"    {version} has none of the {len(exposure.fixable)}: pyman install {_minor(version)}"
        )
    if not nearest:
        lines.append(f"    no later version is known for {exposure.key.target} that has none of these")
    return lines


def _minor(version: Version) -> str:
    return ".".join(map(str, version.series))


def remark(judged: Sequence[Judgement], listed: VulnerabilityList, release: str, today: date) -> None:
    """Say on stderr what nothing is known of, and how old that is which is known."""
    later: dict[int, list[str]] = {}
    for each in judged:
        if each.exposure and each.exposure.undecided:
            later.setdefault(len(each.exposure.undecided), []).append(each.subject.name)
    for count, names in later.items():
        ui.note(
            f"No fix of {count} more was recorded by {listed.date}; whether versions that came later have "
            f"them is not known: {', '.join(names)}"
        )
    if others := [each.subject.name for each in judged if each.exposure is None]:
        ui.note(f"Vulnerabilities are known of CPython only; not looked at for any: {', '.join(others)}")
    if any(
        each.subject.where is Where.FOREIGN and each.exposure and each.exposure.certain for each in judged
    ):
        ui.note("A distribution may have fixed some of them in a package with the same version of Python.")
    _say_if_old(release, today)


def _say_if_old(release: str, today: date) -> None:
    try:
        age = (today - date.fromisoformat(release)).days
    except ValueError:  # there is none, or none that is a date
        return
    if age > _OLD_DAYS:
        ui.note(f"The newest release that is known is {age} days old: a newer pyman may know of more.")


def show_advisories() -> None:
    """Print all advisories that pyman knows."""
    for each in ADVISORIES:
        _print_advisory(each)


def _print_advisory(advisory: Advisory) -> None:
    ui.data(f"{advisory.id} ({advisory.date})")
    ui.data(f"  {advisory.scope}")
    ui.data(f"  releases from {advisory.since} on, fixed in {advisory.fixed}")
    ui.data(f"  {advisory.problem}")
    ui.data(
        "  left out unless the release is named" if advisory.grave else "  taken after others of its version"
    )
    for place in advisory.references:
        ui.data(f"  see {place}")
