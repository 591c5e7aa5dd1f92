"""What comes to the file: by an update that only adds, and the list of it for who verifies it before.

That list is `{"release": "20261110", "builds": [{"key": …, "url": …, "sha256": …}, …]}`, a build a line;
`release` is the newest of them.
"""

import json
from collections.abc import Collection, Iterable

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Target
from pyman.catalogue.build import Build
from pyman.errors import MetadataError
from pyman.release_index import document

_HINT = "It is what the fetcher writes with --new."


def only_newer(before: Iterable[Build], found: Iterable[Build]) -> tuple[list[Build], list[Build]]:
    """Return `before` with what is unknown of `found`, and what of `found` was left out.

    Left out are builds of CPython whose release is older than the newest in `before` for their target and
    variant: an index may give the builds for one target later than those for others. What is there stays as
    it is, also where `found` lacks it or has a better archive of it; only a missing digest is filled in.
    """
    builds = {build.key: build for build in before}
    newest: dict[tuple[Target, Variant], tuple[int, ...]] = {}
    for key in filter(_is_cpython, builds):
        newest[_kind(key)] = max(key.release_order, newest.get(_kind(key), ()))
    left = []
    for build in found:
        known = builds.get(build.key)
        if known and (known.sha256 or known.url != build.url or not build.sha256):
            continue
        if _is_cpython(build.key) and build.key.release_order < newest.get(_kind(build.key), ()):
            left.append(build)
        else:
            builds[build.key] = build
    return list(builds.values()), left


def _is_cpython(key: Key) -> bool:
    return key.implementation is Implementation.CPYTHON


def _kind(key: Key) -> tuple[Target, Variant]:
    return key.target, key.variant


def new_in(after: Iterable[Build], before: Iterable[Build]) -> list[Build]:
    """Return the builds of `after` whose archive, or its digest, is not among `before`."""
    known = {(build.url, build.sha256) for build in before}
    return [build for build in after if (build.url, build.sha256) not in known]


def render(builds: Collection[Build]) -> str:
    """Return the list of builds that are new."""
    rows = [{"key": str(build.key), "url": build.url, "sha256": build.sha256} for build in builds]
    lines = ",\n".join(map(json.dumps, rows))
    return f'{{"release": "{document.newest(builds)}", "builds": [\n{lines}\n]}}\n'


def parse(data: bytes, name: str) -> list[Build]:
    """Return the builds of such a list; MetadataError, which names it, if it is none."""
    try:
        rows = json.loads(data)["builds"]
        return [Build(Key.parse(row["key"]), str(row["url"]), row["sha256"]) for row in rows]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MetadataError(f"{name} is not a list of new builds: {error!r}", _HINT) from None
