"""When a minor version stopped, or will stop, being maintained.

PEP 602: a minor version gets security fixes for five years after its first release. The months of the first
releases are those of PEP 494 (3.6), 537 (3.7), 569 (3.8), 596 (3.9), 619 (3.10), 664 (3.11), 693 (3.12), 719
(3.13), 745 (3.14) and 790 (3.15); that of 3.16 follows from PEP 602's yearly rule. Builds begin with 3.8: the
older ones are here for the Pythons that others have put on a machine.
"""

from datetime import date
from enum import StrEnum

_FIRST_RELEASE = {
    (3, 6): "2016-12",
    (3, 7): "2018-06",
    (3, 8): "2019-10",
    (3, 9): "2020-10",
    (3, 10): "2021-10",
    (3, 11): "2022-10",
    (3, 12): "2023-10",
    (3, 13): "2024-10",
    (3, 14): "2025-10",
    (3, 15): "2026-10",
    (3, 16): "2027-10",
}
_YEARS_MAINTAINED = 5
NEAR_END_MONTHS = 6


class Support(StrEnum):
    """Whether a minor version is maintained; `ending` for its last six months."""

    MAINTAINED = "maintained"
    ENDING = "ending"
    ENDED = "ended"


def end_of_life(series: tuple[int, int]) -> str:
    """Return the last month, such as `2028-10`, in which a minor version is maintained; "" when unknown."""
    first = _FIRST_RELEASE.get(series)
    if not first:
        return ""
    year, month = first.split("-")
    return f"{int(year) + _YEARS_MAINTAINED}-{month}"


def support(series: tuple[int, int], today: date) -> Support:
    """Return how minor version `series` is maintained on `today`; one that is unknown is new."""
    end = end_of_life(series)
    if not end:
        return Support.MAINTAINED
    year, month = map(int, end.split("-"))
    left = (year - today.year) * 12 + month - today.month
    if left < 0:
        return Support.ENDED
    return Support.ENDING if left <= NEAR_END_MONTHS else Support.MAINTAINED


def is_end_of_life(series: tuple[int, int], today: date) -> bool:
    """Whether minor version `series` is no longer maintained on `today`."""
    return support(series, today) is Support.ENDED


def had_ended(series: tuple[int, int], day: date) -> bool:
    """Whether minor version `series` was no longer maintained on `day`: those before one that ended are not.

    So it tells of minor versions too that are older than all that are known here.
    """
    return any(support(each, day) is Support.ENDED for each in _FIRST_RELEASE if each >= series)
