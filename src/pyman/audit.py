"""What is to be said against what is installed: advisories, missing patches, support that has ended.

Changes nothing. A newer build of the same patch is no finding: `upkeep` knows of those.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pyman.advisories import Advisory, affecting
from pyman.key import Key
from pyman.lifecycle import Support, end_of_life
from pyman.request import Request
from pyman.spelling import spelled
from pyman.store import Installation
from pyman.upkeep import Condition, Successors, conditions


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
    """Something that concerns an installation, in words, and the command that mends it ("" for none)."""

    installation: Installation
    concern: Concern
    text: str
    remedy: str = ""
    advisory: Advisory | None = None
    newer: Key | None = None


def audit(
    chosen: Sequence[Installation], here: Sequence[Installation], found: Successors, today: date
) -> list[Finding]:
    """Return what is to be said against those `chosen` of what is `here`, in their order, the gravest first.

    What is superseded by something installed can only have advisories. MetadataError if damaged.
    """
    states = {each.installation.key: each for each in conditions(here, found, today)}
    findings: list[Finding] = []
    for each in chosen:
        state = states.get(each.key)
        findings += _advised(each, state)
        findings += _of_condition(state) if state else []
    return findings


def _advised(installation: Installation, state: Condition | None) -> Iterator[Finding]:
    for advisory in affecting(installation.key):
        remedy = _remedy(installation.key, state)
        yield Finding(installation, Concern.ADVISORY, advisory.problem, remedy, advisory)


def _remedy(key: Key, state: Condition | None) -> str:
    """A newer build takes the place of the newest of its kind; what is not that has been replaced already."""
    if state is None:
        return f"pyman uninstall {key}"
    good = state.successor and not affecting(state.successor.key)
    return _upgrade(key) if good else ""


def _upgrade(key: Key) -> str:
    minor = Request(key.implementation, key.version.series, variant=key.variant)
    return f"pyman upgrade {spelled(minor)}"


def _of_condition(state: Condition) -> Iterator[Finding]:
    key, successor = state.installation.key, state.successor
    if successor and successor.key.version != key.version:
        text = f"{successor.key.version} is out, in release {successor.key.release}"
        yield Finding(state.installation, Concern.OUTDATED, text, _upgrade(key), newer=successor.key)
    minor, end = ".".join(map(str, key.version.series)), end_of_life(key.version.series)
    if state.support is Support.ENDED:
        text = f"{minor} has had no fixes since {end}: move on to a later minor version"
        yield Finding(state.installation, Concern.END_OF_LIFE, text)
    if state.support is Support.ENDING:
        text = f"{minor} gets no fixes after {end}"
        yield Finding(state.installation, Concern.NEAR_END_OF_LIFE, text)


def newest_release(installations: Iterable[Installation], found: Successors) -> str:
    """Return the newest release that is known for the targets of `installations`; "" for none."""
    targets = {each.key.target for each in installations}
    dates = (build.key.release for target in targets for build in found.at(target))
    return max((text for text in dates if text.isdigit()), key=int, default="")
