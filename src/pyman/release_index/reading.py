"""A source of newer builds, read as it arrives: the release index, pyman's own form or uv's object.

Which it is, its first line tells; gzip and zstd are told by their first bytes. An index is newest first: as
soon as a whole release has brought nothing new, only known ones follow, and no more of it is read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from typing import NamedTuple

from pyman.archive.inflate import plain
from pyman.builds.key import Key
from pyman.catalogue import origins
from pyman.catalogue.build import Build
from pyman.catalogue.own_form import WholeMetadata
from pyman.errors import ArchiveError, MetadataError
from pyman.network.download import LARGEST_DOCUMENT
from pyman.release_index import artifact, index, rules
from pyman.release_index.artifact import Artifact, Skipped
from pyman.release_index.index import Record
from pyman.release_index.rules import Rule

_BEGINNING = 60


class Found(NamedTuple):
    """The builds of a source; what was not understood; how many artifacts each rule left out.

    `is_own` says that they came in pyman's own form.
    """

    builds: list[Build]
    skipped: list[Skipped]
    dropped: Counter[Rule]
    is_own: bool = False


def read(
    chunks: Iterable[bytes], name: str, digests: dict[str, str], is_known: Callable[[Key], bool] | None
) -> Found:
    """Return what the document in `chunks`, called `name` in errors, says of builds.

    `digests` are those that are known, by URL. Where `is_known` is given, an index is read no farther than
    there is news. MetadataError for anything else than such a document, for one that was cut or is damaged,
    for one that names another digest than is known for its URL.
    """
    lines = _lines(plain(iter(chunks), LARGEST_DOCUMENT))
    try:
        first = next((line for line in lines if line.strip()), b"")
        if index.is_record(first):
            return _of_index(index.each_record(chain((first,), lines), name), digests, is_known)
        return _of_document(b"\n".join((first, *lines)), name)
    except ArchiveError as error:
        raise MetadataError(f"{name} cannot be read: {error.message}", error.hint) from None


def _of_index(
    records: Iterable[Record], digests: dict[str, str], is_known: Callable[[Key], bool] | None
) -> Found:
    artifacts: list[Artifact] = []
    skipped: list[Skipped] = []
    for _, release in groupby(records, key=lambda record: record.version.rpartition("+")[2]):
        found, unread = artifact.parse_all(release)
        artifacts += found
        skipped += unread
        keys = [each.key for each in found if not rules.rule_against(each.key)]
        if is_known and keys and all(map(is_known, keys)):
            break
    builds, dropped = rules.choose(rules.settle_digests(artifacts, digests))
    return Found(builds, skipped, dropped)


def _of_document(data: bytes, name: str) -> Found:
    start = data.lstrip()[:_BEGINNING]
    if not start.startswith(b"{"):
        beginning = start.decode("utf-8", "replace").partition("\n")[0]
        what = "it is empty" if not start else f"it begins with {beginning!r}"
        raise MetadataError(
            f"{name} is neither a release index nor download metadata: {what}",
            "Look at what is served there, or name another source with --from.",
        )
    metadata = origins.parse(data, name)
    builds = list(chain.from_iterable(metadata.builds(target) for target in metadata.targets()))
    ruled = [(build, rules.rule_against(build.key)) for build in builds]
    kept = [build for build, rule in ruled if not rule]
    return Found(kept, [], Counter(rule for _, rule in ruled if rule), isinstance(metadata, WholeMetadata))


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    begun: list[bytes] = []  # of a line that has not ended: documents of megabytes may be one line
    for chunk in chunks:
        first, *more = chunk.split(b"\n")
        begun.append(first)
        for line in more:
            yield b"".join(begun)
            begun = [line]
    yield b"".join(begun)
