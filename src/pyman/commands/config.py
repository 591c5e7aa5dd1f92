"""`pyman config`."""

import os
from typing import Any

import click

from pyman.config import layers
from pyman.config.layers import Layers
from pyman.report import config_facts, ui


@click.command("config")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: also what is passed over, and why.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show every setting, its value, and where it came from.

    Settings stand in variables, in the user's config.toml and in that of the site, /etc/pyman/config.toml: a
    variable comes before the user's file, that before the site's, but what the site has fixed before all.
    `pyman help settings` tells what may stand there. The exit code is 1 if something is wrong with a file.
    """
    files = _files()
    told = config_facts.told()
    if as_json:
        ui.document({"settings": [each.document() for each in told], "files": files})
    else:
        ui.table((each.setting.name, each.value or each.setting.usual, each.origin) for each in told)
        for each in files:
            ui.data(f"{each['kind']} file  {each['path']}  {_state(each)}")
    remarks = [remark for each in files for remark in each["remarks"]]
    for remark in remarks:
        ui.warning(f"{remark['path']}, line {remark['line']}: {remark['text']}")
    if remarks:
        context.exit(1)


def _state(file: dict[str, Any]) -> str:
    if not file["exists"]:
        return "is not there"
    return "counts" if file["counts"] else "does not count until it is mended"


def _files() -> list[dict[str, Any]]:
    found = layers.of(os.environ)
    read = {each.path: each for each in found.files} if isinstance(found, Layers) else {}
    rows = []
    for kind, path in (("user", layers.user_path(os.environ)), ("site", layers.site_path(os.environ))):
        remarks = read[path].remarks if path in read else ()
        rows.append(
            {
                "kind": kind,
                "path": path and str(path),
                "exists": path in read,
                "counts": path in read and not any(each.fault for each in remarks),
                "remarks": [each._asdict() | {"path": str(each.path)} for each in remarks],
            }
        )
    return [each for each in rows if each["path"]]
