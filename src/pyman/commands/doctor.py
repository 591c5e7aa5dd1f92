"""`pyman doctor`."""

import os
import re

import click

from pyman.config import layers
from pyman.report import manual, ui


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Tell what is wrong with this machine's set-up, each with the command that mends it.

    Looked at are the variables, the store and its records, PATH, shims and links, the caches, how old the
    metadata are, certificates and proxies, and virtual environments whose Python is gone. Nothing is changed,
    and no connection is opened. The exit code is 1 if anything is wrong.
    """
    from pyman.doctor.checks import examine
    from pyman.doctor.finding import Setup

    known = frozenset(re.findall(r"\bPYMAN_[A-Z_]+\b", manual.source("settings")))
    found = list(examine(Setup(layers.of(os.environ), known)))
    if as_json:
        ui.document({"findings": [{"check": name, **finding._asdict()} for name, finding in found]})
    for name, finding in () if as_json else found:
        ui.data(f"{name}: {finding.what}\n    {finding.why}.\n    mend: {finding.command}")
    if found:
        context.exit(1)
    if not as_json:
        ui.note("Nothing is wrong with the set-up of this machine.")
