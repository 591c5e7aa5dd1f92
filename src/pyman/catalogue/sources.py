"""Where a build may be had."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote, urlsplit

from pyman.catalogue.build import Build
from pyman.errors import FetchError, OfflineError, UnreachableError
from pyman.system.userdirs import given_dir

GITHUB = "https://github.com/astral-sh/python-build-standalone/releases/download/"
# The build project's own mirror, which it wants to be asked first (astral-sh/uv issue 18503).
PROJECT_MIRROR = "https://releases.astral.sh/github/python-build-standalone/releases/download/"
# Where a build is that only a mirror has: `mirror://{release}/{file}`, whatever the mirror's address is.
OF_MIRROR = "mirror://"
_Taken = TypeVar("_Taken")
_PORTS = {"http": 80, "https": 443}
_MIRROR = "--mirror and PYMAN_MIRROR name another source, a URL or a folder with {release}/{file}."
_WITHOUT = (
    "Without a network there are three ways: a mirror that can be reached (--mirror URL), a folder with "
    "{release}/{file} (--mirror DIR), a cache from elsewhere (PYMAN_CACHE_DIR); see `pyman help mirrors`."
)


def sources_of(build: Build, mirror: str = "") -> list[str]:
    """Return the URLs at which `build` may be had, each once, in the order in which to try them.

    `mirror` is a URL or a folder laid out as the release downloads are: `{mirror}/{release}/{file}`. The
    metadata may name it as well. FetchError where only a mirror has the build, and none is named.
    """
    urls = []
    if mirror:
        urls.append(below(mirror, f"{build.key.release}/{quote(build.file_name)}"))
    if build.url.startswith(OF_MIRROR):
        if not urls:
            raise FetchError(f"{build.key} is to be had from the mirror alone that told of it", _MIRROR)
        return urls
    if build.url.startswith(GITHUB):
        urls.append(PROJECT_MIRROR + build.url.removeprefix(GITHUB))
    asked: dict[object, str] = {}
    for url in (*urls, build.url):
        asked.setdefault(_address(url), url)
    return list(asked.values())


def _address(url: str) -> object:
    """What two spellings of one address have in common: also the user, for another may get another answer."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return url
    user = parts.netloc.rpartition("@")[0]
    return parts.scheme, user, parts.hostname, port, unquote(parts.path), parts.query


def below(mirror: str, path: str) -> str:
    """Return the URL of `path` in a mirror; a query, as signed addresses have it, stays the last part."""
    base = mirror if "://" in mirror else given_dir(mirror, "--mirror or PYMAN_MIRROR").resolve().as_uri()
    base, mark, query = base.partition("?")
    return f"{base.rstrip('/')}/{path}{mark}{query}"


def address_in(url: str, mirror: str) -> str:
    """Return a build's address, that in `mirror` where only a mirror has it."""
    return below(mirror, url.removeprefix(OF_MIRROR)) if url.startswith(OF_MIRROR) else url


def folder_of(document: str) -> str:
    """Return the mirror at whose root a document is, by its path or URL."""
    if "://" not in document:
        return str(Path(document).absolute().parent)
    address, mark, query = document.partition("?")
    return f"{address.rpartition('/')[0]}{mark}{query}"


def first_of(
    build: Build, mirror: str, take: Callable[[str], _Taken], failed: Callable[[FetchError, bool], None]
) -> _Taken:
    """Return what `take` makes of the first source that gives the build; raises as `all_failed` says.

    Only a FetchError leads to the next source: `failed` is told of it, and whether that was the last.
    """
    failures: list[FetchError] = []
    sources = sources_of(build, mirror)
    for url in sources:
        try:
            return take(url)
        except FetchError as error:
            failures.append(error)
            failed(error, len(failures) == len(sources))
    raise all_failed(build, failures)


def all_failed(build: Build, failures: Sequence[FetchError]) -> FetchError:
    """Return the error for a build that no source gave: the one failure, or all in one.

    Where there was no connection, or none may be opened, it says what can be done without a network.
    """
    is_alone = any(isinstance(failure, UnreachableError | OfflineError) for failure in failures)
    ways = _WITHOUT if is_alone else _MIRROR
    hint = f"{failures[-1].hint} {ways}"
    messages = dict.fromkeys(failure.message for failure in failures)
    if len(messages) == 1:
        return type(failures[-1])(failures[-1].message, hint)
    each = "".join(f"\n  {message}" for message in messages)
    return FetchError(f"no source gave {build.file_name}:{each}", hint)
