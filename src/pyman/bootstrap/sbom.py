"""What a release consists of, as CycloneDX 1.6 JSON: interpreter and packages of each file, with digests.

https://cyclonedx.org/docs/1.6/json/ tells the fields.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pyman import __version__
from pyman.bootstrap.own_interpreter import Interpreter
from pyman.bootstrap.portables import Portable
from pyman.bootstrap.pyz import App
from pyman.bootstrap.wheels import DISTRIBUTION, Wheel

_SPACE = uuid.UUID("1b0e5b0a-5f0b-4d3a-9a55-0e5c7c1d6a11")


def write(path: Path, portables: Iterable[Portable], app: App) -> None:
    """Write the SBOM of these files; the same files give the same bytes."""
    files = [
        _file(each.path, [_interpreter(each.interpreter), *map(_wheel, each.wheels.found)])
        for each in portables
    ]
    files.append(_file(app.path, list(map(_wheel, app.wheels.found))))
    name = str(uuid.uuid5(_SPACE, json.dumps(files)))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{name}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": f"pkg:pypi/{DISTRIBUTION}@{__version__}",
                "name": "pyman",
                "version": __version__,
                "purl": f"pkg:pypi/{DISTRIBUTION}@{__version__}",
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": files,
    }
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _file(path: Path, components: list[dict[str, Any]]) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for component in components:  # one package may be in several files
        component["bom-ref"] = f"{path.name}#{component['name']}"
    return {
        "type": "file",
        "bom-ref": path.name,
        "name": path.name,
        "version": __version__,
        "hashes": _hashes(digest),
        "components": components,
    }


def _interpreter(interpreter: Interpreter) -> dict[str, Any]:
    found = {
        "type": "platform",
        "name": "cpython",
        "version": str(interpreter.key.version),
        "description": str(interpreter.key),
        "licenses": [{"license": {"id": "PSF-2.0"}}],
        "hashes": _hashes(interpreter.sha256),
        "cpe": f"cpe:2.3:a:python:python:{interpreter.key.version}:*:*:*:*:*:*:*",
    }
    if "://" in interpreter.origin:
        reference = {"type": "distribution", "url": interpreter.origin, "hashes": _hashes(interpreter.sha256)}
        found["externalReferences"] = [reference]
    return found


def _wheel(wheel: Wheel) -> dict[str, Any]:
    return {
        "type": "library",
        "name": wheel.name,
        "version": wheel.version,
        "purl": f"pkg:pypi/{wheel.name}@{wheel.version}?file_name={wheel.path.name}",
        "hashes": _hashes(wheel.sha256),
    }


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]
