"""What several commands do where the Python that is asked for is missing: install it."""

from collections.abc import Sequence

import click

from pyman.cli.configured import environ
from pyman.cli.here import check_locked
from pyman.config.known import is_on
from pyman.discovery.finder import Outcome
from pyman.reading import lanes
from pyman.requests.spelling import spelled


def is_wanted() -> bool:
    """Whether what finds a Python is to install a missing one unasked: PYMAN_AUTO_INSTALL."""
    return is_on(environ().get("PYMAN_AUTO_INSTALL", ""))


def install_missing(outcome: Outcome, options: Sequence[str] = ()) -> None:
    """Install what was not found, as `pyman install` does with these options, but without links.

    What a lock asks for must be what it says.
    """
    if outcome.digest:
        check_locked(outcome)
    lanes.begin(["install"])  # before that is loaded, as `pyman install` does
    from pyman.commands.install import command as install

    code = install.main(
        ["--no-bin", *options, spelled(outcome.request)], prog_name="pyman install", standalone_mode=False
    )
    if code:
        raise click.exceptions.Exit(code)
