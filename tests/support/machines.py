"""Machines on which the commands of the documents are run: a bare Alpine, Debian's files, a host with Python.

All of them have their releases from one server on 127.0.0.1.
"""

import json
import os
import shlex
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from filelock import FileLock
from tests.commands.test_alpine import mounted_proc
from tests.conftest import ELSEWHERE, Result, checked, fixture_archive
from tests.support.archives import extract
from tests.support.builds import Archive, own_form, release_index
from tests.support.package_index import pip
from tests.support.portables import MUSL, Made
from tests.support.server import Server, serving

_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
# What Debian's smallest image has, of what is needed here; the wget is what apt-get brings.
_DEBIAN = """awk basename cat chmod chown cp cut date df dirname env find grep gzip head id kill ln ls mkdir
mktemp mv od rm rmdir sed sha256sum sort tail tar tr true uname wc wget"""
_LIBRARIES = "c m dl pthread rt util crypt gcc_s stdc++ nss_files resolv"
# What the fixtures take from the system; the builds that are published have their own.
_OF_FIXTURES = "ssl crypto ffi sqlite3 z bz2 lzma uuid"


@dataclass(frozen=True, slots=True)
class Releases:
    """The releases page and a mirror of interpreters, on one server."""

    server: Server
    archive: str

    def variables(self) -> dict[str, str]:
        """What the documents leave open, and where pyman finds its builds."""
        return {
            "RELEASES": self.server.url,
            "ARCHIVE": self.archive,
            "MIRROR": self.server.url,
            "PYMAN_INSTALL_MIRROR": self.server.url,
            "PYMAN_METADATA": f"{self.server.url}/metadata.json",
            "PYMAN_REFRESH_URL": f"{self.server.url}/index.ndjson",
            "PYMAN_RETRIES": "0",
            "PYMAN_FSYNC": "0",
        }


@contextmanager
def released(made: Made, fixtures: Path, folder: Path) -> Iterator[Releases]:
    """Serve what was made, and interpreters: for musl the same one in two releases."""
    for path in made.folder.iterdir():
        (folder / path.name).symlink_to(path)
    gnu = Archive.of_file(fixture_archive(fixtures, "cpython-3.13.0+"))
    old = Archive.of_file(fixture_archive(fixtures, "linux-musl-install_only_stripped"))
    new = replace(old, release="20250708")
    for archive, name in ((gnu, "cpython-3.13.0+"), (old, "musl-install"), (new, "musl-install")):
        (folder / archive.path).parent.mkdir(exist_ok=True)
        (folder / archive.path).symlink_to(fixture_archive(fixtures, name))
    with serving(folder) as server:
        # A release that no metadata know yet: what is known already has other digests than the fixtures.
        news = [replace(old, release="20261124")]
        offered = [gnu, new, old, replace(new, target="linux-aarch64-musl", sha256="0" * 64)]
        (folder / "metadata.json").write_bytes(own_form(offered, server.url))
        (folder / "index.ndjson").write_bytes(release_index(news, server.url))
        yield Releases(server, made.archive(MUSL).name)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where commands are run: in a chroot, if `root` is given, there also as another `user`, by number.

    They have these variables and no others.
    """

    root: Path | None
    work: str
    variables: dict[str, str] = field(default_factory=dict)
    user: str = "0"

    def run(self, *command: str, code: int = 0, env: Mapping[str, str] | None = None) -> Result:
        """Run a command in the folder of work."""
        if self.root:
            inner = shlex.join(command)
            chroot = ("/usr/sbin/chroot", f"--userspec={self.user}:{self.user}", str(self.root))
            command = (*chroot, "/bin/sh", "-c", f"cd {self.work} && exec {inner}")
        done = subprocess.run(
            command,
            env={**self.variables, **(env or {})},
            cwd="/" if self.root else self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return checked(Result(done.stdout, done.stderr, done.returncode), code)

    def shell(self, text: str, code: int = 0) -> Result:
        """Run lines of sh, which end with the first that fails."""
        return self.run("/bin/sh", "-ec", text, code=code)


def alpine(fixtures: Path, root: Path) -> Path:
    """Unpack a bare Alpine, in which there is nothing but busybox."""
    root.mkdir(parents=True)
    with tarfile.open(fixture_archive(fixtures, "alpine-")) as tar:
        extract(tar, root)
    (root / "usr" / "bin" / "curl").unlink()
    return root


def debian(fixtures: Path, root: Path) -> Path:
    """Lay out the files that Debian's smallest image has, as far as they are needed, from this machine."""
    del fixtures
    programs = {name: shutil.which(name, path="/usr/bin:/bin") for name in ("dash", *_DEBIAN.split())}
    if not Path("/etc/debian_version").exists() or None in programs.values():
        missing = [name for name, path in programs.items() if not path]
        pytest.skip(f"{ELSEWHERE}this is no Debian, or one without {', '.join(missing)}")
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "usr/local", "tmp", "root", "etc", "dev"):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name, path in programs.items():
        _with_libraries(Path(path or ""), root, "sh" if name == "dash" else name)
    for name in f"{_LIBRARIES} {_OF_FIXTURES}".split():
        for library in Path("/usr/lib/x86_64-linux-gnu").glob(f"lib{name}.so.[0-9]*"):
            _copy(library, root)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    return root


