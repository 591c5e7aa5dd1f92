"""What `lock` and `upgrade --lock` have in common: a lock is settled, measured, written and told."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pyman.catalogue.build import Metadata
from pyman.cli import installing, networking, settings
from pyman.cli.holes import mention
from pyman.errors import FetchError
from pyman.lockfile import lock_reader, settling
from pyman.lockfile.lock import Lock, Locked
from pyman.lockfile.settling import Change
from pyman.machine.detection import Machine
from pyman.report import ui
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.system import whole_file


class Sources(NamedTuple):
    """Where builds are looked for, as the options say; the names are those of the options."""

    metadata_place: str | None
    mirror: str
    wish: bool | None


def settled(
    requests: Sequence[Request],
    machines: Sequence[Machine],
    before: Lock | None,
    sources: Sources,
    moving: Callable[[Request], bool] = lambda _: False,
) -> Lock:
    """Return the lock for the requests, with all that install would say of them.

    What is locked `before` stays, but for what is `moving`; only for that is the newest looked for first.
    """
    refresher = settings.refresher(sources.wish, sources.metadata_place, sources.mirror)
    if any(map(moving, requests)):
        refresher.before_newest()

    def look() -> Lock:
        refresher.before_use(requests)
        return settling.settle(requests, machines, load(sources), before, moving)

    lock = refresher.looking(look, requests)
    installing.warn_if_static(
        each.key for each in lock.locked if not any(request.variant.static for request in each.requests)
    )
    installing.warn_if_known_bad(each.key for each in lock.locked)
    for machine in machines[:1]:
        mention(requests, machine, sources.metadata_place)
    return lock


def load(sources: Sources) -> Metadata:
    """Return the metadata that count."""
    return settings.load_metadata(sources.metadata_place)


def write(lock: Lock, before: Lock | None, path: Path, sources: Sources) -> bool:
    """Write the lock to `path`, and return whether that changed the file; what is there as it is, stays so.

    The sizes of archives are asked for where they are not known. PymanError where it cannot be written.
    """
    from pyman.lockfile import lock_writer  # the library that keeps comments is for those who write

    lock, problem = settling.measured(lock, before, sources.mirror, networking.network())
    if problem:
        _excuse(lock, problem)
    old = lock_reader.text_of(path) if path.exists() else ""
    text = lock_writer.rendered(lock, old)
    if text == old:
        return False
    put(path, text)
    return True


def put(path: Path, text: str) -> None:
    """Write a lock, or what is made of one, whole; PymanError where that cannot be."""
    try:
        whole_file.put(path, text.encode())
    except OSError as error:
        raise whole_file.cannot_write(path, error) from None


def _excuse(lock: Lock, problem: FetchError) -> None:
    count = sum(each.size is None for each in lock.locked)
    of_what = "The size of 1 archive is" if count == 1 else f"The sizes of {count} archives are"
    ui.note(f"{of_what} not known, and left out: {problem.message}")


def tell(changes: Sequence[Change]) -> None:
    """Say what changed, a line for each."""
    for change in changes:
        ui.note(in_words(change))


def in_words(change: Change) -> str:
    """Return what became of a build, with the requests that it is locked for."""
    if change.after is None:
        return f"No longer locked: {change.before.key}" if change.before else ""
    for_what = ", ".join(map(spelled, change.after.requests))
    if change.before is None:
        return f"Locked {change.after.key} for {for_what}"
    return f"Moved {change.before.key} to {change.after.key} for {for_what}"


def print_json(path: Path, changes: Sequence[Change], *, dry_run: bool) -> None:
    """Print what changed in the lock at `path` for a program."""
    ui.document({"file": str(path), "dry_run": dry_run, "changes": [_facts(each) for each in changes]})


def _facts(change: Change) -> dict[str, Any]:
    return {"from": _key(change.before), "to": _key(change.after)}


def _key(locked: Locked | None) -> str | None:
    return str(locked.key) if locked else None


def moved(lock: Lock, sources: Sources, minors: Sequence[Request] = ()) -> Lock:
    """Return the lock with the newest that its requests allow, of the minor versions that are named."""

    def moving(request: Request) -> bool:
        keys = [each.key for each in lock.locked if request in each.requests]
        return not minors or any(minor.covers(key) for minor in minors for key in keys)

    machines = [settings.machine(str(target)) for target in lock.to]
    return settled(lock.requests, machines, lock, sources, moving)


def upgrade(
    lock: Lock,
    minors: Iterable[Request],
    sources: Sources,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Move the lock to the newest that its requests allow, and say what changed."""
    after = moved(lock, sources, list(minors))
    changes = settling.changes(lock, after)
    if changes and not dry_run:
        write(after, lock, lock.path, sources)
    if not quiet:
        tell(changes)
        ui.note(_outcome(lock, is_changed=bool(changes), dry_run=dry_run))
    if as_json:
        print_json(lock.path, changes, dry_run=dry_run)


def _outcome(lock: Lock, *, is_changed: bool, dry_run: bool) -> str:
    if not is_changed:
        return f"{lock.path} has the newest that its requests allow."
    return f"{lock.path} stays as it is." if dry_run else f"Wrote {lock.path}; `pyman install` installs it."
