"""`pyman audit`."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from pyman.builds.key import Implementation, Key
from pyman.catalogue.build import Metadata
from pyman.catalogue.vulnerabilities import Severity
from pyman.choice.select import candidates
from pyman.cli import settings
from pyman.cli.networking import network_options
from pyman.errors import NoDownloadFoundError, UsageError
from pyman.machine.detection import Machine
from pyman.report import audit_json, audit_text, ui
from pyman.requests.request import Request
from pyman.requests.spelling import NO_RELEASE
from pyman.store.installations import Installation
from pyman.upkeep import audit
from pyman.upkeep.audit import Judgement, Subject, Where
from pyman.upkeep.conditions import Successors
from pyman.upkeep.exposure import Exposures

_ANY = "any"
_LEVELS = [*map(str, (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW)), _ANY]


@click.command("audit")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@settings.metadata_option
@network_options
@click.option("--foreign", is_flag=True, help="Look at the Pythons that pyman did not install as well.")
@click.option(
    "--fail-on",
    "level",
    type=click.Choice(_LEVELS),
    help="Exit with 1 only for a known vulnerability of that severity or a graver one; `any` counts those of "
    "unknown severity too.",
)
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
    foreign: bool,
    level: str | None,
    known: bool,
    as_json: bool,
    exit_zero: bool,
) -> None:
    """Report what is wrong with what is installed.

    Wrong are builds that an advisory covers because they are known to be bad, versions with known
    vulnerabilities (CVE) or of which a newer patch is known, and minor versions past their end of life. With
    a REQUEST only what fits it is looked at; if nothing is installed that does, what would be installed, or
    the version itself where it is named in full. Nothing is fetched, unless --metadata is a URL: the list of
    vulnerabilities is of the date that is shown with it, and of CPython only.

    The exit code is 1 if there is any of these, but for vulnerabilities that no newer patch of the minor
    version fixes. With --fail-on vulnerabilities alone decide, whether there is a fix or not. A minor version
    within six months of its end of life is only mentioned, and a newer build of the same patch is not:
    `pyman outdated` lists both.
    """
    if known:
        _refuse_beside_list(requests, level, foreign=foreign)
        if as_json:
            ui.document(audit_json.advisories())
        else:
            audit_text.show_advisories()
        return
    judged = _judged(requests, metadata_place, foreign=foreign, as_json=as_json)
    if not exit_zero and _fails(judged, level):
        context.exit(1)


def _judged(
    requests: Sequence[str], metadata_place: str | None, *, foreign: bool, as_json: bool
) -> list[Judgement]:
    """What is to be said against what was asked about, which is printed."""
    here = settings.store().installations()
    machine = settings.own_machine()
    found = Successors(settings.load_metadata(metadata_place), machine)
    listed = settings.load_vulnerabilities()
    chosen = _chosen(requests, [*_of_store(here), *(_foreign() if foreign else ())], found.metadata, machine)
    today = datetime.now(UTC).date()
    judged = audit.audit(chosen, here, Exposures(listed, found), today)
    release = audit.newest_release(chosen, found)
    if as_json:
        ui.document(audit_json.document(judged, listed, release))
    else:
        audit_text.show(judged, listed)
    audit_text.remark(judged, listed, release, today)
    return judged


def _refuse_beside_list(requests: Sequence[str], level: str | None, *, foreign: bool) -> None:
    if requests or level or foreign:
        raise UsageError("--list shows the advisories and looks at nothing", "Give it without the others.")


def _of_store(here: Sequence[Installation]) -> list[Subject]:
    return [Subject(each.key, Where.INSTALLED, each.path) for each in here]


def _foreign() -> list[Subject]:
    """The Pythons of this machine that pyman did not install; those not known yet are started."""
    from pyman.discovery.discover import Surroundings, discover

    found = discover(Surroundings(settings.store().homes, os.environ))
    return [Subject(each.key, Where.FOREIGN, each.path) for each in found]


def _chosen(
    requests: Sequence[str], here: list[Subject], metadata: Metadata, machine: Machine
) -> list[Subject]:
    """The Pythons to look at; PymanError for a request that means none, neither here nor to be had."""
    chosen: dict[tuple[object, ...], Subject] = {}
    for request in map(Request.parse, requests):
        fitting = [each for each in here if request.covers(each.key)]
        for each in fitting or [_not_here(request, metadata, machine)]:
            chosen[each.key, each.path] = each
    return list(chosen.values()) if requests else here


def _not_here(request: Request, metadata: Metadata, machine: Machine) -> Subject:
    """The build that an install would take; a version that was named in full may have none here."""
    try:
        return Subject(candidates(request, metadata, machine)[0].key, Where.AVAILABLE)
    except NoDownloadFoundError:
        version, python = request.full_version, request.implementation
        if not version or python is not Implementation.CPYTHON:
            raise
        key = Key(python, version, request.variant, NO_RELEASE, request.target_on(machine.target))
        return Subject(key, Where.AVAILABLE)


def _fails(judged: Sequence[Judgement], level: str | None) -> bool:
    """Whether the exit code is 1."""
    if level is None:
        return any(each.is_bad for each in judged)
    has = [known for each in judged if each.exposure for known in each.exposure.certain]
    return any(level == _ANY or known.severity.is_at_least(Severity(level)) for known in has)
