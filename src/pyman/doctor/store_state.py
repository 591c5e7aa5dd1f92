"""The store: who may write to it, and whether what is in it can be understood."""

import os
from collections.abc import Iterator
from contextlib import suppress
from errno import EACCES
from pathlib import Path

from pyman.doctor.finding import Finding, Setup, is_writable, moved_aside, put, taken_over, word
from pyman.errors import PymanError, StoreError
from pyman.inventory import manifest
from pyman.inventory.manifest import NewerRecordError
from pyman.store import modes
from pyman.system.userdirs import home_dir


def closed(setup: Setup) -> Iterator[Finding]:
    """The user cannot write to the store, or could not make it."""
    home = setup.store.home if setup.store else None
    if not home or is_writable(home):
        return
    why, command = "nothing can be installed", put("PYMAN_HOME", "~/.pyman")
    if _is_of_others(home):
        denied = StoreError.of("write to", home, PermissionError(EACCES, os.strerror(EACCES)))
        why = f"{why}. {denied.hint.rstrip('.')}"
        if os.access(home, os.R_OK | os.X_OK):
            command = f"{command} && {put('PYMAN_SYSTEM_HOME', home)}"
    elif os.access(home, os.F_OK):
        command = taken_over(home)
    yield Finding(f"this user may {_not_do(home)} the store {home}", why, command)


def _is_of_others(home: Path) -> bool:
    """Whether a store is another user's; one in the user's own home directory was left there by sudo."""
    if os.name != "posix" or not os.access(home, os.F_OK) or home.stat().st_uid == os.geteuid():
        return False
    with suppress(PymanError):
        return not home.is_relative_to(home_dir())
    return True


def _not_do(home: Path) -> str:
    is_closed = os.access(home, os.F_OK) and not os.access(home, os.R_OK | os.X_OK)
    return "neither read nor write to" if is_closed else "not write to"


def open_to_all(setup: Setup) -> Iterator[Finding]:
    """Every user may write to the store, or several may, of whom none can replace what another made."""
    home = setup.store.home if setup.store else None
    if not home:
        return
    if modes.exposure(home):
        yield Finding(
            f"every user of this machine may write to the store {home}",
            "each of them can change what the others run",
            f"chmod o-w {word(home)}",
        )
    try:
        modes.check_place(home)
    except StoreError as error:
        yield Finding(error.message, error.hint, put("PYMAN_HOME", home / "pyman"))


def damaged(setup: Setup) -> Iterator[Finding]:
    """Installations whose record cannot be read, and folders that have the name of one."""
    for bystander in setup.look.bystanders:
        yield Finding(
            str(bystander),
            "it is in the place of that build, and pyman leaves it alone",
            moved_aside(bystander.path),
        )
    for installation in setup.look.installations:
        try:
            manifest.load(installation)
        except NewerRecordError:
            continue
        except StoreError as error:
            yield Finding(
                f"{installation.key}: {error.message}",
                "it runs, but `pyman verify` cannot tell whether it was changed",
                f"pyman install --reinstall {installation.key}",
            )
