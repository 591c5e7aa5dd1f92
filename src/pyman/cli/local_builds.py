"""Archives and folders among the arguments of `pyman install`, and the options that tell what is in them.

As with those of `networking`, the options are kept with click's context: the command only hands its arguments
over.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import click

from pyman.builds.key import Key
from pyman.catalogue.build import Build, Metadata
from pyman.choice import local
from pyman.cli import settings
from pyman.errors import PymanError, UsageError
from pyman.machine.detection import Machine
from pyman.report import ui
from pyman.requests.request import Request
from pyman.store.installations import Installation, Store

_Command = TypeVar("_Command", bound=Callable[..., Any])
_AS, _SHA256 = "as_key", "sha256"  # in click's context with `pyman.` before them
_DIGEST = re.compile(r"(sha256:)?(?P<hex>[0-9a-f]{64})", re.IGNORECASE | re.ASCII)
_STATIC = (
    "{name} is a static build, though its name does not say so. A static Python cannot load extension "
    "modules, so packages such as numpy will not import."
)


def options(command: _Command) -> _Command:
    """`--as` and `--sha256`, which the command itself is not handed: see `among`."""
    key = click.option(
        "--as",
        _AS,
        metavar="KEY",
        expose_value=False,
        callback=_keep,
        help="What a local archive or folder is: its version and release, or its whole key.",
    )
    digest = click.option(
        "--sha256",
        _SHA256,
        metavar="HEX",
        expose_value=False,
        callback=_keep,
        help="The sha256 that a local archive must have.",
    )
    return key(digest(command))


def among(
    texts: Sequence[str], machine: Machine, place: str | None, *, unverified: bool, quiet: bool
) -> dict[str, Build]:
    """Return the build in the file or folder of each argument that names one; the others are requests.

    `place` is where metadata are, as `--metadata` names it; they are read if there is an archive. Raises
    UsageError, and what `local.build_of` raises.
    """
    paths = {text: path for text in texts if (path := local.path_of(text))}
    word = _word(len(paths), machine, unverified=unverified)
    load = cache(lambda: settings.load_metadata(place))
    return {text: _build(path, word, load, quiet=quiet) for text, path in paths.items()}


def check(builds: Iterable[Build], store: Store, *, reinstall: bool) -> None:
    """PymanError for a folder that the store is in, or that would be replaced by itself.

    Warns where another archive of the same build is installed already, which stays.
    """
    for build in builds:
        if not build.local:
            continue
        present = store.find(build.key)
        folder, home = build.local.resolve(), store.home.resolve()
        if folder.is_dir() and home.is_relative_to(folder):
            raise PymanError(f"{store.home} is inside of {build.local}", "Name a folder beside it.")
        if reinstall and present and present.path.resolve() == folder:
            raise PymanError(
                f"{build.local} is the installation itself",
                f"`pyman install --reinstall {build.key}` installs it anew from its archive.",
            )
        if present and not reinstall and _is_other(present, build):
            ui.warning(f"{build.key} was installed from another archive; --reinstall replaces it")


def _is_other(present: Installation, build: Build) -> bool:
    known = present.record().get("sha256")
    return bool(build.sha256 and known and known != build.sha256.lower())


def _build(path: Path, word: local.Word, load: Callable[[], Metadata], *, quiet: bool) -> Build:
    from pyman.installer import smoke

    build = local.build_of(path, word, load, ui.warning)
    if build.key.variant.static and not word.key and "static" not in path.name:
        ui.warning(_STATIC.format(name=path.name))
    if not quiet and not smoke.concerns(build.key):
        ui.note(f"{build.key} is not for this machine: whether it runs is not tried")
    return build


def _keep(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    context.meta[f"pyman.{parameter.name}"] = value


def _word(paths: int, machine: Machine, *, unverified: bool) -> local.Word:
    """Return what the options say; UsageError where it cannot be told about which file they speak."""
    meta = click.get_current_context().meta
    key, digest = meta.get(f"pyman.{_AS}"), meta.get(f"pyman.{_SHA256}")
    for name, value in (("--as", key), ("--sha256", digest)):
        if value and paths != 1:
            raise UsageError(
                f"{name} tells of one local archive or folder, and there are {paths or 'none'}",
                "A path has a / in it: ./python.",
            )
    return local.Word(_key(key, machine) if key else None, _hex(digest) if digest else "", unverified)


def _key(text: str, machine: Machine) -> Key:
    """Return the key that `--as` spells; a target that is left out is that of `machine`."""
    request = Request.parse(text)
    if not request.full_version or not request.release:
        raise UsageError(f"--as {text} does not name one build", f"Name it in full, such as {local.EXAMPLE}.")
    target = request.target_on(machine.target)
    return Key(request.implementation, request.full_version, request.variant, request.release, target)


def _hex(text: str) -> str:
    found = _DIGEST.fullmatch(text.strip())
    if not found:
        raise UsageError(f"not a sha256: {text}", "It has 64 hexadecimal digits, as sha256sum prints them.")
    return found["hex"].lower()
