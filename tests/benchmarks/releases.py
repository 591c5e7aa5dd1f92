"""The archives that are installed: the fixtures as a mirror lays them out, and one that is made large."""

import hashlib
import io
import os
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.builds import MEMBER_TIME, Archive, own_form, uv_form

_MEGABYTE = 1_000_000
_LARGE = 300  # files of a megabyte which do not compress
# Without these it is no build to pyman, and none to uv.
_NEEDED = (
    "bin/python3.13",
    "lib/python3.13/os.py",
    "lib/python3.13/_sysconfigdata__linux_x86_64-linux-musl.py",
)
_SYSCONFIG = b"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {}\n"


class UnavailableError(Exception):
    """What a case needs is not there; the message is the reason for which its rows are skipped."""


@dataclass(frozen=True, slots=True)
class Releases:
    """A folder that is served, the builds in it, and the two files that describe them."""

    folder: Path
    gnu_312: Archive
    gnu_313: Archive
    musl_17_mb: Archive
    musl_again: Archive

    @property
    def four(self) -> tuple[Archive, ...]:
        """All that are installed at once."""
        return (self.gnu_312, self.gnu_313, self.musl_17_mb, self.musl_again)

    def file(self, archive: Archive) -> Path:
        """Return where the archive lies."""
        return self.folder / archive.path

    def describe(self, origin: str, *more: Archive) -> tuple[Path, Path]:
        """Write the metadata for downloads from `origin`; return the files, in pyman's form and in uv's."""
        name = "-".join([origin.rpartition("/")[2], *(archive.version for archive in more)])
        own, uv = self.folder / f"pyman-{name}.json", self.folder / f"uv-{name}.json"
        own.write_bytes(own_form((*self.four, *more), origin))
        uv.write_bytes(uv_form((*self.four, *more), origin))
        return own, uv


def publish(folder: Path) -> Releases:
    """Lay the fixtures out in `folder`; UnavailableError where there are none."""
    place = os.environ.get("PYMAN_TEST_FIXTURES")
    if not place:
        raise UnavailableError("PYMAN_TEST_FIXTURES does not name the folder of fixture archives")
    fixtures = Path(place)
    gnu_312 = _published(fixtures, "cpython-3.12.1+*-linux-gnu-*", folder)
    gnu_313 = _published(fixtures, "cpython-3.13.0+*-linux-gnu-*", folder)
    musl = _published(fixtures, "cpython-3.13.5+*-musl-install_only*", folder)
    # The same archive under another name: it is for another target, so nothing asks it for its version.
    again = replace(musl, version="3.13.6", release="20250807")
    _put(folder / musl.path, folder / again.path)
    return Releases(folder, gnu_312, gnu_313, musl, again)


def large(folder: Path) -> Archive:
    """Put a build of 300 MB into `folder`; there is nothing in it that runs."""
    archive = Archive("3.13.7", "20250818", "linux-x86_64-musl", suffix="install_only_stripped.tar.gz")
    path = folder / archive.path
    path.parent.mkdir(parents=True, exist_ok=True)
    # It streams: what this process has in memory would be counted as that of those it starts.
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name in _NEEDED:
            _add(tar, name, _SYSCONFIG)
        for number in range(_LARGE):
            _add(tar, f"lib/python3.13/file{number}.py", hashlib.shake_128(bytes(number)).digest(_MEGABYTE))
    with path.open("rb") as file:
        return replace(archive, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _published(fixtures: Path, pattern: str, folder: Path) -> Archive:
    found = sorted(fixtures.glob(pattern))
    if not found:
        raise UnavailableError(f"{fixtures} has no {pattern}")
    archive = Archive.of_file(found[0])
    _put(found[0], folder / archive.path)
    return archive


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(f"python/{name}")
    member.size, member.mtime, member.mode = len(content), MEMBER_TIME, 0o755
    tar.addfile(member, io.BytesIO(content))


def _put(file: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(file.resolve())
