"""`pyman explain`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, groupby, repeat
from typing import Any

import click

from pyman.catalogue.advisories import Advisory, affecting, facts
from pyman.choice import explanation
from pyman.choice.explanation import Fact, Judged, Status
from pyman.choice.installed import best_installed
from pyman.cli import settings
from pyman.cli.here import project_option, wishes_here
from pyman.cli.networking import network_options
from pyman.errors import NoDownloadFoundError
from pyman.machine.detection import Machine
from pyman.network.address import public
from pyman.project.project_request import Wanted
from pyman.report import config_facts, ui
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.store.installations import Installation

_SHOWN_KEPT = 8
_SHOWN_DROPPED = 2


@dataclass(frozen=True, slots=True)
class _Answer:
    """All that is told about a request."""

    text: str
    request: Request
    wishes: Sequence[Wanted]
    machine: Machine
    judged: list[Judged]
    installed: Installation | None
    shortfall: NoDownloadFoundError | None


@click.command("explain")
@click.argument("request", required=False)
@settings.target_option
@settings.metadata_option
@project_option
@network_options
@click.option("--all", "everything", is_flag=True, help="Show every build, not only the first of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: every build with the reason.")
@click.pass_context
def command(
    context: click.Context,
    request: str | None,
    target: str | None,
    metadata_place: str | None,
    no_project: bool,
    everything: bool,
    as_json: bool,
) -> None:
    """Tell which build a REQUEST gets, and why not the others.

    Without REQUEST it is what the project's files ask for, and which of them counts is told as well. What was
    found out about this machine is told, too, and how. The exit code is 1 if nothing fits.
    """
    wishes = [] if request is not None else wishes_here(project=not no_project)
    text = request if request is not None else spelled(wishes[0].request) if wishes else "any"
    answer = _answer(text, wishes, settings.machine(target), metadata_place)
    if as_json:
        ui.document(_document(answer))
    else:
        _print(answer, everything=everything)
    if answer.shortfall:
        ui.error(answer.shortfall)
        context.exit(answer.shortfall.exit_code)


def _answer(text: str, wishes: Sequence[Wanted], machine: Machine, metadata_place: str | None) -> _Answer:
    request = Request.parse(text)
    metadata = settings.load_metadata(metadata_place)
    judged = explanation.explain(request, metadata, machine)
    shortfall = explanation.shortfall(request, metadata, machine)
    installed = best_installed(request, settings.store(), machine)
    return _Answer(text, request, wishes, machine, judged, installed, shortfall)


def _document(answer: _Answer) -> dict[str, Any]:
    chosen = next((each for each in answer.judged if each.status is Status.CHOSEN), None)
    target = answer.request.target_on(answer.machine.target)
    return {
        "request": {"text": answer.text, "meaning": str(answer.request.on(target))}
        | explanation.reading(answer.request),
        "files": [_file(each) for each in answer.wishes],
        "machine": [asdict(fact) for fact in explanation.facts(answer.machine)],
        "target": str(target),
        "settings": [each.document() for each in config_facts.told() if each.said],
        "chosen": chosen and str(chosen.build.key),
        "installed": answer.installed and str(answer.installed.key),
        "installed_store": answer.installed and settings.store().layer(answer.installed),
        "error": answer.shortfall and {"message": answer.shortfall.message, "hint": answer.shortfall.hint},
        "candidates": [_candidate(each) for each in answer.judged],
        "advisories": [facts(each) for each in _concerned(answer.judged)],
    }


def _file(wish: Wanted) -> dict[str, Any]:
    return {
        "path": str(wish.path),
        "line": wish.line,
        "name": wish.name or None,
        "requests": [spelled(each) for each in wish.requests],
        "system": wish.system,
        "python": wish.python and str(wish.python),
    }


def _concerned(judged: Iterable[Judged]) -> list[Advisory]:
    """Return the advisories that cover any of the candidates, each once."""
    return list(dict.fromkeys(found for each in judged for found in affecting(each.build.key)))


def _candidate(judged: Judged) -> dict[str, Any]:
    return {
        "key": str(judged.build.key),
        "status": str(judged.status),
        "rule": str(judged.rule),
        "reason": judged.reason,
        "advisories": [each.id for each in affecting(judged.build.key)],
        "url": public(judged.build.url),
        "sha256": judged.build.sha256,
    }


def _print(answer: _Answer, *, everything: bool) -> None:
    target = answer.request.target_on(answer.machine.target)
    _section(
        f"Request {answer.text}", [*_askers(answer.wishes), *explanation.reading(answer.request).items()]
    )
    _section("Machine", map(_told, explanation.facts(answer.machine)))
    if told := [each for each in config_facts.told() if each.said]:
        _section("Settings", ((each.setting.name, f"{each.value} ({each.origin})") for each in told))
    ui.data(f"Target {target}")
    chosen = [each for each in answer.judged if each.status is Status.CHOSEN]
    ui.data("")
    for each in chosen:
        ui.data(f"Chosen  {each.build.key}\n        {each.reason}\n        {public(each.build.url)}")
    if answer.installed:
        ui.data(f"        {answer.installed.key} is installed and fits")
    _print_kept([each for each in answer.judged if each.status is Status.KEPT], everything=everything)
    _print_dropped([each for each in answer.judged if each.status is Status.DROPPED], everything=everything)


def _askers(wishes: Iterable[Wanted]) -> Iterator[tuple[str, str]]:
    """Which file asks for it, and which others would be asked if it did not."""
    for label, wish in zip(chain(["asked by"], repeat("not asked")), wishes, strict=False):
        yield label, f"{wish.path}:{wish.line} ({f'{wish.name}: ' if wish.name else ''}{wish.text})"


def _section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    ui.data(title)
    for name, value in rows:
        ui.data(f"  {name:<14}  {ui.printable(value)}")


def _told(fact: Fact) -> tuple[str, str]:
    return fact.name, f"{fact.value} ({fact.how})"


def _print_kept(kept: Sequence[Judged], *, everything: bool) -> None:
    if kept:
        ui.data(f"\nKept, in the order in which they would be tried next ({len(kept)})")
        _rows(kept, len(kept) if everything else _SHOWN_KEPT, reasons=True)


def _print_dropped(dropped: Sequence[Judged], *, everything: bool) -> None:
    """Print what was dropped in groups: most of it is dropped for one of a handful of reasons."""
    if dropped:
        ui.data(f"\nDropped ({len(dropped)})")
    if everything:
        _rows(dropped, len(dropped), reasons=True)
        return
    by_reason = sorted(dropped, key=lambda each: (each.rule, each.reason))
    for (rule, reason), group in groupby(by_reason, key=lambda each: (each.rule, each.reason)):
        members = list(group)
        ui.data(f"  {rule}: {reason} ({len(members)})")
        _rows(members, _SHOWN_DROPPED, reasons=False)


def _rows(judged: Sequence[Judged], most: int, *, reasons: bool) -> None:
    indent = "  " if reasons else "    "
    width = max((len(str(each.build.key)) for each in judged[:most]), default=0)
    for each in judged[:most]:
        reason = f"  {each.rule}: {each.reason}" if reasons else ""
        ui.data(f"{indent}{each.build.key!s:<{width}}{reason}".rstrip())
    if len(judged) > most:
        ui.data(f"{indent}and {len(judged) - most} more (--all shows them)")
