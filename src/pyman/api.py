"""pyman for other programs: `pyman.install`, `pyman.find` and `pyman.installed`.

Everything here is to be had from `pyman` itself. Nothing is printed, nobody is asked, and no link such as
`python3.12` is made outside of the store. What is not given is taken from the environment, as on the command
line (`PYMAN_HOME`, `PYMAN_SYSTEM_HOME`, `PYMAN_MIRROR`, `PYMAN_METADATA`, `PYMAN_TARGET`). All of it may be
called from several threads and processes at once. What is not in the environment the files of settings say.
A request is a text, else there is a TypeError: as a number 3.10 is 3.1.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

from pyman.builds.key import Key
from pyman.catalogue import origins
from pyman.catalogue.build import Metadata
from pyman.choice.installed import best_installed
from pyman.choice.plan import Plan, Planner
from pyman.config import layers
from pyman.discovery.interpreter import Interpreter
from pyman.errors import NoDownloadFoundError, PymanError
from pyman.machine import detection
from pyman.network.policy import Network
from pyman.requests.request import Request
from pyman.slimming.ledger import Ledger
from pyman.store import installations
from pyman.store.installations import Store, user_store

StrPath = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Installation:
    """A Python that can be run.

    `key` names its build, `cpython-3.12.9+20250317-linux-x86_64-gnu`; it is empty for one that pyman has not
    installed. `variant` is empty, or `freethreaded`, `debug`, `static` joined by `+`. `path` is its folder,
    `sys.prefix`.
    """

    key: str
    implementation: str
    version: str
    variant: str
    path: Path
    executable: Path

    @property
    def managed(self) -> bool:
        """Whether pyman has installed it."""
        return bool(self.key)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the download of a build has come, in bytes; `size` is None where the source did not tell it."""

    key: str
    received: int
    size: int | None


