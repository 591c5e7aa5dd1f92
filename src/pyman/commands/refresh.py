"""`pyman refresh`."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from pyman.catalogue import learned, own_form
from pyman.catalogue.build import summary
from pyman.catalogue.own_form import SectionedMetadata
from pyman.cli import networking, settings
from pyman.cli.configured import check, environ
from pyman.refresh.state import State, keeper, said
from pyman.report import ui

if TYPE_CHECKING:
    from pyman.refresh.refresh import Outcome

_SOME = 5


@click.command("refresh")
@click.option(
    "--from",
    "given",
    metavar="URL_OR_FILE",
    help="Where to ask: a release index, or download metadata in pyman's own form or uv's.",
)
@settings.mirror_option
@networking.network_options
@click.option("--status", is_flag=True, help="Say how many builds are known and how new; ask nobody.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(given: str | None, mirror: str, status: bool, as_json: bool) -> None:
    """Bring newer builds without a newer pyman.

    Asked is --from, else the mirror if it has a download-metadata.json, then PYMAN_REFRESH_URL or the release
    index that the build project publishes. What is learned is kept in the store and adds to what came with
    pyman: nothing that is known is changed or taken away, and a source which names another checksum for
    something known is refused.
    """
    if status:
        _print_status(as_json=as_json)
        return
    from pyman.refresh import refresh

    if given is not None:
        check("--from", given, "refresh-url")
    store = settings.store()
    outcome = refresh.refresh(
        refresh.sources(environ(), mirror, given), keeper(store), networking.network(), time.time()
    )
    for each in outcome.passed:
        settings.warn_once(each)
    if as_json:
        ui.document(_document(outcome))
    else:
        _tell(outcome)


def _tell(outcome: "Outcome") -> None:
    if outcome.added:
        ui.note(f"Learned of {summary(outcome.added)}, from {outcome.source}")
    else:
        ui.note(f"Nothing is new at {outcome.source}")
    if outcome.vulnerabilities:
        ui.note(f"Known vulnerabilities are now those of {outcome.vulnerabilities}")
    if not outcome.found:
        return
    for one in outcome.found.skipped[:_SOME]:
        ui.note(f"Skipped {one.name}: {one.reason}")
    if len(outcome.found.skipped) > _SOME:
        ui.note(f"Skipped {len(outcome.found.skipped) - _SOME} more (--json names them)")


def _facts(file: SectionedMetadata) -> dict[str, Any]:
    newest = file.newest
    date = f"{newest[:4]}-{newest[4:6]}-{newest[6:]}" if newest else None
    return {"builds": file.count, "newest": newest or None, "date": date, "path": str(file.path)}


def _document(outcome: "Outcome") -> dict[str, Any]:
    found = outcome.found
    dropped: Counter[Any] = found.dropped if found else Counter()
    return {
        "source": outcome.source,
        "changed": found is not None,
        "added": [
            {"key": str(build.key), "url": build.url, "sha256": build.sha256} for build in outcome.added
        ],
        "skipped": [{"name": one.name, "reason": one.reason} for one in (found.skipped if found else ())],
        "left_out": [{"reason": str(rule), "count": count} for rule, count in dropped.items() if count],
        "vulnerabilities": outcome.vulnerabilities or None,
        "not_answering": [each.message for each in outcome.passed],
    }


def _print_status(*, as_json: bool) -> None:
    """Print what is known and since when, bundled and learned."""
    store = settings.store()
    bundled = _facts(own_form.bundled())
    more = [_facts(file) for home in store.homes if (file := learned.read(home, settings.warn_once))]
    state = State.read(keeper(store).home)
    listed = settings.load_vulnerabilities().date
    refreshed = said(state.refreshed) if state.refreshed else None
    if as_json:
        facts = {"refreshed": refreshed, "source": state.source or None, "vulnerabilities": listed}
        ui.document({"bundled": bundled, "learned": more, **facts})
        return
    rows = [("bundled", bundled), *(("learned", each) for each in more)]
    ui.table((what, f"{one['builds']:,} builds", f"to {one['date']}", one["path"]) for what, one in rows)
    ui.data(f"known vulnerabilities to {listed}")
    ui.data(f"refreshed {refreshed} from {state.source}" if refreshed else "never refreshed")
