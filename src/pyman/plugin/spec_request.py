"""What virtualenv is asked for, as a request: `py312`, `python3.13t`, `pypy>=3.10`.

A spec is virtualenv's own reading of it, whose attributes differ between its versions.
"""

import os
import re
from shutil import which
from typing import Any

from pyman.errors import UsageError
from pyman.requests.request import Request

# By this tox says that nothing but what it names itself is wanted.
_NOTHING = "<0"
_IMPLEMENTATIONS = {"cpython": "cpython", "cp": "cpython", "pypy": "pypy", "pp": "pypy", "graalpy": "graalpy"}
# For virtualenv every 3.12.x is `==3.12`, as it is for people; PEP 440 has it as 3.12.0.
_AS_FAR_AS_GIVEN = re.compile(r"==\s*([0-9]+(?:\.[0-9]+)?)(?=\s*(?:,|t?d?$))")


def request_of(spec: Any) -> Request | None:  # noqa: ANN401 - virtualenv's
    """Return the request that a spec is; None where it is none: a path, a program, or any Python at all."""
    if spec.path is not None or spec.str_spec.strip() == _NOTHING:
        return None
    named = (spec.implementation or "cpython").lower()
    implementation = _IMPLEMENTATIONS.get(named)
    version = _version(spec)
    if not implementation or (not version and implementation == "cpython"):
        return None
    abi = ("t" if getattr(spec, "free_threaded", None) else "") + (
        "d" if getattr(spec, "debug", None) else ""
    )
    try:
        return Request.parse(f"{implementation}{'' if version[:1] in '<>=!~' else '@'}{version}{abi}")
    except UsageError:
        return None


def in_own_words(spec: Any) -> Request | None:  # noqa: ANN401 - virtualenv's
    """Return the request for a version that pyman reads in the text of a spec: `v3.12`, `3.12.x`, `cp312`.

    None for a path or a program, and for specifiers that virtualenv reads, which mean something else to it.
    """
    text = spec.str_spec.strip()
    if getattr(spec, "version_specifier", None) is not None or text == _NOTHING:
        return None
    if os.path.basename(text) != text or os.path.lexists(text) or which(text):  # noqa: PTH119 - it may be no path
        return None
    try:
        request = Request.parse(text)
    except UsageError:
        return None
    return request if request.numbers or request.exact or request.specifiers else None


def _version(spec: Any) -> str:  # noqa: ANN401 - virtualenv's
    if getattr(spec, "version_specifier", None) is None:
        return ".".join(str(part) for part in (spec.major, spec.minor, spec.micro) if part is not None)
    text = re.sub(r"^[A-Za-z]+\s*|t?d?(?:-\w+)*$", "", spec.str_spec.strip())
    return _AS_FAR_AS_GIVEN.sub(r"==\1.*", text)
