"""How an unpacked tree is finished: prepared for its final path, made smaller, tried, compiled."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

from pyman.archive.written import Written
from pyman.errors import PymanError, UsageError
from pyman.installer import smoke
from pyman.installer.reporter import Reporter
from pyman.inventory.manifest import Manifest
from pyman.prepare import steps
from pyman.store.installations import Installation
from pyman.store.made_with import MadeWith

_KEPT_OUT = (
    "{key} cannot load {modules} here: this version of Python loads no extension modules from a path that is "
    "not UTF-8, as that of the store is"
)


class Finish(NamedTuple):
    """How to finish: what it is made with, and whether it is tried.

    `is_external` marks it as externally managed (PEP 668) where `made_with` does not say. `epoch` is the
    time, in seconds since 1970, which nothing in a reproducible installation is later than; None for that of
    the newest file in the archive.
    """

    made_with: MadeWith = MadeWith()
    smoke_test: bool = True
    is_external: bool = True
    epoch: int | None = None

    @classmethod
    def by(cls, environ: Mapping[str, str], made_with: MadeWith, *, smoke_test: bool = True) -> Self:
        """Return how to finish what is made so; SOURCE_DATE_EPOCH has a say. UsageError if that is no time.

        It is that of reproducible-builds.org/specs/source-date-epoch.
        """
        text = environ.get("SOURCE_DATE_EPOCH")
        if not text:
            return cls(made_with, smoke_test)
        if not (text.isascii() and text.isdigit()):
            raise UsageError(
                f"SOURCE_DATE_EPOCH is no number of seconds since 1970: {text}", "Unset it, or mend it."
            )
        is_same = made_with.reproducible is not False
        return cls(made_with._replace(reproducible=is_same), smoke_test, epoch=int(text))

    def after(self, record: Mapping[str, Any]) -> "Finish":
        """Return how to finish what comes after an installation with that record."""
        return self._replace(made_with=self.made_with.over(MadeWith.of(record)))

    def latest(self, written: Mapping[str, Written]) -> int | None:
        """Return the time that nothing is to be later than; None unless it is to be reproducible.

        Raises PymanError where the clock has not come to that time: what is made now would be earlier.
        """
        if not self.made_with.reproducible:
            return None
        newest = max((file.mtime_ns for file in written.values()), default=0) // 1_000_000_000
        epoch = newest if self.epoch is None else self.epoch
        if epoch > time.time():
            raise PymanError(
                f"the clock of this machine says that {_date(epoch)} has not come yet, the time that a "
                "reproducible installation is to have",
                "Set the clock, or SOURCE_DATE_EPOCH to a time that has passed.",
            )
        return epoch


def finish(
    staged: Installation, final: Path, how: Finish, reporter: Reporter, take: Callable[[], Manifest]
) -> dict[str, Any]:
    """Make of an unpacked tree an interpreter that works at its `final` path, and see that it does.

    `take` lists the files of the tree. Returns what the record is to say of all that.
    """
    steps.prepare_start(staged, final)
    if how.made_with.slim or how.made_with.drop:  # what is tried is what is left
        facts = _settled(staged, final, how, reporter)
        with _trying(staged, how, reporter):
            files = take()
    else:
        with _trying(staged, how, reporter):
            facts, files = _settled(staged, final, how, reporter), take()
    if _compiled(staged, final, how):
        files = take()
    return facts | {"files": files}


def _settled(staged: Installation, final: Path, how: Finish, reporter: Reporter) -> dict[str, Any]:
    """Change all that no start of it looks at."""
    made_with = how.made_with
    external = made_with.externally_managed
    steps.prepare_rest(staged, final, is_external=how.is_external if external is None else external)
    return made_with.document() | _leave_out(staged, made_with, reporter)


@contextmanager
def _trying(staged: Installation, how: Finish, reporter: Reporter) -> Iterator[None]:
    """See meanwhile that it runs, which is mostly waiting for its process; DoesNotRunError at the end."""
    if not (how.smoke_test and smoke.concerns(staged.key)):
        yield
        return
    with ThreadPoolExecutor(1) as pool:
        tried = pool.submit(_try, staged, reporter)
        yield
    tried.result()


def _compiled(staged: Installation, final: Path, how: Finish) -> bool:
    """Compile its modules if that is wanted and it runs here; returns whether it was done."""
    if not (how.made_with.compile_bytecode and smoke.concerns(staged.key)):
        return False
    from pyman.installer import bytecode  # noqa: PLC0415 - few want it

    bytecode.compile_all(staged, final, is_stable=bool(how.made_with.reproducible))
    return True


def _leave_out(staged: Installation, made_with: MadeWith, reporter: Reporter) -> dict[str, Any]:
    if not (made_with.slim or made_with.drop):
        return {}
    from pyman.slimming import leave_out, parts  # noqa: PLC0415 - the same

    slim = bool(made_with.slim)
    chosen = parts.left_out(slim=slim, keep=made_with.keep, drop=made_with.drop)
    ledger = leave_out.leave_out(staged, chosen, is_slim=slim)
    reporter.left_out(staged.key, ledger)
    return {"left_out": ledger._asdict()}


def _try(staged: Installation, reporter: Reporter) -> None:
    """See that it runs, and tell what it cannot load."""
    kept_out = smoke.check(staged, lambda: reporter.testing(staged.key, smoke.SECONDS))
    if kept_out:
        reporter.warned(_KEPT_OUT.format(key=staged.key, modules=", ".join(kept_out)))


def _date(seconds: int) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return str(seconds)
