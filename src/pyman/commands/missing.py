"""What several commands do where the Python that is asked for is missing: install it."""

from collections.abc import Sequence

import click

from pyman.reading import lanes
from pyman.requests.request import Request
from pyman.requests.spelling import spelled


def install_missing(request: Request, options: Sequence[str] = ()) -> None:
    """Install as `pyman install` does with these options, but without links in the user's directory."""
    lanes.begin(["install"])  # before that is loaded, as `pyman install` does
    from pyman.commands.install import command as install

    code = install.main(
        ["--no-bin", *options, spelled(request)], prog_name="pyman install", standalone_mode=False
    )
    if code:
        raise click.exceptions.Exit(code)
