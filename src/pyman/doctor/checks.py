"""All that is looked at, in the order in which it is told: what must be right first stands first."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from pyman.doctor import (
    caches,
    connections,
    linking,
    lost_environments,
    metadata_age,
    search_path,
    shim_state,
    store_state,
    variables,
)
from pyman.doctor.finding import Finding, Setup


class Check(NamedTuple):
    """What it is about, in a word, and what looks at it."""

    name: str
    look: Callable[[Setup], Iterator[Finding]]


CHECKS = (
    Check("settings", variables.in_files),
    Check("settings", variables.unusable),
    Check("settings", variables.misspelled),
    Check("settings", variables.contradictory),
    Check("store", store_state.closed),
    Check("store", store_state.open_to_all),
    Check("metadata", metadata_age.damaged),
    Check("metadata", metadata_age.old),
    Check("store", store_state.damaged),
    Check("path", search_path.missing),
    Check("path", search_path.behind),
    Check("path", search_path.twice),
    Check("shims", shim_state.unreached),
    Check("shims", shim_state.of_another_pyman),
    Check("links", linking.leading_nowhere),
    Check("links", linking.of_others),
    Check("links", linking.behind_the_newest),
    Check("cache", caches.closed),
    Check("cache", caches.damaged),
    Check("cache", caches.huge),
    Check("certificates", connections.certificates),
    Check("proxy", connections.proxies),
    Check("environments", lost_environments.lost),
)


def examine(setup: Setup) -> Iterator[tuple[str, Finding]]:
    """Yield what is wrong, and what it is about."""
    for check in CHECKS:
        for finding in check.look(setup):
            yield check.name, finding
