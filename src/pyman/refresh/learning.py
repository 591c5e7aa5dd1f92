"""Learning: which builds of a source are new, and how they are written down beside those learned before.

A row that is known stays as it is. One that names another digest for a URL or a build that is known is a
conflict, unless it is another archive of that build: of most there are several, and one is enough.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.catalogue import learned
from pyman.catalogue.build import Build, Metadata
from pyman.catalogue.own_form import WholeMetadata
from pyman.errors import ContradictionError, MetadataError, NewerFormError
from pyman.network.address import public
from pyman.network.download import LARGEST_DOCUMENT
from pyman.refresh.state import said
from pyman.release_index import artifact, document, others
from pyman.system import regular_file


class Known(NamedTuple):
    """The builds that are known, by key and by URL."""

    by_key: dict[Key, Build]
    by_url: dict[str, Build]

    @classmethod
    def of(cls, *sets: Metadata) -> Self:
        """Return the builds of all sets, the first of which has the say. MetadataError if one is damaged."""
        known = cls({}, {})
        for metadata in sets:
            for target in metadata.targets():
                for build in metadata.builds(target):
                    known.add(build)
        return known

    def add(self, build: Build) -> None:
        """Know a build as well; what was known of it stays."""
        self.by_key.setdefault(build.key, build)
        self.by_url.setdefault(build.url, build)

    @property
    def digests(self) -> dict[str, str]:
        """The digests that are known, by URL."""
        return {url: build.sha256 for url, build in self.by_url.items() if build.sha256}


def new_among(builds: Iterable[Build], known: Known) -> list[Build]:
    """Return the builds that are not known, and know them from now on; ContradictionError for a conflict."""
    new = []
    for build in builds:
        for before in (known.by_url.get(build.url), known.by_key.get(build.key)):
            if before and _contradicts(build, before):
                raise _conflict(build, before)
        if build.key not in known.by_key and build.url not in known.by_url:
            new.append(build)
        known.add(build)
    return new


def _contradicts(build: Build, before: Build) -> bool:
    digests = build.sha256, before.sha256
    return None not in digests and digests[0] != digests[1] and not _are_two_archives(build, before)


def _are_two_archives(one: Build, other: Build) -> bool:
    """Whether they are two of the archives in which one build was published: stripped, and full."""
    names = one.file_name, other.file_name
    return artifact.are_twins(*names) or others.are_twins(*names)


def _conflict(build: Build, before: Build) -> ContradictionError:
    what = public(build.url) if build.url == before.url else str(build.key)
    return ContradictionError(
        f"the sha256 of {what} changed: {before.sha256} is known, the source has {build.sha256}",
        "Published archives never change, so nothing of this source was taken over. "
        "Find out which digest is right before you trust it.",
    )


class Learned:
    """What was learned in the store at `home`, to be written anew with more; empty where it is damaged.

    Raises NewerFormError where a newer pyman wrote it: that file is not replaced.
    """

    def __init__(self, home: Path) -> None:
        self.path = learned.place(home)
        self.builds: list[Build] = []
        self._refreshes: list[object] = []
        self._numbers: dict[Key, object] = {}
        self.is_damaged = False
        try:
            self._read(json.loads(regular_file.whole(self.path, LARGEST_DOCUMENT)))
        except FileNotFoundError:
            pass
        except NewerFormError:
            raise
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, MetadataError):
            self.builds, self._refreshes, self._numbers = [], [], {}
            self.is_damaged = True

    def document(self, new: Sequence[Build], source: str, when: float) -> bytes:
        """Return the file with the `new` builds in it, which `source` (an address) told of at that time."""
        refresh = {"from": public(source), "at": said(when)}
        numbers = self._numbers | dict.fromkeys((build.key for build in new), len(self._refreshes))
        return document.render([*self.builds, *new], numbers, refreshes=[*self._refreshes, refresh])

    def _read(self, found: dict[str, Any]) -> None:
        metadata = WholeMetadata(found, str(self.path))
        self.builds = [build for target in metadata.targets() for build in metadata.builds(target)]
        self._refreshes = list(found["refreshes"])
        for name, rows in found["builds"].items():
            target = Target.parse(name)
            self._numbers |= {Key.of_build(row[0], target): row[3] for row in rows}