def _with_libraries(program: Path, root: Path, name: str) -> None:
    shutil.copy(program, root / "usr" / "bin" / name)
    told = subprocess.run(["ldd", program], capture_output=True, encoding="utf-8", check=False).stdout
    for word in told.split():
        if word.startswith("/"):
            _copy(Path(word), root)


def _copy(path: Path, root: Path) -> None:
    """Copy what is in /lib or /usr/lib; in the root both are the same."""
    place = root / "usr" / str(path).removeprefix("/").removeprefix("usr/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        shutil.copy(path, place)


def in_chroot(root: Path, variables: Mapping[str, str], more_path: str = "") -> Machine:
    """Return the machine in a root file system, with no more of an environment than a login has."""
    path = f"/root/.local/bin:{_PATH}" + (f":{more_path}" if more_path else "")
    (root / "root" / "project").mkdir(parents=True)
    return Machine(root, "/root/project", {"HOME": "/root", "PATH": path, **variables})


@dataclass
class Images:
    """The images that Dockerfiles begin with, laid out below `folder`, each with the wheels of `wheels`.

    /proc is mounted in them, as it is while an image is built.
    """

    fixtures: Path
    folder: Path
    wheels: Path
    stack: ExitStack
    count: int = 0

    def start(self, name: str) -> Path:
        """Return a root file system of its own."""
        self.count += 1
        make = {"alpine": alpine, "debian": debian}[name.partition(":")[0]]
        root = make(self.fixtures, self.folder / f"image{self.count}")
        self.stack.callback(shutil.rmtree, root)
        (root / "proc").mkdir(exist_ok=True)
        self.stack.enter_context(mounted_proc(root))
        shutil.copytree(self.wheels, root / "wheels", copy_function=os.link)
        return root


def build(dockerfile: str, variables: Mapping[str, str], image: "Images") -> list[str]:
    """Do what a Dockerfile says, each stage in a root file system of its own; returns the steps not done.

    `variables` are those of the surroundings; those of the build are among them, and reach what is run only
    where ARG names them. What CMD starts has to load numpy, where that was installed.
    """
    left_out: list[str] = []
    stages: dict[str, Machine] = {}
    given = {name: value for name, value in variables.items() if name != "RELEASES"}
    for line in dockerfile.splitlines():
        instruction, _, rest = line.partition(" ")
        words = rest.split()
        if instruction == "FROM":
            root = image.start(words[0])
            machine = Machine(root, "/", {"HOME": "/root", "PATH": _PATH, **given})
            stages[words[2] if words[1:2] == ["AS"] else "last"] = machine
        elif instruction in ("ARG", "ENV", "USER"):
            machine = _settled(machine, instruction, words, variables)
        elif instruction == "COPY":
            source = stages[words[0].removeprefix("--from=")].root
            assert source
            shutil.copytree(source / words[1][1:], root / words[2][1:], symlinks=True, dirs_exist_ok=True)
        elif instruction == "RUN" and words[0] == "apt-get":
            left_out.append(rest)  # Debian's archive answers to it; the root has what it brings
        elif instruction == "RUN":
            machine.shell(rest)
        elif instruction == "CMD":
            machine.run(
                *json.loads(rest), "-c", f"import ssl, {'numpy' if 'numpy' in dockerfile else 'zlib'}"
            )
        elif line:
            pytest.fail(f"a step that the tests do not know: {line}")
    return left_out


def _settled(machine: Machine, instruction: str, words: list[str], variables: Mapping[str, str]) -> Machine:
    """Return the machine as it is after what sets something for the steps that follow."""
    if instruction == "USER":
        return replace(machine, user=words[0])
    for name, _, value in (word.partition("=") for word in words):
        machine.variables[name] = value if instruction == "ENV" else variables[name]
    return machine


def download(folder: Path, lock: Path, *what: str, builds: bool = False) -> Path:
    """Download wheels with pip into a folder, outside the seal, once for all workers.

    With `builds` they may be made of sources, as that of this checkout is.
    """
    with FileLock(lock):
        if not folder.exists():
            partial = folder.with_name(folder.name + "~")
            verb = ["wheel", "--wheel-dir"] if builds else ["download", "--only-binary=:all:", "--dest"]
            pip(*verb, str(partial), *what)
            partial.rename(folder)
    return folder
