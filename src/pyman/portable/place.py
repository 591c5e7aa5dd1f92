"""Puts a portable pyman where it is to be, in one step, and back if it does not start there."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyman.errors import PymanError, StoreError
from pyman.portable.whereabouts import MARKER, RECEIPT, names
from pyman.system.filesystem import exchange

LAUNCHER = "bin/pyman.cmd" if os.name == "nt" else "bin/pyman"
_SECONDS = 60
_SHOWN = 5


def described(folder: Path) -> dict[str, Any]:
    """Return what the portable pyman in `folder` says of itself; empty if there is none."""
    return _document(folder / MARKER)


def receipt(folder: Path) -> dict[str, Any]:
    """Return what was written down when it was put there; empty if nothing was."""
    return _document(folder / RECEIPT)


def _document(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def publish(new: Path, place: Path, written_down: Mapping[str, Any]) -> None:
    """Move the portable pyman `new` to `place`, on the same file system; `written_down` is its receipt.

    A portable pyman that is there is then where the new one was. StoreError if something else is there,
    and PymanError if the new one does not start; then everything is as it was.
    """
    _check_place(place)
    try:
        text = json.dumps(dict(written_down), indent=1) + "\n"
        (new / RECEIPT).write_text(text, encoding="utf-8")
        _change_places(new, place)
    except OSError as error:
        raise StoreError.of(
            "put pyman into", place, error, "Choose another folder, or another user."
        ) from None
    if why := _why_it_does_not_start(place):
        _change_places(place, new)
        raise PymanError(f"the new pyman does not start: {why}", "What was there before is there again.")


def _check_place(place: Path) -> None:
    """Raise StoreError unless nothing is there, an empty folder, or a portable pyman and nothing else."""
    if not os.path.lexists(place):
        return
    hint = "Choose another folder with --to, or move what is there."
    if place.is_symlink() or not place.is_dir():
        raise StoreError(f"{place} is there already, and no folder", hint)
    if not described(place) and any(place.iterdir()):
        raise StoreError(f"{place} is there already, and no portable pyman", hint)
    check_alone(place)


def check_alone(folder: Path) -> None:
    """Raise StoreError if something in the folder of a portable pyman was not made with it."""
    known = {*described(folder).get("files", ()), RECEIPT}
    if others := sorted(name for name in names(folder) if name not in known):
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise StoreError(
            f"in {folder} are files that are not pyman's: {', '.join(others[:_SHOWN])}{more}",
            "They would be lost: move them elsewhere first.",
        )


def _change_places(new: Path, place: Path) -> None:
    """Move `new` to `place`, and what is there, if anything, to where `new` was."""
    if not place.exists() or not new.exists():
        new.rename(place) if new.exists() else place.rename(new)
        return
    if not any(place.iterdir()):
        place.rmdir()
        new.rename(place)
        return
    if exchange(new, place):
        return
    aside = new.with_name(f"{new.name}.old")
    place.rename(aside)
    try:
        new.rename(place)
    except OSError:
        aside.rename(place)
        raise
    aside.rename(new)


def _why_it_does_not_start(folder: Path) -> str:
    """Start the pyman in `folder`; returns what is wrong, nothing if it says which version it is."""
    expected = f"pyman {described(folder).get('version')}"
    try:
        done = subprocess.run(  # noqa: S603 - what was verified before
            [folder / LAUNCHER, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0 and done.stdout.strip() == expected:
        return ""
    return done.stderr.strip() or f"it ended with code {done.returncode} and said {done.stdout.strip()!r}"


def check_command(link: Path, place: Path) -> None:
    """Raise StoreError if something else is where the link to the launcher in `place` would be."""
    if os.path.lexists(link) and not is_ours(link, place):
        raise StoreError(
            f"{link} is there already and leads elsewhere: nothing was changed",
            "Remove it, or name another folder for the command with --bin.",
        )


def link_command(link: Path, place: Path) -> None:
    """Let `link` lead to the launcher in `place`; StoreError if something else is there, or it cannot be."""
    check_command(link, place)
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        if not is_ours(link, place):
            link.symlink_to(place / LAUNCHER)
    except OSError as error:
        raise StoreError.of("make", link, error, f"{place / LAUNCHER} is the command.") from None


def is_ours(link: Path, place: Path) -> bool:
    """Whether `link` is a link to the launcher in `place`, which need not be there."""
    # os.path asks where Path would raise: a user may have no way to the link.
    return os.path.islink(link) and os.path.realpath(link) == str(  # noqa: PTH114
        Path(os.path.realpath(place), LAUNCHER)
    )
