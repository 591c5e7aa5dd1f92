"""Which builds of a lock a machine can unpack that has tar and little else: scripts are made of those."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pyman.builds.target import Os
from pyman.catalogue.build import Build
from pyman.catalogue.sources import sources_of
from pyman.errors import PymanError
from pyman.lockfile.lock import Lock, Locked
from pyman.requests.spelling import name_of
from pyman.store.installations import executable_name

# How an archive's name ends, and the option by which tar unpacks it; busybox has no zstd.
_OPTIONS = {".tar.gz": "z", ".tar.bz2": "j"}
_PLAIN = re.compile(r"[^A-Za-z0-9:/%._~+,=@&-]")


class Tarball(NamedTuple):
    """A build whose archive tar unpacks by `option`, and what it has to be asked for by, the shortest first.

    The first one for a target is asked for by nothing, "".
    """

    locked: Locked
    option: str
    names: tuple[str, ...]

    @property
    def program(self) -> str:
        """The name of its interpreter, `python3.13`."""
        return executable_name(self.locked.key)

    @property
    def urls(self) -> list[str]:
        """Where it can be had, in the order in which to try; nothing in them means something to a shell."""
        return [
            _PLAIN.sub(lambda found: f"%{ord(found[0]):02X}", url) for url in sources_of(self.locked.build)
        ]


def tarballs(lock: Lock) -> tuple[list[Tarball], list[str]]:
    """Return what can be unpacked, and why the other builds are left out; PymanError if that are all."""
    found, left_out = list[Tarball](), list[str]()
    for target in lock.targets():
        taken: set[str] = set()
        for locked in lock.on(target):
            option = _option(locked.build)
            if why := _objection(locked, option):
                left_out.append(f"{name_of(locked.key)} is left out: {why}")
                continue
            names = tuple(name for name in _names(locked) if name not in taken)
            taken |= set(names)
            found.append(Tarball(locked, option, names))
    if not found:
        raise PymanError(
            f"nothing of {lock.path} can be unpacked without pyman:"
            + "".join(f"\n  {each}" for each in left_out),
            "`pyman install --locked` installs it.",
        )
    return found, left_out


def _option(build: Build) -> str:
    return next((option for end, option in _OPTIONS.items() if build.file_name.endswith(end)), "")


def _objection(locked: Locked, option: str) -> str:
    if locked.key.target.os is Os.WINDOWS:
        return "it is for Windows"
    return "" if option else f"it comes as {locked.build.file_name}, which tar alone does not unpack"


def _names(locked: Locked) -> Iterator[str]:
    key = locked.key
    before = "" if key.implementation.program == "python" else f"{key.implementation.program}@"
    yield ""
    yield f"{before}{key.version.major}.{key.version.minor}{key.variant.abi_suffix}"
    yield f"{before}{key.version}{key.variant.abi_suffix}"
