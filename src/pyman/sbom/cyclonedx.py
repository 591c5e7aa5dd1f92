"""CycloneDX 1.6 as JSON: the parts that pyman writes.

https://cyclonedx.org/docs/1.6/json/ tells the fields.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pyman.builds.key import Implementation, Key

Part = dict[str, Any]
_SPACE = uuid.UUID("1b0e5b0a-5f0b-4d3a-9a55-0e5c7c1d6a11")
_LICENSES = {Implementation.CPYTHON: "PSF-2.0", Implementation.PYPY: "MIT", Implementation.GRAALPY: "UPL-1.0"}


def document(metadata: Part, components: Sequence[Part], **more: object) -> str:
    """Return a whole document about the component of `metadata`; the same parts give the same bytes.

    The serial number is made of the parts, so two documents share one only if they say the same.
    """
    content = {"metadata": metadata, "components": components, **more}
    name = uuid.uuid5(_SPACE, json.dumps(content, sort_keys=True))
    head = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{name}",
        "version": 1,
    }
    return json.dumps({**head, **content}, indent=1) + "\n"


def interpreter(key: Key, url: str, sha256: str | None) -> Part:
    """Return the component for the Python of a build whose archive is at `url`, if that is an address."""
    python = key.implementation is Implementation.CPYTHON
    version = str(key.version) if python else key.release
    found: Part = {
        "type": "platform",
        "name": str(key.implementation),
        "version": version,
        "description": str(key),
        "licenses": [licensed(_LICENSES[key.implementation])],
    }
    if sha256:
        found["hashes"] = hashes(sha256)
    if python:
        found["cpe"] = _cpe(key)
    found["purl"] = f"pkg:generic/{key.implementation.program}@{version}"
    if "://" in url:
        archive: Part = {"type": "distribution", "url": url}
        found["externalReferences"] = [archive | ({"hashes": hashes(sha256)} if sha256 else {})]
    return found


def package(name: str, version: str, sha256: str = "", file_name: str = "") -> Part:
    """Return the component for a package of the Python Package Index."""
    found: Part = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{quote(version)}" + (f"?file_name={quote(file_name)}" if file_name else ""),
    }
    return found | ({"hashes": hashes(sha256)} if sha256 else {})


def hashes(sha256: str) -> list[dict[str, str]]:
    """Return the one digest that there is of a file."""
    return [{"alg": "SHA-256", "content": sha256.lower()}]


def licensed(identifier: str) -> Part:
    """Return the licence with that SPDX identifier."""
    return {"license": {"id": identifier}}


def properties(values: Mapping[str, str]) -> Part:
    """Return what only pyman tells, as properties of a component; nothing if there are none."""
    rows = [{"name": f"pyman:{name}", "value": value} for name, value in values.items()]
    return {"properties": rows} if rows else {}


def _cpe(key: Key) -> str:
    version = key.version
    number = f"{version.major}.{version.minor}.{version.patch}"
    stage = str(version).removeprefix(number) or "*"
    return f"cpe:2.3:a:python:python:{number}:{stage}:*:*:*:*:*:*"
