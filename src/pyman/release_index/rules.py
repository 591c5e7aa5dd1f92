"""The rules of the metadata: what is left out, which archive of a build is kept, and that digests stay."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum

from pyman.builds.key import Key
from pyman.catalogue.build import FIRST_HONEST_MUSL, Build, is_static_unsaid
from pyman.errors import ContradictionError
from pyman.release_index import others
from pyman.release_index.artifact import FORMS, Artifact

FIRST_SERIES = (3, 8)


class Rule(StrEnum):
    """Why an artifact is not in the metadata, in the words of the summary."""

    MUSL = f"musl before release {FIRST_HONEST_MUSL}, static without saying so"
    OLD = "Python before 3.8"
    WORSE = "another archive of the same build is better"


def rule_against(key: Key) -> Rule | None:
    """Return the rule which keeps a build out of the metadata, or None."""
    if is_static_unsaid(key):
        return Rule.MUSL
    return Rule.OLD if key.version.series < FIRST_SERIES else None


def settle_digests(artifacts: Iterable[Artifact], known: Mapping[str, str]) -> list[Artifact]:
    """Return the artifacts, those without a digest with the one that is `known` for their URL.

    Raises ContradictionError when two digests are named for one URL: published archives never change.
    """
    artifacts = list(artifacts)
    digests = dict(known)
    for artifact in artifacts:
        if artifact.sha256 and digests.setdefault(artifact.url, artifact.sha256) != artifact.sha256:
            raise _changed(artifact, digests[artifact.url], in_file=artifact.url in known)
    return [replace(artifact, sha256=digests.get(artifact.url)) for artifact in artifacts]


def choose(artifacts: Iterable[Artifact]) -> tuple[list[Build], Counter[Rule]]:
    """Return the builds that no rule is against, each in its best archive, and how many each rule dropped."""
    best: dict[Key, Artifact] = {}
    dropped: Counter[Rule] = Counter()
    for artifact in artifacts:
        if rule := rule_against(artifact.key):
            dropped[rule] += 1
            continue
        dropped[Rule.WORSE] += artifact.key in best
        best[artifact.key] = min(artifact, best.get(artifact.key, artifact), key=_rank)
    return [Build(key, artifact.url, artifact.sha256) for key, artifact in best.items()], dropped


def _rank(artifact: Artifact) -> tuple[bool, int, int, str]:
    """Order the archives of one build, the best first; between equals the URL decides, so that one wins."""
    forms = (*FORMS, *others.FORMS)
    form = next(place for place, form in enumerate(forms) if form in artifact.words)
    return artifact.sha256 is None, form, _optimisation(artifact.words), artifact.url


def _optimisation(words: frozenset[str]) -> int:
    """How fast its interpreter is: 0 the fastest (profile and link-time), 4 not optimised at all."""
    if "noopt" in words:
        return 4
    return 3 - 2 * ("pgo" in words) - ("lto" in words)


def _changed(artifact: Artifact, digest: str, *, in_file: bool) -> ContradictionError:
    before = "the metadata has" if in_file else "the index also has"
    return ContradictionError(
        f"the sha256 of {artifact.url} changed: {before} {digest}, the index has {artifact.sha256}",
        "Published archives never change: find out which digest is right before anything is written.",
    )
