"""When a command refreshes what is known by itself, and how it bears with a refresh that fails.

The rules are few: who wants the newest (`upgrade`, `outdated`) gets it once a day, who asks for what is not
known (`install`, `run`) has it looked for once. Never with metadata that the user gave, never for a build
that was named in full, never offline. `PYMAN_REFRESH` and `--refresh`, `--no-refresh` say otherwise.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from enum import IntEnum, StrEnum
from typing import TypeVar

from pyman.catalogue import learned, own_form
from pyman.catalogue.build import summary
from pyman.errors import (
    CancelledError,
    ContradictionError,
    MetadataError,
    NoDownloadFoundError,
    PymanError,
    UsageError,
)
from pyman.network.policy import Network
from pyman.refresh.state import State, keeper
from pyman.requests.request import Request
from pyman.store.installations import Store

# Seconds to wait for a connection, and for the next byte, in a refresh that nobody typed.
_CONNECT = 3.0
_READ = 5.0
OLD_DAYS = 30
_Found = TypeVar("_Found")


class Mode(StrEnum):
    """Whether metadata are refreshed: where that is wanted, before they are used, or never."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"

    @classmethod
    def of(cls, *, wish: bool | None, environ: Mapping[str, str]) -> "Mode":
        """Return what an option says (None: nothing), else `PYMAN_REFRESH`; UsageError for another word."""
        if wish is not None:
            return cls.ALWAYS if wish else cls.NEVER
        text = environ.get("PYMAN_REFRESH", "").strip().lower() or cls.AUTO
        try:
            return cls(text)
        except ValueError:
            raise UsageError(f"PYMAN_REFRESH is {text!r}", f"It is one of {', '.join(cls)}.") from None


class Tried(IntEnum):
    """Whether a refresh was tried, and what came of it."""

    NOT = 0
    WORKED = 1
    FAILED = 2


