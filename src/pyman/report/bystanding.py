"""What is said of a folder that has a build's name and is no installation."""

from collections.abc import Sequence

from pyman.report import ui
from pyman.store.installations import Bystander


def tell(bystanders: Sequence[Bystander]) -> None:
    """Name each, and say what can be done."""
    for each in bystanders:
        ui.warning(str(each))
    if bystanders:
        which = "it" if len(bystanders) == 1 else "them"
        ui.note(f"pyman leaves {which} alone: move or delete {which} to have the place for that build.")


def facts(bystanders: Sequence[Bystander]) -> list[dict[str, str]]:
    """Return what JSON says of them."""
    return [{"path": str(each.path), "why": each.why} for each in bystanders]
