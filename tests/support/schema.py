"""CycloneDX's own schema, by which the documents that pyman writes are judged."""

import json
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def components(text: str) -> dict[str, dict[str, Any]]:
    """Check a document, and return its components by their `bom-ref`; the one it is about is among them."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    about = document["metadata"]["component"]
    return {each["bom-ref"]: each for each in (about, *document["components"])}
