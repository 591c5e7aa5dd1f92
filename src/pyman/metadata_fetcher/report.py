"""What the program tells: a summary that reads like a release note, for stderr."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from pyman.builds.key import Key
from pyman.catalogue.build import Build
from pyman.release_index.artifact import Skipped
from pyman.release_index.rules import Rule

_SOME = 5


def skips(skipped: Collection[Skipped]) -> Iterator[str]:
    """Yield a line for each artifact that was not understood, after one with their number."""
    yield f"skipped: {len(skipped)}"
    yield from (f"  {one.name}: {one.reason}" for one in skipped)


def changes(
    before: Collection[Build], after: Collection[Build], dropped: Mapping[Rule, int]
) -> Iterator[str]:
    """Yield the lines of the summary: how two sets of builds differ, and what the rules left out."""
    old, new = ({build.key: build for build in builds} for builds in (before, after))
    common = [key for key in new if key in old]
    yield f"kept: {sum(old[key] == new[key] for key in common)}"
    yield from _listed("added", [key for key in new if key not in old])
    yield from _listed("removed", [key for key in old if key not in new])
    yield from _listed("moved to another archive", [key for key in common if old[key].url != new[key].url])
    yield from _listed("given a digest", [key for key in common if _gained_digest(old[key], new[key])])
    for rule in Rule:
        yield f"dropped, {rule}: {dropped.get(rule, 0)}"


def _gained_digest(old: Build, new: Build) -> bool:
    return old.url == new.url and old.sha256 is None and new.sha256 is not None


def _listed(what: str, keys: Collection[Key]) -> Iterator[str]:
    """How many there are, how many of which release, and the first few by name."""
    yield f"{what}: {len(keys)}"
    releases = Counter(key.release for key in keys)
    if releases:
        newest_first = sorted(releases.items(), key=lambda item: _age(item[0]), reverse=True)
        yield "  by release: " + ", ".join(f"{release} {count}" for release, count in newest_first)
        yield "  " + ", ".join(map(str, list(keys)[:_SOME])) + (", …" if len(keys) > _SOME else "")


def _age(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))
