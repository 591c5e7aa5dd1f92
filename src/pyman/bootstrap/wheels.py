"""The packages that pyman needs, as wheels for another platform, from the package index or a folder.

pip downloads them, the pip of the Python that runs this. What pip would decide by the machine it runs on
(environment markers) is decided here, by the one that the wheels are for.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from pyman.bootstrap.platforms import Platform
from pyman.errors import PymanError, UsageError

DISTRIBUTION = "pyman-cli"
# rich colours sources and renders Markdown with these; pyman shows bars.
_NEVER_LOADED = frozenset({"pygments", "markdown-it-py"})
# pyman works without them, more slowly or with fewer formats.
_OPTIONAL = frozenset({"backports-zstd", "zlib-ng"})
_NOTHING = "No matching distribution found"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package that was downloaded: its name, version, file and digest."""

    name: str
    version: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Wheels:
    """What there is for a platform, in order of names, and the names of what there is no wheel of."""

    found: tuple[Wheel, ...]
    missing: tuple[str, ...]


def download(platform: Platform, folder: Path, source: Path | None) -> Wheels:
    """Download into `folder` all that pyman needs on `platform`, from the folder `source` if that is given.

    Raises PymanError where something cannot be had, or two packages want what does not go together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = platform.markers
    waiting = [each for each in _wanted(_own_requirements(), environment) if _may_have(each, platform)]
    missing: list[str] = []
    while waiting:
        missing += _pip_download(waiting, platform, folder, source)
        wheels = _wheels(folder)
        more = [each for wheel in wheels for each in _wanted(_requirements(wheel), environment)]
        waiting = [each for each in more if _is_open(each, wheels)]
    left_out = [*missing, *(() if platform.extensions else sorted(_OPTIONAL))]
    return Wheels(tuple(sorted(_wheels(folder), key=lambda wheel: wheel.name)), tuple(left_out))


def _own_requirements() -> list[str]:
    try:
        return requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        raise UsageError(
            f"{DISTRIBUTION} is not installed in {sys.prefix}",
            "Its metadata tell what pyman needs: pip install -e . in a checkout.",
        ) from None


def _wanted(requirements: Iterable[str], environment: dict[str, str]) -> Iterator[Requirement]:
    for text in requirements:
        requirement = Requirement(text)
        is_meant = not requirement.marker or requirement.marker.evaluate({**environment, "extra": ""})
        if is_meant and canonicalize_name(requirement.name) not in _NEVER_LOADED:
            yield requirement


def _may_have(requirement: Requirement, platform: Platform) -> bool:
    return platform.extensions or canonicalize_name(requirement.name) not in _OPTIONAL


def _is_open(requirement: Requirement, wheels: Sequence[Wheel]) -> bool:
    """Whether it is still to be downloaded; PymanError if a version is there that it does not want."""
    name = canonicalize_name(requirement.name)
    present = next((wheel for wheel in wheels if wheel.name == name), None)
    if present and not requirement.specifier.contains(present.version, prereleases=True):
        raise PymanError(f"{requirement} is wanted, and {present.path.name} was taken")
    return present is None


def _pip_download(
    wanted: Sequence[Requirement], platform: Platform, folder: Path, source: Path | None
) -> list[str]:
    """Download; returns the names of what there is no wheel of, if pyman can do without."""
    names = {canonicalize_name(each.name): _bare(each) for each in wanted}
    told = _pip(list(names.values()), platform, folder, source)
    if not told:
        return []
    # Those that may be missing are asked for one by one.
    needed = [text for name, text in names.items() if name not in _OPTIONAL]
    told = _pip(needed, platform, folder, source) if needed else ""
    if told:
        raise PymanError(f"cannot download what pyman needs for {platform.target}: {told}")
    missing: list[str] = []
    for name in names.keys() & _OPTIONAL:
        told = _pip([names[name]], platform, folder, source)
        if told and _NOTHING not in told:
            raise PymanError(f"cannot download {name} for {platform.target}: {told}")
        if told:
            missing.append(name)
    return sorted(missing)


def _bare(requirement: Requirement) -> str:
    return f"{requirement.name}{requirement.specifier}"


def _pip(wanted: Sequence[str], platform: Platform, folder: Path, source: Path | None) -> str:
    """Run `pip download`; returns what it complained of, nothing if it worked."""
    # Isolated: PIP_FIND_LINKS and the user's settings would add wheels that are not in the folder.
    place = ["--isolated", "--no-index", "--find-links", str(source)] if source else []
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(  # noqa: S603 - the pip of this very Python
        [*command, "--only-binary=:all:", *platform.pip_options, *place, "--dest", str(folder), *wanted],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stderr.strip()[-1000:] if done.returncode else ""


def _wheels(folder: Path) -> list[Wheel]:
    return [_wheel(path) for path in sorted(folder.glob("*.whl"))]


def _wheel(path: Path) -> Wheel:
    name, version, _, _ = parse_wheel_filename(path.name)
    return Wheel(name, str(Version(str(version))), path, hashlib.sha256(path.read_bytes()).hexdigest())


def _requirements(wheel: Wheel) -> list[str]:
    with ZipFile(wheel.path) as file:
        (name,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(file.read(name).decode("utf-8")).get_all("Requires-Dist", [])


def unpack(wheel: Wheel, packages: Path, licences: Path) -> None:
    """Put the modules of a wheel into `packages` and its licences into a folder of their own in `licences`.

    What tells installers about it is left out, and so is what belongs to other places than site-packages.
    """
    with ZipFile(wheel.path) as file:
        for name in sorted(file.namelist()):
            parts = Path(name).parts
            if name.endswith("/") or ".." in parts or parts[0].endswith(".data"):
                continue
            if not parts[0].endswith(".dist-info"):
                _write(packages / name, file.read(name))
            elif _is_licence(parts):
                _write(licences / f"{wheel.name}-{wheel.version}" / parts[-1], file.read(name))


def _is_licence(parts: tuple[str, ...]) -> bool:
    return "licenses" in parts or parts[-1].upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
