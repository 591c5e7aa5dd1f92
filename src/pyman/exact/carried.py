"""`--from`: what was brought along, as a bundle, a folder or an archive. No connection is opened then."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from pyman.cli import networking
from pyman.errors import UsageError
from pyman.network.address import public
from pyman.system.userdirs import given_dir

if TYPE_CHECKING:
    from pyman.catalogue.build import Metadata
    from pyman.choice.plan import Plan
    from pyman.lockfile.lock import Lock

_Command = TypeVar("_Command", bound=Callable[..., object])


class Carried(NamedTuple):
    """What was brought along: the builds in it and its lock, if it has one; or one archive."""

    path: Path
    metadata: "Metadata | None"
    lock: "Lock | None" = None
    archives: tuple[str, ...] = ()

    def check(self, plan: "Plan", known: "Callable[[], Metadata]") -> None:
        """Raise ContradictionError if it has another archive by the name of one that pyman has `known`."""
        from pyman.exact.locked import check_known

        for choice in plan.choices:
            check_known(self.path, choice.best, known, is_given=True)


def from_option(command: _Command) -> _Command:
    """`--from`: the one source, which is here."""
    return click.option(
        "--from",
        "carried",
        metavar="FILE_OR_DIR",
        callback=_carried,
        help="Install from a bundle, a mirror's folder or an archive that is here; opens no connection.",
    )(command)


def _carried(context: click.Context, parameter: click.Parameter, value: str | None) -> Carried | None:
    """Return what is there, verified; PymanError if it cannot serve."""
    del parameter
    if value is None or context.resilient_parsing:  # as where a shell completes
        return None
    if "://" in value:
        raise UsageError(f"{public(value)} is an address", "--from takes a file or folder, --mirror that.")
    networking.stay_offline(context)
    from pyman.bundle import carrying

    path = given_dir(value, "--from")
    found = carrying.in_folder(path) if path.is_dir() else carrying.in_file(path)
    if found is None:
        return Carried(path, None, archives=(os.fspath(path),))
    return Carried(path, found.metadata, found.lock)
