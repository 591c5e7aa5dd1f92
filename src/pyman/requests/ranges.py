"""Ranges of versions: PEP 440's specifiers, and the way poetry, Pipfiles and setup actions write them.

    >=3.11,<3.13   ~=3.12   ==3.12.*                   PEP 440
    ~3.12   ^3.12   >=3.9 <3.13   ^2.7 || ^3.8         what others make of it, which is put into PEP 440

The parts that `||` divides stay: it is enough to be in one of them.
"""

import re
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

from pyman.builds.version import Version

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

_OR = "||"
# Compiled where they are needed, and kept by re: most requests are no range.
_CLAUSE = r"(?P<sign>[<>=!~^]*)(?P<version>[^<>=!~^,]+),?"
_NUMBERS = r"[0-9]{1,4}(\.[0-9]{1,4}){0,2}"
_AS_WRITTEN = ("==", "===", "!=", "<", "<=", ">", ">=", "~=")
_WITHOUT_STAR = (">=", "<")  # `>=3.6.*` was written for years


def normal(text: str) -> str:
    """Return the range that `text`, without spaces, spells in PEP 440's words; ValueError if it is none."""
    alternatives = [_alternative(part) for part in re.split(r"\|\|?", text)]
    if not all(alternatives):
        raise ValueError(text)
    for each in alternatives:
        _specifier_set(each)
    return _OR.join(dict.fromkeys(alternatives))


@cache
def contains(text: str, version: Version) -> bool:
    """Whether the version is in the range; a pre-release is where its place in the order is."""
    alternatives = map(_specifier_set, text.split(_OR))
    return any(each.contains(str(version), prereleases=True) for each in alternatives)


def both(first: str, second: str) -> str:
    """Return the range of what is in both; an empty text is no bound."""
    if not first or not second:
        return first or second
    return _OR.join(dict.fromkeys(",".join(pair) for pair in product(first.split(_OR), second.split(_OR))))


def too_narrow(text: str) -> str:
    """Return what to say of `==3.12`, which is 3.12.0 and no other; empty for every other range."""
    found = re.search(r"(?<![=!<>~])==([0-9]+(?:\.[0-9]+)?)(?![0-9.])", text)
    if not found:
        return ""
    full = found[1] + ".0" * (2 - found[1].count("."))
    return f"{found[0]} means {full} alone; {found[0]}.* means each {found[1]}."


def _alternative(text: str) -> str:
    clauses = list(re.finditer(_CLAUSE, text))
    if "".join(clause[0] for clause in clauses) != text:
        raise ValueError(text)
    return ",".join(_clause(clause["sign"], clause["version"]) for clause in clauses)


def _clause(sign: str, version: str) -> str:
    """One bound in PEP 440's words."""
    version = re.sub(r"\.x(?=\.|$)", ".*", version)
    if sign in _AS_WRITTEN:
        return sign + (version.removesuffix(".*") if sign in _WITHOUT_STAR else version)
    numbers = version.removesuffix(".*").removesuffix(".*")
    if not re.fullmatch(_NUMBERS, numbers):
        raise ValueError(version)
    parts = [int(number) for number in numbers.split(".")]
    if sign == "~":  # the last number but the patch may grow
        return f">={numbers},<{_next(parts[:2])}"
    if sign == "^":  # all may, but the first that is not 0
        kept = next((place for place, part in enumerate(parts) if part), len(parts) - 1)
        return f">={numbers},<{_next(parts[: kept + 1])}"
    if sign:
        raise ValueError(sign)
    return f"=={numbers}" if len(parts) == 3 else f"=={numbers}.*"  # noqa: PLR2004 - in full it is that version


def _next(parts: list[int]) -> str:
    *first, last = parts
    grown = [*first, last + 1]
    return ".".join(map(str, grown if len(grown) > 1 else [*grown, 0]))


@cache
def _specifier_set(text: str) -> "SpecifierSet":
    # packaging costs 15 ms to load, and few requests are ranges.
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415

    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        raise ValueError(text) from None
