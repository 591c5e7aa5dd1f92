"""What `pyman mirror` says of a mirror: what would be done, what was, and what is wrong."""

from typing import TYPE_CHECKING

from pyman.report import ui

if TYPE_CHECKING:
    from pyman.mirror.estimate import Estimate
    from pyman.mirror.inspection import Inspected
    from pyman.mirror.sync import Need, Outcome

_SOME = 20


def rehearsal(found: "Need", guess: "Estimate", *, prune: bool, as_json: bool) -> None:
    """Say how many files a sync would fetch and remove, and how much that is."""
    from pyman.mirror.mirror_folder import path_of  # noqa: PLC0415 - one command needs it

    is_exact = guess.asked == len(found.missing)
    if as_json:
        coming = [{"key": str(each.key), "path": path_of(each)} for each in found.missing]
        going = found.superfluous if prune else []
        facts = {"bytes": guess.size, "bytes_are_exact": is_exact, "present": len(found.present)}
        ui.document({"would_fetch": coming} | facts | {"would_remove": going})
        return
    size = "of unknown size: no source told" if guess.size is None else ui.size(guess.size)
    about = "" if is_exact or guess.size is None else f"about, by the sizes of {guess.asked} of them: "
    ui.note(f"Would fetch {_files(len(found.missing))}, {about}{size}; {len(found.present)} are there")
    if prune:
        ui.note(f"Would remove {_files(len(found.superfluous))}")
        for path in found.superfluous[:_SOME]:
            ui.note(f"  {path}")


def outcome(done: "Outcome", *, prune: bool, as_json: bool, quiet: bool) -> None:
    """Say what a sync has brought, what it could not bring, and what it removed."""
    from pyman.mirror.mirror_folder import path_of  # noqa: PLC0415 - one command needs it

    for error in done.failures.values():
        ui.error(error)
    for path in done.left:
        ui.warning(f"{path} was left alone: it is not what pyman put there")
    if done.failures and prune:
        ui.warning("nothing was removed, for not all came")
    if as_json:
        came = [{"key": str(each.key), "path": path_of(each)} for each in done.fetched]
        failed = [{"key": str(key), "error": each.message} for key, each in done.failures.items()]
        facts = {"bytes": done.size, "present": len(done.present), "failed": failed}
        ui.document({"fetched": came} | facts | {"removed": done.removed, "left": done.left})
    elif not quiet:
        removed = f", {len(done.removed)} removed" if prune else ""
        failed_too = f", {len(done.failures)} failed" if done.failures else ""
        got = f"Fetched {_files(len(done.fetched))} ({ui.size(done.size)})"
        ui.note(f"{got}, {len(done.present)} were there{removed}{failed_too}")


def inspected(found: "Inspected", *, as_json: bool) -> None:
    """Say what is wrong with a mirror, and what else is there."""
    if as_json:
        faults = [each._asdict() for each in found.faults]
        facts = {"files": found.files, "bytes": found.size, "unknown": found.unknown}
        ui.document({"whole": not faults, "faults": faults} | facts)
        return
    for each in found.faults:
        ui.data(f"{each.path}: {each.what}")
    for path in found.unknown:
        ui.data(f"{path}: unknown, not pyman's")
    ui.note(f"{_files(found.files)}, {ui.size(found.size)}, {len(found.faults) or 'nothing'} wrong")


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
