"""`pyman find`."""

from typing import Any

import click

from pyman.cli.here import here, missing, project_option, remark
from pyman.cli.networking import network_options
from pyman.discovery.finder import Found, find
from pyman.errors import PymanError
from pyman.report import ui


@click.command("find")
@click.argument("request", required=False)
@click.option("--managed-only", is_flag=True, help="Only what pyman installed.")
@click.option("--system", "no_environments", is_flag=True, help="Pass over virtual environments.")
@click.option("--show-version", is_flag=True, help="Print the version instead of the path.")
@click.option("--resolve-links", is_flag=True, help="Print the path without links in it.")
@project_option
@network_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print no warnings.")
def command(
    request: str | None,
    managed_only: bool,
    no_environments: bool,
    show_version: bool,
    resolve_links: bool,
    no_project: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Print the path of the Python that would be used.

    That is the active virtual environment's, or that of a .venv here or above; then what pyman installed, the
    newest first; then what is on PATH and in the usual places. REQUEST is a version such as 3.13, or the path
    of an interpreter or of a folder with one. Without it the version files of the project count, and its
    requires-python; `pyman help requests` lists them.
    """
    outcome = find(
        request,
        here(request, project=not no_project),
        environments=not no_environments,
        foreign=not managed_only,
    )
    remark(outcome, quiet=quiet)
    found = outcome.found
    if not found:
        raise missing(outcome)
    path = found.path.resolve() if resolve_links else found.path
    if as_json:
        ui.document({"interpreters": [_facts(found) | {"path": str(path)}]})
    else:
        ui.data(_version(found) if show_version else str(path))


def _version(found: Found) -> str:
    if not found.key:
        raise PymanError(f"cannot tell the version of {found.path}")
    return str(found.key.version)


def _facts(found: Found) -> dict[str, Any]:
    key = found.key
    return {
        "path": str(found.path),
        "name": found.name or None,
        "implementation": str(key.implementation) if key else None,
        "version": str(key.version) if key else None,
        "variant": (str(key.variant) or "default") if key else None,
        "target": str(key.target) if key else None,
        "where": found.where,
        "store": found.store,
        "environment": str(found.environment) if found.environment else None,
    }
