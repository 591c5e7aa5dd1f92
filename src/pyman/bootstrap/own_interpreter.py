"""The interpreter of a portable pyman: a build of the metadata or an archive at hand, unpacked."""

import re
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from pyman.archive import unpack
from pyman.builds.key import Implementation, Key, Variant
from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.catalogue.build import Build, Metadata
from pyman.catalogue.sources import sources_of
from pyman.choice.select import candidates
from pyman.errors import FetchError, UsageError
from pyman.machine.detection import Machine
from pyman.network.address import public
from pyman.network.download import downloading
from pyman.network.policy import Network
from pyman.requests.request import Request
from pyman.store.installations import Installation

_NAME = re.compile(
    r"cpython-(?P<version>[0-9a-z.]+)\+(?P<release>[0-9]{8})-(?P<triple>[a-z0-9_]+(-[a-z]+){2,3}?)"
    r"-(?P<words>(freethreaded-)?install_only(_stripped)?|[a-z+]+-full)\.tar\.(gz|zst)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """An unpacked build, where its archive came from (a public address or a file's name), and its digest."""

    installation: Installation
    origin: str
    sha256: str

    @property
    def key(self) -> Key:
        """Its name."""
        return self.installation.key


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where builds come from: what is known, a mirror ("" for none), and how connections are made."""

    metadata: Metadata
    mirror: str
    network: Network

    def best(self, request: Request, target: Target) -> Build:
        """Return the build that a machine of `target` would get; NoDownloadFoundError if there is none."""
        return candidates(request, self.metadata, Machine(target, {}))[0]

    def unpacked(self, build: Build, folder: Path) -> Interpreter:
        """Download, verify and unpack a build into `folder`/key. FetchError, ArchiveError or StoreError."""
        failures: list[FetchError] = []
        for url in sources_of(build, self.mirror):
            tree = folder / f"{build.key}.{len(failures)}"
            tree.mkdir(parents=True)
            try:
                with downloading(url, Event(), self.network) as download:
                    unpack.unpack(download, tree)
                    download.check(build.sha256 or "")
                    return Interpreter(Installation(build.key, tree), public(url), download.sha256)
            except FetchError as error:
                failures.append(error)
        raise failures[-1]


def from_file(path: Path, folder: Path) -> Interpreter:
    """Unpack an archive at hand, whose name tells what it is; UsageError for a name that does not.

    Nothing is known that its digest could be compared with: it is written down.
    """
    key = key_of(path.name)
    tree = folder / f"{key}.file"
    tree.mkdir(parents=True)
    with downloading(path.absolute().as_uri(), Event()) as download:
        unpack.unpack(download, tree)
        for _ in download:  # the digest is that of the whole file
            pass
        return Interpreter(Installation(key, tree), path.name, download.sha256)


def key_of(name: str) -> Key:
    """Return the key of the build whose archive is called `name`; UsageError if that is no such name."""
    found = _NAME.fullmatch(name)
    if not found:
        raise _unknown(name)
    try:
        words = set(re.split("[-+]", found["words"])) & set(Variant._fields)
        target = Target.parse(found["triple"])
        version = Version.parse(found["version"])
        return Key(Implementation.CPYTHON, version, Variant.parse("+".join(words)), found["release"], target)
    except ValueError:
        raise _unknown(name) from None


def _unknown(name: str) -> UsageError:
    return UsageError(
        f"cannot tell which build is in {name}",
        "An archive is called as it was published: "
        "cpython-3.13.5+20250612-x86_64-unknown-linux-musl-install_only_stripped.tar.gz.",
    )
