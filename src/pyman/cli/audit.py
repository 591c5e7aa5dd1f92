"""`pyman audit`."""

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

import click

from pyman import audit, ui
from pyman.advisories import ADVISORIES, Advisory, facts
from pyman.audit import Concern, Finding
from pyman.cli import settings
from pyman.cli.networking import network_options
from pyman.errors import StoreError
from pyman.lifecycle import end_of_life
from pyman.request import Request
from pyman.store import Installation
from pyman.upkeep import Successors

_OLD_DAYS = 90  # releases come every few weeks
_LISTS = {
    Concern.ADVISORY: "advisories",
    Concern.OUTDATED: "outdated",
    Concern.END_OF_LIFE: "end_of_life",
    Concern.NEAR_END_OF_LIFE: "near_end_of_life",
}


@click.command("audit")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@settings.metadata_option
@network_options
@click.option(
    "--list", "known", is_flag=True, help="Show all advisories that pyman knows, and look at nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--exit-zero", is_flag=True, help="Leave with exit code 0 whatever is found.")
@click.pass_context
def command(
    context: click.Context,
    requests: tuple[str, ...],
    metadata_place: str | None,
    known: bool,
    as_json: bool,
    exit_zero: bool,
) -> None:
    """Report what is wrong with what is installed.

    Wrong are builds that an advisory covers because they are known to be bad, versions of which a newer patch
    is known, and minor versions past their end of life. The exit code is 1 if there is any. With a REQUEST
    only what fits it is looked at. Nothing is fetched, unless --metadata is a URL: advisories and builds are
    those that came with pyman.

    A minor version within six months of its end of life is only mentioned, and a newer build of the same
    patch is not: `pyman outdated` lists both.
    """
    if known:
        _print_known(as_json=as_json)
        return
    here = settings.store().installations()
    chosen = _chosen(requests, here)
    found = Successors(
        settings.load_metadata(metadata_place), settings.machine(os.environ.get("PYMAN_TARGET"))
    )
    today = datetime.now(UTC).date()
    findings = audit.audit(chosen, here, found, today)
    release = audit.newest_release(chosen, found)
    if as_json:
        ui.document(_document(chosen, findings, release))
    else:
        _print(chosen, findings)
    _say_if_old(release, today)
    if not exit_zero and not all(each.concern.is_notice for each in findings):
        context.exit(1)


def _chosen(requests: Sequence[str], here: list[Installation]) -> list[Installation]:
    """The installations to look at; StoreError for a request that none fits."""
    chosen: dict[str, Installation] = {}
    for text in requests:
        request = Request.parse(text)
        fitting = {str(each.key): each for each in here if request.covers(each.key)}
        if not fitting:
            raise StoreError(
                f"nothing installed fits the request: {text}", "`pyman list --only-installed` shows what is."
            )
        chosen |= fitting
    return list(chosen.values()) if requests else here


def _print(chosen: Sequence[Installation], findings: Sequence[Finding]) -> None:
    grave = [each for each in findings if not each.concern.is_notice]
    for installation, group in groupby(grave, key=lambda each: each.installation):
        ui.data(str(installation.key))
        for finding in group:
            _print_finding(finding)
    for each in findings:
        if each.concern.is_notice:
            ui.note(f"{each.installation.key} is {each.concern}: {each.text}")
    count = len({each.installation.key for each in grave})
    result = f"{count} with findings" if grave else "nothing to report"
    ui.note(f"{len(chosen)} installation{'' if len(chosen) == 1 else 's'}, {result}")


def _print_finding(finding: Finding) -> None:
    advisory = finding.advisory
    name = f"{finding.concern} {advisory.id}" if advisory else finding.concern
    ui.data(f"  {name}: {finding.text}")
    for place in advisory.references if advisory else ():
        ui.data(f"    see {place}")
    fixed = f"fixed in release {advisory.fixed}" if advisory else ""
    remedy = f"to mend it: {finding.remedy}" if finding.remedy else ""
    if fixed or remedy:
        ui.data("    " + "; ".join(part for part in (fixed, remedy) if part))


def _document(chosen: Sequence[Installation], findings: Sequence[Finding], release: str) -> dict[str, Any]:
    lists = {
        name: [_facts(each) for each in findings if each.concern is concern]
        for concern, name in _LISTS.items()
    }
    return {"installations": [str(each.key) for each in chosen], **lists, "newest_release": release or None}


def _facts(finding: Finding) -> dict[str, Any]:
    key = finding.installation.key
    found = {
        "key": str(key),
        "path": str(finding.installation.path),
        "text": finding.text,
        "remedy": finding.remedy or None,
    }
    if finding.advisory:
        return found | {"advisory": facts(finding.advisory)}
    if finding.newer:
        return found | {"newer": str(finding.newer)}
    return found | {"end_of_life": end_of_life(key.version.series)}


def _say_if_old(release: str, today: date) -> None:
    try:
        age = (today - date.fromisoformat(release)).days
    except ValueError:  # there is none, or none that is a date
        return
    if age > _OLD_DAYS:
        ui.note(f"The newest release that is known is {age} days old: a newer pyman may know of more.")


def _print_known(*, as_json: bool) -> None:
    if as_json:
        ui.document({"advisories": [facts(each) for each in ADVISORIES]})
        return
    for each in ADVISORIES:
        _print_advisory(each)


def _print_advisory(advisory: Advisory) -> None:
    ui.data(f"{advisory.id} ({advisory.date})")
    ui.data(f"  {advisory.scope}")
    ui.data(f"  releases from {advisory.since} on, fixed in {advisory.fixed}")
    ui.data(f"  {advisory.problem}")
    ui.data(
        "  left out unless the release is named" if advisory.grave else "  taken after others of its version"
    )
    for place in advisory.references:
        ui.data(f"  see {place}")
