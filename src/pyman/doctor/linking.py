"""The links: those in the directory of links, and the minor links of the store."""

import os
from collections.abc import Iterator
from pathlib import Path

from pyman.doctor.finding import Finding, Setup, moved_aside, word
from pyman.requests.request import Request
from pyman.requests.spelling import spelled
from pyman.store import known_links, links
from pyman.store.installations import Installation, executable_name


def leading_nowhere(setup: Setup) -> Iterator[Finding]:
    """Links that pyman has made and whose Python is gone, or that were never finished."""
    store = setup.store
    if not store:
        return
    own = {each.key.link_name for each in setup.look.installations}
    of_bin = (link for link in _in(setup.bin_dir) if known_links.is_rubbish(link, store))
    of_store = (link for link in _in(store.home) if known_links.is_minor(link) and link.name not in own)
    for link in (*of_bin, *(link for link in of_store if known_links.is_gone(link))):
        yield Finding(
            f"{link} leads nowhere: what it points at is gone",
            "whoever starts it, or has made an environment with it, gets an error",
            f"rm {word(link)}",
        )


def of_others(setup: Setup) -> Iterator[Finding]:
    """Names that pyman's links would have, and that are somebody else's."""
    for installation in _native(setup):
        link = links.bin_link(setup.bin_dir, executable_name(installation.key)) if setup.bin_dir else None
        if link and setup.store and os.path.lexists(link) and not known_links.is_ours(link, setup.store):
            where = f": it leads to {os.path.realpath(link)}" if link.is_symlink() else ""
            yield Finding(
                f"{link} is not pyman's{where}",
                f"{link.name} is not the one that pyman has installed",
                f"pyman install --force {spelled(_minor(installation))}",
            )


def behind_the_newest(setup: Setup) -> Iterator[Finding]:
    """Minor links that do not lead to the newest installation of their kind, or are somebody else's."""
    kinds = {each.key.link_name: each.key for each in reversed(setup.look.installations)}
    for key in kinds.values() if setup.store else ():
        link = setup.store.minor_link(key) if setup.store else Path()
        if os.path.lexists(link) and not known_links.is_minor(link):
            yield Finding(
                f"{link} has the name of a minor link, and is not pyman's",
                "environments that are made with the minor version would not follow upgrades",
                f"{moved_aside(link)} && pyman install {key}",
            )
        elif setup.store and links.is_stale(setup.store, key):
            yield Finding(
                f"{link} does not lead to the newest installation, {key}",
                "environments that were made with the minor version stay behind",
                f"pyman install {key}",
            )


def _native(setup: Setup) -> list[Installation]:
    """The newest installation of each kind that runs here."""
    own = setup.own
    native = [each for each in setup.look.installations if own and each.key.target.baseline == own.baseline]
    return list({executable_name(each.key): each for each in reversed(native)}.values())


def _minor(installation: Installation) -> Request:
    key = installation.key
    return Request(key.implementation, key.version.series, variant=key.variant)


def _in(folder: Path | None) -> list[Path]:
    try:
        return sorted(folder.iterdir()) if folder else []
    except OSError:
        return []
