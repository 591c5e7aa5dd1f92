"""What is remembered of refreshes: when one worked and when one failed last, and what each source answered.

It stands in the store beside what was learned (see `learned`). Nothing rests on it: where it is missing or
damaged a source is asked as if for the first time.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from pyman.catalogue.build import too_new
from pyman.catalogue.learned import FOLDER, STATE
from pyman.network.address import public
from pyman.store.installations import Store

FORMAT = 1
_VALIDATORS = ("ETag", "Last-Modified")
_DAY = 24 * 60 * 60.0  # seconds
_HOUR = 60 * 60.0


class State(NamedTuple):
    """Times in seconds since 1970, 0 for never; `source` is where the last refresh that worked asked.

    `answers` has for each source, by the digest of its address, what tells the version of it that is known,
    and `basis` the builds that were known then: both must still be so, or that version is asked for anew.
    """

    refreshed: float = 0.0
    source: str = ""
    failed: float = 0.0
    warned: float = 0.0
    basis: str = ""
    answers: dict[str, list[str]] = {}  # noqa: RUF012 - never changed in place

    @classmethod
    def read(cls, home: Path) -> Self:
        """Return what is remembered in the store at `home`; NewerFormError where a newer pyman wrote it."""
        path = state_place(home)
        try:
            found = json.loads(path.read_bytes())
            if type(found["format"]) is int and found["format"] > FORMAT:
                raise too_new(str(path), found["format"])
            state = cls(**{name: kind(found[name]) for name, kind in _FIELDS.items()})
            for each in (state.refreshed, state.failed, state.warned):
                said(each)  # raises for what is no time
            return state if all(isinstance(each, list) for each in state.answers.values()) else cls()
        except (OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError):
            return cls()

    def document(self) -> bytes:
        """Return the file that `read` reads."""
        return json.dumps({"format": FORMAT} | self._asdict(), indent=1).encode() + b"\n"

    def is_due(self, now: float) -> bool:
        """Whether the last refresh that worked is more than a day old, and none failed within the hour."""
        return not 0 <= now - self.refreshed <= _DAY and not self.has_failed(now)

    def has_failed(self, now: float) -> bool:
        """Whether a refresh failed within the hour."""
        return 0 <= now - self.failed <= _HOUR

    def has_warned(self, now: float) -> bool:
        """Whether the user was told of such a failure within the hour."""
        return 0 <= now - self.warned <= _HOUR

    def succeeded(self, url: str, validators: Sequence[str], basis: str, now: float) -> Self:
        """Return the state after a refresh that worked: `url` answered with these validators."""
        answers = self.answers if basis == self.basis else {}
        answers = answers | ({_name(url): list(validators)} if any(validators) else {})
        return self._replace(
            refreshed=now, source=public(url), failed=0.0, warned=0.0, basis=basis, answers=answers
        )

    def failing(self, now: float, *, warned: bool) -> Self:
        """Return the state after one that failed; `warned` if the user was told."""
        return self._replace(failed=now, warned=now if warned else self.warned)

    def answer(self, url: str, basis: str) -> list[str]:
        """Return the ETag and the Last-Modified that `url` gave; empty where they count no more."""
        found = self.answers.get(_name(url), ()) if basis == self.basis else ()
        return [str(each) for each in found] if len(found) == len(_VALIDATORS) else [""] * len(_VALIDATORS)


def said(when: float) -> str:
    """Return a time, in seconds since 1970, as it is written down: `2026-11-27T16:30:00Z`."""
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def keeper(store: Store) -> Store:
    """Return the store in which what is learned is kept: root's is that of the system, for everybody."""
    is_root = os.name == "posix" and os.geteuid() == 0
    return store.beneath if is_root and store.beneath else store


def state_place(home: Path) -> Path:
    """Return where the store at `home` keeps it."""
    return home / FOLDER / STATE


def _name(url: str) -> str:
    """An address may hold a password, and the store is read by others."""
    return hashlib.sha256(url.encode("utf-8", "surrogateescape")).hexdigest()[:16]


_FIELDS: dict[str, Any] = {
    "refreshed": float,
    "source": str,
    "failed": float,
    "warned": float,
    "basis": str,
    "answers": dict,
}
