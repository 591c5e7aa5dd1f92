"""A bare Alpine on one end of the wire, and on the other what it takes to get a Python there."""

import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path

from tests.benchmarks.bench import Bench
from tests.benchmarks.confirming import Content, confirm, content_of
from tests.benchmarks.measuring import Command, run
from tests.benchmarks.namespaces import Wire
from tests.benchmarks.portables import MUSL
from tests.benchmarks.releases import UnavailableError
from tests.benchmarks.serving import Source
from tests.support.builds import MEMBER_TIME, Archive, own_form, uv_form

_UV = "uv-x86_64-unknown-linux-musl"
_PATH = "/root/.local/bin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_OWN, _OTHERS = "pyman.json", "uv.json"
# In mounts of its own, which end with it.
_ENTER = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" /bin/sh -ec "$1"'


class Way(StrEnum):
    """How a machine that has nothing gets a Python."""

    INSTALL = "install.sh 3.13"
    EPHEMERAL = "install.sh 3.13 --ephemeral"
    SCRIPT = "lock --format sh"
    UV = "uv python install"


_SCRIPTS = {
    Way.INSTALL: "wget -q -O install.sh {url}/install.sh; sh install.sh 3.13",
    Way.EPHEMERAL: (
        "wget -q -O install.sh {url}/install.sh; sh install.sh 3.13 --prefix /usr/local --ephemeral"
    ),
    Way.SCRIPT: "wget -q -O python.sh {url}/python.sh; sh python.sh",
    Way.UV: (
        f"wget -q -O uv.tar.gz {{url}}/{_UV}.tar.gz; echo '{{digest}}  uv.tar.gz' | sha256sum -c;"
        " tar -xzf uv.tar.gz -C /usr/local/bin --strip-components 1; rm uv.tar.gz; uv python install 3.13"
    ),
}
_TREES = {
    Way.INSTALL: "root/.local/share/pyman/{key}",
    Way.EPHEMERAL: "usr/local",
    Way.SCRIPT: "usr/local",
    Way.UV: "root/.local/share/uv/python/cpython-{version}-{target}",
}


@dataclass
class BareMachine:
    """`folder` is what is served to it; `received` are the bytes that each way has brought, run by run."""

    bench: Bench
    wire: Wire
    source: Source
    folder: Path
    received: dict[Way, list[int]] = field(default_factory=dict)
    _before: int = 0

    @property
    def root(self) -> Path:
        """Its root file system, on disk as those of containers are."""
        return self.bench.scratch / "root"

    @property
    def _archive(self) -> Archive:
        """The build that it gets."""
        return self.bench.releases.musl_17_mb

    def fill(self) -> None:
        """Put everything into the folder; UnavailableError for what cannot be had."""
        made, archive = self.bench.portables, self._archive
        (self.folder / archive.release).mkdir()
        for place, path in (
            ("install.sh", made.folder / "install.sh"),
            (made.archive(MUSL).name, made.archive(MUSL)),
            (archive.path, self.bench.releases.file(archive)),
        ):
            (self.folder / place).symlink_to(path)
        _pack_uv(self.bench, self.folder / f"{_UV}.tar.gz")
        self._lock()

    def command(self, way: Way) -> Command:
        """Return what brings Python to the machine, made anew before each run, and starts it there."""
        digest = sha256((self.folder / f"{_UV}.tar.gz").read_bytes()).hexdigest()
        script = _SCRIPTS[way].format(url=self.source.plain, digest=digest)
        words = (*self.wire.client, "unshare", "--mount", "sh", "-c", _ENTER, str(self.root))
        return Command(
            (*words, f"cd /root; {script}; python3.13 -c pass"),
            self._environment(),
            self._make,
            confirm=self._confirming(way),
        )

    def _environment(self) -> dict[str, str]:
        return {
            "HOME": "/root",
            "PATH": _PATH,
            "PYMAN_INSTALL_MIRROR": self.source.plain,
            "PYMAN_METADATA": f"/{_OWN}",
            "PYMAN_ALLOW_INSECURE_HOST": self.source.host,
            "UV_PYTHON_DOWNLOADS_JSON_URL": f"/{_OTHERS}",
        }

    def _make(self) -> None:
        """Unpack the root file system. It has a list of the builds, which both tools bring along."""
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        rootfs = next(Path(os.environ["PYMAN_TEST_FIXTURES"]).glob("alpine-*"))
        subprocess.run(["tar", "-xzf", rootfs, "-C", self.root], check=True)
        (self.root / "usr" / "bin" / "curl").unlink(missing_ok=True)  # which is not in Alpine's own image
        (self.root / _OWN).write_bytes(own_form([self._archive], self.source.plain))
        (self.root / _OTHERS).write_bytes(uv_form([self._archive], self.source.plain))
        os.sync()
        self._before = self.wire.received()

    def _confirming(self, way: Way) -> Callable[[], None]:
        archive = self._archive
        names = {"key": archive.key, "version": archive.version, "target": archive.target}
        content: Content = content_of(self.bench.releases.file(archive), archive.minor)

        def confirmed() -> None:
            self.received.setdefault(way, []).append(self.wire.received() - self._before)
            confirm(self.root / _TREES[way].format(**names), content, runs_here=False)

        return confirmed

    def _lock(self) -> None:
        """Let pyman make the script that needs no pyman."""
        home = self.bench.home()
        own = home.root / _OWN
        own.write_bytes(own_form([self._archive], self.source.plain))
        environment = home.environment(PYMAN_METADATA=str(own), PYMAN_ALLOW_INSECURE_HOST=self.source.host)
        pyman = (*self.wire.client, self.bench.programs.pyman, "lock")
        run(Command((*pyman, "3.13", "--target", MUSL), environment, folder=home.root))
        script = ("--format", "sh", "--output", str(self.folder / "python.sh"))
        run(Command((*pyman, *script), environment, folder=home.root))


def ways() -> tuple[Way, ...]:
    """Return all of them, in the order in which they take turns."""
    return tuple(Way)


def _pack_uv(bench: Bench, place: Path) -> None:
    """Make of the wheel for musl what uv is released as: the two programs in a .tar.gz."""
    version = subprocess.run(
        [bench.require_uv(), "--version"], capture_output=True, encoding="utf-8", check=True
    )
    wanted = f"uv=={version.stdout.split()[1]}"
    folder = place.parent / ".uv"
    options: list[str | Path] = [
        "--only-binary=:all:",
        "--no-deps",
        "--platform",
        "musllinux_1_1_x86_64",
        "--dest",
        folder,
    ]
    command: list[str | Path] = [bench.programs.python, "-m", "pip", "download", "--quiet", *options, wanted]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise UnavailableError(f"no {wanted} for musl: {done.stderr.strip()[-200:]}")
    (wheel,) = folder.glob("uv-*.whl")
    with zipfile.ZipFile(wheel) as zipped, tarfile.open(place, "w:gz", compresslevel=9) as tar:
        for name in (name for name in zipped.namelist() if ".data/scripts/" in name):
            member = tarfile.TarInfo(f"{_UV}/{Path(name).name}")
            member.size, member.mode, member.mtime = zipped.getinfo(name).file_size, 0o755, MEMBER_TIME
            with zipped.open(name) as file:
                tar.addfile(member, file)
