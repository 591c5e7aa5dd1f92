"""Shell scripts that are handed out whole, made of parts which several have in common."""

import pkgutil
import posixpath
import re

# A template reads a part as a shell would, so that the whole can be checked as it stands.
_PART = re.compile(r"^# shellcheck source=.*\n\. (?P<place>\S+)\n", re.MULTILINE)
_CHECKS = re.compile(r"\A(# shellcheck shell=sh\n)")


def assembled(name: str) -> str:
    """Return the script `name`, a path in pyman such as `bootstrap/install.sh`, with its parts in it."""
    folder = posixpath.dirname(name)
    return _PART.sub(lambda found: _part(posixpath.join(folder, found["place"])), _text(name))


def _part(name: str) -> str:
    return _CHECKS.sub("", _text(posixpath.normpath(name)))


def _text(name: str) -> str:
    """The text of a file of pyman, which may lie in a zip archive."""
    data = pkgutil.get_data("pyman", name)
    assert data  # noqa: S101 - every loader that pyman is started by gives data
    return data.decode("utf-8")
