"""The Python that runs the tests, packed as a build: what is installed where there are no fixtures."""

import io
import os
import platform
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.support.builds import MEMBER_TIME, Archive, save

# What a Python starts without, and what makes an archive large.
_LEFT_OUT = {"test", "tests", "idlelib", "turtledemo", "tkinter", "lib2to3", "ensurepip", "pydoc_data"}
_LEFT_OUT |= {"__pycache__", "site-packages", "dist-packages"}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64", "armv7l": "armv7"}
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"


def this_target() -> str:
    """Return the target that the running Python was built for."""
    machine = platform.machine().lower()
    arch = _MACHINES.get(machine, machine)
    if sys.platform == "win32":
        return f"windows-{arch}-none"
    if sys.platform == "darwin":
        return f"macos-{arch}-none"
    host = str(sysconfig.get_config_var("HOST_GNU_TYPE"))
    float_abi = "eabihf" if arch == "armv7" else ""
    return f"linux-{arch}-musl" if host.endswith("musl") else f"linux-{arch}-gnu{float_abi}"


def this_version() -> str:
    """Return the running Python's version as builds spell it: `3.13.5`, `3.15.0rc1`."""
    return platform.python_version().rstrip("+")


def reason_not_movable() -> str:
    """Return why the running Python would not work from another place, nothing if it does."""
    if sysconfig.get_config_var("PYTHONFRAMEWORK"):
        return "the Python that runs the tests is a framework build, which finds its library by a fixed path"
    if sys.flags.debug or sysconfig.get_config_var("Py_DEBUG") or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "the Python that runs the tests is not of the default variant"
    return ""


def repack(folder: Path) -> list[Archive]:
    """Write the running Python to `folder` as an `install_only` archive and a later `full` one."""
    small = Archive(this_version(), "20260101", this_target(), suffix="install_only_stripped.tar.gz")
    full = replace(small, release="20260201", suffix="pgo+lto-full.tar.zst")
    return [
        save(folder, small, _tar("python", {})),
        save(folder, full, _tar("python/install", {"python/PYTHON.json": b"{}"})),
    ]


def _tar(top: str, extra: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in extra.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), MEMBER_TIME
            tar.addfile(member, io.BytesIO(content))
        for name, source in sorted(tree()):
            member = tar.gettarinfo(source, f"{top}/{name}")
            member.type, member.linkname = tarfile.REGTYPE, ""
            member.size = source.stat().st_size
            member.mtime, member.uid, member.gid, member.uname, member.gname = MEMBER_TIME, 0, 0, "", ""
            with source.open("rb") as file:
                tar.addfile(member, file)
        if sys.platform != "win32":
            for name in ("python", "python3"):
                link = tarfile.TarInfo(f"{top}/bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, f"python{MINOR}"
                tar.addfile(link)
    return buffer.getvalue()


def tree() -> Iterator[tuple[str, Path]]:
    """Yield the files of the running Python, each with its name in an installation."""
    return _windows() if sys.platform == "win32" else _posix()


def _posix() -> Iterator[tuple[str, Path]]:
    base = Path(sys.base_prefix)
    yield f"bin/python{MINOR}", (base / "bin" / f"python{MINOR}").resolve()
    library = str(sysconfig.get_config_var("INSTSONAME") or "")
    source = Path(str(sysconfig.get_config_var("LIBDIR") or "")) / library
    if ".so" in library and source.is_file():
        yield f"lib/{library}", source.resolve()
    yield from _files(Path(sysconfig.get_path("stdlib")), f"lib/python{MINOR}")


def _windows() -> Iterator[tuple[str, Path]]:
    base = Path(sys.base_prefix)
    for source in base.iterdir():
        if source.suffix.lower() in {".exe", ".dll"}:
            yield source.name, source
    yield from _files(base / "DLLs", "DLLs")
    yield from _files(Path(sysconfig.get_path("stdlib")), "Lib")


def _files(folder: Path, name: str) -> Iterator[tuple[str, Path]]:
    for place, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if f not in _LEFT_OUT and not f.startswith("config-")]
        inside = Path(place).relative_to(folder).as_posix()
        for file in files:
            source = Path(place, file)
            if source.is_file() and source.suffix not in {".a", ".pdb", ".lib"}:
                yield f"{name}/{inside}/{file}".replace("/./", "/"), source
