"""What several commands take: options, and the values made of them and of the environment."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyman.builds.target import Target
from pyman.catalogue import origins
from pyman.catalogue.build import Metadata
from pyman.cli import configured, networking
from pyman.cli.configured import check, environ, setting_option
from pyman.errors import PymanError, UsageError
from pyman.machine import detection
from pyman.machine.detection import Machine
from pyman.report import ui
from pyman.store.installations import Store, default_bin, user_store
from pyman.system import whole_file
from pyman.system.userdirs import given_dir

if TYPE_CHECKING:
    from pyman.catalogue.vulnerabilities import VulnerabilityList
    from pyman.prefix.prefix import Prefix
    from pyman.refresh.occasions import Refresher

_Command = TypeVar("_Command", bound=Callable[..., Any])


def target_option(command: _Command) -> _Command:
    """`--target`: install or list for another target than this machine's."""
    return setting_option(
        "--target",
        "target",
        metavar="TARGET",
        help="Target to use in place of this machine's, such as linux-x86_64-musl.",
    )(command)


def metadata_option(command: _Command) -> _Command:
    """`--metadata`: what can be downloaded, in place of what is bundled."""
    return setting_option(
        "--metadata metadata_place",
        "metadata",
        metavar="FILE_OR_URL",
        help="Download metadata to use in place of the bundled one; uv's JSON form is read too.",
    )(command)


def mirror_option(command: _Command) -> _Command:
    """`--mirror`: where archives are looked for first."""
    return setting_option(
        "--mirror",
        "mirror",
        metavar="URL_OR_DIR",
        default="",
        help="Mirror of the release downloads that is tried first.",
    )(command)


def refresher(
    wish: bool | None, metadata_place: str | None, mirror: str = "", keeper: Store | None = None
) -> "Refresher":
    """Return what refreshes for a command as the options and PYMAN_REFRESH say.

    What is learned is kept in the user's store, or in `keeper`.
    """
    from pyman.refresh.occasions import Mode, Refresher

    if wish is not None:
        mode = Mode.of(wish=wish, environ={})
        check("--refresh" if wish else "--no-refresh", str(mode), "refresh")
    return Refresher(
        keeper or store(),
        networking.network(),
        mirror=mirror,
        wish=wish,
        is_given=bool(metadata_place),
        environ=environ(),
        note=ui.note,
        warn=warn_once,
    )


def prefix_option(what: str) -> Callable[[_Command], _Command]:
    """`--prefix`: an exact directory in place of the store."""
    return click.option("--prefix", metavar="DIR", help=what)


def prefix(text: str, root: str | None = None) -> "Prefix":
    """Return what `--prefix` and `--root` name; UsageError if that cannot be."""
    from pyman.prefix.prefix import Prefix

    inside = given_dir(root, "--root") if root else None
    return Prefix.of(given_dir(text, "--prefix"), inside, store())


def output(text: str) -> Path:
    """Return the path of the file that `--output` names; UsageError for `-`, which is none.

    PymanError where there is something that is no regular file: it is said before anything is done.
    """
    if text == "-":
        raise UsageError("it is not written to standard output", "Name a file; ./- is one of that name.")
    given_dir(text, "--output")  # what is wrong with it is said
    path = Path(text).expanduser()
    whole_file.place(path)
    return path


def store() -> Store:
    """Return the user's store, with that of the system beneath."""
    return user_store(environ())


def bin_dir() -> Path:
    """Return the user's directory of links."""
    return default_bin(environ())


def machine(target: str | None) -> Machine:
    """Return this machine, or what `--target` says of it."""
    return detection.machine(target or None)


def own_machine() -> Machine:
    """Return this machine, or what PYMAN_TARGET or a file of settings says of it."""
    return machine(environ().get("PYMAN_TARGET"))


def machines(targets: Iterable[str]) -> list[Machine]:
    """Return what each `--target` says, each once; without one this machine, as `own_machine` has it."""
    return [machine(each) for each in dict.fromkeys(targets)] or [own_machine()]


def own_target(target: str | None) -> Target:
    """Return the target whose programs run here: what was detected, else what `--target` says of it."""
    try:
        return detection.detect().target
    except PymanError:
        return machine(target).target


def load_metadata(place: str | None, keeper: Store | None = None) -> Metadata:
    """Return the metadata that are bundled and learned, or those at `place`; MetadataError or FetchError."""
    return origins.load(place, networking.network, (keeper or store()).homes, warn_once)


def warn_once(problem: PymanError) -> None:
    """Say what is wrong, though it worked: once, however often it is come upon."""
    configured.warn_once(f"{problem.message}. {problem.hint}".rstrip())


def load_vulnerabilities() -> "VulnerabilityList":
    """Return what is known to be wrong with versions of CPython; MetadataError if the list is damaged."""
    from pyman.catalogue import vulnerabilities  # most commands need no list

    return vulnerabilities.known(store().homes, warn_once)
