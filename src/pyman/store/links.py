"""The stable names which move: the minor link in the store, and `python3.12` in the bin directory.

A link is replaced by a rename, so a name never points at nothing while it moves. On Windows, where symbolic
links need a privilege, the minor link is a junction and the name in the bin directory a `.cmd` file.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pyman.builds.key import Key
from pyman.builds.target import Target
from pyman.errors import StoreError
from pyman.store.installations import Installation, Store, executable_name
from pyman.store.known_links import DEFAULT_NAMES, command_in, is_minor, is_ours


class BinLink(NamedTuple):
    """A name in the bin directory, and whether it is not ours and was therefore left alone."""

    path: Path
    foreign: bool


def is_stale(store: Store, key: Key) -> bool:
    """Whether the minor link of `key` does not point at the newest installation of its kind, and could."""
    newest, link = _newest(store, key), store.minor_link(key)
    is_free = not os.path.lexists(link) or is_minor(link)
    return newest is not None and is_free and not _leads(link, newest.path)


def refresh_minor(store: Store, key: Key) -> bool:
    """Point the minor link of `key` at the newest installation of its kind; remove it when there is none.

    Returns False where something that is not pyman's has its name: that is left alone.
    """
    link = store.minor_link(key)
    newest = _newest(store, key)
    if os.path.lexists(link) and not is_minor(link):
        return False
    try:
        if newest is None:
            _remove(link)
        elif not _leads(link, newest.path):
            _replace(link, newest.path)
    except OSError as error:
        raise StoreError.of("write the link", link, error) from None
    return True


def foreign_minor(store: Store, key: Key) -> str:
    """Return what is to be said of what has the name of a minor link and is not pyman's."""
    return f"{store.minor_link(key)} is not pyman's and was left alone"


def refresh_bin(store: Store, key: Key, machine: Target, bin_dir: Path, *, force: bool) -> BinLink | None:
    """Point the name of `key` in `bin_dir` at the best installation that runs on `machine`.

    Returns the link; None when nothing is left for the name, which is then taken away if it was ours. So are
    `python` and `python3` when what they point at is gone. `force` replaces a file that is not ours.
    """
    _remove_dangling(bin_dir, store)
    link = bin_link(bin_dir, executable_name(key))
    best = _best(store.visible(), executable_name(key), machine)
    if best:
        return _point(link, best, store, force=force)
    if is_ours(link, store):
        _remove_checked(link)
    return None


def follow_bin(store: Store, key: Key, machine: Target, bin_dir: Path) -> None:
    """Do as `refresh_bin` does where there is a link of ours; its user may have wanted none."""
    if is_ours(bin_link(bin_dir, executable_name(key)), store):
        refresh_bin(store, key, machine, bin_dir, force=False)
    else:
        _remove_dangling(bin_dir, store)


def point_defaults(
    store: Store, installation: Installation, bin_dir: Path, *, force: bool
) -> Iterator[BinLink]:
    """Point `python` and `python3` in `bin_dir` at the installation's minor version; yields the links."""
    for name in DEFAULT_NAMES:
        yield _point(bin_link(bin_dir, name), installation, store, force=force)


def bin_link(bin_dir: Path, name: str) -> Path:
    """Return the path of the link called `name`, whether it is there or not."""
    return bin_dir / (f"{name}.cmd" if sys.platform == "win32" else name)


def _point(link: Path, installation: Installation, store: Store, *, force: bool) -> BinLink:
    """Let the link follow the installation's minor link, unless it is not ours and may not be replaced."""
    if os.path.lexists(link) and not is_ours(link, store) and not force:
        return BinLink(link, foreign=True)
    inside = installation.executable.relative_to(installation.path)
    try:
        link.parent.mkdir(0o755, parents=True, exist_ok=True)
        _write_bin(link, _stable(installation, store) / inside)
    except OSError as error:
        raise _failed(link, error) from None
    return BinLink(link, foreign=False)


def _stable(installation: Installation, store: Store) -> Path:
    """The minor link of an installation; itself where the link leads elsewhere and we cannot move it."""
    owner = store.owner(installation)
    link = owner.minor_link(installation.key)
    is_kept = owner is store and is_minor(link) and os.access(store.home, os.W_OK)
    return link if is_kept or _leads(link, installation.path) else installation.path


def _remove_dangling(bin_dir: Path, store: Store) -> None:
    """Take `python` and `python3` away when they are ours and what they point at is gone."""
    for name in DEFAULT_NAMES:
        link = bin_link(bin_dir, name)
        if is_ours(link, store) and not _leads_somewhere(link):
            _remove_checked(link)


def _leads_somewhere(link: Path) -> bool:
    try:
        return link.exists() if sys.platform != "win32" else Path(command_in(link)).exists()
    except (OSError, ValueError):
        return True


def _best(installations: Iterable[Installation], name: str, machine: Target) -> Installation | None:
    """The installation which a name in the bin directory means: dynamic before static, then the newest."""
    rivals = [
        each
        for each in installations
        if executable_name(each.key) == name and each.key.target.baseline == machine.baseline
    ]
    return max(rivals, key=_rank, default=None)


def _rank(installation: Installation) -> tuple[Any, ...]:
    key = installation.key
    return (*key.preference, key.target.level)


def _newest(store: Store, key: Key) -> Installation | None:
    rivals = [each for each in store.installations() if each.key.link_name == key.link_name]
    return max(rivals, key=lambda each: (each.key.version, each.key.release_order), default=None)


def _leads(link: Path, destination: Path) -> bool:
    try:
        return link.samefile(destination)
    except OSError:
        return False


def _replace(link: Path, destination: Path) -> None:
    if sys.platform == "win32":
        import _winapi  # noqa: PLC0415 - exists only there

        _remove(link)
        _winapi.CreateJunction(str(destination), str(link))
        return
    # Relative, so that the store may be moved or mounted elsewhere.
    _symlink(link, destination.name)


def _write_bin(link: Path, executable: Path) -> None:
    if sys.platform != "win32":
        _symlink(link, str(executable))
        return
    waiting = _waiting(link)
    try:
        with waiting.open("x", encoding="utf-8") as file:
            file.write(f'@"{executable}" %*\n')
        waiting.replace(link)
    finally:
        waiting.unlink(missing_ok=True)


def _symlink(link: Path, destination: str) -> None:
    waiting = _waiting(link)
    waiting.symlink_to(destination)
    try:
        waiting.replace(link)
    except OSError:
        waiting.unlink(missing_ok=True)
        raise


def _waiting(link: Path) -> Path:
    """A name that nobody else has: what is there is replaced by one rename, and nothing else is touched."""
    return link.with_name(f".{link.name}.{os.urandom(8).hex()}")


def _remove(link: Path) -> None:
    if sys.platform == "win32" and link.is_dir():
        link.rmdir()  # takes a junction away, and nothing of what it points at
    else:
        link.unlink(missing_ok=True)


def _remove_checked(link: Path) -> None:
    try:
        _remove(link)
    except OSError as error:
        raise _failed(link, error) from None


def _failed(link: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write the link {link}: {error.strerror or error}",
        "Choose another directory with PYMAN_BIN_DIR, or install with --no-bin.",
    )