def install(  # noqa: PLR0913 - options with names and defaults are what callers want
    request: str,
    *,
    home: StrPath | None = None,
    target: str | None = None,
    mirror: str | None = None,
    metadata: StrPath | None = None,
    reinstall: bool = False,
    allow_unverified: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Installation:
    """Install the best build for `request` unless it is there, and return it.

    `request` is what the command line takes: `3.12`, `3.13t`, `>=3.11,<3.13`, `latest`. What is installed and
    fits is returned without a look at the network. Where no build is known that fits, newer ones are looked
    for once, unless `PYMAN_REFRESH` is `never`. `home` is the store, `mirror` a URL or folder which is tried
    first, `metadata` a file or URL in place of the bundled metadata. `on_progress` is called as bytes come
    in, perhaps from another thread; what it raises stops the install.

    A build that does not run on this machine is not installed: the next best one is tried.

    Raises UsageError for a request or target that is none, NoDownloadFoundError when no build fits, and
    FetchError, ArchiveError, DoesNotRunError or StoreError when it fails: the store is then as it was.
    """
    # It takes long to load, and who only looks for a Python does not need it.
    from pyman.installer.into_store import IntoStore  # noqa: PLC0415
    from pyman.installer.sequence import Installer  # noqa: PLC0415

    place = _setting(None if metadata is None else os.fspath(metadata), "metadata")
    here = _store(home)
    network = Network.from_environment(layers.environ())
    source = _setting(mirror, "mirror") or ""
    load = partial(origins.load, place, lambda: network, here.homes)
    planner = Planner(here, _machine(target), load, reinstall, allow_unverified)
    plan = _plan(planner, _request(request), network, source, is_given=bool(place))
    if plan.present:
        return _public(plan.present[0])
    reporter = _Reporter(on_progress)
    installer = Installer(partial(IntoStore, here), source, reporter, reinstall, network=network)
    return _public(installer.install_best(plan.choices[0].tries))


def find(request: str, *, managed_only: bool = False, home: StrPath | None = None) -> Installation | None:
    """Return the Python that would be used for `request`; None when there is none. Never uses the network.

    What pyman has installed comes first, then, unless `managed_only`, what is on PATH and in the well-known
    places (pyenv, Homebrew, the Windows registry). Virtual environments are passed over.

    Raises UsageError for a request that is none, StoreError when the store cannot be read.
    """
    wanted, here = _request(request), _store(home)
    try:
        found = best_installed(wanted, here, _machine(None))
    except NoDownloadFoundError:  # nothing is built for this machine: other Pythons may well be on it
        found = None
    if found:
        return _public(found)
    if managed_only:
        return None
    # Only where pyman has none of its own.
    from pyman.discovery.discover import Surroundings, first  # noqa: PLC0415

    foreign = first(wanted, Surroundings(here.homes, os.environ))
    return _foreign(foreign) if foreign else None


def installed(request: str = "any", *, home: StrPath | None = None) -> list[Installation]:
    """Return what pyman has installed and fits `request`, for any target, the newest version first.

    Raises UsageError for a request that is none, StoreError when the store cannot be read.
    """
    wanted = _request(request)
    return [_public(each) for each in _store(home).visible() if wanted.covers(each.key)]


def _request(request: object) -> Request:
    """Return the request that a text is; TypeError, which says what to write, for anything else."""
    if isinstance(request, str):
        return Request.parse(request)
    from pyman.requests.suggest import written  # noqa: PLC0415 - it is for mistakes

    raise TypeError(f"a request is a text, not {request!r}: write {written(request)}")


def _plan(planner: Planner, request: Request, network: Network, mirror: str, *, is_given: bool) -> Plan:
    """Make the plan, and look for newer builds as on the command line."""
    from pyman.refresh.occasions import Refresher  # noqa: PLC0415 - see above

    refresher = Refresher(planner.store, network, mirror=mirror, is_given=is_given, environ=layers.environ())

    def load() -> Metadata:
        refresher.before_use([request])
        return planner.load()

    return refresher.looking(lambda: planner._replace(load=load).plan([request]), [request])


class _Reporter:
    """Counts what comes, for `on_progress`; tells nothing else."""

    def __init__(self, on_progress: Callable[[Progress], None] | None) -> None:
        self._tell = on_progress
        self._lock = Lock()
        self._received = 0
        self._size: int | None = None

    def waiting(self, key: Key, owner: str) -> None:
        """Nobody is told."""

    def downloading(self, key: Key, size: int | None) -> None:
        """Begin to count again: this may be the next source."""
        with self._lock:
            self._received, self._size = 0, size
        self.received(key, 0)

    def reading(self, key: Key, size: int | None, source: str) -> None:  # noqa: ARG002 - a Reporter's
        """These bytes count as well."""
        self.downloading(key, size)

    def received(self, key: Key, count: int) -> None:
        """Tell how far it is."""
        with self._lock:
            self._received += count
            progress = Progress(str(key), self._received, self._size)
        if self._tell:
            self._tell(progress)

    def fetched(self, key: Key) -> None:
        """Nobody is told: nothing is fetched without being installed."""

    def testing(self, key: Key, seconds: float) -> None:
        """Nobody is told: it comes to an end."""

    def failed(self, key: Key, error: PymanError, *, final: bool) -> None:
        """Nobody is told: the last failure is raised."""

    def does_not_run(self, error: PymanError, following: Key) -> None:
        """Nobody is told: what runs is returned."""

    def left_out(self, key: Key, ledger: Ledger) -> None:
        """Nobody is told: no parts can be chosen here."""

    def warned(self, text: str) -> None:
        """Nobody is told: it runs."""

    def installed(self, installation: installations.Installation, seconds: float) -> None:
        """Nobody is told: it is returned."""

    def already(self, installation: installations.Installation) -> None:
        """Nobody is told: it is returned."""


def _public(found: installations.Installation) -> Installation:
    return Installation(str(found.key), *_parts(found.key), found.path, found.executable)


def _foreign(found: Interpreter) -> Installation:
    return Installation("", *_parts(found.key), Path(found.facts.base_prefix), found.path)


def _parts(key: Key) -> tuple[str, str, str]:
    return str(key.implementation), str(key.version), str(key.variant)


def _store(home: StrPath | None) -> Store:
    own = None if home is None else Path(home).expanduser().absolute()
    if own:
        layers.check_option("home=", str(own), "home", layers.environ())
    return user_store(layers.environ(), own)


def _machine(target: str | None) -> detection.Machine:
    return detection.machine(_setting(target, "target"))


def _setting(given: str | None, name: str) -> str | None:
    """What is given, else what the variable or a file says."""
    if not isinstance(given, str | None):
        raise TypeError(f"what PYMAN_{name.upper()} would say is a text, not {given!r}")
    environ = layers.environ()
    if given is not None:
        layers.check_option(f"{name}=", given, name, environ)
    return (environ.get(f"PYMAN_{name.upper()}") if given is None else given) or None
