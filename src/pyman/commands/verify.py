"""`pyman verify`."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from pyman.cli import settings
from pyman.errors import PymanError
from pyman.inventory import verification
from pyman.inventory.verification import Report
from pyman.report import bystanding, ui
from pyman.store import modes
from pyman.store.installations import Installation, Store


@click.command("verify")
@click.argument("requests", nargs=-1, metavar="[REQUEST]...")
@settings.prefix_option("Compare what is in this directory, outside of the store.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print only what is wrong.")
def command(requests: tuple[str, ...], prefix: str | None, as_json: bool, quiet: bool) -> None:
    """Tell what was changed in installed Python versions: all, or those that fit a REQUEST.

    Every file is compared with the size and SHA-256 that were written down when it was installed. The exit
    code is 1 if one was modified, is missing, or was added where nothing should be; also if the mode or the
    owner of a file or folder has changed, or others may write to it. Packages that somebody installed, and
    the bytecode that Python writes when it runs, are shown as well: nothing is wrong with them.
    """
    if prefix is not None:
        _verify_prefix(prefix, requests, as_json=as_json, quiet=quiet)
        return
    store = settings.store()
    if exposed := modes.exposure(store.home):
        ui.warning(exposed)
    look = store.look_around()
    bystanding.tell(look.bystanders)
    reports = []
    for installation in _wanted(requests, store, look.installations):
        report = verification.check(installation)
        if not report:
            ui.note(f"{installation.key} was removed meanwhile.")
            continue
        reports.append(report)
        if not as_json:
            _print(report, f"{report.installation.key}/", quiet=quiet)
    if as_json:
        document: dict[str, Any] = {"installations": [_facts(report) for report in reports]}
        ui.document(document | {"bystanders": bystanding.facts(look.bystanders)})
    elif not reports and not quiet:
        ui.note("Nothing is installed.")
    if wrong := [report for report in reports if not report.is_intact]:
        raise _error(wrong)


def _verify_prefix(prefix: str, requests: Sequence[str], *, as_json: bool, quiet: bool) -> None:
    from pyman.commands import prefix_upkeep

    reports = prefix_upkeep.reports(settings.prefix(prefix), requests)
    if as_json:
        ui.document({"installations": [_facts(report) for report in reports]})
    else:
        for report in reports:
            _print(report, "", quiet=quiet)
    if wrong := [report for report in reports if not report.is_intact]:
        raise prefix_upkeep.error_of(wrong, map(_told, wrong))


def _wanted(requests: Sequence[str], store: Store, here: list[Installation]) -> list[Installation]:
    if not requests:
        return here
    from pyman.cli.fitting import fitting

    return fitting(requests, here, store)


def _print(report: Report, above: str, *, quiet: bool) -> None:
    """Print what is wrong, then what is only worth knowing: each by its path below the store or prefix."""
    key = report.installation.key
    rows = [*_wrong(report), *(() if quiet else _harmless(report))]
    if rows:
        ui.table((what, _shown(f"{above}{name}".rstrip("/")), _shown(why)) for what, name, why in rows)
    if report.is_intact and not quiet:
        ui.note(f"{key} is intact: {report.files:,} files, {ui.size(report.size)}")


def _wrong(report: Report) -> Iterator[tuple[str, str, str]]:
    yield from (("modified", each.name, each.why) for each in report.modified)
    yield from (("missing", name, "") for name in report.missing)
    yield from (("added", name, "") for name in report.added.other)


def _harmless(report: Report) -> Iterator[tuple[str, str, str]]:
    for name in report.added.site_packages:
        yield "added", name, "belongs to no package"
    for distribution, names in report.added.packages.items():
        former = report.added.replaced.get(distribution)
        yield "package", "", f"{distribution}, {len(names):,} files{f', for {former}' if former else ''}"
    if count := len(report.added.bytecode):
        yield "bytecode", "", f"{count:,} files"


def _shown(text: str) -> str:
    """Return a name on one line, without what would steer a terminal or look like another name."""
    return text if text.isprintable() else ascii(text)


def _facts(report: Report) -> dict[str, Any]:
    added = report.added
    return {
        "key": str(report.installation.key),
        "path": str(report.installation.path),
        "intact": report.is_intact,
        "fault": report.fault or None,
        "files": report.files,
        "size": report.size,
        "modified": [{"name": each.name, "why": each.why} for each in report.modified],
        "missing": report.missing,
        "added": {
            "other": added.other,
            "packages": [
                {"name": name, "files": files, "replaces": added.replaced.get(name)}
                for name, files in added.packages.items()
            ],
            "site_packages": added.site_packages,
            "bytecode": added.bytecode,
        },
    }


def _error(wrong: Sequence[Report]) -> PymanError:
    if all(report.is_newer for report in wrong):
        return PymanError(
            "\n".join(map(_told, wrong)), "Verify with the pyman that installed it, or a newer one."
        )
    keys = " ".join(str(report.installation.key) for report in wrong)
    return PymanError(
        "\n".join(map(_told, wrong)),
        f"`pyman install --reinstall {keys}` puts {'it' if len(wrong) == 1 else 'them'} right.",
    )


def _told(report: Report) -> str:
    key = report.installation.key
    if report.fault:
        return f"{key} cannot be verified: {report.fault}"
    counts = {
        "modified": len(report.modified),
        "missing": len(report.missing),
        "added": len(report.added.other),
    }
    each = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
    return f"{key} is not as it was installed: {each}"
