"""The sequence of a refresh: ask the sources in turn, read what is new, compare, write down.

A refresh only adds: nothing that is known is changed by it or taken away. A source that names another digest
for something that is known is refused as a whole.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from threading import Event
from typing import NamedTuple

from pyman.catalogue import learned, own_form, vulnerabilities
from pyman.catalogue.build import Build
from pyman.catalogue.sources import below, folder_of
from pyman.errors import AbsentError, ContradictionError, FetchError, MetadataError, StoreError
from pyman.network.address import public
from pyman.network.download import downloading, read_url
from pyman.network.news import Validators, news
from pyman.network.policy import Network
from pyman.refresh.learning import Known, Learned, new_among
from pyman.refresh.state import State, state_place
from pyman.release_index import document, index, reading
from pyman.release_index.reading import Found
from pyman.store import changes
from pyman.store.installations import Store

_PIECE = 256 * 1024


class Source(NamedTuple):
    """Where to ask: a path or a URL; another is asked in its place if it `may_lack` what is wanted."""

    place: str
    may_lack: bool = False


class Outcome(NamedTuple):
    """What came of a refresh: where it was asked (as it may be shown), and the builds that were added.

    `found` is all that was read; None where the source said that nothing has changed. `passed` are the
    sources that did not answer. `vulnerabilities` is the date of a newer list of them; "" where none came.
    """

    source: str
    added: Sequence[Build]
    found: Found | None
    passed: Sequence[FetchError | MetadataError]
    vulnerabilities: str = ""


def sources(environ: Mapping[str, str], mirror: str = "", given: str | None = None) -> list[Source]:
    """Return where to ask, in this order: what is `given`, else the mirror and then the release index.

    `PYMAN_REFRESH_URL` stands for the index that the build project publishes.
    """
    if given:
        return [Source(given)]
    published = Source(environ.get("PYMAN_REFRESH_URL") or index.PUBLISHED)
    return [Source(below(mirror, document.NAME), may_lack=True), published] if mirror else [published]


def refresh(asked: Sequence[Source], store: Store, network: Network, now: float) -> Outcome:
    """Learn what the first of the sources that answers has, and keep it in the store.

    FetchError when none answers, MetadataError when an answer cannot be read or contradicts what is known,
    StoreError when it cannot be kept: what is known is then as it was.
    """
    before = _Knowledge(store)
    passed: list[FetchError | MetadataError] = []
    for source in asked:
        try:
            found, validators = _ask(source.place, before, State.read(store.home), network)
        except ContradictionError:
            raise
        except (FetchError, MetadataError) as error:
            if not source.may_lack:
                raise
            passed += [] if isinstance(error, AbsentError) else [error]
        else:
            new = new_among(found.builds, before.builds) if found else []
            added = _keep(store, source.place, _Answer(before.basis, new, validators), now)
            listed = _vulnerabilities(source.place, store, network) if found and found.is_own else ""
            return Outcome(public(source.place), added, found, passed, listed)
    raise AssertionError(asked)


class _Knowledge:
    """What is known in a store. Its builds are read only where they are needed."""

    def __init__(self, store: Store) -> None:
        self._homes = store.homes
        files = [own_form.bundled(), *(learned.read(home, _pass_over) for home in self._homes)]
        self.basis = " ".join(f"{each.newest}/{each.count}" for each in files if each)

    @cached_property
    def builds(self) -> Known:
        """Every build that is known: a file that is damaged has none."""
        return Known.of(learned.known(self._homes, _pass_over))


def _pass_over(error: MetadataError) -> None:
    """Who reads the metadata tells of a damaged file; it is about to be replaced."""


def _ask(place: str, known: _Knowledge, state: State, network: Network) -> tuple[Found | None, Validators]:
    """Return what is at a place, None if the place says that nothing has changed, and its validators."""
    if not place.startswith(("http://", "https://")):
        with _opened(place) as chunks:
            return reading.read(chunks, public(place), known.builds.digests, None), Validators()

    def take(chunks: Iterator[bytes]) -> Found:
        builds = known.builds
        return reading.read(chunks, public(place), builds.digests, builds.by_key.__contains__)

    return news(place, Validators(*state.answer(place, known.basis)), network, take)


@contextmanager
def _opened(place: str) -> Iterator[Iterable[bytes]]:
    """The bytes of a file, which may be a pipe, by its path or URL."""
    if "://" in place:
        with downloading(place, Event()) as download:
            yield download
        return
    try:
        with Path(place).open("rb") as file:
            yield iter(partial(file.read, _PIECE), b"")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FetchError(f"cannot read {place}: {reason}", "Check --from.") from None


def _vulnerabilities(place: str, store: Store, network: Network) -> str:
    """Take over the list of vulnerabilities beside a document in pyman's own form, if that has a newer one.

    Returns its date, "" where there is none or it is not newer. Only what pyman's own program makes has one.
    """
    try:
        found = vulnerabilities.parse(data := _beside(place, network), vulnerabilities.NAME)
        with changes.metadata_locked(store):
            here = vulnerabilities.known(store.homes, _pass_over)
            if vulnerabilities.newest([here, found]) is here:
                return ""
            changes.put(store, vulnerabilities.place(store.home), data)
            return found.date
    except (FetchError, MetadataError):  # the builds are what was asked for
        return ""


def _beside(place: str, network: Network) -> bytes:
    if "://" not in place:
        with _opened(str(Path(place).with_name(vulnerabilities.NAME))) as chunks:
            return b"".join(chunks)
    return read_url(below(folder_of(place), vulnerabilities.NAME), network)


class _Answer(NamedTuple):
    """What a source told that was not known when `basis` was, and the validators of its document."""

    basis: str
    new: Sequence[Build]
    validators: Validators


def _keep(store: Store, place: str, answer: _Answer, now: float) -> Sequence[Build]:
    """Write down what is new, and that it was asked for. Returns what is new.

    Under a lock, for another process may have learned the same meanwhile.
    """
    with changes.metadata_locked(store):
        known, here = _Knowledge(store), Learned(store.home)
        new = answer.new if known.basis == answer.basis else new_among(answer.new, known.builds)
        if new or here.is_damaged:
            changes.put(store, learned.place(store.home), here.document(new, place, now))
        basis = _Knowledge(store).basis
        state = State.read(store.home).succeeded(place, answer.validators, basis, now)
        changes.put(store, state_place(store.home), state.document())
        return new


def note_failure(store: Store, now: float, *, warned: bool) -> None:
    """Remember that a refresh failed, and whether the user was told; nothing where that cannot be written."""
    with suppress(StoreError), changes.metadata_locked(store):
        state = State.read(store.home).failing(now, warned=warned)
        changes.put(store, state_place(store.home), state.document())
