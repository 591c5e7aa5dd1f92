"""The form of uv's `--python-downloads-json-url`: an object of key to build."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import ARCH_NAMES, LIBC_NAMES, OS_NAMES, Target, parse_arch
from pyman.builds.version import Version
from pyman.catalogue.build import Build, best_first, by_minor, checked, damaged, is_static_unsaid
from pyman.network.address import public
from pyman.requests.request import Request

_OWN_VERSION = r"-v?([0-9]+(?:\.[0-9]+)+)-"


class KeyedMetadata:
    """A document of that form. Implementations and systems that pyman does not know are left out."""

    def __init__(self, document: Mapping[str, Any], origin: str) -> None:
        self._by_target: dict[Target, list[Build]] = {}
        for name, entry in document.items():
            try:
                if entry["name"] not in set(Implementation) or not _is_known(entry):
                    continue
                build = _build_of_entry(entry)
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise damaged(origin, f"entry {name!r}: {type(error).__name__}: {error}") from None
            self._by_target.setdefault(build.key.target, []).append(build)
        if not self._by_target:
            raise damaged(origin, "no entry in it describes a build")

    def targets(self) -> list[Target]:
        return list(self._by_target)

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        builds = self._by_target.get(target, [])
        return best_first(build for build in builds if not request or request.may_cover(build.key.minor))

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        return by_minor(self.builds(target, request))


def _is_known(entry: Mapping[str, Any]) -> bool:
    """Whether the entry is for an operating system, architecture and C library that pyman has a name for."""
    names = ((entry["os"], OS_NAMES), (entry["libc"], LIBC_NAMES), (entry["arch"]["family"], ARCH_NAMES))
    return all(not isinstance(name, str) or name in known for name, known in names)


def _build_of_entry(entry: Mapping[str, Any]) -> Build:
    arch, level = parse_arch(entry["arch"]["family"] + _level_suffix(entry["arch"].get("variant")))
    target = Target(OS_NAMES[entry["os"]], arch, LIBC_NAMES[entry["libc"]], level)
    numbers = f"{entry['major']}.{entry['minor']}.{entry['patch']}{entry.get('prerelease') or ''}"
    key = Key(
        Implementation(entry["name"]),
        Version.parse(numbers),
        Variant.parse(entry.get("variant") or ""),
        str(entry.get("build") or _release_in(entry["url"], entry["name"])),
        target,
    )
    if Key.parse(str(key)) != key:
        raise ValueError(f"not a build: {key}")
    if is_static_unsaid(key):  # files of this form from before that was known list them as any other
        key = key._replace(variant=key.variant._replace(static=True))
    return checked(Build(key, entry["url"], entry.get("sha256")))


def _level_suffix(variant: str | None) -> str:
    return f"_{variant}" if variant else ""


def _release_in(url: str, implementation: str) -> str:
    """Older files of this form have no `build`: the release is the folder that the archive is in.

    Of other implementations than CPython it stands in the file's name, `pypy3.11-v7.3.23-linux64.tar.bz2`.
    """
    if implementation == Implementation.CPYTHON:
        return url.rpartition("/")[0].rpartition("/")[2]
    found = re.search(_OWN_VERSION, url.rpartition("/")[2])
    if not found:
        raise ValueError(f"no release in {public(url)}")
    return found[1]
