"""How the address of a file may be shown, for nothing secret is ever printed; and which local file it is."""

import os
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

CHECK = "Check the network and the address."  # the hint of most errors that are about one
_NONE = "<not a URL>"


def public(url: str) -> str:
    """Return `url` as it may be shown: without user name, password, query and fragment.

    What is no URL is not shown at all: a password with a slash in it ends where a host should, and its rest
    would be taken for the path.
    """
    if "@" not in url and "?" not in url and "#" not in url:
        return url  # as nearly all are, and there are many to list
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        _ = parts.port  # ValueError if it is no number
    except ValueError:
        return _NONE
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")).removeprefix("//")


def path_of(url: str) -> str:
    """Return the path that a `file:` URL names, whatever bytes are in it; ValueError if it is no URL."""
    path = urlsplit(url).path
    if os.name == "posix":
        return os.fsdecode(unquote_to_bytes(path))
    from urllib.request import url2pathname  # noqa: PLC0415 - drives and the like

    return url2pathname(path)
