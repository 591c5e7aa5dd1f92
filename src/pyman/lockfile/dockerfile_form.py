"""A lock as lines of a Dockerfile: a stage for each build, and one that is that for the image's platform.

BuildKit fetches what `ADD` names and compares its digest; TARGETARCH and TARGETVARIANT are its own variables
(docs.docker.com/reference/dockerfile: automatic platform ARGs in the global scope, ADD --checksum).
"""

from itertools import groupby
from typing import NamedTuple

from pyman.builds.target import BASELINE, Arch, Libc, Os, Target
from pyman.errors import PymanError
from pyman.lockfile.lock import Lock
from pyman.lockfile.tarballs import Tarball, tarballs

# What Docker calls architectures: TARGETARCH, and after it TARGETVARIANT where it says one.
_ARCHITECTURES = {
    Arch.X86_64: "amd64",
    Arch.AARCH64: "arm64",
    Arch.I686: "386",
    Arch.ARMV7: "armv7",
    Arch.PPC64LE: "ppc64le",
    Arch.S390X: "s390x",
    Arch.RISCV64: "riscv64",
}
_HEAD = """\
# syntax=docker/dockerfile:1
# The builds of a lock, by `pyman lock --format dockerfile`: these lines go to the top of a Dockerfile. Then
# a stage takes the build for its platform, whatever that is, so:
"""
_USE = """\
#     RUN --mount=from={stage},target=/mnt tar -xo{option}f {file} -C /usr/local --strip-components=1
"""


class _Stage(NamedTuple):
    """A build, the stage from which an image takes it, and what Docker calls its platform."""

    tarball: Tarball
    name: str
    platform: str

    @property
    def file(self) -> str:
        """The path of the archive in the stage."""
        return f"/python.tar.{'gz' if self.tarball.option == 'z' else 'bz2'}"


def render(lock: Lock) -> tuple[str, list[str]]:
    """Return the lines, and why builds are left out of them; PymanError if none can be in them."""
    found, left_out = tarballs(lock)
    stages: dict[tuple[str, str], _Stage] = {}
    for each in found:
        stage = _Stage(each, _name(each), _platform(each.locked.key.target))
        why = _objection(each) or ("there is another for its stage" if stage[1:] in stages else "")
        if why:
            left_out.append(f"{each.locked.key} is left out: {why}")
        else:
            stages[stage[1:]] = stage
    if not stages:
        raise PymanError(f"no image can be made of {lock.path}: " + "; ".join(left_out))
    return _text(sorted(stages.values(), key=lambda stage: stage[1:])), left_out


def _text(stages: list[_Stage]) -> str:
    by_name = [(name, list(group)) for name, group in groupby(stages, key=lambda stage: stage.name)]
    text = _HEAD
    for name, group in by_name:
        text += _USE.format(stage=name, option=group[0].tarball.option, file=f"/mnt{group[0].file}")
    for name, group in by_name:
        for stage in group:
            locked = stage.tarball.locked
            text += f"\n# {locked.key}\nFROM scratch AS {name}-{stage.platform}\n"
            text += f"ADD --checksum=sha256:{locked.build.sha256} {stage.tarball.urls[-1]} {stage.file}\n"
        text += f"\nFROM {name}-${{TARGETARCH}}${{TARGETVARIANT}} AS {name}\n"
    return text


def _name(tarball: Tarball) -> str:
    libc = tarball.locked.key.target.libc
    return f"{tarball.program}-{Libc.GNU if libc is Libc.GNUEABIHF else libc}"


def _platform(target: Target) -> str:
    level = "" if target.level == BASELINE else f"v{target.level}"
    return f"{_ARCHITECTURES[target.arch]}{level}"


def _objection(tarball: Tarball) -> str:
    if tarball.locked.key.target.os is not Os.LINUX:
        return "images are of Linux"
    return (
        "" if tarball.urls[-1].startswith("http") else "ADD fetches from https, and its address is a file's"
    )
