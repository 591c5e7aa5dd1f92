"""What a release consists of, as CycloneDX JSON: interpreter and packages of each file, with digests."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from pyman import __version__
from pyman.bootstrap.own_interpreter import Interpreter
from pyman.bootstrap.portables import Portable
from pyman.bootstrap.pyz import App
from pyman.bootstrap.wheels import DISTRIBUTION, Wheel
from pyman.sbom import cyclonedx
from pyman.sbom.cyclonedx import Part


def write(path: Path, portables: Iterable[Portable], app: App) -> None:
    """Write the SBOM of these files; the same files give the same bytes."""
    files = [
        _file(each.path, [_interpreter(each.interpreter), *map(_wheel, each.wheels.found)])
        for each in portables
    ]
    files.append(_file(app.path, list(map(_wheel, app.wheels.found))))
    subject = cyclonedx.package(DISTRIBUTION, __version__)
    subject |= {"type": "application", "bom-ref": subject["purl"], "name": "pyman"}
    metadata = {"component": subject | {"licenses": [cyclonedx.licensed("MIT")]}}
    path.write_text(cyclonedx.document(metadata, files), encoding="utf-8")


def _file(path: Path, components: list[Part]) -> Part:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    for component in components:  # one package may be in several files
        component["bom-ref"] = f"{path.name}#{component['name']}"
    return {
        "type": "file",
        "bom-ref": path.name,
        "name": path.name,
        "version": __version__,
        "hashes": cyclonedx.hashes(digest),
        "components": components,
    }


def _interpreter(interpreter: Interpreter) -> Part:
    return cyclonedx.interpreter(interpreter.key, interpreter.origin, interpreter.sha256)


def _wheel(wheel: Wheel) -> Part:
    return cyclonedx.package(wheel.name, wheel.version, wheel.sha256, wheel.path.name)
