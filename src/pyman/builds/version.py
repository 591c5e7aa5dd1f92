"""Version: the version of a Python, `3.12.9` or `3.15.0rc1`."""

import re
from enum import IntEnum
from functools import cache
from typing import NamedTuple, Self


class Stage(IntEnum):
    """How far a version is from its final release; orders as PEP 440 orders (a < b < rc < final)."""

    ALPHA = 0
    BETA = 1
    CANDIDATE = 2
    FINAL = 3


_LETTERS = {"a": Stage.ALPHA, "b": Stage.BETA, "rc": Stage.CANDIDATE}
_NAMES = {stage: letters for letters, stage in _LETTERS.items()}
# Four digits a part: more is never a Python, and int() refuses very long texts with a ValueError.
_PATTERN = re.compile(
    r"(?P<major>[0-9]{1,4})\.(?P<minor>[0-9]{1,4})\.(?P<patch>[0-9]{1,4})"
    r"((?P<stage>a|b|rc)(?P<serial>[0-9]{1,4}))?"
)


class Version(NamedTuple):
    """A complete version; ordered as PEP 440 orders them: 3.15.0rc1 before 3.15.0."""

    major: int
    minor: int
    patch: int
    stage: Stage = Stage.FINAL
    serial: int = 0

    @classmethod
    @cache
    def parse(cls, text: str) -> Self:
        """Return the version that `text` spells in full; ValueError for anything else."""
        found = _PATTERN.fullmatch(text)
        if not found:
            raise ValueError(f"not a version: {text!r}")
        numbers = (int(found["major"]), int(found["minor"]), int(found["patch"]))
        if not found["stage"]:
            return cls(*numbers)
        return cls(*numbers, _LETTERS[found["stage"]], int(found["serial"]))

    @property
    def is_prerelease(self) -> bool:
        """Whether this is an alpha, a beta or a release candidate."""
        return self.stage is not Stage.FINAL

    @property
    def series(self) -> tuple[int, int]:
        """The minor version it belongs to, `(3, 12)`."""
        return (self.major, self.minor)

    def __str__(self) -> str:
        final = f"{self.major}.{self.minor}.{self.patch}"
        return f"{final}{_NAMES[self.stage]}{self.serial}" if self.is_prerelease else final
