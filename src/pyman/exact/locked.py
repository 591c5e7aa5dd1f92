"""`--locked` and `--lock-file`, and what a lock means to a command that has them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from pyman.builds.target import Target
from pyman.errors import ContradictionError, FetchError, PymanError
from pyman.requests.request import Request
from pyman.system.userdirs import current_dir

if TYPE_CHECKING:
    from pyman.catalogue.build import Build, Metadata
    from pyman.choice.plan import Plan
    from pyman.lockfile.lock import Lock, Locked
    from pyman.store.installations import Installation

_Command = TypeVar("_Command", bound=Callable[..., Any])


def locked_options(command: _Command) -> _Command:
    """`--locked`: what the lock here or above has; `--lock-file` names another one."""
    locked = click.option("--locked", is_flag=True, help="Exactly what pyman.lock, here or above, has.")
    return locked(file_option(command))


def file_option(command: _Command) -> _Command:
    """`--lock-file`: another lock than the one that is here."""
    return click.option(
        "--lock-file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The lock to use, in place of pyman.lock.",
    )(command)


def named(locked: bool, file: Path | None, instead: "Lock | None" = None) -> "Lock | None":
    """Return the lock that the options name, if they do; PymanError if it is not there, or broken.

    Where there is none here, it is what there is `instead`.
    """
    if not locked and not file:
        return None
    from pyman.lockfile import lock_reader

    found = lock_reader.read(file) if file else (lock_reader.nearest(current_dir("the lock")) or instead)
    if not found:
        raise PymanError("there is no pyman.lock here or above", "`pyman lock REQUEST…` makes one.")
    return found


class Exactly(NamedTuple):
    """The builds that a lock wants, and whether it was asked for by an option: then its word is enough.

    Where it only happens to be there, it is data of whoever wrote it: builds come from what pyman knows, and
    the lock says no more than which.
    """

    lock: "Lock"
    wanted: "Sequence[Locked]"
    is_given: bool

    @property
    def requests(self) -> list[Request]:
        """The requests for these builds, each of which means one."""
        from pyman.lockfile.lock import exact

        return [exact(each.key) for each in self.wanted]

    def check(self, plan: "Plan", known: "Callable[[], Metadata]") -> None:
        """Raise PymanError, which says in what they differ, unless the plan is for what is locked.

        What is installed has to be that, and what pyman has `known` must not contradict it.
        """
        wanted = {each.key: each.build for each in self.wanted}
        differing = [
            f"{each.key} is installed, of an archive with sha256 {_digest(each)}; "
            f"locked is {wanted[each.key].sha256}"
            for each in plan.present
            if _digest(each) != wanted[each.key].sha256
        ]
        if differing:
            raise _different(self.lock, differing, "--reinstall puts what is locked in its place.")
        for choice in plan.choices:
            build = wanted[choice.best.key]
            if choice.best.local and choice.best.sha256 != build.sha256:
                other = f"{build.key} was brought along with sha256 {choice.best.sha256}"
                raise _different(self.lock, [f"{other}; locked is {build.sha256}"], "Bundle what is locked.")
            check_known(self.lock.path, build, known, is_given=self.is_given)


def check_known(origin: Path, build: "Build", known: "Callable[[], Metadata]", *, is_given: bool) -> None:
    """Raise ContradictionError if `origin` names another digest for a build than the metadata that are known.

    Of many builds there are two archives, so that where it `is_given` another one will do; and then it does
    no harm that metadata of the user's own cannot be had.
    """
    try:
        metadata = known()
    except FetchError:
        if is_given:
            return
        raise
    request = Request.parse(str(build.key))
    same = next((each for each in metadata.builds(build.key.target, request) if each.key == build.key), None)
    if same is None or same.sha256 in (None, build.sha256):
        return
    if is_given and same.file_name != build.file_name:
        return
    what = f"{build.key} has sha256 {build.sha256} there, and {same.sha256} in the metadata"
    hint = "Published archives never change. Find out which digest is right before you trust it"
    other = "." if is_given else "; `--locked` takes another archive of the same build."
    raise ContradictionError(f"{origin} and the metadata differ: {what}", hint + other)


def exactly(
    lock: "Lock | None", requests: Sequence[Request], target: Target, *, project: bool
) -> Exactly | None:
    """Return what a lock wants here: the given one, else the one that counts where nothing was typed.

    None where no lock counts. NoDownloadFoundError where the given one has nothing for it.
    """
    from pyman.lockfile import standing

    if lock:
        return Exactly(lock, standing.among(lock, target, requests), is_given=True)
    if requests or not project:
        return None
    from pyman.report import ui

    found = standing.standing(current_dir("what to install"), target)
    for text in found.warnings:
        ui.warning(text)
    return Exactly(found.lock, found.locked, is_given=False) if found.lock else None


def installed_as_locked(locked: "Locked", here: "Iterable[Installation]") -> "Installation | None":
    """Return the installation of what is locked, of the very archive; None where there is none."""
    same = (each for each in here if each.key == locked.key)
    return next((each for each in same if _digest(each) == locked.build.sha256), None)


def _digest(installation: "Installation") -> str:
    return str(installation.record().get("sha256", "unknown"))


def _different(lock: "Lock", differing: Iterable[str], hint: str) -> PymanError:
    each = "".join(f"\n  {text}" for text in differing)
    return PymanError(f"what is here is not what {lock.path} has:{each}", hint)
