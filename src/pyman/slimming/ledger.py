"""Ledger: what leaving parts out has come to."""

from collections.abc import Mapping
from typing import NamedTuple


class Ledger(NamedTuple):
    """How many bytes the files of a tree had before and after, and how many went, by part."""

    before: int
    after: int
    parts: Mapping[str, int]
