"""What is to be said against Pythons: advisories, vulnerabilities, missing patches, support that has ended.

Changes nothing. A newer build of the same patch is no finding: `upkeep` knows of those.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from pyman.builds.key import Implementation, Key
from pyman.catalogue.advisories import Advisory, affecting
from pyman.catalogue.lifecycle import Support, end_of_life, support
from pyman.requests.request import Request
from pyman.requests.spelling import name_of, spelled
from pyman.store.installations import Installation
from pyman.upkeep.conditions import Condition, Successors, conditions
from pyman.upkeep.exposure import Exposure, Exposures


class Where(StrEnum):
    """Where a Python is that is looked at: in pyman's store, elsewhere on the machine, or nowhere yet."""

    INSTALLED = "installed"
    FOREIGN = "foreign"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class Subject:
    """A Python that is looked at; its key has no release where there is none, and no path where it is not."""

    key: Key
    where: Where
    path: Path | None = None

    @property
    def name(self) -> str:
        """What it is called: its key, without the release of a Python that pyman did not install."""
        return name_of(self.key)


class Concern(StrEnum):
    """What a finding is about, the gravest first."""

    ADVISORY = "advisory"
    OUTDATED = "outdated"
    END_OF_LIFE = "end of life"
    NEAR_END_OF_LIFE = "near its end of life"

    @property
    def is_notice(self) -> bool:
        """Whether it is only mentioned: there is time left."""
        return self is Concern.NEAR_END_OF_LIFE


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that concerns a Python, in words, and the command that mends it ("" for none)."""

    subject: Subject
    concern: Concern
    text: str
    remedy: str = ""
    advisory: Advisory | None = None
    newer: Key | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said against one Python, the gravest first.

    `exposure` is None for other implementations than CPython, of which no vulnerabilities are known here.
    `remedy` is the command that brings the patch which the exposure names, "" for none, and `ended` the month
    in which its minor version got the last fixes, "" as long as it gets them.
    """

    subject: Subject
    findings: list[Finding]
    exposure: Exposure | None
    remedy: str
    ended: str

    @property
    def is_bad(self) -> bool:
        """Whether there is something that can be mended: a notice or what has no fix is not."""
        mended = bool(self.exposure and self.exposure.by_patch)
        return mended or not all(each.concern.is_notice for each in self.findings)


def audit(
    chosen: Iterable[Subject], here: Sequence[Installation], exposures: Exposures, today: date
) -> list[Judgement]:
    """Return what is to be said against those `chosen`, in their order; `here` is what is installed.

    What is superseded by something installed has advisories and vulnerabilities only, since what would take
    its place is there. MetadataError if damaged.
    """
    states = {each.installation.key: each for each in conditions(here, exposures.found, today)}
    judged = []
    for each in chosen:
        state = states.get(each.key) if each.where is Where.INSTALLED else _state(each, exposures, today)
        findings = [*_advised(each, state), *(_of_condition(each, state) if state else ())]
        series = each.key.version.series
        python = each.key.implementation is Implementation.CPYTHON
        ended = end_of_life(series) if python and support(series, today) is Support.ENDED else ""
        exposure = exposures.of(each.key)
        remedy = _remedy(each, state) if exposure and exposure.patch else ""
        judged.append(Judgement(each, findings, exposure, remedy, ended))
    return judged


def _state(subject: Subject, exposures: Exposures, today: date) -> Condition:
    """How a Python stands that is not installed by pyman."""
    (state,) = conditions([Installation(subject.key, subject.path or Path())], exposures.found, today)
    return state


def _advised(subject: Subject, state: Condition | None) -> Iterator[Finding]:
    for advisory in affecting(subject.key):
        good = state is None or (state.successor and not affecting(state.successor.key))
        remedy = _remedy(subject, state) if good else ""
        yield Finding(subject, Concern.ADVISORY, advisory.problem, remedy, advisory)


def _remedy(subject: Subject, state: Condition | None) -> str:
    """A newer build takes the place of the newest of its kind; what is not that has been replaced already."""
    if state is None:
        return f"pyman uninstall {subject.key}"
    key = subject.key
    minor = Request(key.implementation, key.version.series, variant=key.variant)
    return f"pyman {'upgrade' if subject.where is Where.INSTALLED else 'install'} {spelled(minor)}"


def _of_condition(subject: Subject, state: Condition) -> Iterator[Finding]:
    key, successor = subject.key, state.successor
    if successor and successor.key.version != key.version:
        text = f"{successor.key.version} is out, in release {successor.key.release}"
        yield Finding(subject, Concern.OUTDATED, text, _remedy(subject, state), newer=successor.key)
    minor, end = ".".join(map(str, key.version.series)), end_of_life(key.version.series)
    if state.support is Support.ENDED:
        text = f"{minor} has had no fixes since {end}: move on to a later minor version"
        yield Finding(subject, Concern.END_OF_LIFE, text)
    if state.support is Support.ENDING:
        text = f"{minor} gets no fixes after {end}"
        yield Finding(subject, Concern.NEAR_END_OF_LIFE, text)


def newest_release(subjects: Iterable[Subject], found: Successors) -> str:
    """Return the newest release that is known for the targets of `subjects`; "" for none."""
    targets = {each.key.target for each in subjects}
    dates = (build.key.release for target in targets for build in found.at(target))
    return max((text for text in dates if text.isdigit()), key=int, default="")
