"""The bill of materials of one installation, wherever it is: what is in it, and where that came from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pyman import __version__
from pyman.sbom import cyclonedx, distributions, linked_libraries
from pyman.sbom.cyclonedx import Part
from pyman.store.installations import Installation

_ROOT = "python"


def of(installation: Installation, record: Mapping[str, Any], made: datetime) -> str:
    """Return the document on an installation of which `record` was written down, as JSON.

    The interpreter is started if it is one for this machine. The same installation gives the same bytes for
    the same time `made`. OSError if it cannot be read, CancelledError if the user stops pyman.
    """
    asked = linked_libraries.of(installation)
    components = [*asked.components, *distributions.of(installation)]
    return cyclonedx.document(
        {
            "timestamp": made.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "tools": {"components": [{"type": "application", "name": "pyman", "version": __version__}]},
            "component": _subject(installation, record, asked.why_not),
        },
        components,
        dependencies=[{"ref": _ROOT, "dependsOn": [each["bom-ref"] for each in components]}],
        # What CPython's own sources hold of others' is not told apart.
        compositions=[{"aggregate": "incomplete", "dependencies": [_ROOT]}],
    )


def _subject(installation: Installation, record: Mapping[str, Any], why_not: str) -> Part:
    """Return the component for the Python itself, with its archive and what is known of that."""
    facts = {"key": str(installation.key)}
    for name in ("file", "folder"):
        if isinstance(record.get(name), str):
            facts[name] = record[name]
    if isinstance(record.get("verified"), bool):
        facts["verified"] = str(record["verified"]).lower()
    if why_not:
        facts["libraries"] = f"not asked: {why_not}"
    python = cyclonedx.interpreter(installation.key, str(record.get("url") or ""), record.get("sha256"))
    return {"bom-ref": _ROOT, **python, **cyclonedx.properties(facts)}
