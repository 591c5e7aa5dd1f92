"""Interpreter: a Python that pyman did not install, and what it says of itself."""

from pathlib import Path
from typing import NamedTuple

from pyman.builds.key import Key
from pyman.requests.spelling import name_of


class Facts(NamedTuple):
    """What an interpreter says of itself; the release of CPython is unknown, of others their own version."""

    key: Key
    prefix: str
    base_prefix: str

    @property
    def is_environment(self) -> bool:
        """Whether it runs in a virtual environment."""
        return self.prefix != self.base_prefix


class Interpreter(NamedTuple):
    """A Python that pyman did not install: its path as it was found, where that was, and its facts."""

    path: Path
    where: str
    facts: Facts

    @property
    def key(self) -> Key:
        """Its key, to compare it with requests; its release is not one that can be installed."""
        return self.facts.key

    @property
    def name(self) -> str:
        """What it is called in a list: `cpython-3.11.2-linux-x86_64-gnu`."""
        return name_of(self.key)
