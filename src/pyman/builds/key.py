"""Key: a build's name in full, `cpython-3.13.2+freethreaded+20250409-linux-x86_64-gnu`.

The key is the name of an installation's directory and what is printed: `Key.parse(str(key)) == key`.
"""

from enum import StrEnum
from functools import cache
from typing import NamedTuple, Self

from pyman.builds.target import Target
from pyman.builds.version import Version
from pyman.errors import UsageError

_MOST_DIGITS = 9
_MOST_NUMBERS = 4


class Implementation(StrEnum):
    """Which Python it is, in the order in which lists show them."""

    CPYTHON = "cpython"
    PYPY = "pypy"
    GRAALPY = "graalpy"

    @property
    def label(self) -> str:
        """Its name as it is written in a sentence."""
        return {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalPy"}[self]

    @property
    def program(self) -> str:
        """What its interpreter is called, without a version: `python`, `pypy`."""
        return "python" if self is Implementation.CPYTHON else self.value

    @property
    def place(self) -> int:
        """Where it stands in a list: CPython first."""
        return _PLACES[self]


_PLACES = {each: place for place, each in enumerate(Implementation)}


class Variant(NamedTuple):
    """How a build was made; nothing set is the default variant. They combine: `freethreaded+debug`."""

    freethreaded: bool = False
    debug: bool = False
    static: bool = False

    @classmethod
    @cache
    def parse(cls, text: str) -> Self:
        """Return the variant spelled as names joined by `+`, in any order; ValueError for other names."""
        names = text.split("+") if text else []
        if len(set(names)) != len(names) or not set(names) <= set(cls._fields):
            raise ValueError(f"not a variant: {text!r}")
        return cls(**dict.fromkeys(names, True))

    @property
    def abi_suffix(self) -> str:
        """What follows the version in an executable's name: `t`, `d` or `td` (PEP 703, PEP 3149)."""
        return "t" * self.freethreaded + "d" * self.debug

    def __str__(self) -> str:
        return "+".join(name for name in self._fields if getattr(self, name))


class Minor(NamedTuple):
    """What a minor link stands for: implementation, minor version and variant."""

    implementation: Implementation
    series: tuple[int, int]
    variant: Variant

    @classmethod
    @cache
    def parse(cls, text: str) -> Self:
        """Return what `cpython-3.13+freethreaded` spells; ValueError for anything else."""
        implementation, _, rest = text.partition("-")
        series, _, variant = rest.partition("+")
        major, _, minor = series.partition(".")
        return cls(Implementation(implementation), (int(major), int(minor)), Variant.parse(variant))

    def __str__(self) -> str:
        name = f"{self.implementation}-{self.series[0]}.{self.series[1]}"
        return "+".join(part for part in (name, str(self.variant)) if part)


class Key(NamedTuple):
    """Implementation, version of Python, variant, release and target.

    A release is CPython's build date (`20250317`), of the others their own version (`7.3.23`).
    """

    implementation: Implementation
    version: Version
    variant: Variant
    release: str
    target: Target

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that `text` spells; ValueError for anything else."""
        implementation, mark, rest = text.partition("-")
        build, _, target = rest.partition("-")
        try:
            key = cls.of_build(implementation + mark + build, Target.parse(target))
        except UsageError:
            raise ValueError(f"not a key: {text!r}") from None
        if str(key) != text:  # another spelling of the same parts is not a directory's name
            raise ValueError(f"not a key: {text!r}, it is spelled {key}")
        return key

    @classmethod
    def find(cls, text: str) -> Self | None:
        """Return the key that `text` spells; None for anything else."""
        try:
            return cls.parse(text)
        except ValueError:
            return None

    @classmethod
    def of_build(cls, name: str, target: Target) -> Self:
        """Return the key of `cpython-3.13.2+freethreaded+20250409` for `target`; ValueError if it is none."""
        return cls(*_parts(name), target)

    @property
    def build_name(self) -> str:
        """The key without its target: `cpython-3.12.9+20250317`."""
        return _build_name(*self[:-1])

    @property
    def link_name(self) -> str:
        """The name of the link to the newest patch: `cpython-3.12-linux-x86_64-musl`."""
        return f"{self.minor}-{self.target}"

    @property
    def minor(self) -> Minor:
        """What that link stands for, on every target."""
        return Minor(self.implementation, self.version.series, self.variant)

    @property
    def release_order(self) -> tuple[int, ...]:
        """The release as numbers, so that releases order by age."""
        return tuple(int(part) for part in self.release.split("."))

    @property
    def preference(self) -> tuple[bool, bool, Version, tuple[int, ...]]:
        """What builds are ordered by, the best greatest.

        Dynamic before static, stable before pre-release, then the highest version and its newest release.
        """
        return (not self.variant.static, not self.version.is_prerelease, self.version, self.release_order)

    def __str__(self) -> str:
        return f"{self.build_name}-{self.target}"


# The same is built for a dozen targets: what tells nothing of the target is worked out once.
@cache
def _build_name(implementation: Implementation, version: Version, variant: Variant, release: str) -> str:
    return "+".join(part for part in (f"{implementation}-{version}", str(variant), release) if part)


@cache
def _parts(name: str) -> tuple[Implementation, Version, Variant, str]:
    implementation, _, rest = name.partition("-")
    version, _, rest = rest.partition("+")
    variant, _, release = rest.rpartition("+")
    python = Implementation(implementation)
    # CPython's releases are dates.
    if not _is_release(release) or (python is Implementation.CPYTHON and "." in release):
        raise ValueError(f"not a build's name: {name!r}")
    return python, Version.parse(version), Variant.parse(variant), release


def _is_release(text: str) -> bool:
    """Whether it is one to four numbers of at most nine digits; a pattern would cost each start half a ms."""
    numbers = text.split(".")
    are_short = all(number.isdigit() and len(number) <= _MOST_DIGITS for number in numbers)
    return text.isascii() and are_short and len(numbers) <= _MOST_NUMBERS
