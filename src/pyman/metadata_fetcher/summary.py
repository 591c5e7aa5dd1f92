"""The change in words, as a pull request shows it: what came and for whom, what was left out and why.

Markdown, as GitHub reads it (https://github.github.com/gfm/). What the index calls things stands in code
spans: none of it is read as Markdown, as a link or as somebody's name. It stays below the 65,536 characters
that the text of a pull request may have.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from pyman.builds.key import Implementation, Key
from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.catalogue.build import Build
from pyman.metadata_fetcher import addition
from pyman.release_index.artifact import Skipped
from pyman.release_index.rules import Rule

_LONGEST = 120  # characters of one name or reason
_LONGEST_LINE = 300
_MOST_LINES = 15
_MOST_VERSIONS = 60
_MOST_REASONS = 20
_SOME = 5
_FEW = 12
Python = tuple[Implementation, Version]


@dataclass(frozen=True, slots=True)
class Change:
    """How the file changes: its builds before and after, what was not understood, and what was left out.

    `left` are builds that an update which only adds newer ones left out.
    """

    before: Collection[Build]
    after: Collection[Build]
    skipped: Collection[Skipped] = ()
    dropped: Mapping[Rule, int] = field(default_factory=dict)
    left: Collection[Build] = ()


@dataclass(frozen=True, slots=True)
class Papers:
    """Where accounts of a change are wanted: in words, and as the list of what is new."""

    summary: IO[str] | None = None
    new: IO[str] | None = None

    def write(self, change: Change) -> None:
        """Write those that are wanted."""
        if self.summary:
            self.summary.write(render(change))
        if self.new:
            self.new.write(addition.render(addition.new_in(change.after, change.before)))

    def note(self, title: str, lines: Collection[str]) -> None:
        """Add the last of these lines to the summary, if that is wanted, under a title of their own."""
        if self.summary:
            told = "".join(f"- {code(line.strip(), _LONGEST_LINE)}\n" for line in list(lines)[-_MOST_LINES:])
            self.summary.write(f"\n## {title}\n\n{told}")


def render(change: Change) -> str:
    """Return the change in words: new versions, new builds by target, other changes, what was left out."""
    known = {build.key for build in change.before}
    came = [build.key for build in change.after if build.key not in known]
    return "\n".join([*_versions(change, came), *_builds(came), *_changes(change), *_left_out(change)]) + "\n"


def code(text: str, longest: int = _LONGEST) -> str:
    """Return `text` as a code span that shows it, whatever is in it; what is longer than `longest` is cut."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    shown = shown if len(shown) <= longest else f"{shown[: longest - 1]}…"
    # A span ends with as many backticks as it began with; a space beside them on both sides is not shown.
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if not shown.strip(" `") or {shown[0], shown[-1]} & {"`", " "} else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


# --- what came --------------------------------------------------------------------------------------------


def _versions(change: Change, came: Iterable[Key]) -> Iterator[str]:
    """A line for each version that is new, or new for some targets, the newest first."""
    known: defaultdict[Python, set[Target]] = defaultdict(set)
    for build in change.before:
        known[_python(build.key)].add(build.key.target)
    new: defaultdict[Python, list[Key]] = defaultdict(list)
    for key in came:
        if key.target not in known.get(_python(key), ()):
            new[_python(key)].append(key)
    yield "## New versions\n"
    for python in _newest_first(new)[:_MOST_VERSIONS]:
        yield f"- **{python[0].label} {python[1]}** {_where(python, new[python], known)}"
    if len(new) > _MOST_VERSIONS:
        yield f"- and {len(new) - _MOST_VERSIONS} older ones"
    if not new:
        yield "None."


def _where(python: Python, keys: Collection[Key], known: Mapping[Python, Collection[Target]]) -> str:
    """`(20261110) for 20 targets`, and for which not that the version before it is there for."""
    *before, newest = sorted({key.release_order for key in keys})
    release = ".".join(map(str, newest)) + (f" and {len(before)} before" if before else "")
    targets = {key.target for key in keys}
    if python in known:
        return f"({release}), known before, also for {_targets(targets)}"
    of_minor = [each for each in known if each[0] is python[0] and each[1].series == python[1].series]
    missing = set(known[max(of_minor)]) - targets if of_minor else set()
    lacks = f", not for {_targets(missing)}" if missing else ""
    return f"({release}) for {_count(targets, 'target')}{lacks}"


def _builds(came: Collection[Key]) -> Iterator[str]:
    yield "\n## New builds\n"
    if not came:
        yield "None."
        return
    releases = Counter((-key.implementation.place, key.release_order, key.release) for key in came)
    counted = [f"{n} of {release}" for (*_, release), n in sorted(releases.items(), reverse=True)]
    yield f"{_count(came, 'build')}: {_some(counted, _FEW)}.\n"
    yield "| Target | Builds | Of |"
    yield "|---|--:|---|"
    of_target: defaultdict[str, list[Key]] = defaultdict(list)
    for key in came:
        of_target[str(key.target)].append(key)
    for target, keys in sorted(of_target.items()):
        pythons = [_name(python) for python in _newest_first(map(_python, keys))]
        yield f"| {code(target)} | {len(keys)} | {_some(pythons, _FEW)} |"


# --- what else changed, and what did not come -------------------------------------------------------------


def _changes(change: Change) -> Iterator[str]:
    """What an update seldom does, and a reviewer should not miss: nothing where there is nothing."""
    old, new = ({build.key: build for build in builds} for builds in (change.before, change.after))
    common = [key for key in new if key in old]
    changes = {
        "removed": [key for key in old if key not in new],
        "moved to another archive": [key for key in common if old[key].url != new[key].url],
        "given a checksum": [key for key in common if not old[key].sha256 and new[key].sha256],
        "new, without a checksum": [key for key in new if key not in old and not new[key].sha256],
    }
    if any(changes.values()):
        yield "\n## Other changes\n"
    for what, keys in changes.items():
        if keys:
            yield f"- {_count(keys, 'build')} {what}: {_some([code(str(key)) for key in keys], _SOME)}"


def _left_out(change: Change) -> Iterator[str]:
    yield "\n## Skipped\n"
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for one in change.skipped:
        reasons[one.reason].append(one.name)
    most_first = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    for reason, names in most_first[:_MOST_REASONS]:
        yield f"- {len(names)} not understood, {code(reason)}: {_some([code(name) for name in names], _SOME)}"
    if more := most_first[_MOST_REASONS:]:
        yield f"- {sum(len(names) for _, names in more)} not understood for {len(more)} other reasons"
    if change.left:
        releases = {build.key.release for build in change.left}
        older = "older than the newest known for their target and variant"
        yield f"- {_count(change.left, 'build')} of {_count(releases, 'release')} {older}"
    for rule in Rule:
        if count := change.dropped.get(rule, 0):
            yield f"- {count} by a rule: {rule}"
    if not (reasons or change.left or any(change.dropped.values())):
        yield "Nothing."


def _targets(targets: Iterable[Target]) -> str:
    return _some([code(name) for name in sorted(map(str, targets))], _SOME)


def _python(key: Key) -> Python:
    return key.implementation, key.version


def _name(python: Python) -> str:
    implementation, version = python
    return str(version) if implementation is Implementation.CPYTHON else f"{implementation.label} {version}"


def _newest_first(pythons: Iterable[Python]) -> list[Python]:
    ordered = sorted(set(pythons), key=lambda python: python[1], reverse=True)
    return sorted(ordered, key=lambda python: python[0].place)


def _some(names: Collection[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(list(names)[:most]) + more


def _count(things: Collection[object], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
