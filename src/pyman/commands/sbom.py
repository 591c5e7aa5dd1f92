"""`pyman sbom`."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import click

from pyman.choice.installed import best_installed
from pyman.cli import settings
from pyman.cli.fitting import nothing_fits
from pyman.errors import PymanError, UsageError
from pyman.report import ui
from pyman.requests.request import Request
from pyman.store.installations import Installation


@click.command("sbom")
@click.argument("request", required=False)
@settings.prefix_option("Of what is in this directory, outside of the store.")
def command(request: str | None, prefix: str | None) -> None:
    """Print what an installed Python consists of, as CycloneDX JSON.

    That is the best installed one that fits REQUEST; without it the one that the project asks for, or with
    --prefix the one that is there. Its libraries are listed with the versions that the interpreter tells, its
    packages, and the address and sha256 of its archive. What is not known is said. The time in it is
    SOURCE_DATE_EPOCH if that is set.
    """
    from pyman.sbom import bill

    if prefix is None:
        installation = _chosen(request)
        record: Mapping[str, Any] = installation.record()
    else:
        installation, record = _in_prefix(prefix, request)
    try:
        text = bill.of(installation, record, _time())
    except OSError as error:
        raise PymanError(f"cannot read {installation.path}: {error.strerror or error}") from None
    ui.data(text.rstrip("\n"))


def _chosen(text: str | None) -> Installation:
    """Return the installation that is meant; StoreError if there is none."""
    from pyman.project import project_request
    from pyman.requests.spelling import spelled
    from pyman.system.userdirs import current_dir

    store = settings.store()
    request = Request.parse(text) if text else project_request.wanted(current_dir("the project")).request
    found = best_installed(request, store, settings.own_machine())
    if not found:
        hint = "`pyman list --only-installed` shows what there is."
        raise nothing_fits(text or spelled(request), lambda _: False, store, hint)
    return found


def _in_prefix(place: str, text: str | None) -> tuple[Installation, Mapping[str, Any]]:
    """Return what is meant in a prefix, and its record; StoreError if there is none."""
    from pyman.commands.prefix_upkeep import fitting

    found = fitting(settings.prefix(place), [text] if text else [])
    if len(found) > 1:
        keys = ", ".join(str(each.key) for each in found)
        raise UsageError(f"{place} has several: {keys}", "Name the one that is meant.")
    return found[0].installation, found[0].record().facts


def _time() -> datetime:
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if not given:
        return datetime.now(UTC)
    try:
        return datetime.fromtimestamp(int(given), UTC)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"SOURCE_DATE_EPOCH is no time: {given}", "It is a number of seconds since 1970."
        ) from None
