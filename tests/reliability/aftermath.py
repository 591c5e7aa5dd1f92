"""What must be true after a disturbance, and once the same command was run again."""

from tests.reliability.checks import losses, unswept, unverified
from tests.reliability.runs import Ended
from tests.reliability.world import Deed, World

_GONE = "nothing installed fits the request"


def aftermath(world: World, deed: Deed) -> list[str]:
    """Look at the store, run the same command again, and look once more; returns what is wrong.

    A store in which something is wrong is left as it is: it is kept for a look.
    """
    wrong = losses(world.pyman, world.trees, deed.kept) + unverified(world.forks, world.pyman)
    return wrong or again(world, deed)


def again(world: World, deed: Deed) -> list[str]:
    """Run the command, which nothing disturbs now; it must come to its end and leave everything right."""
    was_done = set(world.pyman.installed()) == deed.after
    done = world.forks.run(world.pyman, *deed.arguments)
    wrong = done.faults()
    if done.code and not (was_done and _is_uninstalled(done)):
        wrong.append(f"run again it ends with {done.code}: {done.stderr[-800:]}")
    if done.code:  # it did nothing: what changes the store next cleans up
        wrong += world.forks.run(world.pyman, "prune", "--yes").faults()
    visible = set(world.pyman.installed())
    if visible != deed.after:
        wrong.append(f"there are {sorted(visible)}, there should be {sorted(deed.after)}")
    wrong += losses(world.pyman, world.trees, deed.after) + unverified(world.forks, world.pyman)
    return wrong + unswept(world.pyman)


def _is_uninstalled(done: Ended) -> bool:
    return done.code == 1 and _GONE in done.stderr
