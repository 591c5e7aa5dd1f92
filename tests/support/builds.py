"""Archives as they are published, and the metadata which lists them, in both forms that pyman reads.

All of it is made here from scratch, so that the tests do not agree with pyman because they share its code.
"""

import gzip
import hashlib
import io
import json
import re
import sys
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TRIPLES = {
    "linux-x86_64-gnu": "x86_64-unknown-linux-gnu",
    "linux-x86_64_v3-gnu": "x86_64_v3-unknown-linux-gnu",
    "linux-x86_64-musl": "x86_64-unknown-linux-musl",
    "linux-aarch64-gnu": "aarch64-unknown-linux-gnu",
    "linux-aarch64-musl": "aarch64-unknown-linux-musl",
    "linux-armv7-gnueabihf": "armv7-unknown-linux-gnueabihf",
    "linux-riscv64-gnu": "riscv64-unknown-linux-gnu",
    "macos-x86_64-none": "x86_64-apple-darwin",
    "macos-aarch64-none": "aarch64-apple-darwin",
    "windows-x86_64-none": "x86_64-pc-windows-msvc",
    "windows-aarch64-none": "aarch64-pc-windows-msvc",
}
_TARGETS = {triple: target for target, triple in TRIPLES.items()}
_FILE = re.compile(
    r"cpython-(?P<version>[0-9.]+(?:rc\d+|[ab]\d+)?)\+(?P<release>\d+)-(?P<triple>\w+-\w+-\w+(?:-(?:gnu|musl|msvc)\w*)?)"
    r"-(?P<suffix>.+)\.tar\.(?:gz|zst)"
)
_NUMBERS = re.compile(r"(\d+)\.(\d+)\.(\d+)(.*)")
MEMBER_TIME = 1_704_067_200


@dataclass(frozen=True, slots=True)
class Archive:
    """A published archive: what it holds, how its file is called, and its digest."""

    version: str
    release: str
    target: str
    variant: str = ""
    sha256: str | None = "0" * 64
    suffix: str = ""

    @classmethod
    def of_file(cls, path: Path) -> "Archive":
        """Return the archive whose name and content are those of the file `path`."""
        found = _FILE.fullmatch(path.name)
        assert found, path.name
        variant = "+".join(
            name for name in ("freethreaded", "debug", "static") if name in re.split("[-+]", found["suffix"])
        )
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        suffix = f"{found['suffix']}.tar{path.suffix}"
        return cls(found["version"], found["release"], _TARGETS[found["triple"]], variant, digest, suffix)

    @property
    def minor(self) -> str:
        """Its minor version: `3.13`."""
        return self.version.rpartition(".")[0]

    @property
    def build(self) -> str:
        """The build's name: `cpython-3.13.5+static+20250612`."""
        return "+".join(part for part in (f"cpython-{self.version}", self.variant, self.release) if part)

    @property
    def key(self) -> str:
        """The build's name with its target: the name of the installation's directory."""
        return f"{self.build}-{self.target}"

    @property
    def file(self) -> str:
        """The archive's file name."""
        default = f"{self.variant}-full.tar.zst" if self.variant else "install_only_stripped.tar.gz"
        return f"cpython-{self.version}+{self.release}-{TRIPLES[self.target]}-{self.suffix or default}"

    @property
    def path(self) -> str:
        """Where a mirror has it."""
        return f"{self.release}/{self.file}"


def own_form(archives: Iterable[Archive], origin: str = "https://mirror.invalid") -> bytes:
    """Return metadata in pyman's own form; without a mirror the archives are looked for at `origin`."""
    builds: dict[str, list[list[str | None]]] = {}
    for archive in archives:
        builds.setdefault(archive.target, []).append([archive.build, archive.file, archive.sha256])
    return json.dumps({"format": 1, "origin": origin, "sections": {}, "builds": builds}).encode()


def release_index(archives: Iterable[Archive], origin: str) -> bytes:
    """Return a release index of the archives, one record a version and release, in the order given."""
    records: dict[str, list[dict[str, Any]]] = {}
    for archive in archives:
        content, _, ending = archive.file.partition(f"-{TRIPLES[archive.target]}-")[2].partition(".tar.")
        artifact = {
            "platform": TRIPLES[archive.target],
            "variant": content.replace("-", "+"),
            "url": f"{origin}/{archive.release}/{archive.file.replace('+', '%2B')}",
            "archive_format": f"tar.{ending}",
            "sha256": archive.sha256,
        }
        records.setdefault(f"{archive.version}+{archive.release}", []).append(artifact)
    lines = (json.dumps({"version": name, "date": "", "artifacts": found}) for name, found in records.items())
    return "".join(f"{line}\n" for line in lines).encode()


def uv_form(archives: Iterable[Archive], origin: str) -> bytes:
    """Return metadata in the form of uv's `--python-downloads-json-url`."""
    return json.dumps({f"entry-{n}": _uv_entry(a, origin) for n, a in enumerate(archives)}).encode()


def _uv_entry(archive: Archive, origin: str) -> dict[str, Any]:
    numbers = _NUMBERS.fullmatch(archive.version)
    assert numbers, archive.version
    os, arch, libc = archive.target.split("-")
    family, level = (arch[:-3], arch[-2:]) if re.search(r"_v\d$", arch) else (arch, None)
    return {
        "name": "cpython",
        "arch": {"family": family, "variant": level},
        "os": "darwin" if os == "macos" else os,
        "libc": libc,
        "major": int(numbers[1]),
        "minor": int(numbers[2]),
        "patch": int(numbers[3]),
        "prerelease": numbers[4],
        "url": f"{origin}/{archive.release}/{archive.file.replace('+', '%2B')}",
        "sha256": archive.sha256,
        "variant": archive.variant or None,
        "build": archive.release,
    }


def small_archive(folder: Path, archive: Archive, padding: int = 0) -> Archive:
    """Write an archive with the layout of a build and nothing that runs in it, and return it with its digest.

    `padding` adds a file of that many bytes which do not compress. Such an archive can be installed for
    another target only, since there nothing of it is run.
    """
    full = archive.file.endswith(".zst")
    minor = archive.version.rpartition(".")[0]
    top = "python/install" if full else "python"
    members = {
        f"{top}/bin/python{minor}": b"#!/bin/sh\nexit 0\n",
        f"{top}/lib/python{minor}/os.py": b'"""Operating system."""\n',
        f"{top}/python.exe": b"MZ",
    }
    if full:
        members["python/PYTHON.json"] = b"{}"
    if padding:
        members[f"{top}/lib/python{minor}/padding"] = _noise(padding)
    return write_archive(folder, archive, members)


def write_archive(folder: Path, archive: Archive, members: dict[str, bytes]) -> Archive:
    """Write `members` as the archive's file into `folder`, as a mirror has it; return it with its digest."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), MEMBER_TIME
            member.mode = 0o755 if "/bin/" in name else 0o644
            tar.addfile(member, io.BytesIO(content))
    return save(folder, archive, buffer.getvalue())


def save(folder: Path, archive: Archive, tar: bytes) -> Archive:
    """Compress the tar as the archive's name says and put it in its place in `folder`."""
    path = folder / archive.path
    path.parent.mkdir(parents=True, exist_ok=True)
    zipped = zstd.compress(tar) if archive.file.endswith(".zst") else gzip.compress(tar, 1, mtime=0)
    path.write_bytes(zipped)
    return replace(archive, sha256=hashlib.sha256(zipped).hexdigest())


def _noise(size: int) -> bytes:
    return hashlib.shake_128(b"padding").digest(size)