class Refresher:
    """Refreshes, once at most, for a command that was asked for something else.

    `wish` is what its option said, `is_given` whether the metadata are the user's own. `note` and `warn` are
    told how it went.
    """

    def __init__(  # noqa: PLR0913 - what a refresh depends on is much
        self,
        store: Store,
        network: Network,
        *,
        environ: Mapping[str, str],
        mirror: str = "",
        wish: bool | None = None,
        is_given: bool = False,
        note: Callable[[str], None] = lambda _: None,
        warn: Callable[[PymanError], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._network = network
        self._mirror = mirror
        self._wish = wish
        self._is_given = is_given
        self._environ = environ
        self._note = note
        self._warn = warn
        self._mode = Mode.of(wish=wish, environ=environ)
        self._tried = Tried.NOT

    def before_use(self, requests: Iterable[Request]) -> None:
        """Refresh where that is always wanted; a build named in full needs no newer metadata."""
        if self._mode is Mode.ALWAYS and not _are_full(requests):
            self._refresh()

    def before_newest(self) -> None:
        """Refresh for whoever wants the newest, if the last refresh is more than a day old."""
        if self._mode is Mode.ALWAYS or (self._mode is Mode.AUTO and self._state().is_due(time.time())):
            self._refresh()

    def looking(self, look: Callable[[], _Found], requests: Sequence[Request]) -> _Found:
        """Return what `look` finds. Where it knows of nothing for the requests, refresh and look once more.

        NoDownloadFoundError, which tells how old that knowledge is, where there is nothing then.
        """
        try:
            return look()
        except NoDownloadFoundError as error:
            may_ask = self._mode is not Mode.NEVER and not self._network.offline
            is_wanted = may_ask and not _are_full(requests)
            if not is_wanted or not self._refresh():
                raise self._explained(error) from None
        try:
            return look()
        except NoDownloadFoundError as error:
            raise self._explained(error) from None

    def _explained(self, error: NoDownloadFoundError) -> NoDownloadFoundError:
        """Return the error for what is not known with how old that knowledge is, if it is pyman's own."""
        if self._is_given:
            return error
        outlook = "`pyman refresh` looks for newer ones"
        if self._network.offline:
            outlook = "newer ones were not looked for (offline)"
        elif self._tried:
            outlook = (
                "newer ones could not be had" if self._tried is Tried.FAILED else "there are no newer ones"
            )
        hint = f"{error.hint} The builds known are those of {self._age()}; {outlook}."
        return NoDownloadFoundError(error.message, hint.lstrip())

    def tell_if_old(self) -> None:
        """Note that what is known is more than 30 days old."""
        if not self._is_given and (_today() - known_on(self._store)).days > OLD_DAYS:
            self._note(f"The builds known are those of {self._age()}: `pyman refresh` brings newer ones.")

    def _refresh(self) -> bool:
        """Refresh if that may be, and return whether something new was learned; a failure is only told."""
        if self._tried:
            return False
        if self._is_given or self._network.offline:
            self._say_why_not()
            return False
        from pyman.refresh import refresh  # noqa: PLC0415 - it opens connections, and is seldom needed

        asked = refresh.sources(self._environ, self._mirror)
        network = self._network if self._wish else _impatient(self._network)
        try:
            outcome = refresh.refresh(asked, keeper(self._store), network, time.time())
        except CancelledError:
            raise
        except PymanError as error:
            self._tried = Tried.FAILED
            self._tell_of(error)
            return False
        self._tried = Tried.WORKED
        if outcome.added:
            self._note(f"Learned of {summary(outcome.added)}, from {outcome.source}")
        return bool(outcome.added)

    def _tell_of(self, error: PymanError) -> None:
        """Warn of a refresh that failed: of one that nobody typed once an hour, but for digests."""
        from pyman.refresh import refresh  # noqa: PLC0415 - see above

        now = time.time()
        is_grave = bool(self._wish) or isinstance(error, ContradictionError)
        is_told = is_grave or not self._state().has_warned(now)
        if is_told:
            text = f"the metadata could not be refreshed, what is known serves: {error.message}"
            self._warn(type(error)(text, error.hint))
        refresh.note_failure(keeper(self._store), now, warned=is_told)

    def _say_why_not(self) -> None:
        if self._is_given and self._wish:
            self._note("Not refreshed: the metadata are those of --metadata or PYMAN_METADATA.")
        elif not self._is_given:
            self._note(f"Offline: the builds known are those of {self._age()}.")

    def _age(self) -> str:
        day = known_on(self._store)
        days = (_today() - day).days
        return f"{day}, {days} day{'' if days == 1 else 's'} ago" if days > 0 else str(day)

    def _state(self) -> State:
        try:
            return State.read(keeper(self._store).home)
        except MetadataError:  # a newer pyman's: the refresh will say so
            return State()


def known_on(store: Store) -> date:
    """Return the day of what is known: the newest release in it, or the last refresh if that is later."""
    files = [own_form.bundled(), *(learned.read(home, lambda _: None) for home in store.homes)]
    releases = [each.newest for each in files if each and each.newest.isdigit()]
    days = [date.min, *(datetime.strptime(each, "%Y%m%d").replace(tzinfo=UTC).date() for each in releases)]
    for home in store.homes:
        with suppress(MetadataError, OverflowError, ValueError, OSError):
            if refreshed := State.read(home).refreshed:
                days.append(datetime.fromtimestamp(refreshed, UTC).date())
    return min(max(days), _today())


def _are_full(requests: Iterable[Request]) -> bool:
    """Whether each request names a build in full, of which there is nothing newer."""
    requests = list(requests)
    return bool(requests) and all(each.release for each in requests)


def _impatient(network: Network) -> Network:
    """Nobody who typed something else waits long for it."""
    return network._replace(connect=min(network.connect, _CONNECT), read=min(network.read, _READ), retries=0)


def _today() -> date:
    return datetime.now(UTC).date()
