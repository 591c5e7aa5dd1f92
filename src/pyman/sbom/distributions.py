"""The Python packages in an installation: what is in its site-packages, and the wheels that it carries."""

import hashlib
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from pyman.sbom import cyclonedx
from pyman.sbom.cyclonedx import Part
from pyman.store.installations import Installation

_WHEEL = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)-.+\.whl", re.ASCII)
_LONGEST = 60  # characters; `License` may hold the text of one
_EXPRESSION = "License-Expression"


def of(installation: Installation) -> list[Part]:
    """Return the packages that are installed in it, then the wheels of ensurepip, each by name."""
    stdlib = installation.standard_library
    if not stdlib:
        return []
    # On Windows and everywhere it is below the standard library.
    return [*sorted(_installed(stdlib / "site-packages"), key=_name), *_bundled(stdlib)]


def _installed(folder: Path) -> Iterator[Part]:
    for each in metadata.distributions(path=[str(folder)]):
        facts = each.metadata
        name, version = facts["Name"], facts["Version"]
        if not name or not version:
            continue  # a folder that was half removed
        found = cyclonedx.package(_normal(name), version)
        found["bom-ref"] = f"site-packages:{_normal(name)}"
        yield found | _licence(facts[_EXPRESSION], facts["License"])


def _licence(expression: str | None, words: str | None) -> Part:
    if expression:
        return {"licenses": [{"expression": expression}]}
    if words and "\n" not in words and 0 < len(words.strip()) <= _LONGEST:
        return {"licenses": [{"license": {"name": words.strip()}}]}
    return {}


def _bundled(stdlib: Path) -> Iterator[Part]:
    """Yield the wheels from which `ensurepip` and `venv` install pip."""
    for path in sorted((stdlib / "ensurepip" / "_bundled").glob("*.whl")):
        if found := _WHEEL.fullmatch(path.name):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            wheel = cyclonedx.package(_normal(found["name"]), found["version"], digest, path.name)
            yield wheel | {"bom-ref": f"ensurepip:{path.name}"}


def _normal(name: str) -> str:
    """Return the name of a package as purl has it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _name(component: Part) -> str:
    return str(component["name"])
