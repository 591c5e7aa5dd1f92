"""MadeWith: what an installation was made with, beside its build. Reinstalls and upgrades keep to it."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

NAME = "made_with"
FLAGS = ("externally_managed", "registry", "compile_bytecode", "reproducible", "slim")


class MadeWith(NamedTuple):
    """What was asked for; None where nobody said, and it is as it usually is.

    `keep` and `drop` are names of parts. `slim` False means that the whole of it is wanted again.
    """

    externally_managed: bool | None = None
    registry: bool | None = None
    compile_bytecode: bool | None = None
    reproducible: bool | None = None
    slim: bool | None = None
    keep: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Return what a record says; what it does not say, or in another form, nobody has said."""
        found = record.get(NAME)
        said = found if isinstance(found, dict) else {}
        flags = {name: said[name] for name in FLAGS if isinstance(said.get(name), bool)}
        return cls(**flags)._replace(keep=_names(said.get("keep")), drop=_names(said.get("drop")))

    def over(self, before: "MadeWith") -> "MadeWith":
        """Return what an installation is made with in the place of one that was made with `before`."""
        flags = {name: value for name, value in self._asdict().items() if name in FLAGS and value is not None}
        if self.slim is False:
            return before._replace(**flags | {"slim": None}, keep=frozenset(), drop=self.drop)
        return before._replace(
            **flags,
            keep=self.keep | before.keep - self.drop,
            drop=self.drop | before.drop - self.keep,
        )

    def changes(self, before: "MadeWith") -> bool:
        """Whether an installation that was made with `before` would be another one if it were made anew.

        The registry is not a part of it.
        """
        return _usual(self.over(before)) != _usual(before)

    def document(self) -> dict[str, Any]:
        """Return what a record says of it: what was asked for and nothing else."""
        said: dict[str, Any] = {}
        for name, value in self._asdict().items():
            if isinstance(value, frozenset):
                said |= {name: sorted(value)} if value else {}
            elif value is not None:
                said[name] = value
        return {NAME: said} if said else {}


def _names(found: Any) -> frozenset[str]:  # noqa: ANN401 - whatever JSON can hold
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()


def _usual(made: MadeWith) -> dict[str, Any]:
    """Return all that makes a difference to the files, with what is usual where nobody said."""
    said = {name: value or False for name, value in made._asdict().items()}
    return said | {"externally_managed": made.externally_managed is not False, "registry": None}
