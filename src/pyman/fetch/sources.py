"""Where a build may be had, and how an address may be shown."""

from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from pyman.metadata import Build

GITHUB = "https://github.com/astral-sh/python-build-standalone/releases/download/"
# The build project's own mirror, which it wants to be asked first (astral-sh/uv issue 18503).
PROJECT_MIRROR = "https://releases.astral.sh/github/python-build-standalone/releases/download/"


def sources(build: Build, mirror: str = "") -> list[str]:
    """Return the URLs at which `build` may be had, in the order in which to try them.

    `mirror` is a URL or a folder laid out as the release downloads are: `{mirror}/{release}/{file}`.
    """
    urls = []
    if mirror:
        base = mirror if "://" in mirror else Path(mirror).expanduser().resolve().as_uri()
        urls.append(f"{base.rstrip('/')}/{build.key.release}/{quote(build.file_name)}")
    if build.url.startswith(GITHUB):
        urls.append(PROJECT_MIRROR + build.url.removeprefix(GITHUB))
    return [*urls, build.url]


def public(url: str) -> str:
    """Return `url` as it may be shown: without user name, password, query and fragment."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
    except ValueError:
        return "<not a URL>"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
