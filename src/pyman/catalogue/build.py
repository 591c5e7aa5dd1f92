"""Build and Metadata: which archives can be downloaded. What forms metadata come in, the readers know."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, Protocol

from pyman.builds.key import Implementation, Key, Minor
from pyman.builds.target import Libc, Target
from pyman.errors import MetadataError, NewerFormError
from pyman.requests.request import Request

FIRST_HONEST_MUSL = 20250311
_HEX_DIGITS = 64
_SOME = 6


class Build(NamedTuple):
    """One archive: the build it holds, where it is, and the digest (hex, or None where none is known).

    `local` is the archive, or the folder with a tree in it, that the user named: there is no other source
    then, and `url` only says where it was published, "" where nobody knows. Of a file that has more in it,
    the archive is the `part` from an offset on, of a size, both in bytes.
    """

    key: Key
    url: str
    sha256: str | None
    local: Path | None = None
    part: tuple[int, int] | None = None

    @property
    def file_name(self) -> str:
        """The archive's name, as it stands in a mirror; a signature is none of it."""
        from urllib.parse import unquote  # noqa: PLC0415 - for those who download

        return unquote(self.url.partition("?")[0].rpartition("/")[2])


class Metadata(Protocol):
    """Builds by target; every method raises MetadataError when the source is damaged."""

    def targets(self) -> list[Target]:
        """Return the targets for which there are builds."""
        ...

    def builds(self, target: Target, request: Request | None = None) -> list[Build]:
        """Return the builds for `target`, the best of each minor version and variant first.

        With a request builds of minor versions that it cannot mean are left out.
        """
        ...

    def minors(self, target: Target, request: Request) -> Iterator[Iterator[Build]]:
        """Yield the same by minor version and variant, the best first.

        A build that is not taken is not read, and none of one group can be taken after the next group was.
        """
        ...


def best_first(builds: Iterable[Build]) -> list[Build]:
    """Return builds in the order of metadata: by implementation, minor version and variant, CPython first."""
    ranked = sorted(builds, key=lambda build: build.key.preference, reverse=True)
    return sorted(ranked, key=lambda build: order(build.key.minor))


def by_minor(builds: Iterable[Build]) -> Iterator[Iterator[Build]]:
    """Yield builds, which are in that order, by minor version and variant."""
    return (group for _, group in groupby(builds, key=lambda build: build.key.minor))


def order(minor: Minor) -> tuple[object, ...]:
    """Return what minor versions and variants are ordered by in metadata, the first least."""
    implementation, series, variant = minor
    return (implementation.place, *(-number for number in series), str(variant))


def is_static_unsaid(key: Key) -> bool:
    """Whether a build that was published under this key is static though nothing in its name says so.

    All of CPython for musl were before release 20250311; from then on a static one is called `+static`
    (python-build-standalone's release notes of 20250311).
    """
    cpython = key.implementation is Implementation.CPYTHON
    return cpython and key.target.libc is Libc.MUSL and int(key.release) < FIRST_HONEST_MUSL


def summary(builds: Iterable[Build]) -> str:
    """Return how many builds they are, and of which versions: `14 new builds (3.14.11, 3.13.19)`."""
    builds = list(builds)
    versions = sorted({(-b.key.implementation.place, b.key.version) for b in builds}, reverse=True)
    names = [str(version) for _, version in versions[:_SOME]] + (["…"] if len(versions) > _SOME else [])
    return f"{len(builds)} new build{'' if len(builds) == 1 else 's'} ({', '.join(names)})"


def checked(build: Build) -> Build:
    """Return the build if its url is a text and its digest one or none; ValueError otherwise."""
    if type(build.url) is str and (
        build.sha256 is None or (type(build.sha256) is str and len(build.sha256) == _HEX_DIGITS)
    ):
        return build
    raise ValueError(f"url or sha256 of {build.key} is not one")


def too_new(origin: str, form: object) -> NewerFormError:
    """Return the error for a file of pyman's own, at `origin`, in a later form than this pyman reads."""
    return NewerFormError(
        f"{origin} is of form {form}, which needs a newer pyman", "Install a newer pyman, which reads it."
    )


def damaged(origin: str, why: str) -> MetadataError:
    """Return the error for metadata from `origin` that are not what they should be."""
    return MetadataError(
        f"{origin} is not usable download metadata: {why}",
        "--metadata and PYMAN_METADATA take pyman's own download-metadata.json "
        "or the JSON object that uv reads.",
    )
