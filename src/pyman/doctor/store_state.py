"""The store: who may write to it, and whether what is in it can be understood."""

from collections.abc import Iterator

from pyman.doctor.finding import Finding, Setup, is_writable, moved_aside, put, taken_over, word
from pyman.errors import StoreError
from pyman.inventory import manifest
from pyman.inventory.manifest import NewerRecordError
from pyman.store import modes


def closed(setup: Setup) -> Iterator[Finding]:
    """The user cannot write to the store, or could not make it."""
    home = setup.store.home if setup.store else None
    if home and not is_writable(home):
        command = taken_over(home) if home.exists() else put("PYMAN_HOME", "~/.pyman")
        yield Finding(f"this user may not write to the store {home}", "nothing can be installed", command)


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
